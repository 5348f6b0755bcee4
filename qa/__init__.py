"""Clinic QA: answers questions by quoting text that the clinic approved, and never writes a sentence."""

__version__ = "0.1.0"

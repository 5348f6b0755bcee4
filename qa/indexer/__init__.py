"""Approved documents → a published generation."""

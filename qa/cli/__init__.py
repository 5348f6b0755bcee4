"""The command `qa`: thin; every command parses its options, calls one function of a stage and prints."""

from qa.cli.application import main

__all__ = ["main"]

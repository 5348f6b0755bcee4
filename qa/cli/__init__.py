"""The command `qa`: thin; every command reads its options, calls one stage and prints."""

from qa.cli.application import main

__all__ = ["main"]

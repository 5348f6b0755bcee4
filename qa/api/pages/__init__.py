"""The pages for people."""

from pathlib import Path

WEB = Path(__file__).parents[1] / "web"
"""Their templates, scripts, styles and pictures."""

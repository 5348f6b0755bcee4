"""The pages for people: HTML rendered on the server, and the static files that belong to it."""

from pathlib import Path

WEB = Path(__file__).parents[1] / "web"
"""Their templates, scripts, styles and pictures."""

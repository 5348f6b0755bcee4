"""The HTTP service: `qa.api.app.create_app` makes it from an engine and settings."""

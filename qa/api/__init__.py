"""The HTTP service on FastAPI: `qa.api.app.create_app` makes the application from an engine and settings."""

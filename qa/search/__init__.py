"""A question → an answer."""

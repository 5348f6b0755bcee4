"""The clinic's files → approved documents → passages."""

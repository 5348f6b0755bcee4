"""The format of a generation, and its parts."""

"""Files that survive a crash, and what it means that one cannot be read."""

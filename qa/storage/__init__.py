"""Files that survive a crash, their checksums, and what it means that one cannot be read."""

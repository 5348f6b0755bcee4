"""Question and passage, read together: does the passage answer, and with which of its sentences?"""

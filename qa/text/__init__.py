"""What the words of a language are: inflections, spelling, words for the same thing."""

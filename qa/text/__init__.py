"""The words of a language: word lists, inflections, spelling correction, synonyms."""

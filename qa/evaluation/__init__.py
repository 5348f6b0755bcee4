"""How well labelled questions are answered."""

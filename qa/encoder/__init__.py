"""Text → vectors: what an encoder is, how it is run, stored and exported."""

"""The passages that may answer a question, with the signals that are cheap: arrays, for they are hundreds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Passages by their numbers in an index, ascending, each with its cosine to the question and its BM25 score over
    the best one's, in [0, 1]."""

    passages: Numbers
    cosines: Scores
    term_scores: Scores

    def __len__(self) -> int:
        return len(self.passages)

    def at(self, places: Numbers) -> "Candidates":
        """Those at some places, in that order."""
        return Candidates(self.passages[places], self.cosines[places], self.term_scores[places])

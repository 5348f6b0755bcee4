"""Token vectors on disk, and how well each token of a question is covered by each passage (late interaction).

The similarity of a question's token to a passage is the largest cosine to any of the passage's tokens: the MaxSim of
ColBERT (Khattab and Zaharia, 2020), here over an encoder that was not trained for it.
"""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa.errors import DamagedGeneration, StorageFailed
from qa.files import private_copy

SCALE = 127.0
QUESTION_SCALE = 65_536.0
"""A question's token vectors are rounded to multiples of its inverse. Each term of a similarity is then a whole number
and each sum one below 2²⁴, which 32 bits hold exactly: in whatever order a processor adds, the result is the same."""
TokenRows = NDArray[np.int8]
Vectors = NDArray[np.float32]


class TokenIndex:
    """The token vectors of one audience's passages, int8 and memory-mapped; passages are numbered from 0."""

    def __init__(self, rows: TokenRows, starts: NDArray[np.int64]) -> None:
        self._rows = np.asarray(rows)  # a slice of a memory map costs ten times that of an array
        self._starts = starts

    @classmethod
    def open(cls, rows_path: Path, starts_path: Path) -> "TokenIndex":
        """Raises DamagedGeneration when the files are no arrays or don't belong together; check their SHA-256 first."""
        try:
            with private_copy(rows_path) as copy:
                rows = np.load(copy, mmap_mode="r", allow_pickle=False)
            starts = np.load(starts_path, allow_pickle=False)
        except (ValueError, FileNotFoundError, EOFError) as error:
            raise DamagedGeneration(f"{rows_path} is no array: {type(error).__name__}.", "Run `qa build`.") from None
        except OSError as error:
            place = tempfile.gettempdir()
            raise StorageFailed(
                f"{rows_path} cannot be copied to {place}: {error.strerror or error}.", f"Free space in {place}."
            ) from None
        if rows.ndim != 2 or rows.dtype != np.int8 or starts.ndim != 1 or starts[-1:].tolist() != [len(rows)]:
            raise DamagedGeneration(f"{rows_path} and {starts_path.name} don't belong together.", "Run `qa build`.")
        return cls(rows, starts)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def rows_of(self, number: int) -> TokenRows:
        """A passage's token vectors as stored, shape (tokens, token dimension)."""
        return np.array(self._rows[self._starts[number] : self._starts[number + 1]])

    def coverage(self, numbers: Sequence[int], question_tokens: Vectors) -> Vectors:
        """How well each passage covers each token of the question, shape (len(numbers), question tokens), in [-1, 1].

        `question_tokens` has shape (question tokens, token dimension) and rows of length 1.
        """
        if not numbers or not len(question_tokens):
            return np.zeros((len(numbers), len(question_tokens)), np.float32)
        places = np.asarray(numbers, np.int64)
        starts, ends = self._starts[places], self._starts[places + 1]
        parts = [self._rows[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        similarities = np.concatenate(parts, dtype=np.float32) @ np.rint(question_tokens * QUESTION_SCALE).T
        lengths = ends - starts
        best: Vectors = np.maximum.reduceat(similarities, np.cumsum(lengths) - lengths, axis=0)
        return best / np.float32(SCALE * QUESTION_SCALE)


def quantised(token_vectors: Vectors) -> TokenRows:
    """Token vectors of length 1 as int8; a text without tokens gets one row of zeros, so that no passage is empty."""
    if not len(token_vectors):
        return np.zeros((1, token_vectors.shape[1]), np.int8)
    rows: TokenRows = np.rint(token_vectors * SCALE).astype(np.int8)
    return rows


def write_tokens(rows_path: Path, starts_path: Path, passages: Iterable[TokenRows], dimension: int) -> None:
    """Writes the passages' token vectors, in order; raises OSError."""
    rows = list(passages)
    stacked = np.concatenate(rows) if rows else np.zeros((0, dimension), np.int8)
    starts = np.cumsum([0, *(len(part) for part in rows)]).astype(np.int64)
    with rows_path.open("wb") as stream:
        np.save(stream, stacked, allow_pickle=False)
    with starts_path.open("wb") as stream:
        np.save(stream, starts, allow_pickle=False)

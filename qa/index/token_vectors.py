"""Late interaction: token vectors on disk, and how well a passage, or a sentence of it, covers a question's tokens.

How well a passage covers a token is its largest cosine to any token of the passage: the MaxSim of ColBERT (Khattab and
Zaharia, 2020), here over an encoder that was not trained for it.
"""

import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa.encoder.protocol import Vectors
from qa.errors import REBUILD, DamagedGeneration
from qa.storage.io_faults import private_copy, read_bytes

SCALE = 127.0
QUESTION_SCALE = 65_536.0
"""A question's token vectors are rounded to multiples of its inverse. Each term of a similarity is then a whole number
and each sum one below 2²⁴, which 32 bits hold exactly: in whatever order a processor adds, the result is the same."""
_WHOLE = np.float32(SCALE * QUESTION_SCALE)
TokenRows = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class PassageTokens:
    """A passage's token vectors, shape (tokens, token dimension), and the number of the first one of each sentence."""

    rows: TokenRows
    sentence_starts: tuple[int, ...]


class TokenIndex:
    """The token vectors of one audience's passages, int8 and memory-mapped; passages and sentences count from 0."""

    def __init__(self, rows: TokenRows, starts: NDArray[np.int64], sentence_starts: NDArray[np.int32]) -> None:
        """`starts` has shape (passages + 1,): the first row of each passage, and the end of the last one.

        `sentence_starts` has shape (sentences,): which of its passage's tokens each sentence begins with.
        """
        self._rows = np.asarray(rows)  # a slice of a memory map costs ten times that of an array
        self._starts = starts
        self._sentence_starts = sentence_starts

    @classmethod
    def open(cls, rows_path: Path, starts_path: Path, sentences_path: Path) -> "TokenIndex":
        """Opens what `write_tokens` wrote; check the SHA-256 of its files first.

        Raises DamagedGeneration when one is missing, is no array or doesn't belong to the others, IndexUnavailable when
        the machine cannot read one, and StorageFailed when there is no room for a copy.
        """
        try:
            with private_copy(rows_path) as copy:
                rows = np.load(copy, mmap_mode="r", allow_pickle=False)
            # From bytes: NumPy mistakes a failing disk for the end of the file.
            starts, sentence_starts = (
                np.load(io.BytesIO(read_bytes(path)), allow_pickle=False) for path in (starts_path, sentences_path)
            )
        except (ValueError, EOFError) as error:
            raise DamagedGeneration(f"{rows_path} is no array: {type(error).__name__}.", REBUILD) from None
        fits = rows.ndim == 2 and rows.dtype == np.int8 and starts.ndim == 1 and starts[-1:].tolist() == [len(rows)]
        if not fits or sentence_starts.ndim != 1 or sentence_starts.dtype != np.int32:
            raise DamagedGeneration(f"{rows_path} and {starts_path.name} don't belong together.", REBUILD)
        return cls(rows, starts, sentence_starts)

    def __len__(self) -> int:
        return len(self._starts) - 1

    @property
    def sentences(self) -> int:
        """How many sentences the passages have."""
        return len(self._sentence_starts)

    def of(self, number: int, sentences: range) -> PassageTokens:
        """A passage's tokens as stored; `sentences` are the numbers of its sentences, all of them."""
        rows = np.array(self._rows[self._starts[number] : self._starts[number + 1]])
        return PassageTokens(rows, tuple(self._sentence_starts[sentences.start : sentences.stop].tolist()))

    def coverage(self, numbers: Sequence[int], question_tokens: Vectors) -> Vectors:
        """How well each passage covers each token of the question, shape (len(numbers), question tokens), in [-1, 1].

        `question_tokens` has shape (question tokens, token dimension) and rows of length 1.
        """
        if not numbers or not len(question_tokens):
            return np.zeros((len(numbers), len(question_tokens)), np.float32)
        places = np.asarray(numbers, np.int64)
        starts, ends = self._starts[places], self._starts[places + 1]
        parts = [self._rows[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        lengths = ends - starts
        products = np.concatenate(parts, dtype=np.float32) @ _whole_numbers(question_tokens)
        best: Vectors = np.maximum.reduceat(products, np.cumsum(lengths) - lengths, axis=0)
        return best / _WHOLE

    def sentence_coverage(self, number: int, sentences: range, question_tokens: Vectors) -> Vectors:
        """How well each sentence of a passage covers each token of the question, as `coverage` does: by its own tokens.

        `sentences` are the numbers of all sentences of the passage. One that the encoder read no token of covers
        nothing: its row is zeros.
        """
        tokens = self.of(number, sentences)
        products = tokens.rows.astype(np.float32) @ _whole_numbers(question_tokens)
        best = np.zeros((len(sentences), len(question_tokens)), np.float32)
        for sentence, (start, end) in enumerate(itertools.pairwise((*tokens.sentence_starts, len(products)))):
            if start < end:
                best[sentence] = products[start:end].max(axis=0)
        return best / _WHOLE


def mean_coverage(token_coverage: Vectors) -> NDArray[np.float64]:
    """From the coverage of tokens, shape (texts, tokens), its mean for each text; zeros where there are no tokens."""
    if not token_coverage.shape[1]:
        return np.zeros(len(token_coverage))
    mean: NDArray[np.float64] = token_coverage.mean(axis=1, dtype=np.float64)
    return mean


def quantised(token_vectors: Vectors) -> TokenRows:
    """Token vectors of length 1 as int8; a text without tokens gets one row of zeros, so that no passage is empty."""
    if not len(token_vectors):
        return np.zeros((1, token_vectors.shape[1]), np.int8)
    rows: TokenRows = np.rint(token_vectors * SCALE).astype(np.int8)
    return rows


def _whole_numbers(question_tokens: Vectors) -> Vectors:
    """Shape (token dimension, question tokens), each number times QUESTION_SCALE and rounded."""
    whole: Vectors = np.rint(question_tokens * QUESTION_SCALE).T
    return whole


def write_tokens(
    rows_path: Path, starts_path: Path, sentences_path: Path, passages: Sequence[PassageTokens], dimension: int
) -> None:
    """Writes the passages' token vectors, in order; raises OSError."""
    rows = [np.zeros((0, dimension), np.int8), *(passage.rows for passage in passages)]
    firsts = [first for passage in passages for first in passage.sentence_starts]
    arrays = {
        rows_path: np.concatenate(rows),
        starts_path: np.cumsum([len(part) for part in rows]).astype(np.int64),
        sentences_path: np.asarray(firsts, np.int32),
    }
    for path, array in arrays.items():
        with path.open("wb") as stream:
            np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
            stream.write(array.data)  # `np.save` does not say why a disk refuses

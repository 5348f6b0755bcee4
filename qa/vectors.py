"""Nearest vectors: the only module that knows FAISS."""

from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from qa.errors import DamagedGeneration, StorageFailed

Vectors = NDArray[np.float32]


class VectorIndex:
    """Exact search over unit vectors; the score is the cosine. Vectors are numbered from 0 in the order written."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @classmethod
    def open(cls, path: Path) -> "VectorIndex":
        """Raises DamagedGeneration when FAISS cannot read the file; check its SHA-256 first."""
        try:
            return cls(faiss.read_index(str(path)))
        except RuntimeError as error:
            raise DamagedGeneration(f"FAISS cannot read {path}: {error}.", "Run `qa build`.") from None

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        return int(self._index.d)

    def search(self, vector: Vectors, limit: int) -> list[tuple[int, float]]:
        """The `limit` nearest (number, cosine) pairs to a unit vector of shape (dimension,), best first."""
        count = min(limit, len(self))
        if count == 0:
            return []
        scores, numbers = self._index.search(vector.reshape(1, -1), count)
        pairs = zip(numbers[0].tolist(), scores[0].tolist(), strict=True)
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))

    def vectors_of(self, numbers: Sequence[int]) -> Vectors:
        """The vectors with these numbers, shape (len(numbers), dimension)."""
        if not numbers:
            return np.empty((0, self.dimension), np.float32)
        rows: Vectors = self._index.reconstruct_batch(np.asarray(numbers, np.int64))
        return rows


def write_vectors(path: Path, vectors: Vectors) -> None:
    """Writes unit vectors of shape (count, dimension) as an exact inner-product index; raises StorageFailed.

    FAISS's own writer overlooks a full disk when it closes the file, so its bytes are written here.
    """
    index = faiss.IndexFlatIP(vectors.shape[1])
    if len(vectors):
        index.add(np.ascontiguousarray(vectors, np.float32))
    try:
        path.write_bytes(faiss.serialize_index(index).data)
    except OSError as error:
        raise StorageFailed(
            f"{path} cannot be written: {error.strerror}.", "Free disk space, then build again."
        ) from None

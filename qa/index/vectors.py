"""Dense retrieval: nearest neighbours, exact or by an HNSW graph. The only module that knows FAISS.

An index is read into memory, so that a file that is cut short later harms no process that has it open; workers that are
forked after it was opened share its pages.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import faiss
import numpy as np
from numpy.typing import NDArray

from qa.encoder.protocol import Vectors
from qa.errors import REBUILD, DamagedGeneration, StorageFailed
from qa.storage.io_faults import naming_faults, reason_of, remedy_of

Numbers = NDArray[np.int64]
Cosines = NDArray[np.float64]
IndexKind = Literal["exact", "hnsw"]

EXACT_UP_TO = 25_000
"""Up to this many vectors, comparing a lone question with all costs at most 1.4 ms, and .8 ms each where eight are
asked together: like a search of the graph, which costs .8 ms at 25,000, 1.3 at 100,000 and 1.7 at 1,000,000."""
LINKS = 32
CONSTRUCTION_DEPTH = 200
SEARCH_DEPTH = 500
"""HNSW (Malkov and Yashunin, 2018). Of the 100 nearest, .99 are found among 100,000 vectors, .985 among 1,000,000."""
_ROUNDING = 1e-4
"""More than twice what the rounding of a cosine depends on how many are computed at once."""


class VectorIndex:
    """Search over unit vectors; the score is the cosine. Vectors are numbered from 0 in the order written."""

    def __init__(self, index: faiss.Index) -> None:
        graph = index if isinstance(index, faiss.IndexHNSW) else None
        self._index = index  # it owns the memory of the rows
        self._graph = graph
        rows = _rows_of(index if graph is None else faiss.downcast_index(graph.storage))
        self._rows: Vectors = rows.reshape(int(index.ntotal), int(index.d))

    @classmethod
    def open(cls, path: Path) -> "VectorIndex":
        """Opens what `write_vectors` wrote; check its SHA-256 first.

        Raises DamagedGeneration when the file is missing or FAISS cannot make sense of it, IndexUnavailable when the
        machine cannot read it. FAISS asks Python for the bytes, a few at a time: its own errors don't tell these apart.
        """
        try:
            with naming_faults(path), path.open("rb") as stream:
                reader = faiss.PyCallbackIOReader(stream.read)  # type: ignore[attr-defined]
                return cls(faiss.read_index(reader))
        except RuntimeError as error:
            raise DamagedGeneration(f"FAISS cannot read {path}: {error}.", REBUILD) from None

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def dimension(self) -> int:
        return int(self._rows.shape[1])

    @property
    def kind(self) -> IndexKind:
        return "exact" if self._graph is None else "hnsw"

    def search(self, vectors: Vectors, limit: int) -> list[tuple[Numbers, Cosines]]:
        """The numbers and cosines of the `limit` nearest to each unit vector of shape (count, dimension), best first.

        Equally near ones stand in the order written. What is found for a vector does not depend on the others.
        """
        limit = min(limit, len(self))
        if limit < 1 or not len(vectors):
            return [(np.empty(0, np.int64), np.empty(0)) for _ in vectors]
        near = self._near_by_all(vectors, limit) if self._graph is None else self._near_by_graph(vectors, limit)
        found: list[tuple[Numbers, Cosines]] = []
        for vector, numbers in zip(vectors, near, strict=True):
            cosines = self.cosines(numbers, vector)
            order = np.lexsort((numbers, -cosines))[:limit]
            found.append((numbers[order], cosines[order]))
        return found

    def cosines(self, numbers: Numbers | Sequence[int], vector: Vectors) -> Cosines:
        """The cosines of the vectors with these numbers to a unit vector: each depends on the two alone, to the bit."""
        cosines: Vectors = np.vecdot(self.vectors_of(numbers), vector)
        return cosines.astype(np.float64)

    def vectors_of(self, numbers: Numbers | Sequence[int]) -> Vectors:
        """The vectors with these numbers, shape (len(numbers), dimension)."""
        return self._rows[np.asarray(numbers, np.int64)]

    def _near_by_all(self, vectors: Vectors, limit: int) -> list[Numbers]:
        """A few more than the nearest: as many as may be among them however the sums were rounded."""
        near: list[Numbers] = []
        for cosines in (self._rows @ vectors.T).T:
            least = np.partition(cosines, len(cosines) - limit)[len(cosines) - limit]
            near.append(np.flatnonzero(cosines >= least - _ROUNDING))
        return near

    def _near_by_graph(self, vectors: Vectors, limit: int) -> list[Numbers]:
        depth = faiss.SearchParametersHNSW(efSearch=max(SEARCH_DEPTH, limit))  # type: ignore[attr-defined]
        _, found = self._index.search(np.ascontiguousarray(vectors), limit, params=depth)
        return [numbers[numbers >= 0] for numbers in found]


def _rows_of(flat: faiss.Index) -> Vectors:
    """All coordinates of a flat index in a row, not copied; raises DamagedGeneration when the index is not flat."""
    if not isinstance(flat, faiss.IndexFlat):
        raise DamagedGeneration(f"The vectors are a {type(flat).__name__}.", REBUILD)
    size = int(flat.ntotal) * int(flat.d)
    return faiss.rev_swig_ptr(flat.get_xb(), size) if size else np.empty(0, np.float32)


def index_kind(count: int) -> IndexKind:
    """How that many vectors are best searched."""
    return "exact" if count <= EXACT_UP_TO else "hnsw"


def write_vectors(path: Path, vectors: Vectors, kind: IndexKind = "exact") -> None:
    """Writes unit vectors of shape (count, dimension); equal ones give equal bytes. Raises StorageFailed.

    FAISS's own writer overlooks a full disk when it closes the file, so its bytes are written here.
    """
    rows = np.ascontiguousarray(vectors, np.float32)
    index = _graph_of(rows) if kind == "hnsw" else faiss.IndexFlatIP(rows.shape[1])
    if kind != "hnsw" and len(vectors):
        index.add(rows)
    try:
        path.write_bytes(faiss.serialize_index(index).data)
    except OSError as error:
        raise StorageFailed(
            f"{path} cannot be written: {reason_of(error)}.", f"{remedy_of(error)} Then build again."
        ) from None


def _graph_of(rows: Vectors) -> faiss.IndexHNSWFlat:
    """A graph over the vectors, made by one thread and in one go: otherwise it would not be the same each time."""
    index = faiss.IndexHNSWFlat(rows.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = CONSTRUCTION_DEPTH
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        index.add(rows)
    finally:
        faiss.omp_set_num_threads(threads)
    return index

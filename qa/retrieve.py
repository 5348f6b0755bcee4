"""Question → candidate passages, from the nearest vectors and the best BM25 scores."""

from qa.encoder import Vectors
from qa.generation import AudienceIndex
from qa.records import Candidate

CANDIDATES_PER_SIGNAL = 50


def retrieve(index: AudienceIndex, question: str, vector: Vectors) -> tuple[Candidate, ...]:
    """The union of both signals' best candidates, by passage number; empty only for an empty index."""
    by_terms = dict(index.terms.search(question, CANDIDATES_PER_SIGNAL))
    by_vector = dict(index.vectors.search(vector, CANDIDATES_PER_SIGNAL))
    only_by_terms = [number for number in by_terms if number not in by_vector]
    cosines = index.vectors.vectors_of(only_by_terms) @ vector
    by_vector.update(zip(only_by_terms, cosines.tolist(), strict=True))
    top = max(by_terms.values(), default=1.0)
    return tuple(Candidate(number, by_vector[number], by_terms.get(number, 0.0) / top) for number in sorted(by_vector))

"""Question → candidate passages, from the nearest vectors and the best BM25 scores."""

from collections.abc import Collection

from qa.encoder import Vectors
from qa.generation import AudienceIndex
from qa.records import Candidate

CANDIDATES_PER_SIGNAL = 50


def retrieve(
    index: AudienceIndex, question: str, vector: Vectors, excluded: Collection[str] = ()
) -> tuple[Candidate, ...]:
    """The union of both signals' best candidates, by passage number, without those of the `excluded` documents.

    Empty only when no passage is left.
    """
    hidden = {number for number, passage in enumerate(index.passages) if passage.document_id in excluded}
    limit = CANDIDATES_PER_SIGNAL + len(hidden)  # so that enough are left when the hidden ones are taken out
    by_terms = {number: score for number, score in index.terms.search(question, limit) if number not in hidden}
    by_vector = {number: cosine for number, cosine in index.vectors.search(vector, limit) if number not in hidden}
    only_by_terms = [number for number in by_terms if number not in by_vector]
    cosines = index.vectors.vectors_of(only_by_terms) @ vector
    by_vector.update(zip(only_by_terms, cosines.tolist(), strict=True))
    top = max(by_terms.values(), default=1.0)
    return tuple(Candidate(number, by_vector[number], by_terms.get(number, 0.0) / top) for number in sorted(by_vector))

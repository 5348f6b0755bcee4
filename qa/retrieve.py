"""Question → candidate passages, from the nearest passages, the nearest sentences and the best BM25 scores."""

from collections.abc import Collection

from qa.encoder import Vectors
from qa.generation import AudienceIndex
from qa.question import Question
from qa.records import Candidate

CANDIDATES_PER_SIGNAL = 100


def retrieve(index: AudienceIndex, question: Question, excluded: Collection[str] = ()) -> tuple[Candidate, ...]:
    """The union of the three signals' best candidates, by passage number, without those of the `excluded` documents.

    Empty only when no passage is left.
    """
    hidden: set[int] = set()
    if excluded:
        hidden = {number for number, passage in enumerate(index.passages) if passage.document_id in excluded}
    hidden_sentences = sum(len(index.passages[number].sentences) for number in hidden)
    vector = question.encoding.vector
    # More are taken than wanted, so that enough are left when the hidden ones are taken out.
    limit = CANDIDATES_PER_SIGNAL + len(hidden)
    by_terms = {number: score for number, score in index.terms.search(question.text, limit) if number not in hidden}
    numbers = set(by_terms)
    numbers.update(number for number, _ in index.vectors.search(vector, limit))
    nearest = index.sentence_vectors.search(vector, CANDIDATES_PER_SIGNAL + hidden_sentences)
    numbers.update(index.passage_of_sentence(sentence) for sentence, _ in nearest)
    return _with_signals(index, sorted(numbers - hidden), vector, by_terms)


def _with_signals(
    index: AudienceIndex, numbers: list[int], vector: Vectors, by_terms: dict[int, float]
) -> tuple[Candidate, ...]:
    cosines = index.vectors.vectors_of(numbers) @ vector
    groups = [index.sentence_numbers(number) for number in numbers]
    sentence_cosines = index.sentence_vectors.vectors_of([number for group in groups for number in group]) @ vector
    top = max(by_terms.values(), default=1.0)
    candidates: list[Candidate] = []
    first = 0
    for number, cosine, group in zip(numbers, cosines.tolist(), groups, strict=True):
        own = tuple(sentence_cosines[first : first + len(group)].tolist())
        first += len(group)
        candidates.append(Candidate(number, cosine, own, by_terms.get(number, 0.0) / top))
    return tuple(candidates)

"""Candidates are the nearest passages, the nearest sentences and the best by terms, without excluded ones."""

import numpy as np
import pytest

from qa import retrieve as retrieve_module
from qa.generation import AudienceIndex
from qa.question import Question, understand
from qa.retrieve import retrieve
from tests.conftest import Clinic, encoding_of

LONG = "The ward opens at eight. Visitors sign the book. Flowers are welcome. Parking is free. Lunch is at noon."


def asked(index: AudienceIndex, text: str) -> Question:
    return understand(index, text, encoding_of(text))


def index_of(clinic: Clinic) -> AudienceIndex:
    return clinic.engine().consider("cement")[1]


def names(index: AudienceIndex, question: Question, *excluded: str) -> list[str]:
    return [index.passages[one.passage].document_id for one in retrieve(index, question, excluded)]


def test_in_a_small_corpus_every_passage_is_a_candidate_by_number(clinic: Clinic) -> None:
    index = index_of(clinic)
    found = retrieve(index, asked(index, "football"))
    assert [candidate.passage for candidate in found] == list(range(len(index.passages)))


def test_the_signals_are_those_of_the_vectors_and_terms(clinic: Clinic) -> None:
    index = index_of(clinic)
    question = asked(index, "How long until the cement hardens?")
    scores = dict(index.terms.search(question.text, 10))
    best = max(scores.values())
    for candidate in retrieve(index, question):
        passage = index.passages[candidate.passage]
        text = index.documents[passage.document_id].text
        own = [encoding_of(text[start:end]).vector @ question.encoding.vector for start, end in passage.sentences]
        assert candidate.sentence_cosines == pytest.approx(own, abs=1e-5)
        assert candidate.sentence_cosine == max(candidate.sentence_cosines)
        vector = index.vectors.vectors_of([candidate.passage])[0]
        assert candidate.cosine == pytest.approx(float(vector @ question.encoding.vector), abs=1e-5)
        assert candidate.term_score == pytest.approx(scores.get(candidate.passage, 0.0) / best)


@pytest.mark.parametrize("signal", ["passage", "sentence", "terms"])
def test_what_is_best_by_one_signal_alone_is_a_candidate(
    empty_clinic: Clinic, monkeypatch: pytest.MonkeyPatch, signal: str
) -> None:
    empty_clinic.add("long.md", f"# House rules\n\n{LONG} The cement hardens.\n")
    for number in range(6):
        empty_clinic.add(f"other-{number}.md", f"# Page {number}\n\nCement. The bone cement is warm {number}.\n")
    empty_clinic.build()
    index = index_of(empty_clinic)
    monkeypatch.setattr(retrieve_module, "CANDIDATES_PER_SIGNAL", 1)
    (long,) = [n for n, passage in enumerate(index.passages) if passage.document_id == "long"]
    encoding = encoding_of("zebra")
    if signal == "terms":
        question = understand(index, "flowers", encoding)
    elif signal == "sentence":
        number = index.sentence_numbers(long)[2]
        vector = index.sentence_vectors.vectors_of([number])[0]
        question = understand(index, "zebra", type(encoding)(vector, encoding.token_vectors, encoding.token_spans))
    else:
        vector = index.vectors.vectors_of([long])[0]
        question = understand(index, "zebra", type(encoding)(vector, encoding.token_vectors, encoding.token_spans))
    found = retrieve(index, question)
    assert long in {candidate.passage for candidate in found}
    assert len(found) <= 3, "one by each signal"
    (own,) = [candidate for candidate in found if candidate.passage == long]
    assert len(own.sentence_cosines) == len(index.passages[long].sentences)


def test_excluded_documents_are_no_candidates_and_take_no_place(
    empty_clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        empty_clinic.add(f"page-{number}.md", f"# Cement {number}\n\nThe cement hardens. It is warm. It is hard.\n")
    empty_clinic.build()
    index = index_of(empty_clinic)
    monkeypatch.setattr(retrieve_module, "CANDIDATES_PER_SIGNAL", 2)
    question = asked(index, "The cement hardens")
    hidden = [f"page-{number}" for number in range(6)]
    assert names(index, question, *hidden) == ["page-6", "page-7"]
    assert names(index, question, *hidden, "page-7") == ["page-6"]
    assert names(index, question, *hidden, "page-6", "page-7") == []


def test_the_best_term_score_is_1_also_where_the_best_of_all_is_excluded(clinic: Clinic) -> None:
    index = index_of(clinic)
    question = asked(index, "common risks cement")
    found = retrieve(index, question, ["risks"])
    assert max(candidate.term_score for candidate in found) == 1.0
    assert {index.passages[candidate.passage].document_id for candidate in found} == {"cement"}


def test_a_question_without_terms_has_candidates_by_its_vector(clinic: Clinic) -> None:
    index = index_of(clinic)
    found = retrieve(index, asked(index, "???"))
    assert found
    assert {candidate.term_score for candidate in found} == {0.0}
    assert all(np.isfinite([candidate.cosine, *candidate.sentence_cosines]).all() for candidate in found)

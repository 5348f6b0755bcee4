"""Candidates are the nearest passages and the best by terms, without excluded ones."""

from collections.abc import Collection

import numpy as np
import pytest

from qa.index.generation import AudienceIndex
from qa.search import retrieve as retrieve_module
from qa.search.query import Question, understand
from qa.search.retrieve import Candidates, retrieve
from tests.support.clinic import Clinic
from tests.support.encoders import encoding_of

LONG = "The ward opens at eight. Visitors sign the book. Flowers are welcome. Parking is free. Lunch is at noon."


def asked(index: AudienceIndex, text: str) -> Question:
    return understand(index, text, encoding_of(text))


def index_of(clinic: Clinic) -> AudienceIndex:
    return clinic.engine().consider("cement").index


def candidates(index: AudienceIndex, question: Question, excluded: Collection[str] = ()) -> Candidates:
    (found,) = retrieve(index, [question], excluded)
    return found


def names(index: AudienceIndex, question: Question, *excluded: str) -> list[str]:
    found = sorted(candidates(index, question, excluded).passages.tolist())
    return [index.passages[number].document_id for number in found]


def test_in_a_small_corpus_every_passage_is_a_candidate_once(clinic: Clinic) -> None:
    index = index_of(clinic)
    for text in ("football", "How long until the cement hardens?"):
        assert sorted(candidates(index, asked(index, text)).passages.tolist()) == list(range(len(index.passages)))


def test_the_signals_are_those_of_the_vectors_and_terms(clinic: Clinic) -> None:
    index = index_of(clinic)
    question = asked(index, "How long until the cement hardens?")
    scores = dict(index.terms.search(question.text, 10))
    best = max(scores.values())
    found = candidates(index, question)
    for number, cosine, terms in zip(found.passages.tolist(), found.cosines, found.term_scores, strict=True):
        vector = index.vectors.vectors_of([number])[0]
        assert cosine == pytest.approx(float(vector @ question.encoding.vector), abs=1e-5)
        assert terms == pytest.approx(scores.get(number, 0.0) / best)


@pytest.mark.parametrize("signal", ["passage", "terms"])
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
    else:
        vector = index.vectors.vectors_of([long])[0]
        question = understand(index, "zebra", type(encoding)(vector, encoding.token_vectors, encoding.token_spans))
    found = candidates(index, question).passages.tolist()
    assert long in found
    assert len(found) <= 2, "one by each signal"


def test_the_candidates_of_questions_that_are_asked_together_are_those_of_each_alone(clinic: Clinic) -> None:
    index = index_of(clinic)
    texts = ["How long until the cement hardens?", "common risks", "???", "football", "cement"]
    for excluded in ((), ("risks",)):
        together = retrieve(index, [asked(index, text) for text in texts], excluded)
        for text, found in zip(texts, together, strict=True):
            alone = candidates(index, asked(index, text), excluded)
            for name in ("passages", "cosines", "term_scores"):
                assert getattr(found, name).tobytes() == getattr(alone, name).tobytes()
    assert retrieve(index, []) == ()


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
    found = candidates(index, question, ["risks"])
    assert found.term_scores.max() == 1.0
    assert {index.passages[number].document_id for number in found.passages.tolist()} == {"cement"}


def test_a_question_without_terms_has_candidates_by_its_vector(clinic: Clinic) -> None:
    index = index_of(clinic)
    found = candidates(index, asked(index, "???"))
    assert len(found) > 0
    assert set(found.term_scores.tolist()) == {0.0}
    assert np.isfinite(found.cosines).all()

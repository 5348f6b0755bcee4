"""A searcher is a snapshot: it answers from its own generation, and one question's failure is no other's."""

import datetime
from collections.abc import Sequence
from typing import Any

import pytest

from qa.encoder.protocol import Encoding
from qa.records import Answer
from qa.search import pipeline
from qa.search.engine import Engine
from tests.support.clinic import CEMENT, TODAY, Clinic
from tests.support.encoders import BagOfWordsEncoder

QUESTION = "How long until the cement hardens?"
RISKS = "What are the risks?"
CHANGED = CEMENT.replace("about 10 minutes", "about 11 minutes")


class Choosy(BagOfWordsEncoder):
    """Cannot encode one question, nor what is asked together with it."""

    engine: Engine | None = None

    def encode_questions(self, texts: Sequence[str]) -> tuple[Encoding, ...]:
        if "cement" in texts:
            if self.engine is not None:
                self.engine.reload()
            raise RuntimeError("cannot encode")
        return super().encode_questions(texts)


def test_a_searcher_answers_the_same_whatever_is_published_later(clinic: Clinic) -> None:
    engine = clinic.engine()
    searcher = engine.searcher()
    before = searcher.answers([engine.request(QUESTION)])
    clinic.add("cement.md", CHANGED)
    clinic.build()
    assert engine.reload() == "taken_up"
    assert searcher.answers([engine.request(QUESTION)]) == before
    assert engine.searcher().answers([engine.request(QUESTION)]) != before


def test_a_searcher_that_is_kept_does_not_quote_what_has_expired_since(clinic: Clinic) -> None:
    clinic.approve("cement.md", expires_on=TODAY + datetime.timedelta(1))
    clinic.build()
    engine = clinic.engine()
    searcher = engine.searcher()
    request = engine.request(QUESTION)
    assert searcher.answers([request])[0].quotes[0].citation.document_id == "cement"
    clinic.today = TODAY + datetime.timedelta(1)
    (answer,) = searcher.answers([request])
    assert "cement" not in {quote.citation.document_id for quote in (*answer.quotes, *answer.related)}


def test_what_one_question_spoils_for_a_batch_is_answered_alone_from_the_same_generation(clinic: Clinic) -> None:
    before = clinic.engine().ask(RISKS)
    clinic.encoder = choosy = Choosy()
    engine = clinic.engine()
    requests = [engine.request(question) for question in (RISKS, "cement", RISKS)]
    clinic.add("risks.md", "# Risks\n\nThe risks are all new.\n")
    clinic.build()
    choosy.engine = engine
    first, bad, last = engine.ask_all(requests)
    assert first == last == before
    assert isinstance(bad, RuntimeError)
    assert engine.ask(RISKS) != before, "another generation was taken up meanwhile"


def test_the_failure_of_one_question_holds_on_to_no_other(clinic: Clinic) -> None:
    clinic.encoder = Choosy()
    engine = clinic.engine()
    _, bad = engine.ask_all([engine.request(question) for question in (RISKS, "cement")])
    assert isinstance(bad, RuntimeError)
    assert bad.__context__ is None
    step = bad.__traceback__
    while step is not None:
        assert RISKS not in repr(step.tb_frame.f_locals.get("requests", ()))
        step = step.tb_next


def test_nothing_asked_is_nothing_answered(clinic: Clinic) -> None:
    assert clinic.engine().ask_all([]) == []


def test_where_nothing_is_open_each_question_has_an_error_of_its_own(clinic: Clinic) -> None:
    requests = [clinic.engine().request(QUESTION)] * 2
    first, second = clinic.elsewhere("nowhere").engine().ask_all(requests)
    assert not isinstance(first, Answer)
    assert first is not second


def test_threads_take_turns_in_everything_but_encoding(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: dict[str, bool] = {}
    engine = clinic.engine()
    turn = engine.searcher().turn

    def watch(place: Any, name: str) -> None:
        watched = getattr(place, name)

        def noting(*arguments: Any) -> Any:
            turns[name] = turn.locked()
            return watched(*arguments)

        monkeypatch.setattr(place, name, noting)

    for name in ("rewritings_of", "understand", "retrieve", "rank", "signals_of", "answer"):
        watch(pipeline, name)
    watch(clinic.encoder, "encode_questions")
    assert engine.ask(QUESTION).quotes
    assert [name for name, taken in turns.items() if not taken] == ["encode_questions"]
    assert len(turns) == 7
    assert not turn.locked()

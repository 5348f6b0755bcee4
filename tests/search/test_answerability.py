"""Whether a passage answers is decided by reading it with the question, each passage by itself."""

import json

import pytest

from qa.errors import OtherFormat
from qa.search.engine import Engine, new_engine
from tests.support.clinic import CEMENT, RISKS, Clinic
from tests.support.readers import WordMatchingReader

READS = {
    "weights": {"reader": 1.0},
    "bias": 0.0,
    "thresholds": [[0.05, 0.5]],
    "reader_sha256": WordMatchingReader.sha256,
    "source": "made up for the reader without a model",
}


@pytest.fixture
def reader() -> WordMatchingReader:
    return WordMatchingReader()


def engine_with(clinic: Clinic, reader: WordMatchingReader, **pages: str) -> Engine:
    (clinic.settings.corpus / "calibration.json").write_text(json.dumps(READS), "utf-8")
    for name, text in {"risks": RISKS, "cement": CEMENT, **pages}.items():
        clinic.add(f"{name}.md", text)
    clinic.build()
    engine = new_engine(clinic.settings, clinic.encoder, lambda: clinic.today, reader)
    engine.reload()
    return engine


def test_a_passage_that_answers_is_quoted_with_the_sentences_that_are_needed(
    empty_clinic: Clinic, reader: WordMatchingReader
) -> None:
    answer = engine_with(empty_clinic, reader).ask("cement hardens minutes")
    assert answer.outcome == "answered"
    (quote,) = answer.quotes
    marked = [quote.text[start:end] for start, end in quote.highlights]
    assert marked == ["The bone cement hardens in about 10 minutes."]


def test_words_that_stand_in_several_passages_but_in_none_together_are_no_answer(
    empty_clinic: Clinic, reader: WordMatchingReader
) -> None:
    answer = engine_with(empty_clinic, reader).ask("infection hardens")
    assert answer.outcome == "not_covered"
    assert not answer.quotes
    assert answer.related


def test_a_second_quote_must_answer_by_itself_else_it_is_related(
    empty_clinic: Clinic, reader: WordMatchingReader
) -> None:
    engine = engine_with(empty_clinic, reader, more="# Time\n\nAfter 10 minutes the cement hardens for good.\n")
    both = engine.ask("cement hardens minutes")
    assert len(both.quotes) == 2
    one = engine.ask("cement hardens about minutes")
    assert len(one.quotes) == 1
    assert {quote.citation.document_id for quote in one.related} >= {"more"}


def test_what_answers_stands_first_wherever_it_was_ranked(empty_clinic: Clinic, reader: WordMatchingReader) -> None:
    engine = engine_with(empty_clinic, reader, more="# Cement\n\nCement, cement, cement and bone cement, minutes.\n")
    answer = engine.ask("bone cement hardens minutes")
    assert answer.quotes[0].citation.document_id == "cement"


def test_reading_stops_when_enough_passages_are_read_and_one_answers(
    empty_clinic: Clinic, reader: WordMatchingReader
) -> None:
    pages = {f"page{number}": f"# Page {number}\n\nThe bone cement hardens, page {number}.\n" for number in range(9)}
    engine = engine_with(empty_clinic, reader, **pages)
    engine.ask("bone cement hardens")
    assert len(reader.read_passages) == 3
    reader.read_passages.clear()
    engine.ask("bone cement hardens tomorrow")
    assert len(reader.read_passages) == 5


def test_a_question_on_something_else_is_dismissed_unread(empty_clinic: Clinic, reader: WordMatchingReader) -> None:
    engine = engine_with(empty_clinic, reader)
    reader.read_passages.clear()
    answer = engine.ask("zebra crossing tomorrow")
    assert answer.outcome == "not_covered"
    assert answer.confidence < 0.01
    assert not reader.read_passages


def test_an_answer_is_the_same_alone_and_in_a_batch(empty_clinic: Clinic, reader: WordMatchingReader) -> None:
    engine = engine_with(empty_clinic, reader)
    questions = ["cement hardens minutes", "infection hardens", "PMMA", "back pain worse"]
    requests = [engine.request(question) for question in questions]
    assert engine.ask_all(requests) == [engine.ask(question) for question in questions]


def test_an_index_that_was_calibrated_for_another_reader_is_refused_with_the_remedy(
    empty_clinic: Clinic, reader: WordMatchingReader
) -> None:
    engine_with(empty_clinic, reader)
    other = WordMatchingReader()
    other.sha256 = "b" * 64
    engine = new_engine(empty_clinic.settings, empty_clinic.encoder, lambda: empty_clinic.today, other)
    assert engine.reload() == "refused"
    with pytest.raises(OtherFormat, match=r"another reader.*`qa build`"):
        engine.ask("cement")


def test_the_readiness_names_the_reader(empty_clinic: Clinic, reader: WordMatchingReader) -> None:
    assert engine_with(empty_clinic, reader).readiness().reader_sha256 == reader.sha256

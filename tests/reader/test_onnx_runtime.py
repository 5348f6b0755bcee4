"""The packaged reader: what it says of a passage, and that it is the one that was pinned."""

import shutil
from pathlib import Path

import pytest

from qa.errors import ModelUnavailable
from qa.reader.onnx_runtime import PACKAGED, UNREAD, OnnxReader
from qa.reader.protocol import ReadablePassage
from qa.records import Span

SENTENCES = (
    "The harbour ferry leaves every twenty minutes.",
    "A ticket costs four dollars.",
    "Dogs ride for free if they wear a muzzle.",
)


def passage(*sentences: str, context: str = "Ferry › Times and tickets.") -> ReadablePassage:
    spans, text = [], ""
    for sentence in sentences:
        text = f"{text} {sentence}".lstrip()
        spans.append(Span(len(text) - len(sentence), len(text)))
    return ReadablePassage(context, text, tuple(spans))


@pytest.fixture(scope="module")
def reader() -> OnnxReader:
    return OnnxReader()


@pytest.mark.parametrize(
    ("question", "needed"),
    [("How often does the ferry go?", 0), ("what does a ticket cost", 1), ("can I bring my dog on board", 2)],
)
def test_it_finds_the_sentence_that_answers(reader: OnnxReader, question: str, needed: int) -> None:
    verdict = reader.read(question, passage(*SENTENCES))
    assert verdict.sentences.index(max(verdict.sentences)) == needed


def test_a_question_on_the_topic_that_is_not_answered_has_lower_odds(reader: OnnxReader) -> None:
    answered = reader.read("what does a ticket cost", passage(*SENTENCES)).answers
    for near_miss in ("who sells the ticket", "what does it cost to park at the harbour", "how deep is the harbour"):
        assert reader.read(near_miss, passage(*SENTENCES)).answers < answered


def test_a_verdict_is_the_same_to_the_bit_each_time_and_in_another_process_of_it(reader: OnnxReader) -> None:
    first = reader.read("when does the ferry leave", passage(*SENTENCES))
    assert reader.read("when does the ferry leave", passage(*SENTENCES)) == first
    assert OnnxReader().read("when does the ferry leave", passage(*SENTENCES)) == first


def test_a_question_and_a_passage_that_are_too_long_are_read_as_far_as_it_goes(reader: OnnxReader) -> None:
    verdict = reader.read("ferry " * 166, passage(*(SENTENCES * 40)))
    assert len(verdict.sentences) == 120
    assert verdict.sentences[-1] == UNREAD
    assert verdict.sentences[0] > UNREAD


def test_a_passage_without_a_context_is_read_too(reader: OnnxReader) -> None:
    assert len(reader.read("ticket?", passage(*SENTENCES, context="")).sentences) == 3


@pytest.mark.parametrize("name", ["reader.onnx", "tokenizer.json"])
def test_a_file_that_is_not_the_pinned_one_is_refused_by_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(PACKAGED, folder)
    changed = bytearray((folder / name).read_bytes())
    changed[len(changed) // 2] ^= 1
    (folder / name).write_bytes(changed)
    with pytest.raises(ModelUnavailable, match=r"not the one of this version.*Reinstall"):
        OnnxReader(folder).load()
    (folder / name).unlink()
    with pytest.raises(ModelUnavailable, match=r"cannot be read.*Reinstall"):
        OnnxReader(folder).load()

"""A build embeds what is new, publishes when all of it is whole, and harms nothing when it fails or is killed."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qa.corpus.passages import embedding_text
from qa.encoder.protocol import Encoding
from qa.errors import ModelUnavailable, NoIndex, NothingToServe, StorageFailed
from qa.index.generation import open_generation
from qa.index.manifest import MANIFEST
from qa.index.publication import generation_ids, live_id
from qa.index.token_vectors import quantised
from qa.indexer.build import is_live
from qa.indexer.plan import plan_build
from qa.settings import Settings
from tests.support.clinic import CALL_GUIDE, CEMENT, RISKS, Clinic
from tests.support.encoders import BagOfWordsEncoder, encoding_of, identity_of

ROOT = Path(__file__).resolve().parents[2]
QUESTION = "how long until the cement hardens?"
STRIDE = 23
CHANGED = CEMENT.replace("about 10 minutes", "about 11 minutes")


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody pulls the plug in these tests, so nothing need wait for the disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def vectors(clinic: Clinic) -> dict[str, bytes]:
    """The files of the live generation whose bytes are derived from the corpus alone."""
    folder = clinic.settings.index / "generations" / live_id(clinic.settings.index)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix in (".faiss", ".jsonl", ".npy", ".json", ".toml")
        and "terms" not in path.parts
        and path.name != MANIFEST
    }


def folders(clinic: Clinic) -> list[str]:
    return sorted(path.name for path in (clinic.settings.index / "generations").iterdir())


def damage(clinic: Clinic, name: str = "staff/passages.faiss") -> None:
    path = clinic.settings.index / "generations" / live_id(clinic.settings.index) / name
    path.write_bytes(path.read_bytes()[:-1])


def test_a_first_build_embeds_every_passage_once(empty_clinic: Clinic) -> None:
    empty_clinic.add("cement.md", CEMENT)
    report = empty_clinic.build()
    assert (report.documents, report.passages, report.sentences) == (1, 2, 4)
    assert (report.embedded, report.reused, report.left_out, report.published) == (2, 0, (), True)
    assert empty_clinic.encoder.encoded == [
        "The bone cement. The bone cement hardens in about 10 minutes. You lie face down until then.",
        "The bone cement. What it is made of. Doctors use a cement called PMMA. It stays in the bone for good.",
    ]
    assert live_id(empty_clinic.settings.index) == report.generation


def test_an_unchanged_corpus_embeds_nothing_and_keeps_its_generation(clinic: Clinic) -> None:
    before = live_id(clinic.settings.index)
    clinic.encoder.encoded.clear()
    report = clinic.build()
    assert clinic.encoder.encoded == []
    assert (report.generation, report.embedded, report.published) == (before, 0, False)
    assert folders(clinic) == [before]


def test_changing_a_sentence_embeds_only_what_holds_it(clinic: Clinic) -> None:
    clinic.add("cement.md", CHANGED)
    clinic.encoder.encoded.clear()
    report = clinic.build()
    assert clinic.encoder.encoded == [
        "The bone cement. The bone cement hardens in about 11 minutes. You lie face down until then.",
    ]
    assert report.embedded == 1
    assert report.published
    (quote, *_) = clinic.engine().ask(QUESTION).quotes
    assert "11 minutes" in quote.text


def test_a_changed_title_embeds_the_passages_anew(clinic: Clinic) -> None:
    path = clinic.settings.register_path
    path.write_text(path.read_text("utf-8").replace('"The bone cement"', '"Bone filler"'), "utf-8")
    clinic.encoder.encoded.clear()
    assert clinic.build().embedded == 2
    assert sum(text.startswith("Bone filler. ") for text in clinic.encoder.encoded) == 2
    (quote, *_) = clinic.engine().ask(QUESTION).quotes
    assert quote.citation.title == "Bone filler"


def test_a_new_approval_of_the_same_bytes_is_a_new_generation_that_embeds_nothing(clinic: Clinic) -> None:
    before = live_id(clinic.settings.index)
    clinic.approve("cement.md", "staff")
    report = clinic.build()
    assert report.generation != before
    assert report.embedded == 0
    assert {document.id for document in clinic.engine().catalogue("patient").documents()} == {"risks"}


def test_a_document_that_is_gone_from_the_corpus_is_gone_from_the_index(clinic: Clinic) -> None:
    (clinic.settings.corpus / "cement.md").unlink()
    report = clinic.build()
    assert report.embedded == 0
    assert [(status.path, status.status) for status in report.left_out] == [("cement.md", "missing")]
    answer = clinic.engine().ask(QUESTION)
    assert {quote.citation.document_id for quote in (*answer.quotes, *answer.related)} <= {"risks"}
    assert b"10 minutes" not in vectors(clinic)["staff/documents.jsonl"]


def test_going_back_to_a_corpus_built_before_publishes_that_generation_again(clinic: Clinic) -> None:
    before = live_id(clinic.settings.index)
    register = clinic.settings.register_path.read_bytes()
    clinic.add("cement.md", CHANGED)
    assert clinic.build().generation != before
    clinic.write("cement.md", CEMENT)
    clinic.settings.register_path.write_bytes(register)
    clinic.encoder.encoded.clear()
    report = clinic.build()
    assert (report.generation, report.embedded, report.published) == (before, 0, True)
    assert clinic.encoder.encoded == []


def test_step_by_step_or_at_once_gives_the_same_index_to_the_byte(clinic: Clinic) -> None:
    clinic.add("cement.md", CHANGED)
    clinic.build()
    clinic.add("more.md", "# More\n\nThe cement is warm. Bleeding is rare.\n")
    clinic.build()
    (clinic.settings.corpus / "risks.md").unlink()
    step_by_step = clinic.build()
    fresh = clinic.elsewhere("fresh")
    assert fresh.build().embedded > 0
    assert step_by_step.embedded == 0
    assert live_id(fresh.settings.index) == live_id(clinic.settings.index)
    assert vectors(fresh) == vectors(clinic)


def test_progress_counts_up_to_what_must_be_embedded(empty_clinic: Clinic) -> None:
    empty_clinic.add("cement.md", CEMENT)
    seen: list[tuple[int, int]] = []
    empty_clinic.build(lambda done, total: seen.append((done, total)))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_a_damaged_live_generation_is_embedded_anew_and_set_aside(clinic: Clinic) -> None:
    before = vectors(clinic)
    damage(clinic)
    identifier = live_id(clinic.settings.index)
    report = clinic.build()
    assert report.generation == identifier
    assert (report.reused, report.embedded) == (0, 6)
    assert vectors(clinic) == before
    assert [name.split("-")[0] for name in folders(clinic)] == [identifier, f"{identifier}.damaged"]
    assert generation_ids(clinic.settings.index) == [identifier]


def test_nothing_is_taken_over_from_a_damaged_generation_into_another(clinic: Clinic) -> None:
    damage(clinic)
    clinic.add("cement.md", CHANGED)
    report = clinic.build()
    assert (report.reused, report.embedded) == (0, 6)
    assert clinic.engine().readiness().reason == ""


def test_vectors_of_another_model_are_not_taken_over(clinic: Clinic) -> None:
    class OtherEncoder(BagOfWordsEncoder):
        identity = identity_of("bag-of-words", "1")

    clinic.encoder = OtherEncoder()
    report = clinic.build()
    assert (report.reused, report.embedded) == (0, 6)


@pytest.mark.parametrize("pointer", [None, b"", b"garbage", b"3" * 16])
def test_a_pointer_that_is_missing_or_garbled_is_put_right_by_a_build(clinic: Clinic, pointer: bytes | None) -> None:
    current = clinic.settings.index / "current"
    identifier = live_id(clinic.settings.index)
    current.unlink()
    if pointer is not None:
        current.write_bytes(pointer)
    assert not is_live(plan_build(clinic.corpus(), clinic.settings, clinic.encoder.identity), clinic.settings.index)
    assert clinic.build().published
    assert live_id(clinic.settings.index) == identifier


def test_nothing_to_serve_is_an_error_that_names_each_file_and_why(empty_clinic: Clinic) -> None:
    with pytest.raises(NothingToServe, match="the corpus folder holds no files"):
        empty_clinic.build()
    empty_clinic.write("risks.md", RISKS)
    empty_clinic.write("scan.pdf", "%PDF-1.7")
    with pytest.raises(NothingToServe, match=r"risks\.md: not in the register.*scan\.pdf: .*no reader") as refusal:
        empty_clinic.build()
    assert "qa approve" in str(refusal.value)


def test_nothing_to_serve_leaves_the_live_generation(clinic: Clinic) -> None:
    before = live_id(clinic.settings.index)
    clinic.settings.register_path.unlink()
    with pytest.raises(NothingToServe, match="cement.md.*risks.md"):  # noqa: RUF043
        clinic.build()
    assert live_id(clinic.settings.index) == before


def test_a_page_of_headings_is_named_and_alone_it_is_nothing_to_build(empty_clinic: Clinic) -> None:
    empty_clinic.add("headings.md", "# Heading\n\n## Another\n")
    with pytest.raises(NothingToServe, match="headings only"):
        empty_clinic.build()
    empty_clinic.add("cement.md", CEMENT)
    report = empty_clinic.build()
    assert report.documents == 1
    assert [status.path for status in report.left_out] == ["headings.md"]


def test_a_corpus_for_staff_only_gives_patients_an_empty_index(empty_clinic: Clinic) -> None:
    empty_clinic.add("call-guide.md", CALL_GUIDE, "staff")
    empty_clinic.build()
    engine = empty_clinic.engine()
    answer = engine.ask("what may I never add?")
    assert (answer.outcome, answer.quotes, answer.related) == ("not_covered", (), ())
    assert engine.catalogue("patient").documents() == ()
    assert engine.ask("what may I never add?", "staff").quotes


def test_a_second_build_at_the_same_time_is_refused_and_the_first_succeeds(empty_clinic: Clinic) -> None:
    empty_clinic.add("cement.md", CEMENT)
    refusals: list[str] = []

    def build_again(done: int, total: int) -> None:
        with pytest.raises(StorageFailed) as refusal:
            empty_clinic.build()
        refusals.append(str(refusal.value))

    report = empty_clinic.build(build_again)
    assert live_id(empty_clinic.settings.index) == report.generation
    assert len(refusals) == 3
    assert "Another process is writing" in refusals[0]


def test_an_index_folder_that_is_a_file_is_a_storage_failure(clinic: Clinic) -> None:
    elsewhere = clinic.elsewhere("taken")
    elsewhere.settings.index.write_text("a file")
    with pytest.raises(StorageFailed, match="cannot be written"):
        elsewhere.build()


def test_an_encoder_that_fails_half_way_leaves_no_trace(clinic: Clinic) -> None:
    class FailingEncoder(BagOfWordsEncoder):
        def encode(self, texts: Sequence[str]) -> Iterator[Encoding]:
            yield from super().encode(texts[:1])
            raise ModelUnavailable("The model is gone.")

    before = (live_id(clinic.settings.index), folders(clinic))
    clinic.add("cement.md", CHANGED)
    clinic.encoder = FailingEncoder()
    with pytest.raises(ModelUnavailable):
        clinic.build()
    assert (live_id(clinic.settings.index), folders(clinic)) == before


def die_at_many_steps(folder: str) -> None:
    """Builds the clinic in `folder` again and again, each time on a copy of its index, and dies some steps later.

    Here a process is killed in earnest; test_crashes.py takes every step. A step is anything that Python changes on the
    disk. Ends with the first build that was not killed.
    """
    settings = Settings(corpus=Path(folder, "corpus"))
    for step in range(1, 1_000, STRIDE):
        index = Path(folder, f"killed-{step}")
        shutil.copytree(Path(folder, "index"), index)
        child = os.fork()
        if child == 0:
            clinic = Clinic(Path(folder), settings.model_copy(update={"index": index}))
            count_down(step)
            clinic.build()
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            return


def count_down(steps: int) -> None:
    """Kills this process just before the given step."""
    left = steps
    changes = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "shutil.rmtree"}

    def step() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        opens_to_write = event == "open" and arguments[2] is not None and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event in changes or opens_to_write:
            step()

    def count(fd: Any) -> None:
        step()

    os.fsync = count  # what a killed process has written stays; only a power cut loses what was not synced
    sys.addaudithook(watch)


def test_a_build_killed_at_any_moment_leaves_the_live_generation_and_the_next_build_succeeds(clinic: Clinic) -> None:
    old = live_id(clinic.settings.index)
    before = clinic.engine().ask(QUESTION)
    clinic.add("cement.md", CHANGED)
    new = plan_build(clinic.corpus(), clinic.settings, clinic.encoder.identity).generation
    code = f"from tests.indexer.test_build import die_at_many_steps as d; d({str(clinic.folder)!r})"
    environment = os.environ | {"TMPDIR": str(clinic.folder)}
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    killed = [clinic.elsewhere(path.name) for path in clinic.folder.glob("killed-*")]
    assert len(killed) >= 6
    live = [live_id(index.settings.index) for index in killed]
    assert set(live) == {old, new}
    for index, identifier in zip(killed, live, strict=True):
        if identifier == old:
            assert index.engine().ask(QUESTION) == before
        assert index.build().generation == new
        assert set(folders(index)) == {old, new}
        (quote, *_) = index.engine().ask(QUESTION).quotes
        assert "11 minutes" in quote.text


def test_a_first_build_that_was_killed_leaves_no_index_and_the_next_one_succeeds(empty_clinic: Clinic) -> None:
    empty_clinic.add("cement.md", CEMENT)
    (empty_clinic.settings.index / "generations" / ".building-0000000000000000" / "patient").mkdir(parents=True)
    with pytest.raises(NoIndex):
        empty_clinic.engine().ask(QUESTION)
    report = empty_clinic.build()
    assert folders(empty_clinic) == [report.generation]


def test_every_vector_in_an_index_is_that_of_the_text_it_stands_for(clinic: Clinic) -> None:
    clinic.add("cement.md", CHANGED)
    report = clinic.build()
    staff = open_generation(clinic.settings.index, report.generation).audiences["staff"]
    assert len(staff.passages) == len(staff.vectors) == len(staff.tokens) == report.passages
    assert staff.tokens.sentences == report.sentences
    for number, passage in enumerate(staff.passages):
        document = staff.documents[passage.document_id]
        expected = encoding_of(embedding_text(document, passage))
        assert np.array_equal(staff.vectors.vectors_of([number])[0], expected.vector)
        tokens = staff.tokens.of(number, staff.sentence_numbers(number))
        assert np.array_equal(tokens.rows, quantised(expected.token_vectors))
        ends = [*tokens.sentence_starts[1:], len(tokens.rows)]
        for sentence, start, end in zip(passage.sentences, tokens.sentence_starts, ends, strict=True):
            own = encoding_of(document.text[sentence.start : sentence.end])
            assert np.array_equal(tokens.rows[start:end], quantised(own.token_vectors))


def test_a_build_that_is_interrupted_leaves_the_live_generation_and_no_folder(clinic: Clinic) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    before = (live_id(clinic.settings.index), folders(clinic))
    clinic.add("cement.md", CHANGED)
    with contextlib.suppress(KeyboardInterrupt):
        clinic.build(interrupt)
    assert (live_id(clinic.settings.index), folders(clinic)) == before

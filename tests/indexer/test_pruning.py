"""After a publication old generations go, never one that is live or that somebody needs, and never half."""

import errno
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from qa.corpus.register import load_register
from qa.encoder.store import encoder_folder
from qa.errors import InvalidSetting, UnknownGeneration
from qa.index.manifest import MANIFEST
from qa.index.publication import generation_ids, live_id, publish
from qa.indexer import pruning
from qa.indexer.build import BuildReport, build
from qa.indexer.plan import plan_build
from qa.indexer.pruning import prune
from qa.indexer.rollback import list_generations, roll_back
from qa.records import AUDIENCES
from qa.settings import Settings
from qa.storage.files import discard
from tests.support.clinic import CEMENT, Clinic
from tests.support.workshop import Workshop, build_in

QUESTION = "how long until the cement hardens?"


def build_with(clinic: Clinic, minutes: int) -> BuildReport:
    clinic.add("cement.md", CEMENT.replace("10 minutes", f"{minutes} minutes"))
    return clinic.build()


def builds(clinic: Clinic, count: int) -> list[str]:
    """The ids of so many further generations, oldest first."""
    return [build_with(clinic, 20 + number).generation for number in range(count)]


def folders(clinic: Clinic, kind: str = "generations") -> list[str]:
    found = (path.name for path in (clinic.settings.index / kind).iterdir())
    return sorted(re.sub(r"-[0-9a-f]{8}$", "", name) for name in found)


def test_the_newest_three_stay_and_the_list_says_so(clinic: Clinic) -> None:
    first = live_id(clinic.settings.index)
    second, third, fourth = builds(clinic, 3)
    assert folders(clinic) == sorted([second, third, fourth])
    assert [(item.id, item.live, item.problem) for item in list_generations(clinic.settings.index)] == [
        (fourth, True, ""),
        (third, False, ""),
        (second, False, ""),
    ]
    assert clinic.build().pruned.generations == ()
    report = build_with(clinic, 30)
    assert (report.pruned.generations, report.pruned.problem) == ((second,), "")
    with pytest.raises(UnknownGeneration):
        roll_back(
            clinic.settings.index,
            first,
            load_register(clinic.settings.register_path),
            clinic.today,
            allow_withdrawn=True,
        )


@pytest.mark.parametrize("keep", [1, 2, 5])
def test_how_many_stay_is_a_setting_and_the_live_one_counts_first(clinic: Clinic, keep: int) -> None:
    settings = clinic.settings.model_copy(update={"keep_generations": keep})
    ids = [live_id(settings.index)]
    for minutes in range(20, 26):
        clinic.add("cement.md", CEMENT.replace("10 minutes", f"{minutes} minutes"))
        plan = plan_build(clinic.corpus(), settings, clinic.encoder.planned())
        report = build(plan, "0" * 64, settings.index, clinic.encoder, lambda done, total: None, keep)
        ids.append(report.generation)
    assert sorted(generation_ids(settings.index)) == sorted(ids[-keep:])


def test_at_least_one_generation_is_kept() -> None:
    assert Settings.model_fields["keep_generations"].default == 3
    with pytest.raises(InvalidSetting, match="keep_generations"):
        Settings(keep_generations=0)


def test_the_live_generation_stays_however_old_it_is(clinic: Clinic) -> None:
    oldest = live_id(clinic.settings.index)
    newer, newest = builds(clinic, 2)
    publish(clinic.settings.index, oldest)
    assert prune(clinic.settings.index, 1).generations == (newest, newer)
    assert generation_ids(clinic.settings.index) == [oldest]
    assert clinic.engine().readiness().generation == oldest


def test_a_generation_with_a_damaged_manifest_takes_no_other_ones_place(clinic: Clinic) -> None:
    first = live_id(clinic.settings.index)
    second, third = builds(clinic, 2)
    (clinic.settings.index / "generations" / third / MANIFEST).write_bytes(b"{")
    publish(clinic.settings.index, second)
    assert prune(clinic.settings.index, 2) == pruning.Pruned()
    assert folders(clinic) == sorted([first, second, third]), "the newest damaged one is there to look into"


def test_of_what_was_set_aside_the_newest_stays(clinic: Clinic) -> None:
    index, names = clinic.settings.index, []
    for number in range(3):
        folder = index / "generations" / live_id(index)
        (folder / "staff" / "tokens.npy").write_bytes(bytes([number]))
        clinic.build()
        (aside,) = (index / "generations").glob("*.damaged-*")
        names.append(aside.name)
        assert (aside / "staff" / "tokens.npy").read_bytes() == bytes([number])
    assert len(set(names)) == 3
    assert folders(clinic) == [live_id(index), f"{live_id(index)}.damaged"]


def test_generations_of_another_format_count_and_keep_every_encoder(clinic: Clinic) -> None:
    index = clinic.settings.index
    other = index / "generations" / ("a" * 16)
    other.mkdir()
    (other / MANIFEST).write_text('{"recipe": {"format_version": 2}}')
    encoder = index / "encoders" / ("b" * 16)
    encoder.mkdir(parents=True)
    assert clinic.build().pruned.problem == ""
    assert encoder.exists()
    builds(clinic, 3)
    assert not other.exists()
    assert not encoder.exists()


def test_an_encoder_goes_with_the_last_generation_that_names_it(empty_clinic: Clinic) -> None:
    clinic, workshop = empty_clinic, Workshop(empty_clinic.folder)
    clinic.add("cement.md", CEMENT)
    build_in(clinic, workshop)
    first = encoder_folder(workshop.index, workshop.identity)
    (workshop.model / "model.safetensors").write_text("other weights")
    other = Workshop.__new__(Workshop)
    other.__dict__.update(workshop.__dict__)
    for minutes in (11, 12):
        clinic.add("cement.md", CEMENT.replace("10 minutes", f"{minutes} minutes"))
        build_in(clinic, other)
        assert first.exists()
        assert len(folders(clinic, "encoders")) == 2
    clinic.add("cement.md", CEMENT.replace("10 minutes", "13 minutes"))
    build_in(clinic, other)
    assert not first.exists()
    assert len(folders(clinic, "encoders")) == 1


def test_what_is_none_of_an_indexs_own_is_left_alone(clinic: Clinic) -> None:
    for kind in ("generations", "encoders"):
        (clinic.settings.index / kind / "notes").mkdir(parents=True)
    builds(clinic, 4)
    assert "notes" in folders(clinic)
    assert folders(clinic, "encoders") == ["notes"]


def test_what_a_crash_left_is_removed_by_the_next_build(clinic: Clinic) -> None:
    index = clinic.settings.index
    for name in ("generations/.building-0", "generations/.removing-0", "encoders/.building-0", "encoders/.removing-0"):
        (index / name / "patient").mkdir(parents=True)
    (index / ".current.0badcafe.tmp").write_text("half")
    clinic.build()
    assert folders(clinic) == [live_id(index)]
    assert folders(clinic, "encoders") == []
    assert sorted(path.name for path in index.iterdir() if path.name != ".lock") == [
        "current",
        "encoders",
        "generations",
    ]


def test_a_generation_that_is_being_removed_is_none_any_more(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk as a crash in the middle leaves it."""
    index = clinic.settings.index
    old = live_id(index)
    (new,) = builds(clinic, 1)

    def crash(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", crash)
        with pytest.raises(KeyboardInterrupt):
            discard(index / "generations" / old)
    assert folders(clinic) == [f".removing-{old}", new]
    assert [item.id for item in list_generations(index)] == [new]
    with pytest.raises(UnknownGeneration):
        roll_back(index, old, load_register(clinic.settings.register_path), clinic.today, allow_withdrawn=True)
    clinic.build()
    assert folders(clinic) == [new]


@pytest.mark.parametrize("call", ["rename", "rmdir", "unlink"])
def test_what_cannot_be_removed_is_named_and_fails_no_build(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    builds(clinic, 2)
    oldest = generation_ids(clinic.settings.index)[-1]
    real: Any = getattr(os, call)

    def refuse(path: Any, *arguments: Any, **options: Any) -> Any:
        if call == "rename" and Path(path).name != oldest:
            return real(path, *arguments, **options)
        raise PermissionError(errno.EACCES, "Permission denied")

    clinic.add("cement.md", CEMENT.replace("10 minutes", "40 minutes"))
    with monkeypatch.context() as patch:
        patch.setattr(pruning, "discard", _refusing(patch, call, refuse))
        report = clinic.build()
    assert report.published
    assert live_id(clinic.settings.index) == report.generation
    assert "Permission denied" in report.pruned.problem
    assert oldest in report.pruned.problem
    assert report.pruned.generations == (() if call == "rename" else (oldest,))
    assert clinic.build().pruned.problem == ""
    assert len(folders(clinic)) == 3


def _refusing(patch: pytest.MonkeyPatch, call: str, refuse: Any) -> Any:
    """`discard` while the system refuses a call."""

    def discard_refused(path: Path) -> None:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(os, call, refuse)
            discard(path)

    return discard_refused


def test_a_server_that_has_a_pruned_generation_open_goes_on_serving_it(clinic: Clinic) -> None:
    engine = clinic.engine()
    serving = engine.readiness().generation
    questions = [
        (text, audience) for text in (QUESTION, "does the cement leak?", "kyfoplasty risks") for audience in AUDIENCES
    ]
    before = [engine.ask(text, audience) for text, audience in questions]
    documents = engine.catalogue("staff").documents()
    builds(clinic, 3)
    assert serving not in generation_ids(clinic.settings.index)
    shutil.rmtree(clinic.settings.index)  # nothing of it is read again
    assert [engine.ask(text, audience) for text, audience in questions] == before
    assert engine.catalogue("staff").documents() == documents
    for audience in AUDIENCES:
        index = engine.searcher().generation.audiences[audience]
        assert index.terms.search("cement", 5)
        assert len(index.tokens.of(0, index.sentence_numbers(0)).rows)
        assert len(index.vectors.vectors_of([0]))
        assert len(index.vectors.vectors_of([0]))

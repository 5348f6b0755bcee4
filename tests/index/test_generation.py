"""A generation opens only when every byte of it is as it was written."""

import json
import os
import pickle
import pickletools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qa.errors import DamagedGeneration, UnknownGeneration
from qa.index.generation import Generation, open_generation
from qa.index.manifest import MANIFEST
from qa.index.publication import live_id
from qa.storage.files import sha256_of_file, sha256_of_text
from qa.storage.sealed import to_json_line
from tests.support.clinic import CALL_GUIDE, CEMENT, RISKS, Clinic


@pytest.fixture
def clinic(empty_clinic: Clinic) -> Clinic:
    """Two patient pages and a staff page with synonyms: no file of the generation is empty."""
    empty_clinic.write("synonyms.toml", '[[same]]\nwords = ["PMMA", "bone glue"]\n')
    empty_clinic.add("risks.md", RISKS)
    empty_clinic.add("cement.md", CEMENT)
    empty_clinic.add("staff/call-guide.md", CALL_GUIDE, "staff")
    empty_clinic.build()
    return empty_clinic


@pytest.fixture
def folder(clinic: Clinic) -> Path:
    """The folder of the live generation."""
    return clinic.settings.index / "generations" / live_id(clinic.settings.index)


def opened(clinic: Clinic) -> Generation:
    return open_generation(clinic.settings.index, live_id(clinic.settings.index))


AUDIENCE_FILES = (
    "documents.jsonl",
    "passages.jsonl",
    "passages.faiss",
    "sentence_starts.npy",
    "tokens.npy",
    "token_starts.npy",
    "vocabulary.json",
    "terms/meta.json",
)


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def middle(data: bytes) -> int:
    return len(data) // 2


def flipped(position: int, data: bytes) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 0x10
    return bytes(changed)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut short by a byte": lambda data: data[:-1],
    "cut in half": lambda data: data[: middle(data)],
    "emptied": lambda data: b"",
    "longer by a byte": lambda data: data + b"\0",
    "first byte flipped": lambda data: flipped(0, data),
    "middle byte flipped": lambda data: flipped(middle(data), data),
    "last byte flipped": lambda data: flipped(-1, data),
    "zeros": lambda data: bytes(len(data)),
    "reversed": lambda data: data[::-1],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_to_any_file_is_refused_naming_the_file(
    clinic: Clinic, folder: Path, damage: Callable[[bytes], bytes]
) -> None:
    for path in files_of(folder):
        whole = path.read_bytes()
        path.write_bytes(damage(whole))
        with pytest.raises(DamagedGeneration) as refusal:
            opened(clinic)
        assert str(path) in str(refusal.value)
        assert "qa build" in str(refusal.value)
        path.write_bytes(whole)
    assert opened(clinic).id == folder.name


def test_a_missing_file_is_refused_naming_it(clinic: Clinic, folder: Path) -> None:
    for path in files_of(folder):
        path.rename(clinic.folder / "aside")
        with pytest.raises(DamagedGeneration, match="is missing") as refusal:
            opened(clinic)
        assert str(path) in str(refusal.value)
        (clinic.folder / "aside").rename(path)


def test_files_of_the_two_audiences_swapped_are_refused(clinic: Clinic, folder: Path) -> None:
    for name in AUDIENCE_FILES:
        for source, target in (("patient", "staff"), ("staff", "patient")):
            whole = (folder / target / name).read_bytes()
            shutil.copyfile(folder / source / name, folder / target / name)
            with pytest.raises(DamagedGeneration, match=f"{target}/{name}"):
                opened(clinic)
            (folder / target / name).write_bytes(whole)


def test_any_file_swapped_with_another_of_its_generation_is_refused(clinic: Clinic, folder: Path) -> None:
    paths = files_of(folder)
    for path, other in zip(paths, [*paths[1:], paths[0]], strict=True):
        whole, foreign = path.read_bytes(), other.read_bytes()
        if whole == foreign:
            continue
        path.write_bytes(foreign)
        other.write_bytes(whole)
        with pytest.raises(DamagedGeneration) as refusal:
            opened(clinic)
        assert str(path) in str(refusal.value) or str(other) in str(refusal.value)
        path.write_bytes(whole)
        other.write_bytes(foreign)
    assert opened(clinic).id == folder.name


def test_a_manifest_or_a_whole_audience_of_another_generation_is_refused(clinic: Clinic, folder: Path) -> None:
    clinic.add("cement.md", CEMENT.replace("10 minutes", "11 minutes"))
    other = clinic.settings.index / "generations" / clinic.build().generation
    assert other != folder
    shutil.copyfile(folder / MANIFEST, other / MANIFEST)
    with pytest.raises(DamagedGeneration, match=f"holds generation {folder.name}, not {other.name}"):
        opened(clinic)
    shutil.rmtree(folder / "patient")
    shutil.copytree(other / "patient", folder / "patient")
    with pytest.raises(DamagedGeneration, match=f"{folder.name}/patient"):
        open_generation(clinic.settings.index, folder.name)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_an_engine_serves_the_old_generation_on_whatever_file_of_the_new_one_is_damaged(
    clinic: Clinic, damage: Callable[[bytes], bytes]
) -> None:
    old = live_id(clinic.settings.index)
    engine = clinic.engine()
    before = engine.ask("how long until the cement hardens?")
    clinic.add("cement.md", CEMENT.replace("10 minutes", "11 minutes"))
    new = clinic.settings.index / "generations" / clinic.build().generation
    for number, path in enumerate(files_of(new)):
        whole = path.read_bytes()
        path.write_bytes(damage(whole))
        (clinic.settings.index / "current").write_text(f"{old}\n")
        engine.reload()
        (clinic.settings.index / "current").write_text(f"{new.name}\n")
        os.utime(clinic.settings.index / "current", (number, number))
        engine.reload()
        assert engine.ask("how long until the cement hardens?") == before
        assert str(path) in engine.readiness().reason
        assert engine.readiness().ready
        path.write_bytes(whole)


def test_an_engine_survives_that_the_files_it_has_open_are_cut_short(clinic: Clinic, folder: Path) -> None:
    engine = clinic.engine()
    before = engine.ask("how long until the cement hardens?")
    for path in files_of(folder):
        path.write_bytes(b"")
    assert engine.ask("how long until the cement hardens?") == before
    assert engine.ask("does the cement leak?", "staff").quotes


def sign(folder: Path) -> None:
    """Makes the manifest vouch for the files as they are now, as a forger could."""
    content: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    del content["manifest_sha256"]
    for name, entry in content["files"].items():
        entry.update(sha256=sha256_of_file(folder / name), size_bytes=(folder / name).stat().st_size)
    content["manifest_sha256"] = sha256_of_text(to_json_line(content))
    (folder / MANIFEST).write_text(to_json_line(content), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("documents.jsonl", "10 minutes", "11 minutes"),
        ("passages.jsonl", '"end":91', '"end":9100'),
        ("passages.jsonl", '"start":17', '"start":-17'),
        ("passages.jsonl", '"start":17', '"start":91'),
        ("passages.jsonl", '"document_id":"risks"', '"document_id":"rumours"'),
    ],
)
def test_a_text_other_than_approved_or_a_passage_that_is_no_slice_is_refused_though_checksums_fit(
    clinic: Clinic, folder: Path, name: str, old: str, new: str
) -> None:
    path = folder / "patient" / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    sign(folder)
    with pytest.raises(DamagedGeneration, match="patient"):
        opened(clinic)


@pytest.mark.parametrize("line", ["{}", "3", "", "{", '{"document_id": "\\ud800"}'])
def test_a_record_that_is_none_is_refused_though_checksums_fit(clinic: Clinic, folder: Path, line: str) -> None:
    for name in ("documents.jsonl", "passages.jsonl"):
        path = folder / "patient" / name
        whole = path.read_text("utf-8")
        path.write_text(f"{line}\n{whole}", "utf-8")
        sign(folder)
        with pytest.raises(DamagedGeneration, match=name):
            opened(clinic)
        path.write_text(whole, "utf-8")


def test_vectors_that_do_not_belong_to_the_passages_are_refused_though_checksums_fit(
    clinic: Clinic, folder: Path
) -> None:
    for name in ("passages.faiss", "tokens.npy", "token_starts.npy", "sentence_starts.npy"):
        whole = (folder / "patient" / name).read_bytes()
        shutil.copyfile(folder / "staff" / name, folder / "patient" / name)
        sign(folder)
        with pytest.raises(DamagedGeneration, match="don't belong"):
            opened(clinic)
        (folder / "patient" / name).write_bytes(whole)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("calibration.json", '{"weights": {"mood": 1.0}, "bias": 0, "thresholds": [], "source": "another version"}'),
        ("calibration.json", "{"),
        ("synonyms.toml", "[[same]]\nwords = 3\n"),
        ("patient/vocabulary.json", '{"words": {"cement": 0}, "abbreviations": {}}'),
        ("patient/vocabulary.json", "{}"),
    ],
)
def test_a_companion_that_cannot_be_read_is_damage_that_a_build_repairs_though_checksums_fit(
    clinic: Clinic, folder: Path, name: str, content: str
) -> None:
    before = (folder / name).read_bytes()
    (folder / name).write_text(content, "utf-8")
    sign(folder)
    with pytest.raises(DamagedGeneration, match=Path(name).name):
        opened(clinic)
    clinic.build()
    assert (folder / name).read_bytes() == before
    assert opened(clinic).id == folder.name


@pytest.mark.parametrize("identifier", ["../corpus", "", ".", "/", "0" * 15, "0" * 16 + "/", "G" * 16, "0" * 16 + "\n"])
def test_an_identifier_can_never_be_a_path(clinic: Clinic, identifier: str) -> None:
    with pytest.raises(UnknownGeneration):
        open_generation(clinic.settings.index, identifier)


def test_a_generation_that_is_not_there_is_unknown(clinic: Clinic) -> None:
    with pytest.raises(UnknownGeneration, match="qa generations"):
        open_generation(clinic.settings.index, "0" * 16)


def test_opening_and_asking_leave_a_generation_as_it_was(clinic: Clinic, folder: Path) -> None:
    before = {path: path.read_bytes() for path in files_of(folder)}
    clinic.engine().ask("how long until the cement hardens?")
    assert {path: path.read_bytes() for path in files_of(folder)} == before


def test_a_generation_can_be_read_by_others_than_who_built_it(folder: Path) -> None:
    readable = folder.stat().st_mode & 0o444
    assert {path.stat().st_mode & 0o444 for path in files_of(folder) if "terms" in path.parts} == {readable}


def test_only_the_audiences_that_are_asked_for_are_opened(clinic: Clinic, folder: Path) -> None:
    generation = open_generation(clinic.settings.index, folder.name, ("patient",))
    assert set(generation.audiences) == {"patient"}


def is_pickle(data: bytes) -> bool:
    try:
        return any(opcode.name == "STOP" for opcode, _, _ in pickletools.genops(data))
    except Exception:  # noqa: BLE001 - what is no pickle fails in any way
        return False


def test_an_index_holds_no_pickle(clinic: Clinic) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert is_pickle(pickle.dumps({"x": [1.5, "y"]}, protocol))
    files = files_of(clinic.settings.index)
    assert len(files) > 20
    for path in files:
        data = path.read_bytes()
        assert not is_pickle(data), path
        assert not data.startswith(b"PK"), path

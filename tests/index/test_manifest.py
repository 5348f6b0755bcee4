"""The manifest vouches for every byte of a generation, and for its own."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import DamagedGeneration, IndexUnavailable, OtherFormat
from qa.index.manifest import (
    CALIBRATION,
    FORMAT_VERSION,
    MANIFEST,
    SYNONYMS,
    AudienceFiles,
    Recipe,
    audience_digest,
    generation_id,
    read_manifest,
    verify_files,
)
from qa.records import AUDIENCES
from qa.storage.files import sha256_of_bytes, sha256_of_file, sha256_of_text
from qa.storage.sealed import to_json_line
from tests.support.clinic import Clinic
from tests.support.encoders import identity_of

RECIPE = Recipe(FORMAT_VERSION, identity_of("bag-of-words"), 90, "1" * 64, "2" * 64)


@pytest.fixture
def folder(clinic: Clinic) -> Path:
    """The folder of a whole generation."""
    return clinic.settings.index / "generations" / (clinic.settings.index / "current").read_text().strip()


def sign(folder: Path, changes: dict[str, Any]) -> None:
    """Writes the manifest with `changes` and the checksum that fits them."""
    content = json.loads((folder / MANIFEST).read_bytes()) | changes
    del content["manifest_sha256"]
    content["manifest_sha256"] = sha256_of_text(to_json_line(content))
    (folder / MANIFEST).write_text(to_json_line(content), encoding="utf-8")


def test_a_manifest_names_every_file_of_its_generation_with_size_and_checksum(folder: Path) -> None:
    manifest = read_manifest(folder)
    on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(manifest.files) == on_disk - {MANIFEST}
    for name, entry in manifest.files.items():
        assert entry.sha256 == sha256_of_file(folder / name)
        assert entry.size_bytes == (folder / name).stat().st_size
    for audience in AUDIENCES:
        for name in dataclasses.astuple(AudienceFiles.of(audience)):
            assert (folder / name).exists()
    assert {SYNONYMS, CALIBRATION} <= on_disk


def test_a_manifest_says_what_its_generation_was_made_from(clinic: Clinic, folder: Path) -> None:
    manifest = read_manifest(folder)
    assert manifest.id == folder.name
    assert manifest.recipe == dataclasses.replace(
        RECIPE,
        synonyms_sha256=sha256_of_bytes(b""),
        calibration_sha256=sha256_of_file(clinic.settings.corpus / "calibration.json"),
    )
    assert manifest.register_sha256 == sha256_of_file(clinic.settings.register_path)
    assert set(manifest.audiences["patient"].documents) == {"risks", "cement"}
    assert set(manifest.audiences["staff"].documents) == {"risks", "cement", "staff-call-guide"}


def test_one_flipped_bit_in_any_byte_of_the_manifest_is_refused(folder: Path) -> None:
    path = folder / MANIFEST
    whole = path.read_bytes()
    with path.open("r+b", buffering=0) as stream:
        for position, byte in enumerate(whole):
            stream.seek(position)
            stream.write(bytes([byte ^ 1 << position % 8]))
            with pytest.raises((DamagedGeneration, OtherFormat)):
                read_manifest(folder)
            stream.seek(position)
            stream.write(bytes([byte]))
    assert read_manifest(folder).id == folder.name


def test_a_manifest_cut_short_anywhere_or_with_anything_after_it_is_refused(folder: Path) -> None:
    path = folder / MANIFEST
    whole = path.read_bytes()
    for content in (*(whole[:length] for length in range(0, len(whole), 7)), whole + b"\n", b" " + whole, whole * 2):
        path.write_bytes(content)
        with pytest.raises(DamagedGeneration, match=r"manifest\.json is damaged"):
            read_manifest(folder)


def test_a_manifest_that_is_missing_is_refused(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    with pytest.raises(DamagedGeneration, match=r"manifest\.json is missing"):
        read_manifest(folder)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
MANIFESTS = st.dictionaries(st.sampled_from(["recipe", "id", "files", "manifest_sha256", "x"]), JSON)


@given(
    st.binary(max_size=50)
    | JSON.map(lambda content: json.dumps(content).encode())
    | MANIFESTS.map(lambda content: json.dumps(content | {"recipe": {"format_version": FORMAT_VERSION}}).encode())
)
def test_whatever_else_stands_in_a_manifest_it_is_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("generation")
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(IndexUnavailable):
        read_manifest(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b"9" * 10_000,
        b'{"recipe": {"format_version": 4}, "x": "\\ud800"}',
        b'{"recipe": {"format_version": 4}, "\\ud800": 1}',
        b'{"recipe": {"format_version": 4}, "x": 1e999}',
        b'{"recipe": {"format_version": 4}, "manifest_sha256": "\\ud800"}',
    ],
    ids=["deep", "long number", "half a pair", "half a pair as key", "infinite", "half a pair as checksum"],
)
def test_a_hostile_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(DamagedGeneration):
        read_manifest(tmp_path)


@pytest.mark.parametrize("version", [FORMAT_VERSION - 1, FORMAT_VERSION + 1, 99])
def test_another_format_is_refused_with_both_versions_and_the_remedy(folder: Path, version: int) -> None:
    recipe = json.loads((folder / MANIFEST).read_bytes())["recipe"]
    sign(folder, {"recipe": recipe | {"format_version": version}})
    with pytest.raises(OtherFormat, match=f"format {version}; .* reads format {FORMAT_VERSION}.*qa build") as refusal:
        read_manifest(folder)
    assert refusal.value.detail == {"found": version, "expected": FORMAT_VERSION}


@pytest.mark.parametrize(
    "change", [{"files": 3}, {"audiences": {"everybody": {}}}, {"built_at": "yesterday"}, {"id": 7}]
)
def test_a_manifest_with_wrong_fields_is_refused_though_its_checksum_fits(folder: Path, change: dict[str, Any]) -> None:
    sign(folder, change)
    with pytest.raises(DamagedGeneration, match="fields are missing or wrong"):
        read_manifest(folder)


def test_an_index_whose_sentences_were_cut_by_the_rules_of_another_language_is_read(folder: Path) -> None:
    manifest = read_manifest(folder)
    recipe = json.loads((folder / MANIFEST).read_bytes())["recipe"]
    assert recipe["language"] == "en"
    sign(folder, {"recipe": recipe | {"language": "de"}})
    assert read_manifest(folder) == manifest


def test_files_are_checked_by_name_and_checksum(folder: Path) -> None:
    manifest = read_manifest(folder)
    verify_files(folder, manifest, AUDIENCES)
    path = folder / "staff" / "passages.jsonl"
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(DamagedGeneration, match=r"staff/passages\.jsonl is damaged") as refusal:
        verify_files(folder, manifest, AUDIENCES)
    assert refusal.value.detail["file"] == "staff/passages.jsonl"


def test_a_digest_depends_on_the_recipe_and_on_all_that_is_approved(clinic: Clinic) -> None:
    documents = clinic.corpus().documents
    digest = audience_digest(RECIPE, documents)
    assert audience_digest(RECIPE, documents[::-1]) == digest
    first = documents[0]
    others = [
        dataclasses.replace(first, approval=dataclasses.replace(first.approval, title="Another title")),
        dataclasses.replace(first, approval=dataclasses.replace(first.approval, approved_by="Somebody else")),
        dataclasses.replace(first, approval=dataclasses.replace(first.approval, text_sha256="0" * 64)),
        dataclasses.replace(first, sections=first.sections[:1]),
    ]
    digests = {audience_digest(RECIPE, (other, *documents[1:])) for other in others}
    for recipe in (
        dataclasses.replace(RECIPE, passage_words=91),
        dataclasses.replace(RECIPE, encoder=identity_of("bag-of-words", "1")),
        dataclasses.replace(RECIPE, format_version=FORMAT_VERSION + 1),
        dataclasses.replace(RECIPE, synonyms_sha256="3" * 64),
        dataclasses.replace(RECIPE, calibration_sha256="3" * 64),
    ):
        digests.add(audience_digest(recipe, documents))
    digests.add(audience_digest(RECIPE, documents[1:]))
    assert len(digests | {digest}) == 11


def test_a_generations_id_depends_on_both_audiences() -> None:
    ids = {generation_id({"patient": patient, "staff": staff}) for patient in ("a" * 16, "b" * 16) for staff in "ab"}
    assert len(ids) == 4

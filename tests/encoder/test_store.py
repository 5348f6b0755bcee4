"""An index holds the encoder that its questions need, once, and opens it only when every byte is as it was written."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from qa.encoder.export import ExportingEncoders
from qa.encoder.model import find_model
from qa.encoder.protocol import EncoderIdentity
from qa.encoder.store import (
    RECORD,
    RECORD_SEAL,
    encoder_folder,
    read_record,
    verify_encoder,
)
from qa.errors import DamagedGeneration, ModelUnavailable
from qa.index.publication import publish
from qa.search.engine import new_engine
from qa.storage.sealed import sealed
from tests.support.clinic import CEMENT, RISKS, Clinic
from tests.support.encoders import BagOfWordsEncoder
from tests.support.workshop import BagOfWordsModel, Workshop, build_in

FILES = (RECORD, "model.onnx", "model.weights", "tokenizer.json")


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """An index with the exported encoder of a small model."""
    workshop = Workshop(tmp_path)
    workshop.encoders().make([RISKS])
    return workshop


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def swap(path: Path) -> None:
    """Gives the file the content of another file of the encoder."""
    other = path.with_name(FILES[FILES.index(path.name) - 1])
    path.write_bytes(other.read_bytes())


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "emptied": lambda path: path.write_bytes(b""),
    "first byte flipped": lambda path: flip(path, 0),
    "middle byte flipped": lambda path: flip(path, path.stat().st_size // 2),
    "last byte flipped": lambda path: flip(path, -1),
    "swapped with another": swap,
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_to_any_file_is_refused_by_name_and_the_next_build_repairs_it(
    workshop: Workshop, name: str, damage: Callable[[Path], object]
) -> None:
    folder = encoder_folder(workshop.index, workshop.identity)
    damage(folder / name)
    for attempt in (workshop.store().open, lambda identity: verify_encoder(workshop.index, identity)):
        with pytest.raises(DamagedGeneration) as refusal:
            attempt(workshop.identity)
        assert str(folder / name) in str(refusal.value)
        assert "qa build" in str(refusal.value)
    assert workshop.encoders().stored() is None
    workshop.encoders().make([RISKS])
    assert workshop.store().open(workshop.identity).identity == workshop.identity
    names = [path.name.split("-")[0] for path in sorted(folder.parent.iterdir())]
    assert names == [folder.name, f"{folder.name}.damaged"]


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_new_generation_whose_encoder_is_damaged_is_refused_and_the_old_one_serves_on(
    empty_clinic: Clinic, damage: Callable[[Path], object]
) -> None:
    clinic, workshop = empty_clinic, Workshop(empty_clinic.folder)
    clinic.add("cement.md", CEMENT)
    old = build_in(clinic, workshop).generation
    engine = new_engine(clinic.settings, workshop.store(), lambda: clinic.today)
    assert engine.reload() == "taken_up"
    question = "how long until the cement hardens?"
    before = engine.ask(question)
    (workshop.model / "model.safetensors").write_text("other weights")
    other = EncoderIdentity.of(find_model(workshop.model).identity)
    new = build_in(clinic, workshop).generation
    assert new != old
    for name in FILES:
        path = encoder_folder(workshop.index, other) / name
        whole = path.read_bytes()
        damage(path)
        publish(workshop.index, new)
        assert engine.reload() == "refused"
        readiness = engine.readiness()
        assert (readiness.ready, readiness.generation) == (True, old)
        assert str(path) in readiness.reason
        assert "qa build" in readiness.reason
        assert engine.ask(question) == before
        path.write_bytes(whole)
        publish(workshop.index, old)
        assert engine.reload() == "unchanged"
        assert engine.readiness().reason == ""
    publish(workshop.index, new)
    assert engine.reload() == "taken_up"


def test_one_flipped_bit_anywhere_in_the_record_is_refused(workshop: Workshop) -> None:
    path = encoder_folder(workshop.index, workshop.identity) / RECORD
    whole = path.read_bytes()
    for position in range(0, len(whole), 5):
        byte = whole[position]
        path.write_bytes(whole[:position] + bytes([byte ^ 1 << position % 8]) + whole[position + 1 :])
        with pytest.raises(DamagedGeneration, match=r"encoder\.json"):
            read_record(workshop.index, workshop.identity)


@pytest.mark.parametrize("content", [b"[]", b"3", b"[" * 100_000, b"{}", b'{"identity": "\\ud800"}'])
def test_what_is_no_record_is_refused(workshop: Workshop, content: bytes) -> None:
    (encoder_folder(workshop.index, workshop.identity) / RECORD).write_bytes(content)
    with pytest.raises(DamagedGeneration, match=r"encoder\.json"):
        workshop.store().open(workshop.identity)


def test_a_record_with_wrong_fields_is_refused_though_its_checksum_fits(workshop: Workshop) -> None:
    path = encoder_folder(workshop.index, workshop.identity) / RECORD
    content = json.loads(path.read_bytes())
    del content[RECORD_SEAL]
    other_runtime = content["identity"] | {"runtime": "sentence-transformers"}
    for change in ({"files": 3}, {"problem": "torch cannot trace it."}, {"identity": other_runtime}):
        path.write_bytes(sealed(content | change, RECORD_SEAL))
        with pytest.raises(DamagedGeneration, match="fields are missing or wrong"):
            workshop.store().open(workshop.identity)


def test_an_encoder_in_the_place_of_another_is_refused(workshop: Workshop) -> None:
    other = EncoderIdentity.of(replace(workshop.identity.model, files_sha256="1" * 64))
    shutil.copytree(encoder_folder(workshop.index, workshop.identity), encoder_folder(workshop.index, other))
    with pytest.raises(DamagedGeneration, match=f"describes encoder {workshop.identity.id}, not {other.id}"):
        workshop.store().open(other)


def test_an_index_without_the_encoder_says_what_to_run(workshop: Workshop) -> None:
    shutil.rmtree(workshop.index)
    with pytest.raises(DamagedGeneration, match=r"encoder\.json is missing.*qa build"):
        workshop.store().open(workshop.identity)


def test_a_refused_export_is_no_encoder_to_open(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, BagOfWordsModel(failure="torch cannot trace it."))
    with pytest.raises(ModelUnavailable):
        workshop.encoders().make([RISKS])
    with pytest.raises(DamagedGeneration, match=r"encoder\.json is missing"):
        workshop.store().open(workshop.identity)


def test_opening_needs_no_model(workshop: Workshop) -> None:
    shutil.rmtree(workshop.model)
    assert isinstance(workshop.store().open(workshop.identity), BagOfWordsEncoder)


def test_it_is_there_once_whichever_generations_name_it(workshop: Workshop) -> None:
    first = workshop.encoders().stored()
    second = ExportingEncoders(workshop.index, workshop.model, workshop.open_original, workshop.open_exported).stored()
    assert first is not None
    assert second is not None
    assert first.identity == second.identity
    assert [path.name for path in (workshop.index / "encoders").iterdir()] == [workshop.identity.id]

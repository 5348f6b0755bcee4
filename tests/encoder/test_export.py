"""A model is exported once, and used only where the export agrees with the original: else the build fails."""

import errno
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qa.encoder import export as encoder_export
from qa.encoder.export import MAX_SAMPLES, ExportingEncoders, compare
from qa.encoder.protocol import EncoderIdentity, Encoding
from qa.encoder.store import encoder_folder, read_record
from qa.errors import DamagedGeneration, ModelUnavailable, NoIndex, StorageFailed
from qa.index.generation import open_generation
from qa.index.manifest import Manifest
from qa.index.publication import live_id
from qa.records import Span
from qa.search.engine import new_engine
from tests.support.clinic import CEMENT, RISKS, Clinic
from tests.support.encoders import BagOfWordsEncoder
from tests.support.workshop import BagOfWordsModel, Change, ExportedBagOfWords, Workshop, build_in


def manifest_of(clinic: Clinic) -> Manifest:
    return open_generation(clinic.settings.index, live_id(clinic.settings.index)).manifest


@pytest.fixture
def filled(empty_clinic: Clinic) -> Clinic:
    """A clinic with two approved pages and no index."""
    empty_clinic.add("risks.md", RISKS)
    empty_clinic.add("cement.md", CEMENT)
    return empty_clinic


def test_a_first_build_exports_the_model_and_names_its_encoder(filled: Clinic) -> None:
    workshop = Workshop(filled.folder)
    build_in(filled, workshop)
    assert manifest_of(filled).recipe.encoder == workshop.identity
    record = read_record(workshop.index, workshop.identity)
    assert (record.identity, record.max_tokens) == (workshop.identity, 256)
    assert record.least_cosine == pytest.approx(1.0, abs=1e-5)
    assert record.compared_texts == 5 + 4
    assert set(record.files) == {"model.onnx", "model.weights", "tokenizer.json"}
    assert record.versions.keys() >= {"torch", "onnxruntime"}


def test_a_second_build_exports_nothing_and_the_encoder_is_stored_once_for_two_generations(filled: Clinic) -> None:
    workshop = Workshop(filled.folder)
    first = build_in(filled, workshop)
    filled.add("cement.md", CEMENT.replace("10", "11"))
    second = build_in(filled, workshop)
    assert first.generation != second.generation
    assert second.reused > 0
    assert workshop.original.exports == 1
    assert [path.name for path in (workshop.index / "encoders").iterdir()] == [workshop.identity.id]
    assert len(list((workshop.index / "generations").iterdir())) == 2


def test_the_same_corpus_and_model_give_the_same_generation_in_any_folder(filled: Clinic) -> None:
    ids = set()
    for name in ("one", "two"):
        (filled.folder / name).mkdir()
        workshop = Workshop(filled.folder / name)
        elsewhere = filled.elsewhere(f"{name}/index")
        ids.add((build_in(elsewhere, workshop).generation, workshop.identity.id))
    assert len(ids) == 1


def scaled(encoding: Encoding) -> Encoding:
    """As an export with a slight fault: every vector turned a little."""
    return replace(encoding, vector=np.roll(encoding.vector, 1))


DISAGREEMENTS: dict[str, tuple[Change, str]] = {
    "another vector": (scaled, "have a cosine of"),
    "no number": (lambda encoding: replace(encoding, vector=encoding.vector * np.float32("nan")), "have a cosine of"),
    "other token vectors": (
        lambda encoding: replace(encoding, token_vectors=-encoding.token_vectors),
        "have a cosine of -1.0000 to the model's, under 0.9999",
    ),
    "fewer dimensions": (
        lambda encoding: replace(encoding, token_vectors=encoding.token_vectors[:, :8]),
        "vectors of another size",
    ),
    "other tokens": (
        lambda encoding: replace(
            encoding, token_spans=tuple(Span(start, end + 1) for start, end in encoding.token_spans)
        ),
        "reads other tokens",
    ),
}


@pytest.mark.parametrize(("change", "reason"), DISAGREEMENTS.values(), ids=DISAGREEMENTS.keys())
def test_an_export_that_disagrees_fails_the_build_and_the_last_generation_serves_on(
    filled: Clinic, change: Change, reason: str
) -> None:
    workshop = Workshop(filled.folder)
    before = build_in(filled, workshop)
    engine = new_engine(filled.settings, workshop.store(), lambda: filled.today)
    engine.reload()
    answer = engine.ask("When does the cement harden?")
    (workshop.model / "model.safetensors").write_text("other weights")
    workshop.original.change = change
    with pytest.raises(ModelUnavailable, match=f"{reason}.*QA_MODEL") as failure:
        build_in(filled, workshop)
    assert failure.value.exit_code == 6
    assert live_id(filled.settings.index) == before.generation
    assert [path.name for path in (workshop.index / "encoders").iterdir()] == [workshop.identity.id]
    assert [path.name for path in (workshop.index / "generations").iterdir()] == [before.generation]
    assert engine.reload() == "unchanged"
    assert engine.ask("When does the cement harden?") == answer


def test_a_batch_that_disagrees_is_found_though_each_text_alone_agrees(tmp_path: Path) -> None:
    class Exported(BagOfWordsEncoder):
        def encode_questions(self, texts: Sequence[str]) -> tuple[Encoding, ...]:
            return tuple(map(scaled, super().encode_questions(texts)))

    assert compare(BagOfWordsModel(), BagOfWordsEncoder(), [RISKS]).least_cosine == pytest.approx(1.0, abs=1e-5)
    with pytest.raises(ModelUnavailable, match="cosine"):
        compare(BagOfWordsModel(), Exported(), [RISKS])


def test_at_most_64_samples_spread_over_the_corpus_are_compared() -> None:
    for count in (1, 63, 64, 65, 1_000):
        encoder = BagOfWordsModel()
        texts = [f"text {number}" for number in range(count)]
        agreement = compare(encoder, BagOfWordsEncoder(), texts)
        compared = [text for text in encoder.encoded if text in set(texts)]
        assert agreement.texts == len(compared) + 4
        assert min(count, MAX_SAMPLES / 2) <= len(compared) <= MAX_SAMPLES
        assert texts.index(compared[-1]) >= count - 1 - count / MAX_SAMPLES - 1


def test_a_model_that_cannot_be_exported_fails_each_build_until_it_can(filled: Clinic) -> None:
    workshop = Workshop(filled.folder, BagOfWordsModel(failure="torch cannot trace it."))
    for exports in (1, 2):
        with pytest.raises(ModelUnavailable, match=r"torch cannot trace it\. Point QA_MODEL"):
            build_in(filled, workshop)
        assert workshop.original.exports == exports
        assert list((workshop.index / "encoders").iterdir()) == []
        with pytest.raises(NoIndex):
            live_id(workshop.index)
    workshop.original.failure = ""
    assert build_in(filled, workshop).published


def test_an_export_that_other_libraries_refuse_leaves_the_live_generation_its_encoder(
    filled: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = Workshop(filled.folder)
    before = build_in(filled, workshop)
    monkeypatch.setattr(encoder_export, "_version", lambda package: "99")
    workshop.original.failure = "torch cannot trace it."
    with pytest.raises(ModelUnavailable, match="torch cannot trace it"):
        build_in(filled, workshop)
    engine = new_engine(filled.settings, workshop.store(), lambda: filled.today)
    engine.reload()
    assert engine.readiness().generation == before.generation


def test_a_damaged_encoder_is_made_anew_by_a_build_with_nothing_else_to_do(filled: Clinic) -> None:
    workshop = Workshop(filled.folder)
    before = build_in(filled, workshop)
    (encoder_folder(workshop.index, workshop.identity) / "model.onnx").write_text("another graph")
    engine = new_engine(filled.settings, workshop.store(), lambda: filled.today)
    engine.reload()
    with pytest.raises(DamagedGeneration, match=r"model\.onnx is damaged.*qa build"):
        engine.ask("When does the cement harden?")
    after = build_in(filled, workshop)
    assert (after.generation, after.embedded, after.published) == (before.generation, 0, True)
    engine.reload()
    assert engine.ask("When does the cement harden?").generation


def test_a_repair_whose_export_fails_leaves_the_damaged_one_to_the_next_build(filled: Clinic) -> None:
    workshop = Workshop(filled.folder)
    before = build_in(filled, workshop)
    (encoder_folder(workshop.index, workshop.identity) / "model.onnx").unlink()
    workshop.original.failure = "torch cannot trace it."
    with pytest.raises(ModelUnavailable, match="torch cannot trace it"):
        build_in(filled, workshop)
    workshop.original.failure = ""
    after = build_in(filled, workshop)
    assert (after.generation, after.embedded, after.published) == (before.generation, 0, True)


def test_an_export_that_onnx_runtime_cannot_load_is_not_used(filled: Clinic) -> None:
    workshop = Workshop(filled.folder)

    def refuse(folder: Path, identity: EncoderIdentity, max_tokens: int, threads: int) -> ExportedBagOfWords:
        raise DamagedGeneration("The encoder cannot be loaded: unknown operator.", "Run `qa build`.")

    encoders = ExportingEncoders(workshop.index, workshop.model, workshop.open_original, refuse)
    with pytest.raises(ModelUnavailable, match=r"cannot be loaded: unknown operator\. Point QA_MODEL") as refusal:
        encoders.make([RISKS])
    assert "qa build" not in str(refusal.value), "another build would fail the same"
    assert list((workshop.index / "encoders").iterdir()) == []


def test_what_a_killed_export_left_is_removed_by_the_next(filled: Clinic) -> None:
    workshop = Workshop(filled.folder)
    leftover = workshop.index / "encoders" / f".building-{workshop.identity.id}"
    leftover.mkdir(parents=True)
    (leftover / "model.onnx").write_text("half a graph")
    build_in(filled, workshop)
    assert [path.name for path in (workshop.index / "encoders").iterdir()] == [workshop.identity.id]


def test_a_disk_that_is_full_fails_the_build_and_is_no_reason_against_the_export(
    filled: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = Workshop(filled.folder)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageFailed, match="No space left"):
            build_in(filled, workshop)
    with monkeypatch.context() as patch:
        patch.setattr(workshop.original, "export", full)
        with pytest.raises(StorageFailed, match="No space left"):
            build_in(filled, workshop)
    assert list((workshop.index / "encoders").iterdir()) == []
    assert build_in(filled, workshop).published


def test_a_build_by_a_killed_process_leaves_no_encoder_without_its_record(filled: Clinic) -> None:
    workshop = Workshop(filled.folder)

    def interrupt(folder: Path) -> int:
        (folder / "model.onnx").write_text("half a graph")
        raise KeyboardInterrupt

    workshop.original.export = interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        build_in(filled, workshop)
    assert list((workshop.index / "encoders").iterdir()) == []

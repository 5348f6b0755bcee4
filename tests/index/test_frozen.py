"""An index of each format that was ever released is kept: this version opens it, or says what repairs it.

`scripts/freeze_generation.py` made them.
"""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qa.cli.application import run
from qa.encoder.store import EncoderStore
from qa.errors import OtherFormat
from qa.index.generation import open_generation
from qa.index.manifest import (
    FORMAT_VERSION,
    MANIFEST,
    MANIFEST_SEAL,
    audience_digest,
    generation_id,
    write_manifest,
)
from qa.index.publication import live_id
from qa.records import AUDIENCES
from qa.search.engine import new_engine
from qa.settings import Settings
from qa.storage.files import sha256_of_text
from qa.storage.sealed import sealed
from tests.support.clinic import CEMENT, TODAY, Clinic

FROZEN = Path(__file__).resolve().parents[1] / "frozen"
FIRST_FORMAT = 3
QUESTIONS = ("How long until the cement hardens?", "What are the risks?", "Is bone glue used?", "hardns")


@pytest.fixture(params=range(FIRST_FORMAT, FORMAT_VERSION + 1))
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the index of one format."""
    return shutil.copytree(FROZEN / f"format-{request.param}", tmp_path / "index")


def test_every_format_is_there_and_small() -> None:
    formats = [f"format-{number}" for number in range(FIRST_FORMAT, FORMAT_VERSION + 1)]
    assert sorted(path.name for path in FROZEN.iterdir()) == sorted(formats)
    assert sum(path.stat().st_size for path in FROZEN.rglob("*") if path.is_file()) < 400_000 * len(formats)


def test_it_is_opened_and_answers_or_is_refused_with_the_command_that_repairs_it(index: Path) -> None:
    settings = Settings(index=index)
    engine = new_engine(settings, EncoderStore(index), lambda: TODAY)
    engine.reload()
    readiness = engine.readiness()
    if not readiness.ready:
        assert f"reads format {FORMAT_VERSION}. Run `qa build`." in readiness.reason
        return
    assert readiness.generation == live_id(index)
    assert readiness.passages == {"patient": 3, "staff": 4}
    for question in QUESTIONS:
        for audience in AUDIENCES:
            answer = engine.ask(question, audience)
            assert answer.quotes
            for quote in (*answer.quotes, *answer.related):
                document = engine.catalogue(audience).document(quote.citation.document_id)
                assert document.text[quote.citation.start : quote.citation.end] == quote.text
                assert sha256_of_text(document.text) == quote.citation.document_sha256
    assert "hardens in about 10 minutes" in engine.ask(QUESTIONS[0]).quotes[0].text


def test_the_command_line_verifies_it_or_names_the_repair(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["verify", "--index", str(index)])
    out, err = capsys.readouterr()
    if code == 0:
        assert "is whole" in out
        assert re.search(r"Encoder [0-9a-f]{16} is whole", out)
    else:
        assert (code, "Run `qa build`." in err) == (5, True)


def test_that_of_this_format_is_not_refused() -> None:
    open_generation(FROZEN / f"format-{FORMAT_VERSION}", live_id(FROZEN / f"format-{FORMAT_VERSION}"))


def test_that_of_this_format_would_be_written_to_the_byte_as_it_stands_and_under_the_same_ids(tmp_path: Path) -> None:
    index = FROZEN / f"format-{FORMAT_VERSION}"
    opened = open_generation(index, live_id(index))
    digests = {
        name: audience_digest(opened.manifest.recipe, tuple(audience.documents.values()))
        for name, audience in opened.audiences.items()
    }
    assert digests == {name: audience.digest for name, audience in opened.audiences.items()}
    assert generation_id(digests) == opened.id
    as_it_stands = index / "generations" / opened.id
    written = shutil.copytree(as_it_stands, tmp_path / opened.id, ignore=shutil.ignore_patterns(MANIFEST))
    write_manifest(written, opened.manifest)
    assert (written / MANIFEST).read_bytes() == (as_it_stands / MANIFEST).read_bytes()


@pytest.mark.parametrize(
    "needs_original",
    [
        lambda content: content["recipe"]["encoder"].update(runtime="sentence-transformers"),
        lambda content: content.update(encoder_problem="torch cannot trace it."),
    ],
    ids=["another runtime", "a refused encoder"],
)
def test_an_index_that_was_built_without_an_export_is_refused_until_a_build_repairs_it(
    empty_clinic: Clinic, needs_original: Callable[[dict[str, Any]], None]
) -> None:
    index = shutil.copytree(FROZEN / f"format-{FORMAT_VERSION}", empty_clinic.settings.index)
    change_manifest(index, needs_original)
    with pytest.raises(OtherFormat, match=r"built without an exported encoder.*Run `qa build`"):
        open_generation(index, live_id(index))
    assert_refused_until_a_build(empty_clinic)


@pytest.mark.parametrize("version", [2, FORMAT_VERSION + 1])
def test_an_index_of_another_format_is_refused_until_a_build_repairs_it(empty_clinic: Clinic, version: int) -> None:
    index = shutil.copytree(FROZEN / f"format-{FORMAT_VERSION}", empty_clinic.settings.index)
    change_manifest(index, lambda content: content["recipe"].update(format_version=version))
    with pytest.raises(OtherFormat, match=f"has format {version}; .*Run `qa build`"):
        open_generation(index, live_id(index))
    assert_refused_until_a_build(empty_clinic)


def change_manifest(index: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes the live generation's manifest, and gives it the checksum that fits."""
    path = index / "generations" / live_id(index) / MANIFEST
    content = json.loads(path.read_bytes())
    del content[MANIFEST_SEAL]
    change(content)
    path.write_bytes(sealed(content, MANIFEST_SEAL))


def assert_refused_until_a_build(clinic: Clinic) -> None:
    engine = clinic.engine()
    assert not engine.readiness().ready
    clinic.add("cement.md", CEMENT)
    report = clinic.build()
    assert report.pruned.problem == ""
    assert engine.reload() == "taken_up"
    assert engine.readiness().generation == report.generation

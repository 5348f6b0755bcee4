"""Fixtures that every test may ask for."""

import os
from pathlib import Path

import hypothesis
import pytest

from qa.encoder.export import ExportingEncoders
from qa.settings import Settings
from tests.support.clinic import CALL_GUIDE, CEMENT, RISKS, Clinic

hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index folder that holds nothing but the packaged model's encoder, exported once."""
    index = tmp_path_factory.mktemp("exported")
    ExportingEncoders(index, None).make([RISKS, CEMENT, CALL_GUIDE])
    return index


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the disk proves nothing here: tests cut a build short at its calls, not at the platters."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def empty_clinic(tmp_path: Path) -> Clinic:
    """A clinic with a corpus folder and no document in it."""
    settings = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index")
    return Clinic(tmp_path, settings)


@pytest.fixture
def clinic(empty_clinic: Clinic) -> Clinic:
    """A clinic with two patient pages and a staff page, approved and built."""
    empty_clinic.add("risks.md", RISKS)
    empty_clinic.add("cement.md", CEMENT)
    empty_clinic.add("staff/call-guide.md", CALL_GUIDE, "staff")
    empty_clinic.build()
    return empty_clinic

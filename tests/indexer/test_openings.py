"""A build reads each generation once: the live one for what it holds, and the new one as it was written."""

from collections import Counter
from pathlib import Path

import pytest

from qa.encoder.protocol import Encoder
from qa.index.manifest import read_manifest
from qa.index.publication import live_id
from qa.storage.files import sha256_of_file
from tests.support.clinic import CEMENT, Clinic
from tests.support.encoders import BagOfWordsEncoder

CHANGED = CEMENT.replace("about 10 minutes", "about 11 minutes")
FOLDERS = (".building-{}", "{}")
"""Where a new generation's files are hashed: once for its manifest, and once where it was given its name."""


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> Counter[Path]:
    """How often each file was hashed; begins with the test, not with the clinic that it is given."""
    counts: Counter[Path] = Counter()

    def counted(path: Path) -> str:
        counts[path] += 1
        return sha256_of_file(path)

    monkeypatch.setattr("qa.storage.sealed.sha256_of_file", counted)
    return counts


def files_of(clinic: Clinic, identifier: str, *folders: str) -> list[Path]:
    """A generation's files, in its folder or in others of the index."""
    generations = clinic.settings.index / "generations"
    names = read_manifest(generations / identifier).files
    return [generations / folder.format(identifier) / name for folder in folders or ["{}"] for name in names]


def test_where_nothing_changed_the_live_generation_is_hashed_once(clinic: Clinic, hashed: Counter[Path]) -> None:
    hashed.clear()
    assert not clinic.build().published
    assert hashed == Counter(files_of(clinic, live_id(clinic.settings.index)))


def test_with_one_document_changed_the_live_and_the_new_generation_are_hashed_once_each(
    clinic: Clinic, hashed: Counter[Path]
) -> None:
    old = live_id(clinic.settings.index)
    clinic.add("cement.md", CHANGED)
    hashed.clear()
    new = clinic.build().generation
    assert new != old
    assert hashed == Counter(files_of(clinic, old) + files_of(clinic, new, *FOLDERS))


def test_a_first_build_hashes_what_it_wrote_once(empty_clinic: Clinic, hashed: Counter[Path]) -> None:
    empty_clinic.add("cement.md", CEMENT)
    new = empty_clinic.build().generation
    assert hashed == Counter(files_of(empty_clinic, new, *FOLDERS))


def test_a_generation_that_is_published_again_is_hashed_once_and_the_live_one_not_at_all(
    clinic: Clinic, hashed: Counter[Path]
) -> None:
    old, register = live_id(clinic.settings.index), clinic.settings.register_path.read_bytes()
    clinic.add("cement.md", CHANGED)
    clinic.build()
    clinic.write("cement.md", CEMENT)
    clinic.settings.register_path.write_bytes(register)
    hashed.clear()
    assert clinic.build().generation == old
    assert hashed == Counter(files_of(clinic, old))


def test_a_damaged_live_generation_is_found_damaged_once(clinic: Clinic, hashed: Counter[Path]) -> None:
    identifier = live_id(clinic.settings.index)
    before = files_of(clinic, identifier)
    before[-1].write_bytes(b"damaged")
    hashed.clear()
    assert clinic.build().generation == identifier
    assert hashed == Counter(before + files_of(clinic, identifier, *FOLDERS))


def test_where_only_the_encoder_is_made_anew_the_live_generation_is_hashed_once(
    clinic: Clinic, hashed: Counter[Path]
) -> None:
    class NotStored(BagOfWordsEncoder):
        def stored(self) -> Encoder | None:
            return None

    clinic.encoder = NotStored()
    hashed.clear()
    assert clinic.build().embedded == 0
    assert hashed == Counter(files_of(clinic, live_id(clinic.settings.index)))

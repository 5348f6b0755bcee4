"""What an index keeps after a publication: the live generation, the newest others, their encoders, and no leftovers."""

import contextlib
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qa.encoder.store import encoder_folder
from qa.errors import ClinicQAError, DamagedGeneration
from qa.index.manifest import Manifest, read_manifest
from qa.index.publication import CURRENT, generation_folder, generation_ids, live_id
from qa.storage.files import discard, leftovers, set_aside, temporary_files

_ENCODER = re.compile(r"[0-9a-f]{16}(\.refused)?")
"""An earlier version noted beside an encoder that its export was refused."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """The generations that were removed, newest first, and what could not be removed, and why."""

    generations: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Kept:
    """The generations to keep, and their manifests as far as this version can read them."""

    ids: tuple[str, ...]
    manifests: tuple[Manifest, ...]


def prune(index_folder: Path, keep_generations: int) -> Pruned:
    """Leaves `keep_generations`, the live one first and then the newest, and the newest of what is damaged.

    Never raises OSError. Call it with the write lock held. Whoever has a removed generation open goes on reading it.
    """
    problems: list[str] = []
    try:
        kept = _kept(index_folder, keep_generations)
        others = [identifier for identifier in generation_ids(index_folder) if identifier not in kept.ids]
        damaged = [identifier for identifier in others if _is_damaged(index_folder, identifier)]
        old = [identifier for identifier in others if identifier not in damaged]
        _remove([generation_folder(index_folder, identifier) for identifier in old], problems)
        aside = set_aside(index_folder / "generations")
        _remove(_all_but_newest([*aside, *(generation_folder(index_folder, name) for name in damaged)]), problems)
        _remove(_unused_encoders(index_folder, kept), problems)
        _remove(_all_but_newest(set_aside(index_folder / "encoders")), problems)
        _clear(index_folder, problems)
        removed = tuple(identifier for identifier in others if not generation_folder(index_folder, identifier).exists())
    except (OSError, ClinicQAError) as error:
        return Pruned(problem="; ".join([*problems, str(error)]))
    return Pruned(removed, "; ".join(problems))


def _kept(index_folder: Path, keep_generations: int) -> _Kept:
    """A damaged manifest does not count; one of another version, or that cannot be read today, does."""
    live = live_id(index_folder)
    ids: list[str] = []
    manifests: list[Manifest] = []
    for identifier in [live, *(other for other in generation_ids(index_folder) if other != live)]:
        if len(ids) == keep_generations:
            break
        try:
            manifests.append(read_manifest(generation_folder(index_folder, identifier)))
        except DamagedGeneration:
            continue
        except ClinicQAError:
            pass
        ids.append(identifier)
    return _Kept(tuple(ids), tuple(manifests))


def _is_damaged(index_folder: Path, identifier: str) -> bool:
    """Whether its manifest is; its files are not checked."""
    try:
        read_manifest(generation_folder(index_folder, identifier))
    except DamagedGeneration:
        return True
    except ClinicQAError:
        return False
    return False


def _unused_encoders(index_folder: Path, kept: _Kept) -> list[Path]:
    """Those that no kept generation names; none while the encoder of a kept one is unknown."""
    if len(kept.manifests) < len(kept.ids) or not (index_folder / "encoders").is_dir():
        return []
    named = {encoder_folder(index_folder, manifest.recipe.encoder) for manifest in kept.manifests}
    return sorted(
        path for path in (index_folder / "encoders").iterdir() if _ENCODER.fullmatch(path.name) and path not in named
    )


def _all_but_newest(folders: Iterable[Path]) -> list[Path]:
    """By the time of their last renaming."""
    return sorted(folders, key=lambda folder: (folder.stat().st_ctime_ns, folder.name))[:-1]


def _remove(folders: Iterable[Path], problems: list[str]) -> None:
    for folder in folders:
        try:
            discard(folder)
        except OSError as error:
            problems.append(f"{folder}: {error.strerror}.")


def _clear(index_folder: Path, problems: list[str]) -> None:
    """What builds that were killed, or could not clean up, left."""
    for kind in ("generations", "encoders"):
        for leftover in leftovers(index_folder / kind):
            try:
                shutil.rmtree(leftover)
            except OSError as error:
                problems.append(f"{leftover}: {error.strerror}.")
    for file in temporary_files(index_folder / CURRENT):
        with contextlib.suppress(OSError):
            file.unlink()

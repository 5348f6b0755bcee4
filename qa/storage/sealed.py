"""Checksums of files, and records that hold their own: how either proves to be as it was written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import to_jsonable_python

from qa.errors import REBUILD, DamagedGeneration
from qa.storage.files import sha256_of_file, sha256_of_text
from qa.storage.io_faults import naming_faults


@dataclass(frozen=True, slots=True)
class FileEntry:
    sha256: str
    size_bytes: int


def list_files(folder: Path) -> dict[str, FileEntry]:
    """Every file below a folder, by its path relative to it with `/`, with its checksum. Raises OSError."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): FileEntry(sha256_of_file(path), path.stat().st_size) for path in paths}


def verify_file(folder: Path, name: str, entry: FileEntry) -> None:
    """Raises DamagedGeneration when a file is missing or not as written, IndexUnavailable when it cannot be read."""
    path = folder / name
    with naming_faults(path):
        size = path.stat().st_size
        found = sha256_of_file(path)
    if found != entry.sha256:
        raise DamagedGeneration(
            f"{path} is damaged: {size:,} bytes with SHA-256 {found[:12]}…, "
            f"not {entry.size_bytes:,} with {entry.sha256[:12]}….",
            REBUILD,
            {"file": name, "found": found, "expected": entry.sha256},
        )


def to_json_line(content: object) -> str:
    """The one JSON text of a record: sorted keys, no white space, no line break."""
    return json.dumps(to_jsonable_python(content), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def sealed(content: Mapping[str, object], seal: str) -> bytes:
    """The bytes of a record that holds its own SHA-256, under the key `seal`."""
    return to_json_line({**content, seal: sha256_of_text(to_json_line(content))}).encode("utf-8")


def is_sealed(data: bytes, content: Mapping[str, object], seal: str) -> bool:
    """Whether `data` is byte for byte what `content` is sealed as."""
    try:
        return data == sealed(content, seal)
    except ValueError:  # half a surrogate pair
        return False

"""Which bytes are approved, by whom, for whom, until when: the register, a TOML file that people can read and diff.

```toml
format = 1
[[document]]
path = "risks.md"
document_id = "risks"
…
```

A register that does not stand in its corpus folder (which may be read-only) names that folder in `corpus`.
"""

import contextlib
import datetime
import re
import tomllib
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePosixPath
from typing import Any

import tomlkit
from filelock import FileLock
from filelock import Timeout as LockTimeout
from pydantic import TypeAdapter, ValidationError
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from qa.errors import InvalidRegister, StorageFailed
from qa.records import Approval
from qa.storage.files import sha256_of_bytes, write_durably

FORMAT = 1
LOCK_TIMEOUT_SECONDS = 10.0
_HEADER = (
    "The register: which bytes are approved, by whom, for whom, until when. `qa approve` and `qa withdraw` write it."
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DOCUMENT_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FIELD_NAMES = tuple(field.name for field in fields(Approval))


@dataclass(frozen=True, slots=True)
class InvalidEntry:
    """An entry of the register that cannot be used; `path` is empty when the entry names none."""

    path: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Register:
    """A register as read. `corpus` is the folder that it names, None where it stands in its corpus folder."""

    approvals: tuple[Approval, ...] = ()
    invalid: tuple[InvalidEntry, ...] = ()
    corpus: Path | None = None
    sha256: str = sha256_of_bytes(b"")

    def with_approval(self, approval: Approval) -> "Register":
        """The register with an entry in place of the one with its path."""
        others = tuple(other for other in self.approvals if other.path != approval.path)
        return replace(self, approvals=(*others, approval))

    def of_path(self, path: str) -> Approval | None:
        return next((approval for approval in self.approvals if approval.path == path), None)


def load_register(path: Path) -> Register:
    """Reads a register; a file that does not exist is an empty one.

    An entry that is wrong is listed in `invalid`, and the others are read all the same. Raises InvalidRegister when the
    file is not TOML, not UTF-8, of another format, or unreadable.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Register()
    except OSError as error:
        raise InvalidRegister(
            f"The register {path} cannot be read: {error.strerror}.", "Check its permissions."
        ) from None
    try:
        content = tomllib.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidRegister(f"The register {path} is not TOML: {error}.", "Correct that line.") from None
    if content.get("format") != FORMAT:
        raise InvalidRegister(
            f"The register {path} has format {content.get('format')!r}; this version reads format {FORMAT}.",
            "Upgrade Clinic QA, or approve the documents into a new register.",
        )
    unknown = sorted(set(content) - {"format", "corpus", "document"})
    if unknown or not isinstance(content.get("corpus", ""), str):
        name = unknown[0] if unknown else "corpus"
        raise InvalidRegister(
            f"In the register {path}, {name!r} is not understood.", "It holds format, corpus and [[document]] tables."
        )
    entries = content.get("document", [])
    if not isinstance(entries, list):
        raise InvalidRegister(
            f"In the register {path}, `document` is not a list of [[document]] tables.", "Correct it."
        )
    approvals, invalid = _read_entries(entries)
    folder = content.get("corpus")
    corpus = (path.parent / folder) if isinstance(folder, str) else None
    return Register(tuple(approvals), tuple(invalid), corpus, sha256_of_bytes(data))


def _read_entries(entries: list[Any]) -> tuple[list[Approval], list[InvalidEntry]]:
    adapter = TypeAdapter(Approval)
    approvals: dict[str, Approval] = {}
    invalid: list[InvalidEntry] = []
    ids: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        path = entry.get("path") if isinstance(entry, dict) else None
        name = path if isinstance(path, str) else ""
        try:
            approval = adapter.validate_python(entry)
            problem = _problem_of(entry, approval)
            if not problem and approval.path in approvals:
                problem = "the file is listed twice"
            if not problem and approval.document_id in ids:
                problem = f"document_id {approval.document_id!r} is used by another entry"
        except ValidationError as error:
            problem = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        if problem:
            invalid.append(InvalidEntry(name, f"register entry {number} is wrong: {problem}"))
            continue
        approvals[approval.path] = approval
        ids.add(approval.document_id)
    twice = {entry.path for entry in invalid}
    return [approval for approval in approvals.values() if approval.path not in twice], invalid


def _problem_of(entry: dict[str, Any], approval: Approval) -> str:
    """What is wrong with an entry whose types are right; an unknown key may be a misspelt expiry, so it is refused."""
    unknown = sorted(set(entry) - set(_FIELD_NAMES))
    if unknown:
        return f"unknown key {unknown[0]!r}"
    parts = PurePosixPath(approval.path).parts
    if not parts or approval.path.startswith("/") or ".." in parts or "\\" in approval.path or "\0" in approval.path:
        return "path must lie inside the corpus folder"
    if not _DOCUMENT_ID.fullmatch(approval.document_id):
        return "document_id must be lower-case letters, digits and single hyphens"
    for name in ("file_sha256", "text_sha256"):
        if not _SHA256.fullmatch(getattr(approval, name)):
            return f"{name} must be 64 hexadecimal digits"
    if not approval.title.strip() or not approval.approved_by.strip():
        return "title and approved_by must not be empty"
    if approval.withdrawn_why is not None and approval.withdrawn_on is None:
        return "withdrawn_why is given without withdrawn_on"
    return ""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the register's lock, so that two approvals at once lose nothing.

    Raises StorageFailed when another process keeps it for 10 seconds, or when an OSError says, here or in the block,
    that the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=LOCK_TIMEOUT_SECONDS):
            yield
    except LockTimeout:
        raise StorageFailed(
            f"The register {path} is being written by another process.", "Wait for it to end, then try again."
        ) from None
    except OSError as error:
        raise StorageFailed(
            f"The register {path} cannot be written: {error.strerror}.",
            "Pass --register with a file in a folder that you may write to.",
        ) from None


def save_approvals(path: Path, approvals: tuple[Approval, ...], corpus: Path | None) -> None:
    """Puts `approvals` in the register, each in place of the entry with its path; all else stays as it is written.

    `corpus` is written when the register does not stand in its corpus folder. Call it within `locked`.
    Raises InvalidRegister when the file is not TOML or the entries would not be read back the same, and OSError when it
    cannot be written; the file is then as it was.
    """
    try:
        before = path.read_bytes() if path.exists() else None
        content = tomlkit.parse(before.decode("utf-8-sig")) if before is not None else _new_register()
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise InvalidRegister(f"The register {path} is not TOML: {error}.", "Correct that line.") from None
    if corpus is not None:
        content["corpus"] = str(corpus)
    tables = content.get("document")
    if tables is None:
        tables = tomlkit.aot()
        content["document"] = tables
    if not isinstance(tables, AoT):
        raise InvalidRegister(f"In the register {path}, `document` is no list of [[document]] tables.", "Correct it.")
    for approval in approvals:
        table = next((table for table in tables if table.get("path") == approval.path), None)
        if table is None:
            table = tomlkit.table()
            tables.append(table)
            table = tables[-1]
        for name in _FIELD_NAMES:
            value: str | datetime.date | None = getattr(approval, name)
            if value is not None:
                table[name] = value
            elif name in table:
                del table[name]
    data = _as_before(tomlkit.dumps(content).encode("utf-8", "surrogatepass"), before or b"")
    _check_reads_back(path, data, approvals)
    write_durably(path, data)


def _as_before(data: bytes, before: bytes) -> bytes:
    """What is to be written with the byte order mark and the line ends that a Windows editor gave the file."""
    if before.count(b"\n") == before.count(b"\r\n") > 0:
        data = re.sub(rb"(?<!\r)\n", b"\r\n", data)
    return BOM_UTF8 + data if before.startswith(BOM_UTF8) else data


def _check_reads_back(path: Path, data: bytes, approvals: tuple[Approval, ...]) -> None:
    """Raises InvalidRegister when what is to be written would not be read back the same: it is never written then."""
    try:
        read, _ = _read_entries(tomllib.loads(data.decode("utf-8-sig"))["document"])
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        read = []
    for approval in approvals:
        if approval not in read:
            raise InvalidRegister(
                f"The entry of {approval.path!a} cannot be put in the register {path}, which is left as it was.",
                "Write names and texts as plain UTF-8, and each entry as a [[document]] table.",
            )


def _new_register() -> tomlkit.TOMLDocument:
    content = tomlkit.document()
    content.add(tomlkit.comment(_HEADER))
    content["format"] = FORMAT
    return content

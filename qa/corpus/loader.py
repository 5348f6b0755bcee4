"""Corpus and register → approved documents, and why each other file is left out."""

import datetime
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qa.corpus.formats import read
from qa.corpus.register import Register, load_register
from qa.errors import CorpusError, NoReader, UnreadableDocument
from qa.records import SERVABLE, Approval, CanonicalText, Document, FileStatus, Status
from qa.settings import Settings
from qa.storage.files import sha256_of_bytes, sha256_of_text

NOT_DOCUMENTS = frozenset({"register.toml", "synonyms.toml", "calibration.json"})


@dataclass(frozen=True, slots=True)
class Corpus:
    """What a corpus folder holds: the documents to serve, and the status of every file, in the order of their paths."""

    documents: tuple[Document, ...]
    statuses: tuple[FileStatus, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides a file's status besides its bytes."""

    today: datetime.date
    review_due_days: int
    max_file_bytes: int


def source_files(folder: Path) -> Iterator[str]:
    """The paths of the corpus's files, relative to `folder` with `/`, sorted; hidden files and the register left out.

    A folder that is linked, or whose files cannot be listed, is named itself.

    Raises CorpusError when there is no such folder.
    """
    if not folder.is_dir():
        raise CorpusError(f"There is no corpus folder {folder}.", "Create it, or pass --corpus DIR.")
    paths: list[str] = []
    unlisted: list[str] = []
    for parent, folders, names in os.walk(folder, onerror=lambda error: unlisted.append(str(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        linked = [name for name in folders if Path(parent, name).is_symlink()]
        for name in (*names, *linked):
            relative = Path(parent, name).relative_to(folder).as_posix()
            if not name.startswith(".") and relative not in NOT_DOCUMENTS:
                paths.append(relative)
    paths.extend(Path(path).relative_to(folder).as_posix() for path in unlisted)
    yield from sorted(paths)


def read_file(path: Path, max_file_bytes: int) -> bytes:
    """A source file's bytes. Raises UnreadableDocument when it is too large or cannot be read."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise UnreadableDocument("it is a folder that is linked or cannot be listed.", "Put its files here.")
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableDocument("it is no regular file.", "Remove it.")
        size = found.st_size
        if size > max_file_bytes:
            raise UnreadableDocument(f"it has {size:,} bytes; at most {max_file_bytes:,} are read.", "Split it.")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableDocument(f"it cannot be read: {error.strerror}.", "Check its permissions.") from None


def read_document(path: Path, data: bytes) -> CanonicalText:
    """The canonical text of a source file.

    Raises UnreadableDocument, saying why, when there is none in it, and NoReader when its format has no reader.
    """
    return read(data, path.suffix)


def open_corpus(settings: Settings, today: datetime.date) -> tuple[Corpus, Register]:
    """The corpus as it stands on a day, and the register that says so.

    Raises CorpusError when there is no corpus folder, or no register where the settings name one, and InvalidRegister
    when the register cannot be read.
    """
    register = load_register(settings.register_path)
    if settings.register_file is not None and not settings.register_path.exists():
        raise CorpusError(f"There is no register {settings.register_path}.", "`qa approve` writes it.")
    rules = Rules(today, settings.review_due_days, settings.max_file_bytes)
    return load_corpus(settings.corpus, register, rules), register


def load_corpus(folder: Path, register: Register, rules: Rules) -> Corpus:
    """Reads every file of the corpus and compares it with the register.

    A file that is broken, unlisted, changed, expired or withdrawn is named in `statuses`; the others load all the same.
    Raises CorpusError when there is no such folder.
    """
    documents: list[Document] = []
    statuses: dict[str, FileStatus] = {}
    invalid = _explanations(register)
    for relative in source_files(folder):
        name = os.fsencode(relative).decode("utf-8", "backslashreplace")
        if name != relative:
            statuses[name] = FileStatus(name, "unreadable", "its name is not UTF-8; rename it")
            continue
        approval = register.of_path(relative)
        if relative in invalid:
            statuses[relative] = FileStatus(relative, "invalid_entry", invalid[relative])
            continue
        status, document = _examine(folder / relative, relative, approval, rules)
        statuses[relative] = status
        if document is not None:
            documents.append(document)
    for approval in register.approvals:
        if approval.path not in statuses:
            statuses[approval.path] = _absent(approval)
    for path, explanation in invalid.items():
        statuses.setdefault(path, FileStatus(path, "invalid_entry", explanation))
    return Corpus(tuple(documents), tuple(statuses[path] for path in sorted(statuses)))


def _explanations(register: Register) -> dict[str, str]:
    """What is wrong with the register's invalid entries, by path; several of one path, or of none, are joined."""
    explanations: dict[str, str] = {}
    for entry in register.invalid:
        before = f"{explanations[entry.path]}; " if entry.path in explanations else ""
        explanations[entry.path] = before + entry.explanation
    return explanations


def _absent(approval: Approval) -> FileStatus:
    if approval.withdrawn_on is not None:
        return FileStatus(approval.path, "withdrawn", _withdrawal(approval), approval)
    return FileStatus(approval.path, "missing", "approved, but the file is not there; restore or withdraw it", approval)


def _withdrawal(approval: Approval) -> str:
    return f"withdrawn on {approval.withdrawn_on}: {approval.withdrawn_why or 'no reason given'}"


def _examine(path: Path, relative: str, approval: Approval | None, rules: Rules) -> tuple[FileStatus, Document | None]:
    """The status of one file, and its document when that is servable."""
    if approval is not None and approval.withdrawn_on is not None:
        return FileStatus(relative, "withdrawn", _withdrawal(approval), approval), None
    try:
        data = read_file(path, rules.max_file_bytes)
        if approval is not None and sha256_of_bytes(data) != approval.file_sha256:
            text = "changed since approval; approve it again or restore the approved file"
            return FileStatus(relative, "changed", text, approval), None
        canonical = read_document(path, data)
    except NoReader as error:
        return FileStatus(relative, "no_reader", str(error), approval), None
    except UnreadableDocument as error:
        return FileStatus(relative, "unreadable", str(error), approval), None
    if approval is None:
        return FileStatus(relative, "unlisted", "not in the register; `qa approve` lists it"), None
    if sha256_of_text(canonical.text) != approval.text_sha256:
        text = "the file is as approved, but this version reads another text from it; look at it and approve it again"
        return FileStatus(relative, "changed", text, approval), None
    status, explanation = _standing(approval, rules)
    if status not in SERVABLE:
        return FileStatus(relative, status, explanation, approval), None
    document = Document(approval, canonical.text, canonical.sections, canonical.pages)
    return FileStatus(relative, status, explanation, approval), document


def _standing(approval: Approval, rules: Rules) -> tuple[Status, str]:
    """Where an approval of unchanged bytes stands today."""
    if approval.has_expired(rules.today):
        return "expired", f"expired on {approval.expires_on}; approve it again or withdraw it"
    days = (approval.review_by - rules.today).days
    if days < 0:
        return "review_due", f"review overdue since {approval.review_by}"
    if days <= rules.review_due_days:
        return "review_due", f"review due by {approval.review_by}"
    return "approved", f"by {approval.approved_by} on {approval.approved_on}, review by {approval.review_by}"

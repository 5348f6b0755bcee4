"""How files become approved, and how an approval is withdrawn: the register is locked, read, checked and written."""

import contextlib
import datetime
import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qa.corpus.loader import read_document, read_file
from qa.corpus.passages import passages_of
from qa.corpus.register import Register, load_register, locked, save_approvals
from qa.errors import CorpusError, InvalidRegister, InvalidRequest, UnknownDocument
from qa.records import Approval, Audience, CanonicalText, Document
from qa.settings import Settings
from qa.storage.files import sha256_of_bytes, sha256_of_text


@dataclass(frozen=True, slots=True)
class Terms:
    """What the approver states: by whom, for whom, from when, until when."""

    approved_by: str
    audience: Audience
    approved_on: datetime.date
    review_by: datetime.date
    expires_on: datetime.date | None = None
    title: str | None = None
    source_url: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be approved, as it is shown to the approver. `previous` is the entry that it replaces."""

    approval: Approval
    text: str
    passages: int
    previous: Approval | None
    previous_text: str | None

    def changes(self) -> tuple[str, ...]:
        """What differs from the previous approval: terms as `name: old → new`, text as a unified diff of lines."""
        if self.previous is None:
            return ()
        terms = [
            f"{name}: {getattr(self.previous, name)} → {getattr(self.approval, name)}"
            for name in ("title", "audience", "approved_by", "review_by", "expires_on", "source_url", "withdrawn_on")
            if getattr(self.previous, name) != getattr(self.approval, name)
        ]
        if self.previous.text_sha256 == self.approval.text_sha256:
            return tuple(terms)
        if self.previous_text is None:
            return (*terms, "text: changed (the text approved before is in no index, so it cannot be shown)")
        lines = difflib.unified_diff(
            self.previous_text.splitlines(), self.text.splitlines(), "approved", "now", lineterm="", n=1
        )
        return (*terms, *lines)


@dataclass(frozen=True, slots=True)
class Approved:
    """What came of approving files: an entry for each that can be approved, and why each other one cannot."""

    proposals: tuple[Proposal, ...]
    failures: tuple[CorpusError, ...]


def approve(
    paths: Sequence[Path], terms: Terms, settings: Settings, old_texts: Mapping[str, str], *, dry_run: bool = False
) -> Approved:
    """Approves files of the corpus as they are now, each that can be; a dry run only proposes, and takes no lock.

    `old_texts` maps the SHA-256 of texts approved before to them, to show what changed. A register that does not stand
    in its corpus folder records which folder that is. Raises InvalidRequest when the terms make no sense,
    InvalidRegister when the register cannot be read or an entry of it is wrong, and StorageFailed when another process
    writes it, or the disk refuses; nothing is approved then.
    """
    proposals: list[Proposal] = []
    failures: list[CorpusError] = []
    with contextlib.nullcontext() if dry_run else locked(settings.register_path):
        register = _sound_register(settings.register_path)
        for path in paths:
            try:
                proposal = propose(path, terms, register, settings, old_texts)
            except CorpusError as error:
                failures.append(error)
                continue
            register = register.with_approval(proposal.approval)
            proposals.append(proposal)
        if proposals and not dry_run:
            apart = settings.register_path.parent.resolve() != settings.corpus.resolve()
            folder = settings.corpus.resolve() if apart else None
            save_approvals(settings.register_path, tuple(proposal.approval for proposal in proposals), folder)
    return Approved(tuple(proposals), tuple(failures))


def withdraw(path: Path, why: str, settings: Settings, today: datetime.date) -> Approval:
    """Withdraws a file's approval; returns its entry. The next build leaves the file out.

    Raises UnknownDocument when the register does not list it, CorpusError when it lies outside the corpus folder,
    InvalidRequest when there is no reason, InvalidRegister when the register cannot be read or an entry of it is wrong,
    and StorageFailed when another process writes it, or the disk refuses.
    """
    with locked(settings.register_path):
        approval = withdrawn(path, why, today, _sound_register(settings.register_path), settings)
        save_approvals(settings.register_path, (approval,), None)
    return approval


def _sound_register(path: Path) -> Register:
    register = load_register(path)
    check_register(register, path)
    return register


def propose(path: Path, terms: Terms, register: Register, settings: Settings, old_texts: Mapping[str, str]) -> Proposal:
    """Reads a file of the corpus and drafts its entry; writes nothing.

    `old_texts` maps the SHA-256 of texts approved before to them. Raises CorpusError when the file lies outside the
    corpus folder or cannot be read, naming it, and InvalidRequest when the terms make no sense.
    """
    relative = relative_path(path, settings.corpus)
    check_terms(terms)
    try:
        data = read_file(settings.corpus / relative, settings.max_file_bytes)
        canonical = read_document(path, data)
    except CorpusError as error:
        raise type(error)(f"{path}: {error.message}", error.remedy) from None
    previous = register.of_path(relative)
    approval = Approval(
        document_id=previous.document_id if previous else new_document_id(relative, register),
        path=relative,
        title=_title(terms, previous, canonical, relative),
        audience=terms.audience,
        file_sha256=sha256_of_bytes(data),
        text_sha256=sha256_of_text(canonical.text),
        approved_by=terms.approved_by.strip(),
        approved_on=terms.approved_on,
        review_by=terms.review_by,
        expires_on=terms.expires_on,
        source_url=terms.source_url or (previous.source_url if previous else None),
    )
    document = Document(approval, canonical.text, canonical.sections, canonical.pages)
    count = sum(1 for _ in passages_of(document, settings.passage_words))
    old_text = old_texts.get(previous.text_sha256) if previous else None
    return Proposal(approval, canonical.text, count, previous, old_text)


def withdrawn(path: Path, why: str, today: datetime.date, register: Register, settings: Settings) -> Approval:
    """The entry of a file with its approval withdrawn; writes nothing.

    Raises UnknownDocument when the register does not list it, CorpusError when it lies outside the corpus folder, and
    InvalidRequest when there is no reason.
    """
    relative = relative_path(path, settings.corpus)
    approval = register.of_path(relative)
    if approval is None:
        raise UnknownDocument(f"The register does not list {relative}.", "`qa status` shows what it lists.")
    if not why.strip():
        raise InvalidRequest("A withdrawal needs a reason.", 'Pass --why "…".')
    return replace(approval, withdrawn_on=today, withdrawn_why=why.strip())


def relative_path(path: Path, corpus: Path) -> str:
    """The path of a file relative to the corpus folder, with `/`.

    Raises CorpusError when it lies outside, is hidden, or has a name that is not UTF-8.
    """
    for candidate in (path, corpus / path):
        absolute = candidate.parent.resolve() / candidate.name
        if absolute.is_relative_to(corpus.resolve()) and (candidate is path or not path.exists()):
            relative = absolute.relative_to(corpus.resolve())
            if any(part.startswith(".") for part in relative.parts):
                raise CorpusError(f"{path} is hidden, so it is no part of the corpus.", "Rename it.")
            if not _is_utf8(relative.as_posix()):
                raise CorpusError(f"{path!a} has a name that is not UTF-8.", "Rename it.")
            return relative.as_posix()
    raise CorpusError(
        f"{path} does not lie in the corpus folder {corpus}.", "Move it there, or pass --corpus with its folder."
    )


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def check_terms(terms: Terms) -> None:
    """Raises InvalidRequest when a date lies in the past, a text is empty or cannot be printed, or a URL is not one."""
    for text in (terms.approved_by, terms.title or "", terms.source_url or ""):
        if not text.isprintable():
            raise InvalidRequest("A name, title or URL holds a control character.", "Write it without.")
    if not terms.approved_by.strip():
        raise InvalidRequest("The approver is empty.", 'Pass --by "…".')
    if terms.review_by < terms.approved_on:
        raise InvalidRequest(f"The review date {terms.review_by} lies in the past.", "Pass a later --review-by.")
    if terms.expires_on is not None and terms.expires_on <= terms.approved_on:
        raise InvalidRequest(f"The expiry date {terms.expires_on} is not in the future.", "Pass a later --expires-on.")
    if terms.source_url is not None and not re.match(r"https?://\S+$", terms.source_url):
        raise InvalidRequest("The source URL is not an http(s) address.", "Correct --source-url.")


def new_document_id(relative: str, register: Register) -> str:
    """An id for a path that no other entry uses: lower-case ASCII letters, digits and hyphens.

    Its folders are part of it, so that a patient page's id does not reveal a staff page with the same name.
    """
    used = {approval.document_id for approval in register.approvals if approval.path != relative}
    slug = _slug(relative.rsplit(".", 1)[0])
    for candidate in (slug, _slug(relative) if slug else ""):
        if candidate and candidate not in used:
            return candidate
    return f"{slug or 'document'}-{sha256_of_text(relative)[:12]}"


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))


def _title(terms: Terms, previous: Approval | None, canonical: CanonicalText, relative: str) -> str:
    """The title given now, before, by the document itself, or by its file name."""
    stem = relative.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    given = terms.title or canonical.title or (previous.title if previous else None)
    return given.strip() if given and given.strip() else stem.replace("-", " ").replace("_", " ").strip().capitalize()


def check_register(register: Register, path: Path) -> None:
    """Raises InvalidRegister when an entry is wrong, since writing would bury it."""
    if register.invalid:
        first = register.invalid[0]
        raise InvalidRegister(f"{path}: {first.explanation}.", "Correct that entry first.")

"""`qa approve`, `qa withdraw`, `qa status`: what the content editor decides and sees."""

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa.cli.options import CorpusOption, IndexOption, JsonOption, RegisterOption, date_option
from qa.cli.output import print_json, print_table, print_text
from qa.errors import CheckFailed, CorpusError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.corpus.approval import Proposal
    from qa.records import FileStatus

FIRST_LINES = 4
"""What is shown of a text without `--full`."""


def add_commands(app: typer.Typer) -> None:
    app.command(
        "approve",
        epilog='Example: qa approve corpus/risks.md --by "Clinical content committee" --audience patient '
        "--review-by 2027-11-20",
    )(approve)
    app.command("withdraw", epilog='Example: qa withdraw corpus/risks.md --why "replaced by risks-2027.md"')(withdraw)
    app.command("status", epilog="Example: qa status --json")(status)


def approve(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files in the corpus folder.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who approves.")],
    audience: Annotated[str, typer.Option("--audience", metavar="patient|staff", help="Who may be quoted the text.")],
    review_by: Annotated[str, typer.Option("--review-by", metavar="DATE", help="When a review is due (YYYY-MM-DD).")],
    title: Annotated[str | None, typer.Option("--title", help="Title, if not the document's own.")] = None,
    source_url: Annotated[
        str | None, typer.Option("--source-url", metavar="URL", help="Where it is published.")
    ] = None,
    expires_on: Annotated[
        str | None, typer.Option("--expires-on", metavar="DATE", help="From this day on it is not quoted.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be approved; record nothing.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Show the whole text, not its first lines.")] = False,
    corpus: CorpusOption = None,
    register_file: RegisterOption = None,
    index: IndexOption = None,
    json: JsonOption = False,
) -> None:
    """Approves files as they are now: shows what each holds, and records its hashes, approver, dates and audience."""
    from qa.cli.locations import approval_settings
    from qa.corpus.approval import Terms
    from qa.corpus.approval import approve as approve_files
    from qa.index.generation import live_texts
    from qa.records import checked_audience
    from qa.settings import today

    settings = approval_settings(paths, corpus, register_file, index)
    review_date = date_option(review_by, "--review-by")
    terms = Terms(
        approved_by=by,
        audience=checked_audience(audience),
        approved_on=today(),
        review_by=review_date or today(),
        expires_on=date_option(expires_on, "--expires-on"),
        title=title,
        source_url=source_url,
    )
    approved = approve_files(paths, terms, settings, live_texts(settings.index), dry_run=dry_run)
    if json:
        print_json([_proposal_json(proposal) for proposal in approved.proposals])
    else:
        for proposal in approved.proposals:
            _print_proposal(proposal, full=full)
        _print_outcome(len(approved.proposals), settings.register_path, dry_run)
    _raise_failures(approved.failures)


def withdraw(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A file that the register lists.")],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, kept in the register.")],
    corpus: CorpusOption = None,
    register_file: RegisterOption = None,
    json: JsonOption = False,
) -> None:
    """Withdraws a file's approval; the next `qa build` leaves it out."""
    from qa.cli.locations import corpus_settings
    from qa.corpus.approval import withdraw as withdraw_file
    from qa.settings import today

    approval = withdraw_file(path, why, corpus_settings(corpus, register_file), today())
    if json:
        print_json(approval)
    else:
        print_text(f"Withdrew {approval.path}. It is quoted until the index is built again: run `qa build` now.")


def status(
    corpus: CorpusOption = None,
    register_file: RegisterOption = None,
    json: JsonOption = False,
) -> None:
    """Shows every file of the corpus and where it stands; exit code 1 if an approved one cannot be served."""
    from qa.cli.locations import corpus_settings
    from qa.corpus.loader import open_corpus
    from qa.settings import today

    settings = corpus_settings(corpus, register_file)
    opened, _ = open_corpus(settings, today())
    statuses = opened.statuses
    if json:
        print_json([_status_json(item) for item in statuses])
    elif not statuses:
        print_text(f"{settings.corpus} holds no files.")
    else:
        rows = [
            (
                item.path,
                item.approval.document_id if item.approval else "",
                _label(item.status),
                item.approval.audience if item.approval else "",
                item.explanation,
            )
            for item in statuses
        ]
        print_table(("file", "document id", "status", "audience", "explanation"), rows)
        counts = Counter(_label(item.status) for item in statuses)
        print_text(", ".join(f"{count} {label}" for label, count in sorted(counts.items())))
    failing = [item.path for item in statuses if item.is_approved_but_not_servable]
    if failing:
        raise CheckFailed(
            f"{len(failing)} approved file(s) cannot be served: {', '.join(failing)}.", "See `qa status`."
        )


def _label(status: str) -> str:
    labels = {"changed": "changed since approval", "no_reader": "no reader yet"}
    return labels.get(status, status.replace("_", " "))


def _status_json(item: "FileStatus") -> dict[str, object]:
    return {
        "path": item.path,
        "status": item.status,
        "explanation": item.explanation,
        "servable": item.is_servable,
        "approval": item.approval,
    }


def _proposal_json(proposal: "Proposal") -> dict[str, object]:
    return {
        "approval": proposal.approval,
        "passages": proposal.passages,
        "characters": len(proposal.text),
        "first_lines": _first_lines(proposal.text),
        "changes": proposal.changes(),
    }


def _first_lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()][:FIRST_LINES]


def _print_proposal(proposal: "Proposal", *, full: bool) -> None:
    approval = proposal.approval
    print_text(f"{approval.path}  ({approval.document_id})", "bold")
    print_text(f"  title      {approval.title}")
    print_text(f"  audience   {approval.audience}")
    print_text(f"  approved   by {approval.approved_by} on {approval.approved_on}, review by {approval.review_by}")
    if approval.expires_on:
        print_text(f"  expires    {approval.expires_on}")
    print_text(
        f"  text       {len(proposal.text):,} characters, {proposal.passages} passages, "
        f"SHA-256 {approval.text_sha256[:16]}…"
    )
    for line in proposal.text.split("\n") if full else _first_lines(proposal.text):
        print_text(f"  | {line}")
    if not proposal.passages:
        print_text("  WARNING    there are headings only: nothing of it can be quoted", "bold")
    changes = proposal.changes()
    if proposal.previous is not None:
        print_text(
            "  changed since the approval of " + str(proposal.previous.approved_on) if changes else "  no change"
        )
    for change in changes:
        print_text(f"    {change}")


def _print_outcome(count: int, register_path: Path, dry_run: bool) -> None:
    if dry_run:
        print_text(f"Nothing recorded (--dry-run): {count} file(s) could be approved.")
    elif count:
        print_text(f"Approved {count} file(s) in {os.fspath(register_path)}. Next: `qa build`.")


def _raise_failures(failures: "Sequence[CorpusError]") -> None:
    if failures:
        first = failures[0]
        summary = " ".join(f"{failure.message.rstrip('.')}." for failure in failures)
        raise type(first)(f"Not approved: {summary}", first.remedy)

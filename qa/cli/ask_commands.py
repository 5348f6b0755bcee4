"""`qa ask`, `qa show`: questions and documents on the command line."""

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from qa.cli.options import AudienceOption, IndexOption, JsonOption
from qa.cli.output import print_json, print_text
from qa.errors import InvalidRequest, UnknownDocument

if TYPE_CHECKING:
    from qa.records import Answer, Document, Quote

_RANGE = re.compile(r"(\d{1,9})-(\d{1,9})")


def add_commands(app: typer.Typer) -> None:
    app.command("ask", epilog='Example: qa ask "how long until the cement hardens?" --limit 1')(ask)
    app.command("show", epilog="Example: qa show risks --at 120-310")(show)


def ask(
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="The question, as it was asked; `-` reads it from standard input.")
    ],
    audience: AudienceOption = "patient",
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="At most so many quotes (1 to 10).")] = 3,
    index: IndexOption = None,
    json: JsonOption = False,
) -> None:
    """Answers a question with quotes of approved text, or says that none answers it."""
    from qa import open_engine
    from qa.records import checked_audience
    from qa.search.query import checked_request
    from qa.settings import load_settings

    settings = load_settings(index=index)
    asked = sys.stdin.read() if question == "-" else question
    request = checked_request(asked, checked_audience(audience), limit)  # what is wrong needs no model to be seen
    answer = open_engine(settings).ask(request.text, request.audience, request.limit)
    if json:
        print_json(answer)
    else:
        _print_answer(answer)


def show(
    document_id: Annotated[str, typer.Argument(metavar="DOCUMENT_ID", help="The id that a citation gives.")],
    at: Annotated[str | None, typer.Option("--at", metavar="START-END", help="Only this slice of the text.")] = None,
    index: IndexOption = None,
    json: JsonOption = False,
) -> None:
    """Prints an approved document of the live generation as it is quoted, or a slice of it."""
    from qa.index.generation import open_generation
    from qa.index.publication import live_id
    from qa.settings import load_settings

    settings = load_settings(index=index)
    documents = open_generation(settings.index, live_id(settings.index)).audiences["staff"].documents
    document = documents.get(document_id)
    if document is None:
        raise UnknownDocument(f"The live generation holds no document {document_id!r}.", "`qa status` lists them.")
    start, end = _slice(at, document)
    if json:
        record = {"approval": document.approval, "start": start, "end": end, "text": document.text[start:end]}
        print_json(record if at else record | {"sections": document.sections, "pages": document.pages})
        return
    approval = document.approval
    heading = (
        f"{approval.title} ({approval.audience}), approved by {approval.approved_by} on {approval.approved_on}, "
        f"review by {approval.review_by}, text SHA-256 {approval.text_sha256}"
    )
    print(heading, file=sys.stderr)
    print_text(document.text[start:end])


def _slice(at: str | None, document: "Document") -> tuple[int, int]:
    if at is None:
        return 0, len(document.text)
    match = _RANGE.fullmatch(at)
    if match is None or not int(match[1]) < int(match[2]) <= len(document.text):
        raise InvalidRequest(
            f"--at {at!r} is no slice of {document.id}, which has {len(document.text):,} characters.",
            "Write it as START-END, as a citation gives it.",
        )
    return int(match[1]), int(match[2])


def _print_answer(answer: "Answer") -> None:
    if answer.outcome == "answered":
        print_text(f"Approved text answers this (confidence {answer.confidence:.2f}).", "bold")
    else:
        print_text(f"No approved text answers this (confidence {answer.confidence:.2f}).", "bold")
    for change in answer.read_as:
        print_text(f"Read “{change.typed}” as “{change.read_as}”.")
    if answer.not_covered_terms:
        words = ", ".join(answer.not_covered_terms)
        caution = " Read whether the quotes answer all the same." if answer.quotes else ""
        print_text(f"No approved text mentions: {words}.{caution}")
    if not answer.quotes and answer.related:
        print_text("Related, not an answer:")
    for number, quote in enumerate(answer.quotes or answer.related, start=1):
        print_text("")
        _print_quote(number, quote)


def _print_quote(number: int, quote: "Quote") -> None:
    """The quote to the byte, below what governs it; that and what answers are bold on a terminal, between » and «
    elsewhere."""
    citation = quote.citation
    print_text(f"{number}. {' › '.join((citation.title, *citation.heading_path))}", "bold")
    position = 0
    left, right = ("", "") if sys.stdout.isatty() else ("»", "«")
    for each in quote.context:
        if each.governing:
            print_text(f"{left}{each.text}{right}", "bold reverse")
    for start, end in quote.highlights:
        print_text(quote.text[position:start], end="")
        print_text(f"{left}{quote.text[start:end]}{right}", "bold reverse", end="")
        position = end
    print_text(quote.text[position:])
    page = f"page {citation.page}, " if citation.page is not None else ""
    staff = "STAFF ONLY, " if citation.audience == "staff" else ""
    print_text(
        f"   {staff}{page}approved by {citation.approved_by} on {citation.approved_on}, "
        f"review by {citation.review_by}, {citation.link}",
        "dim",
    )

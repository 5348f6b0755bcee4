"""The options that several commands share."""

import datetime
from pathlib import Path
from typing import Annotated

import typer

CorpusOption = Annotated[Path | None, typer.Option("--corpus", metavar="DIR", help="Folder of the documents.")]
RegisterOption = Annotated[
    Path | None, typer.Option("--register", metavar="FILE", help="The register of approvals [CORPUS/register.toml].")
]
IndexOption = Annotated[Path | None, typer.Option("--index", metavar="DIR", help="Folder of the index.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AudienceOption = Annotated[str, typer.Option("--audience", metavar="patient|staff", help="Who is asking.")]


def date_option(text: str | None, name: str) -> datetime.date | None:
    """A date written as YYYY-MM-DD. Raises InvalidRequest, naming the option, when it is not one."""
    from qa.errors import InvalidRequest

    if text is None:
        return None
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day has no time zone
    except ValueError:
        raise InvalidRequest(f"{name} {text!r} is not a date.", "Write it as YYYY-MM-DD.") from None

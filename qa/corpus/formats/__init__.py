"""bytes → canonical text with headings; one file a format.

Each reader imports what it needs when it is called, so that importing this package costs nothing.
"""

from collections.abc import Callable
from pathlib import PurePath

from qa.corpus.formats.canonical import check
from qa.errors import CorpusError, NoReader, UnreadableDocument
from qa.records import CanonicalText

__all__ = ["SUFFIXES", "is_document", "read"]

SUFFIXES: frozenset[str] = frozenset({".md", ".markdown", ".txt", ".html", ".htm"})
"""The file name suffixes, in lower case, that have a reader."""

_COMING: frozenset[str] = frozenset({".pdf", ".docx"})


def is_document(name: str) -> bool:
    """Whether a file of this name has a reader."""
    return PurePath(name).suffix.lower() in SUFFIXES


def read(data: bytes, suffix: str) -> CanonicalText:
    """The canonical text of a file's bytes; `suffix` is its name's (".md"), in either case.

    Raises `NoReader` for other suffixes, `UnreadableDocument` naming why for bytes that hold no readable text, and
    nothing else whatever the bytes are.
    """
    reader = _reader(suffix.lower())
    try:
        canonical = reader(data)
    except CorpusError:
        raise
    except Exception as error:
        # The parsers are other people's work; a fault of theirs leaves one document out and must not stop the rest.
        raise UnreadableDocument(
            f"The {suffix.lower()} reader failed on it ({type(error).__name__}).",
            "Simplify the document, or save it in another format.",
        ) from error
    check(canonical)
    if not canonical.text:
        raise UnreadableDocument("There is no readable text in it.", "Write its text, or remove it.")
    return canonical


def _reader(suffix: str) -> Callable[[bytes], CanonicalText]:
    if suffix in (".md", ".markdown"):
        from qa.corpus.formats.markdown import read_markdown

        return read_markdown
    if suffix in (".html", ".htm"):
        from qa.corpus.formats.html import read_html

        return read_html
    if suffix == ".txt":
        from qa.corpus.formats.plain_text import read_plain_text

        return read_plain_text
    missing = "no reader yet for" if suffix in _COMING else "no reader for"
    raise NoReader(f"There is {missing} {suffix or 'a name without a suffix'}.", "Save it as .md, .txt or .html.")

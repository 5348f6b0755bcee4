"""bytes → canonical text with headings; one file a format.

A reader is imported when a file needs it, so that importing this package costs nothing.
"""

from collections.abc import Callable, Mapping

from qa.corpus.formats.canonical import check
from qa.errors import CorpusError, NoReader, UnreadableDocument
from qa.records import CanonicalText

__all__ = ["SUFFIXES", "read"]

Reader = Callable[[bytes], CanonicalText]


def _markdown() -> Reader:
    from qa.corpus.formats.markdown import read_markdown

    return read_markdown


def _html() -> Reader:
    from qa.corpus.formats.html import read_html

    return read_html


def _plain_text() -> Reader:
    from qa.corpus.formats.plain_text import read_plain_text

    return read_plain_text


_READERS: Mapping[str, Callable[[], Reader]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".txt": _plain_text,
    ".html": _html,
    ".htm": _html,
}
SUFFIXES = frozenset(_READERS)
"""The file name suffixes, in lower case, that have a reader."""

_COMING = frozenset({".pdf", ".docx"})


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


def _reader(suffix: str) -> Reader:
    if suffix in _READERS:
        return _READERS[suffix]()
    missing = "no reader yet for" if suffix in _COMING else "no reader for"
    raise NoReader(f"There is {missing} {suffix or 'a name without a suffix'}.", "Save it as .md, .txt or .html.")

"""HTML → canonical text: the main text of a page."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from qa.corpus.formats.canonical import Builder, one_line
from qa.corpus.formats.decoding import decode
from qa.corpus.formats.html_walk import walk
from qa.errors import UnreadableDocument
from qa.records import CanonicalText

# Browsers look for the declaration in the first 1,024 bytes.
_DECLARED = re.compile(rb"""<(?:meta\b[^>]*?\bcharset|\?xml\b[^>]*?\bencoding)\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_DECLARED_WITHIN = 1024


def read_html(data: bytes) -> CanonicalText:
    """The main text of a page; its title is the h1's, or else that of <title>.

    Raises `UnreadableDocument` when the file is not text, or the page has no body.
    """
    declared = _DECLARED.search(data, 0, _DECLARED_WITHIN)
    tree = LexborHTMLParser(decode(data, declared[1].decode("ascii", "replace") if declared else None))
    body = tree.body
    if body is None:
        raise UnreadableDocument("The page has no body.", "Save the page itself, not its frame.")
    titles = (one_line(node.text()) for node in (body.css_first("h1"), tree.css_first("title")) if node is not None)
    builder = Builder()
    for root in main_parts(body):
        walk(root, body, builder)
    return builder.build(next(filter(None, titles), None))


def main_parts(body: LexborNode) -> list[LexborNode]:
    """Where the page says its main text is: <main>, else the article that holds the h1, else all of the body."""
    mains = [node for node in body.css("main, [role=main]") if node.text().strip()]
    outermost = [node for node in mains if not any(_holds(other, node) for other in mains)]
    if outermost:
        return outermost
    heading = body.css_first("h1")
    article = heading.parent if heading else None
    while article is not None and article.tag != "article":
        article = article.parent
    return [article or body]


def _holds(outer: LexborNode, inner: LexborNode) -> bool:
    parent = inner.parent
    while parent is not None and parent.mem_id != outer.mem_id:
        parent = parent.parent
    return parent is not None

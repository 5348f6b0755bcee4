"""Markdown → canonical text.

It is rendered to HTML and walked as HTML: only then do HTML blocks that Markdown cuts at blank lines stay whole.
"""

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock, paragraph, reference
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from selectolax.lexbor import LexborHTMLParser

from qa.corpus.formats.canonical import Builder
from qa.corpus.formats.decoding import decode
from qa.corpus.formats.html_walk import walk
from qa.errors import UnreadableDocument
from qa.records import CanonicalText

_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?\n)??(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_LOOKS_LIKE_KEYS = re.compile(r"(?:[ \t]*(?:#.*)?\r?\n)*[A-Za-z_][\w -]*:(?:[ \t]|\r?\n)")
_KEY_LINE = re.compile(r"^([A-Za-z_][\w -]*):(?=\s|$)", re.MULTILINE)
_TITLE_KEYS = ("display_title", "title")
_KNOWN_KEYS = frozenset(_TITLE_KEYS) | frozenset(
    """
    aliases author authors categories category date description draft id keywords lang language lastUpdated layout
    last_modified_at nav_order parent permalink published redirect_from sidebar_label slug subtitle summary tags
    template
    """.split()
)
_FOOTNOTE = re.compile(r"\[\^[^\]\s]+\]:")
# What a link leads to: "[Emergency]: 911", "[Dose]: 1/2" and "[Room]: #3" are text that only looks like a definition.
_DESTINATION = re.compile(
    r"(?i:[a-z][a-z0-9+.-]*)://\S|(?i:mailto|tel|sms|geo|urn|doi|data):\S|(?i:www)\.\S|\.{0,2}/|\?\w+=|#(?![0-9])"
    r"|.*\.(?:html?|md|markdown|txt|pdf|docx?|xlsx?|pptx?|png|jpe?g|gif|svg|webp|php|aspx?|xml|csv|json|zip|mp[34])"
    r"(?:[?#].*)?$"
)
_COMMENT_LABELS = frozenset({"//", "COMMENT"})
# markdown-it drops, without a word, what is nested deeper; where Python's stack ends first, the reader says so.
_DEEPEST = 10_000
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)(?=[\s/>])[^<>]*>")
_ELEMENTS = frozenset(
    """
    a abbr acronym address applet area article aside audio b base bdi bdo big blockquote body br button canvas
    caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed fieldset
    figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img
    input ins kbd label legend li link main map mark math menu meta meter nav nobr noframes noscript object ol
    optgroup option output p param path picture pre progress q rp rt ruby s samp script search section select slot
    small source span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time
    title tr track tt u ul use var video wbr
    """.split()
)


def read_markdown(data: bytes) -> CanonicalText:
    """The text of CommonMark with tables and strikethrough; YAML front matter is metadata and may name the title.

    A footnote stays as a paragraph where it stands, and so does a link definition that leads nowhere.
    Raises `UnreadableDocument` when the file is not text, its front matter is not valid YAML, or it nests too deeply.
    """
    title, source = _without_front_matter(decode(data))
    parser = MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable(["table", "strikethrough"])
    parser.block.ruler.before("reference", "footnote", _footnote, {"alt": ["paragraph", "blockquote", "list"]})
    parser.block.ruler.at("reference", _reference)
    parser.add_render_rule("html_inline", _html)
    parser.add_render_rule("html_block", _html)
    try:
        page = parser.render(source)
    except RecursionError:
        raise UnreadableDocument(
            "Its lists, quotations or brackets are nested too deeply.", "Take some levels out of it."
        ) from None
    body = LexborHTMLParser(f"<!doctype html><body>{page}").body
    builder = Builder()
    if body is not None:
        walk(body, body, builder)
    return builder.build(title)


def _without_front_matter(source: str) -> tuple[str | None, str]:
    """The title that the front matter names, and the text below it; a first line of dashes alone is no front matter.

    A note between two such lines is text, and becomes a paragraph: "---", "Note: stop aspirin before", "---".
    """
    found = _FRONT_MATTER.match(source)
    if not found:
        return None, source
    import yaml  # type: ignore[import-untyped]

    content = found[1] or ""
    try:
        # The base loader makes nothing but strings, lists and mappings, so no date or number can fail to convert.
        fields = yaml.load(content, Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, RecursionError) as error:
        if not (_LOOKS_LIKE_KEYS.match(content) and _are_metadata(_KEY_LINE.findall(content))):
            return None, source
        raise UnreadableDocument(
            f"Its front matter is not valid YAML{_line_of(error)}.", "Put the value in quotation marks."
        ) from None
    if not isinstance(fields, dict):
        return None, source
    if not _are_metadata(list(fields)):
        # Without the blank line, the dashes below would make a heading of it, which can't be quoted.
        return None, f"{source[: found.end(1)]}\n{source[found.end(1) :]}"
    titles = (fields.get(key) for key in _TITLE_KEYS)
    return next((title for title in titles if isinstance(title, str) and title.strip()), None), source[found.end() :]


def _are_metadata(keys: Sequence[object]) -> bool:
    """Whether keys are those of front matter: one at least is known. A note that looks like one is text."""
    return not _KNOWN_KEYS.isdisjoint(key for key in keys if isinstance(key, str))


def _footnote(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """A footnote's text, as a paragraph of its own; CommonMark takes "[^1]: Aspirin." for a link's definition."""
    start = state.bMarks[first] + state.tShift[first]
    if state.is_code_block(first) or not _FOOTNOTE.match(state.src, start, state.eMarks[first]):
        return False
    return silent or paragraph(state, first, last, silent)


def _reference(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """A link's definition, which nobody sees, if it leads anywhere; if not, it is text."""
    before, everything = state.line, state.env
    state.env = {}
    try:
        if not reference(state, first, last, silent):
            return False
        definitions: dict[str, dict[str, str]] = state.env.get("references", {})
    finally:
        state.env = everything
    for label, definition in definitions.items():
        if not (_DESTINATION.match(definition["href"]) or (label in _COMMENT_LABELS and not definition["href"])):
            state.line = before
            return False
        everything.setdefault("references", {}).setdefault(label, definition)
    return True


def _line_of(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 2} of the file)" if mark is not None else ""


def _html(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _environment: EnvType
) -> str:
    """HTML as it is, but what only looks like a tag, as in "Ask for <name>", is text and stays."""
    return _TAG.sub(
        lambda tag: tag[0] if tag[1].lower() in _ELEMENTS else tag[0].replace("<", "&lt;"), tokens[index].content
    )

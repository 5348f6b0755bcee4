"""A tree of HTML elements → the builder: what a person reads of it, in order, block by block."""

import re
from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

from qa.corpus.formats.canonical import Builder

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS = _HEADINGS | frozenset(
    """
    address article aside blockquote body button caption center dd details dialog dir div dl dt fieldset figcaption
    figure footer form header hgroup hr legend li main menu ol p pre search section summary table tbody td tfoot th
    thead tr ul
    """.split()
)
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_CELLS = frozenset({"td", "th"})
# Struck text is what the author withdrew; a quote could not show the strike.
_LEFT_OUT = frozenset(
    """
    applet area audio canvas datalist del embed frame head iframe input link map meta meter nav noembed noframes
    noscript object optgroup option output progress rp s script select strike style svg template textarea title
    track video
    """.split()
)
_FIELDS = frozenset({"input", "select", "textarea"})
_LEFT_OUT_ROLES = frozenset({"navigation", "search", "menu", "menubar", "dialog", "alertdialog", "tooltip"})
_PAGE_FRAME = frozenset({"header", "footer"})
_PAGE_FRAME_ROLES = frozenset({"banner", "contentinfo"})
_SECTIONING = frozenset({"main", "article", "section"})
# Never paragraphs, list items, cells and headings: what they hold is prose, whatever their class is.
_FURNITURE_TAGS = frozenset({"a", "aside", "dialog", "div", "ol", "section", "span", "ul"})
# A whole id or class, after the prefix of a known design system: "skip-to-note" and "breadcrumbs-diet" are none.
_FURNITURE = re.compile(
    r"(?<!\S)#?(?:(?:nhsuk|govuk|usa|vads?|wp|c|js)-)?"
    r"(?:(?:cookies?|gdpr)[-_]?(?:banner|consent|notice|bar|popup|modal|message|law|overlay|dialog)s?"
    r"|onetrust(?:-(?:banner|consent)-sdk)?|(?:cybot)?cookiebot(?:dialog)?|cc-window"
    r"|breadcrumbs?(?:[-_]*(?:list|nav|container|wrapper))?"
    r"|skip[-_]?(?:links?|nav|navigation|to[-_]?(?:main[-_]?)?(?:content|nav|navigation|main)))(?!\S)",
    re.IGNORECASE,
)
_SKIP_LINK = re.compile(
    r"skip to (?:the )?(?:(?:main|page|primary) )*(?:content|main|navigation|menu|search|footer|end)", re.IGNORECASE
)
# Of "#id class class": what pages without <header>, <nav> and <footer> call them.
_PAGE_FRAME_NAMES = re.compile(
    r"#(?:header|footer|nav|menu|masthead|colophon)(?=\s|$)|(?:^|[\s#])(?:nav-?bar|top-?nav|main[-_](?:nav|menu)"
    r"|(?:site|global|mobile)[-_]?(?:header|footer|nav|menu))(?=\s|$)",
    re.IGNORECASE,
)
_HIDING_STYLE = re.compile(r"(?<![\w-])(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_WHITE_SPACE = re.compile(r"\s+")
_RAISED = re.compile(r"[0-9+\-\u2212]+")
_SUPERSCRIPTS = str.maketrans(
    "0123456789+-\u2212", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b\u207b"
)
_LETTERS = 26


@dataclass(slots=True)
class _List:
    """An open list; `number` is that of its next item."""

    style: str
    number: int
    step: int = 1

    def next_marker(self, item: LexborNode) -> str:
        if self.style == "bullet":
            return "\u2022"
        self.number = _whole(item.attributes.get("value"), self.number)
        number, self.number = self.number, self.number + self.step
        if self.style in ("a", "A") and 1 <= number <= _LETTERS:
            return f"{chr(ord(self.style) + number - 1)}."
        return f"{number}."


@dataclass(slots=True)
class _Item:
    """An open list item; its paragraphs wait until something else begins, so that they become one block."""

    marker: str
    depth: int
    paragraphs: list[str] = field(default_factory=list)
    placed: bool = False


def walk(root: LexborNode, body: LexborNode, builder: Builder) -> None:
    """Hands what a person reads of `root`, a part of `body`, to `builder`."""
    controlled = (node.attributes.get("aria-controls") or "" for node in body.css("[aria-controls]"))
    _Walker(builder, frozenset(name for names in controlled for name in names.split())).walk(root)


class _Walker:
    """Walks elements and hands headings and blocks to `builder`; does not recurse, so depth has no limit."""

    def __init__(self, builder: Builder, controlled: frozenset[str]) -> None:
        """`controlled` are the ids of the parts that a button of the page shows: hidden at first, but readable."""
        self._builder = builder
        self._controlled = controlled
        self._words: list[str] = []
        self._term = ""
        self._lists: list[_List] = []
        self._items: list[_Item] = []
        self._data_tables: list[bool] = []
        self._cells: list[str] = []
        self._captured: LexborNode | None = None

    def walk(self, root: LexborNode) -> None:
        """Hands over all that a person reads in `root`."""
        waiting = [(root, False)]
        while waiting:
            node, leaving = waiting.pop()
            if leaving:
                self._leave(node)
            elif node.is_text_node:
                self._text(node)
            elif not node.is_element_node:
                continue
            elif self._is_left_out(node):
                # What a person fills in stands between the words around it.
                self._words.append(" " if node.tag in _FIELDS else "")
            else:
                self._enter(node)
                waiting.append((node, True))
                waiting.extend((child, False) for child in reversed(list(node.iter(include_text=True))))
        self._settle()

    def _text(self, node: LexborNode) -> None:
        text = node.text_content or ""
        if self._captured is None or self._captured.tag != "pre":
            text = _WHITE_SPACE.sub(" ", text)
        if node.parent is not None and node.parent.tag == "sup" and _RAISED.fullmatch(text.strip()):
            # "10<sup>9</sup>" must not become 109.
            text = text.strip().translate(_SUPERSCRIPTS)
        self._words.append(text)

    def _enter(self, node: LexborNode) -> None:
        tag = node.tag
        if tag == "br":
            self._words.append("\n")
        elif tag == "img":
            self._words.append(f" {node.attributes.get('alt') or ''} ")
        elif self._captured is not None:
            self._words.append(_inside_captured(tag or ""))
        elif tag in _HEADINGS or tag == "pre":
            self._settle()
            self._captured = node
        elif tag in _CELLS and self._data_tables and self._data_tables[-1]:
            self._words.clear()
            self._captured = node
        elif tag in _LISTS:
            self._settle()
            self._lists.append(self._list(node))
        elif tag == "li":
            self._settle()
            marker = self._lists[-1].next_marker(node) if self._lists else "\u2022"
            self._items.append(_Item(marker, max(0, len(self._lists) - 1)))
        elif tag in ("table", "dt"):
            self._settle()
            if tag == "table":
                self._data_tables.append(_holds_data(node))
        elif tag in _BLOCKS:
            self._flush()
        elif "-" in (tag or "") and node.attributes.get("header"):
            # A component, as <va-accordion-item>, that shows this attribute as the heading of its part.
            self._settle()
            self._builder.heading(_whole(node.attributes.get("level"), 6), node.attributes["header"] or "")

    def _list(self, node: LexborNode) -> _List:
        attributes = node.attributes
        if node.tag != "ol":
            return _List("bullet", 1)
        first, step = 1, 1
        if "reversed" in attributes:
            first, step = sum(item.tag == "li" and not self._is_left_out(item) for item in node.iter()), -1
        return _List(attributes.get("type") or "1", _whole(attributes.get("start"), first), step)

    def _is_left_out(self, node: LexborNode) -> bool:
        return _is_left_out(node, self._controlled, self._captured is not None)

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag
        if self._captured is not None:
            if node.mem_id == self._captured.mem_id:
                self._release(tag or "")
            elif tag in _BLOCKS:
                self._words.append(_inside_captured(""))
        elif tag in _LISTS:
            self._settle()
            self._lists.pop()
        elif tag == "li":
            self._settle()
            self._items.pop()
        elif tag == "tr" and self._data_tables and self._data_tables[-1]:
            self._builder.table_row(self._cells)
            self._cells.clear()
        elif tag == "table":
            self._flush()
            self._data_tables.pop()
        elif tag == "dt":
            self._term = "".join(self._words)
            self._words.clear()
        elif tag == "dl":
            self._settle()
        elif tag in _BLOCKS:
            self._flush()

    def _release(self, tag: str) -> None:
        text = "".join(self._words)
        self._words.clear()
        self._captured = None
        if tag == "pre":
            self._builder.preformatted(text)
        elif tag in _CELLS:
            self._cells.append(text)
        else:
            self._builder.heading(int(tag[1]), text)

    def _flush(self) -> None:
        """End the paragraph that is open; a term waits for its definition and stands above it."""
        text = "".join(self._words)
        self._words.clear()
        if not text.strip():
            return
        text = f"{self._term}\n{text}" if self._term.strip() else text
        self._term = ""
        if self._items and not self._items[-1].placed:
            self._items[-1].paragraphs.append(text)
        else:
            self._builder.paragraph(text)

    def _settle(self) -> None:
        """End what is open, before something that is no paragraph begins."""
        if self._term.strip():
            self._words.insert(0, f"{self._term}\n")
        self._term = ""
        self._flush()
        if self._items and self._items[-1].paragraphs and not self._items[-1].placed:
            item = self._items[-1]
            self._builder.list_item("\n".join(item.paragraphs), item.marker, item.depth)
            item.placed = True


def _is_left_out(node: LexborNode, controlled: frozenset[str], captured: bool) -> bool:
    """Whether an element is no part of what a person comes to read: controls, navigation, hidden parts, banners."""
    tag, attributes = node.tag or "", node.attributes
    role = (attributes.get("role") or "").lower()
    is_open = tag == "dialog" and ("open" in attributes or attributes.get("id") in controlled)
    if tag in _LEFT_OUT or ((tag == "dialog" or role in _LEFT_OUT_ROLES) and not is_open):
        return True
    if tag == "button" and not captured:
        # The heading of a part that folds is often a button.
        return not ("aria-expanded" in attributes or "aria-controls" in attributes)
    return (_is_hidden(attributes) and attributes.get("id") not in controlled) or _is_furniture(node, tag, role)


def _is_furniture(node: LexborNode, tag: str, role: str) -> bool:
    """Whether an element belongs to the site and not to the page; what holds the page's heading never does."""
    attributes = node.attributes
    names = f"#{attributes.get('id') or ''} {attributes.get('class') or ''}" if tag in _FURNITURE_TAGS else ""
    if tag in _PAGE_FRAME or role in _PAGE_FRAME_ROLES or _PAGE_FRAME_NAMES.search(names):
        return not _is_within(node, _SECTIONING) and node.css_first("h1, main, article") is None
    if _FURNITURE.search(names):
        return node.css_first("h1, main, article") is None
    if tag == "a" and (attributes.get("href") or "").startswith("#"):
        return _SKIP_LINK.fullmatch(" ".join(node.text().split())) is not None
    return False


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    hidden = "hidden" in attributes and attributes["hidden"] != "until-found"
    return hidden or bool(_HIDING_STYLE.search(attributes.get("style") or ""))


def _is_within(node: LexborNode, tags: frozenset[str]) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.tag in tags or parent.attributes.get("role") == "main":
            return True
        parent = parent.parent
    return False


def _holds_data(table: LexborNode) -> bool:
    """Whether a table is more than a way to lay out a page."""
    if (table.attributes.get("role") or "") in ("presentation", "none"):
        return False
    if any(inner.mem_id != table.mem_id for inner in table.css("table, h1, h2, h3, h4, h5, h6")):
        return False
    return table.css_first("tr > :is(td, th) ~ :is(td, th)") is not None


def _inside_captured(tag: str) -> str:
    if tag == "li":
        return " \u2022 "
    return " " if not tag or tag in _BLOCKS else ""


def _whole(number: str | None, default: int) -> int:
    return int(number) if number and re.fullmatch(r"-?[0-9]{1,9}", number) else default

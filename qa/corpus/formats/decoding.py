"""Bytes → str: which text encoding a file is in, or why it is no text."""

import re

from qa.errors import UnreadableDocument

_SAVE_AS = "Save it as UTF-8 text."
_SIGNATURES = (
    (b"%PDF-", "a PDF file"),
    (b"PK\x03\x04", "a ZIP or Office file"),
    (b"\xd0\xcf\x11\xe0", "an older Office file"),
    (b"{\\rtf", "an RTF file"),
)
_UTF_8_MARK = b"\xef\xbb\xbf"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# Names that a web page may declare; others ("hex", "unicode_escape") would run other codecs of Python.
_DECLARABLE = re.compile(
    r"utf-?8|(windows-|cp)125\d|windows-874|iso-8859-\d+|latin-?1|us-ascii|koi8-[ru]|macintosh"
    r"|gbk|gb2312|gb18030|big5|euc-jp|euc-kr|shift[_-]jis"
)
# As browsers do: pages that declare these are written in Windows-1252.
_MEANS_WINDOWS_1252 = frozenset({"iso-8859-1", "latin1", "latin-1", "us-ascii"})
# What English and its neighbours use of Windows-1252; its other letters suggest another encoding.
_WINDOWS_1252 = frozenset(
    "\u20ac\u201a\u201e\u2026\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u2122\u2039\u203a\u0153\u0152"
    "\xa0\xa1\xa2\xa3\xa5\xa7\xa9\xaa\xab\xad\xae\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb9\xba\xbb\xbc\xbd\xbe\xbf\xd7\xf7"
    "\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf\xd1\xd2\xd3\xd4\xd5\xd6\xd8\xd9\xda\xdb\xdc\xdf"
    "\xe0\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xee\xef\xf1\xf2\xf3\xf4\xf5\xf6\xf8\xf9\xfa\xfb\xfc\xff"
)
_CONTROLS = re.compile("[\x01-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_FEW_CONTROLS = 3
_CONTROLS_PER_CHARACTER = 1 / 200
_MOSTLY_ASCII = 0.7


def decode(data: bytes, declared: str | None = None) -> str:
    """The text of `data`; `declared` is the encoding that the file itself names, tried after UTF-8 and UTF-16.

    A file without any of these is read as Windows-1252 if that gives Western European text, and refused if not: a
    wrong guess would change letters of an approved text. Raises `UnreadableDocument` when the file is empty, is not
    text, or is in an encoding that is unknown or not the declared one.
    """
    if not data:
        raise UnreadableDocument("The file is empty.", "Write its text, or remove it.")
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            raise UnreadableDocument(f"The file is {kind}, whatever its name says.", "Give it the name of its format.")
    text = _text(data, declared)
    controls = len(_CONTROLS.findall(text))
    if "\x00" in text or controls > max(_FEW_CONTROLS, len(text) * _CONTROLS_PER_CHARACTER):
        raise UnreadableDocument("The file is binary, not text.", _SAVE_AS)
    return text


def _text(data: bytes, declared: str | None) -> str:
    if data.startswith(_UTF_16_MARKS):
        return _strict(data, "utf-16")
    if data.startswith(_UTF_8_MARK):
        return _strict(data, "utf-8-sig")
    if b"\x00" in data:
        raise UnreadableDocument("The file holds NUL bytes, so it is binary, not text.", _SAVE_AS)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        first_fault = error.start
    name = (declared or "").strip().lower()
    if _DECLARABLE.fullmatch(name) and name not in ("utf-8", "utf8"):
        return _strict(data, "cp1252" if name in _MEANS_WINDOWS_1252 else name)
    text = data.decode("cp1252", errors="replace")
    others = [character for character in text if not character.isascii()]
    if _WINDOWS_1252.issuperset(others) and len(others) <= len(text) * (1 - _MOSTLY_ASCII):
        return text
    raise UnreadableDocument(f"The file is not UTF-8 (byte {first_fault}), and its encoding is unknown.", _SAVE_AS)


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        raise UnreadableDocument(f"The file says that it is {encoding}, but it is not.", _SAVE_AS) from None

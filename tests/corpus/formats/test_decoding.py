"""Which encoding a file is in, and when it is refused."""

import pytest

from qa.corpus.formats.decoding import decode
from qa.errors import UnreadableDocument

TEXT = "Dr. Peña’s patients rest for ½ day – not more."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_the_encodings_that_editors_write(encoding: str) -> None:
    assert decode(TEXT.encode(encoding)) == TEXT


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_utf_16_is_told_by_its_mark(mark: bytes) -> None:
    assert decode(mark + TEXT.encode("utf-16-le" if mark == b"\xff\xfe" else "utf-16-be")) == TEXT


def test_a_declared_encoding_is_used_when_the_bytes_are_not_utf_8() -> None:
    assert decode("Болит спина".encode("koi8-r"), "KOI8-R") == "Болит спина"
    assert decode(TEXT.encode(), "koi8-r") == TEXT


def test_a_page_that_declares_latin_1_is_read_as_windows_1252_as_browsers_do() -> None:
    assert decode("the patient’s".encode("cp1252"), "iso-8859-1") == "the patient’s"


@pytest.mark.parametrize("declared", ["unicode_escape", "hex", "no-such", "utf-8", None])
def test_an_encoding_that_no_page_may_declare_is_ignored(declared: str | None) -> None:
    assert decode("café \\x41".encode("cp1252"), declared) == "café \\x41"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"text\x00text", "NUL"),
        (b"\x01\x02\x03\x04\x05\x06 text", "binary"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"PK\x03\x04...", "Office"),
        (b"{\\rtf1 text}", "RTF"),
        (b"\xff\xfe\x00", "utf-16"),
        (b"\xef\xbb\xbf\xff", "utf-8"),
        ("Болит спина".encode("koi8-r"), "encoding is unknown"),
        ("患者は医師に連絡してください".encode("shift_jis"), "encoding is unknown"),
    ],
)
def test_what_is_no_text_is_refused_with_the_reason_and_a_remedy(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableDocument, match=why) as refusal:
        decode(data)
    assert refusal.value.remedy


def test_a_stray_control_character_does_not_make_a_file_binary() -> None:
    assert decode(b"The end.\x1a") == "The end.\x1a"

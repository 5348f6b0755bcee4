"""What every format promises: a text that holds together, or one of two errors, whatever the bytes."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.corpus.formats import SUFFIXES, read
from qa.corpus.formats.canonical import check
from qa.errors import NoReader, UnreadableDocument
from qa.records import CanonicalText

suffixes = st.sampled_from(sorted(SUFFIXES))

PIECES = r"""
# |## |### |- |1. |7) |> |    |```|~~|**|`|\|<b>|</b>|<div>|</div>|<ul>|<li>|</ul>|<ol start=3>|<table>|<tr>|<td>|
</table>|</ol>|<pre>|</pre>|<h1>|<h2>|</h2>|<br>|<dl>|<dt>|<dd>|</dl>|<main>|<nav>|</nav>|<p hidden>|
<label>|</label>|<legend>|<dialog open>|</dialog>|<ol reversed>|<li value=4>|[^1]: |[Go]: |
<sup>2</sup>|<!--|-->|&nbsp;|&#0;|title: x|[a](b)|![alt](c)|<x-y header=H>|<select>|<body>|word|Go|End.|• |a) |"""
MARKUP = st.lists(
    st.sampled_from([*PIECES.split("|"), "\n", "\n\n", "---\n", "|", "|---|", "e\u0301"]), max_size=40
).map("".join)


def read_or_refuse(data: bytes, suffix: str) -> CanonicalText | UnreadableDocument:
    try:
        return read(data, suffix)
    except UnreadableDocument as refusal:
        return refusal


@given(st.binary() | st.text().map(str.encode), suffixes)
def test_any_bytes_are_read_or_refused_and_nothing_else(data: bytes, suffix: str) -> None:
    outcome = read_or_refuse(data, suffix)
    if isinstance(outcome, UnreadableDocument):
        assert outcome.message
        assert outcome.remedy
    else:
        check(outcome)
        assert outcome.text


@given(MARKUP, suffixes)
def test_any_markup_is_read_without_a_failure_of_a_reader(source: str, suffix: str) -> None:
    outcome = read_or_refuse(source.encode(), suffix)
    if isinstance(outcome, UnreadableDocument):
        assert outcome.__cause__ is None, outcome
        assert "hold together" not in str(outcome)
    else:
        assert outcome == read(source.encode(), suffix)


@given(st.lists(st.text(alphabet="abcdefgh", min_size=1), min_size=1), suffixes)
def test_plain_words_are_the_same_in_every_format(words: list[str], suffix: str) -> None:
    assert read(" ".join(words).encode(), suffix).text.split() == words


@given(MARKUP)
def test_reading_the_text_of_a_plain_file_again_gives_the_same_text(source: str) -> None:
    first = read_or_refuse(source.encode(), ".txt")
    if isinstance(first, CanonicalText):
        assert read(first.text.encode(), ".txt") == first


@pytest.mark.parametrize("suffix", [".pdf", ".DOCX"])
def test_a_format_whose_reader_is_to_come_is_named(suffix: str) -> None:
    with pytest.raises(NoReader, match=f"no reader yet for {suffix.lower()}"):
        read(b"text", suffix)


@pytest.mark.parametrize("suffix", [".xyz", ""])
def test_a_format_without_a_reader_is_refused(suffix: str) -> None:
    with pytest.raises(NoReader, match="no reader for"):
        read(b"text", suffix)


def test_suffixes_are_known_in_either_case() -> None:
    assert read(b"# Rest", ".MD").title == "Rest"


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
@pytest.mark.parametrize("data", [b"", b"  \n\t\n", "\u200b\ufeff\xad".encode()])
def test_a_file_with_nothing_to_read_is_refused(data: bytes, suffix: str) -> None:
    with pytest.raises(UnreadableDocument, match=r"empty|no readable text"):
        read(data, suffix)


@pytest.mark.parametrize(("data", "suffix"), [(b"> " * 2000 + b"deep", ".md"), (b"<b>" * 2000 + b"deep", ".html")])
def test_deep_nesting_is_read_or_refused_but_never_cut(data: bytes, suffix: str) -> None:
    outcome = read_or_refuse(data, suffix)
    assert "nested too deeply" in str(outcome) if isinstance(outcome, UnreadableDocument) else "deep" in outcome.text


def test_the_package_imports_no_parser_until_it_reads() -> None:
    code = (
        "import sys, qa.corpus.formats; print(sorted({'selectolax', 'markdown_it', 'yaml', 'lxml'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

"""Passages are slices that hold all of a section's text and cut through nothing."""

import datetime
import random
from collections.abc import Sequence

import pytest
import sentencex
from hypothesis import given
from hypothesis import strategies as st

from qa.corpus.formats import read
from qa.corpus.passages import embedding_text, heading_text, passages_of, sentence_spans
from qa.records import Approval, Block, BlockKind, Document, Page, Passage, Section, Span
from qa.storage.files import sha256_of_text
from tests.support.clinic import RISKS

DAY = datetime.date(2026, 11, 20)
KINDS: tuple[BlockKind, ...] = ("paragraph", "paragraph", "list_item", "table_row", "preformatted")

# Words, abbreviations, ends of sentences, and everything that has ever confused an offset.
_ATOMS = """
    the cement hardens Dr. e.g. U.S. No. 1. 2.5 1/2 p.m. ? ! ... … . 。 " “ ” ( ) [1] • – — | : ; , ' ’ a.b.c
    https://x.example/?q=1 é e\u0301 \u0301 👍 👩\u200d👩\u200d👧 🇩🇪 עברית العربية ไทย 中文 İ ß \u200d \u200b \ufeff
    \ufffd 𝒳
"""
ATOMS = st.sampled_from(_ATOMS.split()) | st.just("x" * 300)
GLUE = st.sampled_from([" ", " ", " ", "", "\n", "  ", "\r\n", "\t", "\x0b", "\u2028", "\u00a0", "\x1c"])
BLOCK_TEXTS = (
    st.lists(st.tuples(ATOMS, GLUE), min_size=1, max_size=30)
    .map(lambda parts: "".join(atom + glue for atom, glue in parts).strip())
    .filter(bool)
) | st.text(min_size=1, max_size=40).map(str.strip).filter(bool)
BLOCKS = st.lists(st.tuples(st.sampled_from(KINDS), BLOCK_TEXTS), max_size=8)
SECTIONS = st.lists(st.tuples(st.sampled_from([None, "Risks", "When to call?"]), BLOCKS), max_size=4)


def document_of(text: str, sections: Sequence[Section], pages: tuple[Page, ...] = ()) -> Document:
    approval = Approval(
        "page", "page.md", "A page", "patient", "0" * 64, sha256_of_text("x"), "The committee", DAY, DAY
    )
    return Document(approval, text, tuple(sections), pages)


def laid_out(parts: Sequence[tuple[str | None, Sequence[tuple[BlockKind, str]]]]) -> Document:
    """A document with these headings and blocks, a blank line between any two."""
    text = "\n"
    sections = []
    for heading, blocks in parts:
        span = Span(len(text), len(text) + len(heading)) if heading else None
        text += f"{heading}\n\n" if heading else ""
        placed = []
        for kind, content in blocks:
            placed.append(Block(kind, len(text), len(text) + len(content)))
            text += f"{content}\n  "
        start, end = (placed[0].start, placed[-1].end) if placed else (len(text), len(text))
        sections.append(Section((heading,) if heading else (), span, 2, start, end, tuple(placed)))
    return document_of(text, sections)


def of_markdown(source: str) -> Document:
    canonical = read(source.encode(), ".md")
    return document_of(canonical.text, canonical.sections)


def texts(document: Document, passages: Sequence[Passage]) -> list[str]:
    return [document.text[passage.start : passage.end] for passage in passages]


def units(document: Document, section: Section) -> list[Span]:
    """What a passage never cuts: sentences of paragraphs, and whole blocks of any other kind."""
    found: list[Span] = []
    for block in section.blocks:
        if block.kind == "paragraph":
            found.extend(
                sentence_spans(document.text, block.start, block.end, lambda text: sentencex.segment("en", text))
            )
        else:
            found.append(Span(block.start, block.end))
    return found


def words(text: str) -> int:
    return len(text.split())


@given(SECTIONS, st.integers(20, 60))
def test_passages_hold_all_of_each_section_but_white_space_and_cross_none(
    parts: list[tuple[str | None, list[tuple[BlockKind, str]]]], target: int
) -> None:
    document = laid_out(parts)
    passages = list(passages_of(document, target))
    assert passages == sorted(passages, key=lambda passage: passage.start)
    for section in document.sections:
        inside = [passage for passage in passages if section.start <= passage.start < section.end]
        position = section.start
        for passage in inside:
            assert passage.heading_path == section.heading_path
            assert document.text[position : passage.start].strip() == ""
            assert position <= passage.start < passage.end <= section.end
            position = passage.end
        assert document.text[position : section.end].strip() == ""
        passages = passages[len(inside) :]
    assert passages == []


@given(SECTIONS, st.integers(20, 60))
def test_no_passage_cuts_a_sentence_a_list_item_or_a_table_row(
    parts: list[tuple[str | None, list[tuple[BlockKind, str]]]], target: int
) -> None:
    document = laid_out(parts)
    passages = list(passages_of(document, target))
    for section in document.sections:
        for unit in units(document, section):
            holders = [passage for passage in passages if passage.start < unit.end and unit.start < passage.end]
            assert len(holders) == 1
            assert holders[0].start <= unit.start
            assert unit.end <= holders[0].end


@given(SECTIONS, st.integers(20, 60))
def test_sentences_lie_inside_their_passage_in_order_and_hold_all_of_it_but_white_space(
    parts: list[tuple[str | None, list[tuple[BlockKind, str]]]], target: int
) -> None:
    document = laid_out(parts)
    for passage in passages_of(document, target):
        position = passage.start
        assert (passage.sentences[0].start, passage.sentences[-1].end) == (passage.start, passage.end)
        for start, end in passage.sentences:
            assert position <= start < end
            assert document.text[position:start].strip() == ""
            assert document.text[start:end] == document.text[start:end].strip()
            position = end


@given(SECTIONS, st.integers(20, 60))
def test_a_passage_of_several_units_is_at_most_twice_as_long_as_aimed(
    parts: list[tuple[str | None, list[tuple[BlockKind, str]]]], target: int
) -> None:
    document = laid_out(parts)
    whole = {unit for section in document.sections for unit in units(document, section)}
    for passage in passages_of(document, target):
        too_long = words(document.text[passage.start : passage.end]) > 2 * target
        assert not too_long or (passage.start, passage.end) in whole


@pytest.mark.parametrize("target", [30, 60, 90, 150])
def test_passages_of_a_long_plain_text_are_near_the_length_aimed_at(target: int) -> None:
    chance = random.Random(7)
    sentences = [" ".join(["Word"] + ["word"] * chance.randint(4, 22)) + "." for _ in range(400)]
    document = laid_out([(None, [("paragraph", " ".join(sentences))])])
    lengths = [words(text) for text in texts(document, list(passages_of(document, target)))]
    assert abs(sum(lengths) / len(lengths) - target) < 0.2 * target
    assert all(0.5 * target < length < 1.5 * target for length in lengths)


def test_short_paragraphs_of_one_section_are_quoted_together() -> None:
    document = laid_out([(None, [("paragraph", f"This is the short paragraph number {n}.") for n in range(30)])])
    lengths = [words(text) for text in texts(document, list(passages_of(document, 90)))]
    assert all(45 <= length <= 135 for length in lengths)


def test_a_list_stays_with_the_line_that_leads_to_it() -> None:
    document = of_markdown(RISKS)
    (risks,) = [text for text in texts(document, list(passages_of(document, 20))) if "Infection" in text]
    assert risks.startswith("The risks include:")


def test_a_single_sentence_longer_than_a_passage_stays_whole() -> None:
    sentence = " ".join(["endless"] * 500)
    document = laid_out([(None, [("paragraph", f"Short one. {sentence}. Short two.")])])
    assert f"{sentence}." in texts(document, list(passages_of(document, 20)))


def test_abbreviations_and_broken_lines_do_not_end_a_sentence() -> None:
    text = "Ask Dr.\nBaker before 5 p.m. today. The cut is 1/2 inch long, e.g. for a needle."
    spans = sentence_spans(text, 0, len(text), lambda stretch: sentencex.segment("en", stretch))
    assert [text[slice(*span)] for span in spans] == [
        "Ask Dr.\nBaker before 5 p.m. today.",
        "The cut is 1/2 inch long, e.g. for a needle.",
    ]


@pytest.mark.parametrize("answer", [["Other text."], ["First. "], [], ["First.", " ", "Second!!"]])
def test_a_splitter_that_does_not_give_the_text_back_is_not_trusted(answer: list[str]) -> None:
    text = "..First. Second..."
    assert sentence_spans(text, 2, 16, lambda _: answer) == (Span(2, 16),)


def test_a_document_without_text_under_its_headings_has_no_passages() -> None:
    assert list(passages_of(laid_out([("Risks", []), ("When to call?", [])]), 90)) == []


def test_a_passage_is_on_the_page_where_it_begins() -> None:
    text = "First page. Second page."
    section = Section((), None, 0, 0, len(text), (Block("list_item", 0, 11), Block("list_item", 12, len(text))))
    pages = (Page(4, 0, 11), Page(5, 12, len(text)))
    document = document_of(text, [section], pages)
    assert [passage.page for passage in passages_of(document, 20)] == [4]
    assert [passage.page for passage in passages_of(document_of(text, [section]), 20)] == [None]


def test_title_and_headings_are_embedded_with_a_passage_and_not_quoted() -> None:
    document = laid_out([("Common risks", [("paragraph", "Infection is rare.")])])
    (passage,) = passages_of(document, 90)
    assert heading_text(document, passage) == "A page. Common risks"
    assert embedding_text(document, passage) == "A page. Common risks. Infection is rare."
    assert texts(document, [passage]) == ["Infection is rare."]


def test_a_lead_in_is_parted_from_its_list_rather_than_making_a_passage_twice_too_long() -> None:
    item = " ".join(["word"] * 58)
    document = laid_out([(None, [("paragraph", "The risks are:"), ("list_item", item)])])
    assert texts(document, list(passages_of(document, 30))) == ["The risks are:", item]
    assert len(list(passages_of(document, 31))) == 1

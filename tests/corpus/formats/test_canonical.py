"""The builder's layout, and the proof that every slice is what its records say."""

import dataclasses
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.corpus.formats.canonical import Builder, check, normalise, one_line
from qa.errors import UnreadableDocument
from qa.records import Block, CanonicalText, Page, Section, Span

Step = tuple[str, str, int]

# Letters, marks that compose, every kind of white space, and characters that nobody sees.
ODD_TEXT = st.text(
    alphabet=st.sampled_from("abC é.\u0301\u0338|<&\n\r\t\x0b\x85\u2028\xa0\u3000\u200b\xad\ufeff\x00\x1c\u202e")
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["heading", "paragraph", "list_item", "table_row", "preformatted"]),
        st.one_of(ODD_TEXT, st.text()),
        st.integers(0, 7),
    )
)


def built(steps: list[Step], title: str | None = None) -> CanonicalText:
    builder = Builder()
    for kind, text, number in steps:
        if kind == "heading":
            builder.heading(number, text)
        elif kind == "list_item":
            builder.list_item(text, "•", number)
        elif kind == "table_row":
            builder.table_row([text, "", text[::-1]][: number + 1])
        elif kind == "preformatted":
            builder.preformatted(text)
        else:
            builder.paragraph(text)
    return builder.build(title)


def texts(section: Section, text: str) -> list[str]:
    return [text[block.start : block.end] for block in section.blocks]


@given(STEPS, st.none() | st.text())
def test_whatever_it_is_given_the_builder_makes_a_text_that_holds_together(
    steps: list[Step], title: str | None
) -> None:
    canonical = built(steps, title)
    check(canonical)
    assert unicodedata.is_normalized("NFC", canonical.text)


@given(STEPS)
def test_no_word_is_lost_and_none_changes_place(steps: list[Step]) -> None:
    given_words = []
    for kind, text, number in steps:
        cells = [text, "", text[::-1]][: number + 1] if kind == "table_row" else [text]
        given_words += [word for cell in cells for word in normalise(cell).split()]
    added = {"•", "|"}
    found = [word for word in built(steps).text.split() if word not in added]
    assert found == [word for word in given_words if word not in added]


@given(STEPS)
def test_the_same_steps_make_the_same_text(steps: list[Step]) -> None:
    assert built(steps) == built(steps)


@given(st.text())
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("a\r\nb\rc\u2028d\u2029e\x0bf\x0cg\x85h", "a\nb\nc\nd\ne\nf\ng\nh"),
        ("5\xa0mg\u2009a\u202fday\u3000now", "5 mg a day now"),
        ("\ufeffkypho\u200bpla\xadsty\u2060\u202e", "kyphoplasty"),
        ("cafe\u0301", "café"),
        ("a\x00b\x1bc\ud800d", "abcd"),
    ],
)
def test_text_has_one_line_break_plain_spaces_and_nothing_unseen(raw: str, plain: str) -> None:
    assert normalise(raw) == plain


def test_blocks_stand_a_blank_line_apart_and_list_items_and_rows_a_line_apart() -> None:
    builder = Builder()
    builder.heading(1, "Risks")
    builder.paragraph("The   risks\nare:")
    builder.list_item("Infection", "•", 0)
    builder.list_item("of the skin", "•", 1)
    builder.list_item("Bleeding", "2.", 0)
    builder.table_row(["Risk", "How often"])
    builder.table_row(["Leak", "", "1 in 10", ""])
    builder.table_row(["", " "])
    builder.preformatted("\n  a\n    b\n\n")
    assert builder.build().text == (
        "Risks\n\nThe risks\nare:\n\n• Infection\n  • of the skin\n2. Bleeding\n\n"
        "Risk | How often\nLeak | | 1 in 10\n\n  a\n    b"
    )


def test_a_list_item_holds_its_bullet_but_not_its_indentation() -> None:
    canonical = built([("list_item", "Rest", 2)])
    assert canonical.text == "    • Rest"
    assert texts(canonical.sections[0], canonical.text) == ["• Rest"]


def test_a_list_item_of_several_paragraphs_is_one_block() -> None:
    canonical = built([("list_item", "Rest.\n\nDo not lift.", 0)])
    assert texts(canonical.sections[0], canonical.text) == ["• Rest.\nDo not lift."]


def test_the_first_heading_of_level_one_is_the_title_and_stands_in_no_path() -> None:
    canonical = built(
        [
            ("paragraph", "Before.", 0),
            ("heading", "Kyphoplasty", 1),
            ("paragraph", "About.", 0),
            ("heading", "Risks", 2),
            ("heading", "Infection", 4),
            ("heading", "Leaks", 3),
            ("heading", "Appendix", 1),
            ("heading", "Sources", 2),
        ],
        "Another title",
    )
    assert canonical.title == "Kyphoplasty"
    assert [(section.heading_path, section.level) for section in canonical.sections] == [
        ((), 0),
        ((), 1),
        (("Risks",), 2),
        (("Risks", "Infection"), 4),
        (("Risks", "Leaks"), 3),
        (("Appendix",), 1),
        (("Appendix", "Sources"), 2),
    ]
    before, about, *_ = canonical.sections
    assert before.heading is None
    assert about.heading is not None
    assert canonical.text[slice(*about.heading)] == "Kyphoplasty"


def test_a_given_title_holds_when_no_heading_is_one() -> None:
    assert built([("heading", "Risks", 2)], "  The\xa0title ").title == "The title"
    assert built([("heading", "Risks", 2)], "  ").title is None


def test_a_heading_without_text_under_it_has_an_empty_body_right_after_it() -> None:
    canonical = built([("heading", "Risks", 2), ("heading", "", 2), ("heading", "Leaks", 3)])
    assert [(s.heading, s.start, s.end, s.blocks) for s in canonical.sections] == [
        (Span(0, 5), 5, 5, ()),
        (Span(7, 12), 12, 12, ()),
    ]


def sound() -> CanonicalText:
    return built([("paragraph", "Before.", 0), ("heading", "Risks", 2), ("paragraph", "Some risks.", 0)])


def with_section(canonical: CanonicalText, **changes: object) -> CanonicalText:
    last = dataclasses.replace(canonical.sections[-1], **changes)  # type: ignore[arg-type]
    return dataclasses.replace(canonical, sections=(*canonical.sections[:-1], last))


DAMAGES: dict[str, Callable[[CanonicalText], CanonicalText]] = {
    "a block begins with white space": lambda c: with_section(c, start=14, blocks=(Block("paragraph", 14, 27),)),
    "a block leaves a word out": lambda c: with_section(c, end=20, blocks=(Block("paragraph", 16, 20),)),
    "a block ends after the text": lambda c: with_section(c, end=99, blocks=(Block("paragraph", 16, 99),)),
    "two blocks overlap": lambda c: with_section(c, blocks=(Block("paragraph", 16, 22), Block("paragraph", 21, 27))),
    "a section is wider than its blocks": lambda c: with_section(c, start=15),
    "a path does not end in its heading": lambda c: with_section(c, heading_path=("Leaks",)),
    "a path has no heading": lambda c: with_section(c, heading=None),
    "sections change places": lambda c: dataclasses.replace(c, sections=c.sections[::-1]),
    "a section is missing": lambda c: dataclasses.replace(c, sections=c.sections[:1]),
    "the text has a no-break space": lambda c: dataclasses.replace(c, text=c.text.replace(" ", "\xa0")),
    "the title is blank": lambda c: dataclasses.replace(c, title=" "),
    "pages overlap": lambda c: dataclasses.replace(c, pages=(Page(1, 0, 9), Page(2, 8, 27))),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_text_that_does_not_hold_together_is_refused(damage: Callable[[CanonicalText], CanonicalText]) -> None:
    check(sound())
    with pytest.raises(UnreadableDocument, match="does not hold together"):
        check(damage(sound()))


def test_one_line_has_no_line_break() -> None:
    assert one_line(" a\n b\u2028c ") == "a b c"

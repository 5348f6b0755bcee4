"""Markdown: what a person reads of it, and its structure."""

import pytest

from qa.corpus.formats import read
from qa.errors import UnreadableDocument
from qa.records import CanonicalText


def markdown(source: str) -> CanonicalText:
    return read(source.encode(), ".md")


def blocks(canonical: CanonicalText) -> list[tuple[str, str]]:
    return [(b.kind, canonical.text[b.start : b.end]) for s in canonical.sections for b in s.blocks]


def test_markup_goes_and_the_words_stay() -> None:
    source = (
        "Call **the [clinic](https://x.example)** at `555-0100` ![by phone](p.png)<!-- ask -->\n*or* come\\\ntoday."
    )
    assert markdown(source).text == "Call the clinic at 555-0100 by phone or come\ntoday."


def test_struck_text_is_withdrawn_text_and_is_not_read() -> None:
    assert markdown("Rest for ~~one day~~ two days.").text == "Rest for two days."


def test_headings_make_sections_and_the_first_h1_is_the_title() -> None:
    canonical = markdown("# Kyphoplasty\n\nAbout.\n\nRisks\n-----\n\nSome.\n\n### Leaks\n\nFew.\n\n##\n")
    assert canonical.title == "Kyphoplasty"
    assert [section.heading_path for section in canonical.sections] == [(), ("Risks",), ("Risks", "Leaks")]
    assert canonical.text == "Kyphoplasty\n\nAbout.\n\nRisks\n\nSome.\n\nLeaks\n\nFew."


def test_lists_keep_bullets_numbers_and_depth() -> None:
    canonical = markdown("3. Rest\n4. Eat\n   - soup\n   - bread\n\n     Not much.\n\nThen:\n\n1) > Walk\n")
    assert canonical.text == "3. Rest\n4. Eat\n  • soup\n  • bread\nNot much.\n\nThen:\n\n1. Walk"
    assert blocks(canonical)[3] == ("list_item", "• bread\nNot much.")


def test_a_quotation_is_a_paragraph() -> None:
    assert blocks(markdown("> Rest.\n>\n> # Then\n>\n> Walk.")) == [("paragraph", "Rest."), ("paragraph", "Walk.")]


def test_tables_become_rows_and_code_keeps_its_lines() -> None:
    source = "| Risk | Often |\n|---|--:|\n| Leak \\| spill | 1 in 10 |\n| | |\n\n```\n  a\n    b\n```\n"
    assert blocks(markdown(source)) == [
        ("table_row", "Risk | Often"),
        ("table_row", "Leak | spill | 1 in 10"),
        ("preformatted", "a\n    b"),
    ]


def test_html_inside_is_walked_even_where_markdown_cuts_it_at_blank_lines() -> None:
    source = (
        "<div>\n\n## Call us\n\n<table>\n<tr><th>Where</th><th>Number</th></tr>\n\n"
        "<tr><td>Desk</td><td>555&nbsp;0100</td></tr>\n"
        "</table>\n</div>\n\n<nav>\n\n[Home](/)\n\n</nav>\n\n10<sup>9</sup> cells<br>per litre"
    )
    assert markdown(source).text == "Call us\n\nWhere | Number\nDesk | 555 0100\n\n10⁹ cells\nper litre"


def test_forms_and_scripts_inside_are_not_text() -> None:
    form = "<form><input value=State><select><option>AL</option></select></form>"
    assert markdown(f"Before.\n\n{form}\n<script>run()</script>\n\nAfter.").text == "Before.\n\nAfter."


def test_what_only_looks_like_a_tag_stays() -> None:
    text = "Ask for <patient name> and <date>; pressure <90 is low."
    assert markdown(text).text == text
    assert markdown("<patient name>\n\n<x-note>Kept.</x-note>").text == "<patient name>\n\nKept."


@pytest.mark.parametrize("end", ["---", "..."])
def test_front_matter_is_metadata_and_names_the_title(end: str) -> None:
    canonical = markdown(f"---\n# setup\ntitle: The tab\ndisplay_title: Shown\nday: 2020-99-99\n{end}\nText.")
    assert (canonical.title, canonical.text) == ("Shown", "Text.")
    assert markdown("---\r\ntitle: The tab\r\n---\r\n# The heading\r\n").title == "The heading"


def test_lines_of_dashes_that_hold_no_fields_are_no_front_matter() -> None:
    assert markdown("---\n\nRest.\n\n---\n\nEat.").text == "Rest.\n\nEat."
    assert markdown("---\n---\n\nEat.").text == "Eat."


@pytest.mark.parametrize(
    "note",
    [
        "Note: stop aspirin before",
        "Stop: aspirin\nBring: a driver",
        "stop aspirin: today",
        "Note: stop aspirin: today",
        "911: emergency",
        "Stop aspirin before",
    ],
)
def test_a_note_between_lines_of_dashes_is_text(note: str) -> None:
    canonical = markdown(f"---\n{note}\n---\nEat nothing.")
    assert canonical.title is None
    assert canonical.text.split() == [*note.split(), "Eat", "nothing."]


def test_a_note_of_fields_between_lines_of_dashes_can_be_quoted() -> None:
    assert blocks(markdown("---\r\nNote: stop aspirin before\r\n---\r\nEat nothing.")) == [
        ("paragraph", "Note: stop aspirin before"),
        ("paragraph", "Eat nothing."),
    ]


@pytest.mark.parametrize("fields", ["Reviewed By: Dr. Baker\nlayout: page", "title: A\nhide_sidenav: yes"])
def test_front_matter_has_a_key_that_is_known_as_one(fields: str) -> None:
    assert markdown(f"---\n{fields}\n---\nEat nothing.").text == "Eat nothing."


def test_a_note_in_lower_case_is_no_front_matter() -> None:
    assert "stop aspirin" in markdown("---\nwarning: stop aspirin\n---\nEat nothing.").text


def test_footnotes_stay_as_paragraphs_where_they_stand() -> None:
    source = "Stop it.[^1]\n[^1]: Aspirin.\n[^b]: Ibuprofen and\n    *all* of its kind.\n\n> [^3]: https://x.example\n\nRest."
    assert blocks(markdown(source)) == [
        ("paragraph", "Stop it.[^1]"),
        ("paragraph", "[^1]: Aspirin."),
        ("paragraph", "[^b]: Ibuprofen and all of its kind."),
        ("paragraph", "[^3]: https://x.example"),
        ("paragraph", "Rest."),
    ]
    assert markdown("- Rest\n[^1]: Aspirin.\n---\n").text == "• Rest\n\n[^1]: Aspirin."
    assert markdown("Word\n\n    [^1]: code").text == "Word\n\n[^1]: code"


@pytest.mark.parametrize(
    "destination",
    ["911", "Aspirin.", "1/2", "#3", "555-0100", "and/or", "10:30", "Baker.MD", "Note:stop", "911 'call now'", "..."],
)
def test_what_only_looks_like_a_links_definition_is_text(destination: str) -> None:
    source = f"[Emergency]: {destination}"
    assert blocks(markdown(f"Call [Emergency].\n\n{source}\n\nRest.")) == [
        ("paragraph", "Call [Emergency]."),
        ("paragraph", source),
        ("paragraph", "Rest."),
    ]
    assert "Do not eat" in markdown("[Warning]: <Do not eat>").text
    assert "Do not eat" in markdown("[Do not eat]: <>").text


@pytest.mark.parametrize(
    "destination",
    [
        "https://x.example",
        "tel:911",
        "mailto:a@x.example",
        "WWW.x.example",
        "HTTP://x.example",
        "/risks",
        "./risks",
        "../a",
        "#risks",
        "#",
        "risks.html#leak",
        "img/leak.png",
        "<my guide.pdf>",
        "?page=2",
        "/risks 'Risks'",
    ],
)
def test_the_definition_of_a_link_is_not_read(destination: str) -> None:
    assert markdown(f"The [risks][r].\n\n[R]: {destination}\n[other]: /other\n\nRest.").text == "The risks.\n\nRest."


def test_the_usual_forms_of_a_comment_are_not_read() -> None:
    assert markdown("[//]: # (ask)\n[comment]: <> (ask)\n\nRest.").text == "Rest."


def test_broken_front_matter_is_refused_with_its_line() -> None:
    with pytest.raises(UnreadableDocument, match=r"front matter is not valid YAML \(line 3"):
        markdown("---\nlayout: page\ntitle: Risks: a list\n---\nText.")

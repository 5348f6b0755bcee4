"""A quote comes with the headings, lead-ins and table header that it stands under, as slices of the same text."""

import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.corpus.formats import read
from qa.corpus.formats.canonical import Builder
from qa.corpus.passages import passages_of
from qa.records import Approval, CanonicalText, ContextSlice, Document, Quote
from qa.search.context import context_of
from tests.support.clinic import Clinic
from tests.support.leaflets import AFTER_MOLE, DROPS, TEETH

DAY = datetime.date(2026, 11, 25)


def document_of(canonical: CanonicalText) -> Document:
    approval = Approval("page", "page.md", "A page", "patient", "0" * 64, "0" * 64, "The committee", DAY, DAY)
    return Document(approval, canonical.text, canonical.sections)


def context_before(source: str, words: str, target: int = 30) -> list[tuple[str, str, bool]]:
    """Kind and text of the context of the passage that holds those words, and whether it governs."""
    document = document_of(read(source.encode(), ".md"))
    passages = list(passages_of(document, target))
    (number,) = [n for n, passage in enumerate(passages) if words in document.text[passage.start : passage.end]]
    return [(each.kind, each.text, each.governing) for each in context_of(document, passages, number)]


PARTS = st.lists(
    st.tuples(
        st.sampled_from(["heading", "paragraph", "item", "row", "preformatted"]),
        st.integers(0, 4),
        st.lists(
            st.sampled_from(["Do", "not", "cut", "it:", "You", "may.", "👍", "Call", "911", "if", "é"]),
            min_size=1,
            max_size=30,
        ).map(" ".join),
    ),
    max_size=25,
)


@given(PARTS, st.integers(2, 40))
def test_each_slice_is_the_documents_own_and_stands_in_order_before_the_passage(
    parts: list[tuple[str, int, str]], target: int
) -> None:
    builder = Builder()
    for kind, level, text in parts:
        if kind == "heading":
            builder.heading(level + 1, text)
        elif kind == "item":
            builder.list_item(text, "•", level)
        elif kind == "row":
            builder.table_row([text, "x"])
        elif kind == "preformatted":
            builder.preformatted(text)
        else:
            builder.paragraph(text)
    document = document_of(builder.build())
    passages = list(passages_of(document, target))
    for number, passage in enumerate(passages):
        context = context_of(document, passages, number)
        assert all(each.text == document.text[each.start : each.end] != "" for each in context)
        assert all(first.end <= second.start for first, second in pairwise(context))
        assert all(each.end <= passage.start for each in context)
        assert all(each.governing for each in context if each.kind != "heading")
        headings = tuple(each.text for each in context if each.kind == "heading")
        assert headings[len(headings) - len(passage.heading_path) :] == passage.heading_path


def test_the_headings_of_the_path_are_given_and_the_one_that_turns_the_meaning_governs() -> None:
    source = "# Title\n\n## At home\n\nx\n\n### Bathing\n\nx\n\n### What not to do\n\n- swim\n\n## At home\n\nx\n"
    assert context_before(source, "swim") == [("heading", "At home", False), ("heading", "What not to do", True)]


def test_the_title_is_given_only_where_it_turns_the_meaning() -> None:
    assert context_before("# Foods to avoid\n\n- grapefruit\n", "grapefruit") == [("heading", "Foods to avoid", True)]
    assert context_before("# Foods\n\n- grapefruit\n", "grapefruit") == []


def test_a_later_part_of_a_list_comes_with_the_paragraph_that_leads_it_in() -> None:
    assert context_before(TEETH, "fireworks") == [
        ("heading", "Getting ready", False),
        ("lead_in", "Do not bring any of these to the ward:", True),
    ]


def test_of_a_long_paragraph_the_last_sentences_lead_in() -> None:
    long = "The ward is on the second floor and has windows to the garden on both sides of the corridor. " * 3
    source = TEETH.replace("Do not bring", f"{long}Leave at home what takes room. Do not bring")
    (_, lead_in) = context_before(source, "fireworks")
    assert lead_in == ("lead_in", "Leave at home what takes room. Do not bring any of these to the ward:", True)


def test_a_paragraph_that_interrupts_a_list_does_not_hide_what_leads_it_in() -> None:
    source = "Do not eat:\n\n1. seeds of any kind that you know\n\nAsk us about others.\n\n2. nuts\n"
    assert context_before(source, "nuts", 3) == [("lead_in", "Do not eat:", True)], "the passage begins with the other"
    assert context_before(source.replace("nuts", "nuts of each and every kind"), "nuts", 3) == [
        ("lead_in", "Do not eat:", True),
        ("lead_in", "Ask us about others.", True),
    ]


def test_a_nested_item_comes_with_the_items_it_is_nested_in() -> None:
    source = "In the week before:\n\n- You may:\n  - walk a mile or two each day\n- You must not:\n  - ride a bicycle\n"
    assert context_before(source, "ride a bicycle", 4) == [
        ("lead_in", "In the week before:", True),
        ("lead_in", "• You must not:", True),
    ]


def test_in_a_list_that_came_flat_an_item_that_ends_in_a_colon_leads_in() -> None:
    source = "- You may:\n- walk a mile or two each day\n- You must not:\n- ride a bicycle\n- climb a tall ladder\n"
    assert context_before(source, "climb", 4) == [("lead_in", "• You must not:", True)]
    assert context_before(source, "walk", 4) == [("lead_in", "• You may:", True)]


def test_a_later_part_of_a_table_comes_with_its_first_row() -> None:
    assert context_before(DROPS, "Lilac") == [("table_header", "Drops | Morning | Evening", True)]
    assert context_before(DROPS, "Amber") == []


def test_what_stands_in_the_passage_is_not_repeated() -> None:
    assert context_before("Do not eat:\n\n- nuts\n", "nuts") == []


def first_quote(clinic: Clinic, question: str) -> Quote:
    clinic.build()
    return clinic.engine().ask(question, limit=1).quotes[0]


def governing(quote: Quote) -> list[str]:
    return [each.text for each in quote.context if each.governing]


@pytest.mark.parametrize(
    ("file", "text", "question", "pole"),
    [
        ("mole.html", AFTER_MOLE, "swim in the sea or a pool?", "Don't"),
        ("teeth.md", TEETH, "fireworks left from the holidays?", "Do not bring any of these to the ward:"),
        ("drops.md", DROPS, "Lilac drops?", "Drops | Morning | Evening"),
    ],
)
def test_an_answer_shows_what_turns_it(empty_clinic: Clinic, file: str, text: str, question: str, pole: str) -> None:
    empty_clinic.add(file, text)
    assert governing(first_quote(empty_clinic, question)) == [pole]


def test_a_heading_that_answers_is_given_with_the_remark_below_it(empty_clinic: Clinic) -> None:
    empty_clinic.add(
        "pox.md",
        "# Chickenpox\n\n## Children stay at home until the blisters dry\n\nThe nursery will want to know.\n",
    )
    (heading,) = first_quote(empty_clinic, "nursery children chickenpox home?").context
    assert isinstance(heading, ContextSlice)
    assert (heading.kind, heading.text) == ("heading", "Children stay at home until the blisters dry")

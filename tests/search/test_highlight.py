"""Of a passage's sentences the one that covers the question best is marked, or one nearly as good with its quantity."""

import datetime
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.corpus.formats import read
from qa.corpus.passages import passages_of
from qa.records import Approval, Document, Span
from qa.search.highlight import QUANTITY_TOLERANCE, answering_sentence, spans_to_mark


def marked(question: str, *sentences: tuple[str, float]) -> str:
    """The sentence that is marked, of sentences with how well they cover the question."""
    text = " ".join(sentence for sentence, _ in sentences)
    ends = list(itertools.accumulate(len(sentence) + 1 for sentence, _ in sentences))
    spans = [Span(end - 1 - len(sentence), end - 1) for end, (sentence, _) in zip(ends, sentences, strict=True)]
    start, end = spans[answering_sentence(question, text, spans, [covered for _, covered in sentences])]
    return text[start:end]


def test_the_sentence_that_covers_the_question_best_is_marked() -> None:
    assert marked("What is PMMA?", ("It is cold.", 0.1), ("PMMA is a cement.", 0.8), ("It lasts.", 0.3)) == (
        "PMMA is a cement."
    )


def test_of_equals_the_first_is_marked() -> None:
    assert marked("What is it?", ("First.", 0.5), ("Second.", 0.5)) == "First."
    assert marked("How long?", ("First: 2 days.", 0.5), ("Second: 3 days.", 0.5)) == "First: 2 days."


@pytest.mark.parametrize(
    ("question", "holding"),
    [
        ("How long does it take?", "It takes about 10 minutes."),
        ("how long does it take", "Expect two to three hours."),
        ("When can I drive?", "You may drive after 24 hours."),
        ("When can I go home?", "You go home the same day."),
        ("How soon does it help?", "Relief comes within a few days."),
        ("What share of patients improves?", "Between 80 and 90 percent improve."),
        ("How likely is leakage?", "It happens in 2% of patients."),
        ("How big is the cut?", "The cut is 5 mm long."),
        ("How much can I lift?", "Lift no more than 10 pounds."),
        ("How many visits are there?", "There are three visits."),
    ],
)
def test_a_question_for_a_quantity_prefers_a_sentence_that_holds_it(question: str, holding: str) -> None:
    plain = "Ask your doctor about this."
    near = 0.6 - QUANTITY_TOLERANCE + 0.01
    far = 0.6 - QUANTITY_TOLERANCE - 0.01
    assert marked(question, (plain, 0.6), (holding, near)) == holding
    assert marked(question, (holding, near), (plain, 0.6)) == holding
    assert marked(question, (plain, 0.6), (holding, far)) == plain, "it covers too little"
    assert marked("Is it safe?", (plain, 0.6), (holding, near)) == plain, "no quantity is asked for"


def test_without_the_quantity_in_any_sentence_the_best_is_marked() -> None:
    assert marked("How long does it take?", ("It varies.", 0.4), ("It takes a while longer.", 0.5)) == (
        "It takes a while longer."
    )


@given(
    st.text(max_size=60) | st.sampled_from(["how long?", "when", "how many", "what size"]),
    st.lists(st.tuples(st.text(max_size=30), st.floats(-1, 1)), min_size=1, max_size=6),
)
def test_a_sentence_of_the_passage_is_marked_whatever_is_asked(
    question: str, sentences: list[tuple[str, float]]
) -> None:
    text = "".join(sentence for sentence, _ in sentences)
    ends = list(itertools.accumulate(len(sentence) for sentence, _ in sentences))
    spans = [Span(end - len(sentence), end) for end, (sentence, _) in zip(ends, sentences, strict=True)]
    coverage = [covered for _, covered in sentences]
    number = answering_sentence(question, text, spans, coverage)
    assert 0 <= number < len(sentences)
    assert coverage[number] >= max(coverage) - QUANTITY_TOLERANCE
    assert answering_sentence(question, text, spans, coverage) == number


def marked_with(source: str, *chosen: str) -> list[str]:
    """What is marked when the sentences that hold those words answer, in a text that is one passage."""
    canonical = read(source.encode(), ".md")
    day = datetime.date(2026, 11, 25)
    approval = Approval("page", "page.md", "A page", "patient", "0" * 64, "0" * 64, "The committee", day, day)
    document = Document(approval, canonical.text, canonical.sections)
    (passage,) = passages_of(document, 500)
    numbers = [
        number
        for number, (start, end) in enumerate(passage.sentences)
        if any(words in document.text[start:end] for words in chosen)
    ]
    spans = spans_to_mark(document, passage, numbers)
    return [document.text[passage.start + start : passage.start + end] for start, end in spans]


LIST = "Your skin heals in a week.\n\nDo not:\n\n- scratch it\n- sit in the sun\n\nWear a hat.\n"


def test_a_sentence_is_marked_alone() -> None:
    assert marked_with(LIST, "a week") == ["Your skin heals in a week."]
    assert marked_with("It heals. It itches. It fades.", "heals", "fades") == ["It heals.", "It fades."]
    assert marked_with("It heals. It itches. It fades.", "heals", "itches") == ["It heals. It itches."]


def test_an_item_is_marked_with_what_leads_it_in() -> None:
    assert marked_with(LIST, "scratch") == ["Do not:\n\n• scratch it"]
    assert marked_with(LIST, "in the sun") == ["Do not:", "• sit in the sun"]


def test_where_most_items_of_a_list_answer_all_of_it_is_marked() -> None:
    source = "The risks are:\n\n- fever\n- pain\n- a rash\n"
    assert marked_with(source, "fever", "rash") == ["The risks are:\n\n• fever\n• pain\n• a rash"]
    assert marked_with(source, "fever") == ["The risks are:\n\n• fever"]


def test_a_lead_in_is_marked_with_all_that_it_leads_in() -> None:
    assert marked_with(LIST, "Do not") == ["Do not:\n\n• scratch it\n• sit in the sun"]
    assert marked_with("Remember this:\n\nCall us first.\n\nThen come.", "Remember") == [
        "Remember this:\n\nCall us first."
    ]


def test_a_whole_sentence_before_a_list_is_marked_with_an_item_only_where_it_turns_it() -> None:
    assert marked_with("The rash fades.\n\n- wear a hat\n", "wear") == ["• wear a hat"]
    assert marked_with("You should not do these.\n\n- swim\n", "swim") == ["You should not do these.\n\n• swim"]


def test_a_nested_item_is_marked_with_the_items_above_it() -> None:
    nested = "- You may:\n  - walk\n- You must not:\n  - ride\n  - climb\n"
    flat = "- You may:\n- walk\n- You must not:\n- ride\n- climb\n"
    for source, indent in [(nested, "  "), (flat, "")]:
        assert marked_with(source, "climb") == ["• You must not:", "• climb"]
        assert marked_with(source, "You may") == [f"• You may:\n{indent}• walk"]


def test_a_row_is_marked_with_the_header_of_its_table() -> None:
    table = "| Drops | Evening |\n|---|---|\n| Amber | one |\n| Birch | two |\n"
    assert marked_with(table, "Birch") == ["Drops | Evening", "Birch | two"]
    hours = "| Monday | 8 to 5 |\n|---|---|\n| Friday | 8 to 1 |\n| Sunday | closed |\n"
    assert marked_with(hours, "Sunday") == ["Sunday | closed"], "the first row is one like the others"

"""Of a passage's sentences the one that covers the question best is marked, or one nearly as good with its quantity."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.records import Span
from qa.search.highlight import QUANTITY_TOLERANCE, answering_sentence


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

"""A question for a number of something is only answered by a text that gives one."""

import pytest

from qa.search.quantity import counted_thing, gives_number_of


@pytest.mark.parametrize(
    ("question", "thing"),
    [
        ("How many hours will my mom be in surgery?", "hours"),
        ("how many follow-up visits do I need", "visits"),
        ("About how many people are affected by it?", "people"),
        ("How many vertebrae can be treated at once?", "vertebrae"),
        ("How many?", None),
        ("How many will come?", None),
        ("How long does it take?", None),
        ("", None),
    ],
)
def test_what_is_counted_stands_after_how_many(question: str, thing: str | None) -> None:
    assert counted_thing(question) == thing


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        ("hours", "It takes about an hour."),
        ("hours", "Plan for 90 minutes."),
        ("visits", "Two short visits are enough."),
        ("vertebrae", "Up to 3 vertebrae are treated."),
        ("people", "It affects 1 in 15,000 newborns."),
        ("days", "You go home after one day."),
    ],
)
def test_a_number_before_the_thing_is_found(thing: str, text: str) -> None:
    assert gives_number_of(thing, text)


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        ("years", "The cement hardens in about 10 minutes."),
        ("kyphoplasties", "A kyphoplasty is done by a doctor, 2 hours at most."),
        ("kyphoplasties", "It helped 92 percent who had kyphoplasties."),
        ("visits", "Visits are on 3 floors."),
        ("people", "It is rare: many people never hear of it."),
        ("hours", ""),
    ],
)
def test_a_number_of_something_else_is_none(thing: str, text: str) -> None:
    assert not gives_number_of(thing, text)

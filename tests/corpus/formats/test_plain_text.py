"""Plain text: its own lines, with headings and list items told by their look."""

from qa.corpus.formats import read
from qa.records import CanonicalText


def plain(source: str) -> CanonicalText:
    return read(source.encode(), ".txt")


def blocks(canonical: CanonicalText) -> list[tuple[str, str]]:
    return [(b.kind, canonical.text[b.start : b.end]) for s in canonical.sections for b in s.blocks]


def headings(source: str) -> list[str]:
    canonical = plain(source)
    return [canonical.text[slice(*section.heading)] for section in canonical.sections if section.heading]


def test_line_breaks_stay_and_stray_white_space_goes() -> None:
    assert plain("Rest for\r\ntwo\tdays.  \n \n\n\n\nThen\xa0walk.\n").text == "Rest for\ntwo days.\n\nThen walk."


def test_a_short_line_alone_before_text_is_a_heading() -> None:
    source = "Before you come\n\nEat nothing.\n\nMay I drive?\n\nNo, you may not.\n"
    assert headings(source) == ["Before you come", "May I drive?"]
    assert [section.heading_path for section in plain(source).sections] == [("Before you come",), ("May I drive?",)]
    assert plain(source).title is None


def test_what_is_no_heading_stays_text() -> None:
    lines = [
        "Rest for two days.",
        "The risks include:",
        "small letters",
        "• Bullet",
        "1. Number",
        "Skip to main content",
        "Word " * 11,
        "W" * 81,
        "Two lines\ntogether",
    ]
    assert headings("\n\n".join([*lines, "The end of the text."])) == []


def test_headings_with_nothing_under_them_stay_text() -> None:
    assert headings("Eat nothing.\n\nSchedule an appointment\n\nCall us") == []


def test_a_first_heading_right_above_another_is_the_title() -> None:
    canonical = plain("Kyphoplasty\n\nRisks\n\nThere are few.")
    assert canonical.title == "Kyphoplasty"
    assert [section.heading_path for section in canonical.sections] == [(), ("Risks",)]
    assert canonical.text.startswith("Kyphoplasty\n\nRisks")


def test_a_heading_right_above_another_stays_text_but_at_the_start() -> None:
    canonical = plain(
        "Kyphoplasty\n\nFor patients\n\nRisks\n\nFew.\n\nStop aspirin\n\nBring a driver\n\nAfter\n\nRest."
    )
    assert [(section.heading_path, section.level) for section in canonical.sections] == [
        ((), 1),
        (("Risks",), 2),
        (("After",), 2),
    ]
    assert [words for _, words in blocks(canonical)] == [
        "For patients",
        "Few.",
        "Stop aspirin",
        "Bring a driver",
        "Rest.",
    ]


def test_list_items_keep_their_wrapped_lines_and_blank_lines() -> None:
    canonical = plain("You need:\n  • a driver, who\n    waits\n- a list\n\n  2) a card\n\na) a bag\n")
    assert canonical.text == "You need:\n  • a driver, who\n    waits\n- a list\n\n  2) a card\n\na) a bag"
    assert blocks(canonical) == [
        ("paragraph", "You need:"),
        ("list_item", "• a driver, who\n    waits"),
        ("list_item", "- a list"),
        ("list_item", "2) a card"),
        ("list_item", "a) a bag"),
    ]


def test_a_dash_or_number_that_wrapping_put_at_a_lines_start_is_no_list_item() -> None:
    source = (
        "The cement hardens quickly and the balloon is taken out by\n"
        "10. Then you rest in the recovery room for some more time\n"
        "– not long."
    )
    assert blocks(plain(source)) == [("paragraph", source)]


def test_a_sentence_that_a_pages_end_cut_is_one_block() -> None:
    source = "The cement hardens very quickly, in no more than a matter\n\nof minutes. Then you rest."
    assert blocks(plain(source)) == [("paragraph", source)]

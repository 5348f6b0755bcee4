"""The portal's search box when something fails: it is seen, heard, and shows the clinic's phone number."""

from contextlib import suppress

import pytest
from playwright.sync_api import Error, expect

from tests.support.clinic_server import PHONE
from tests.support.portal import ANSWER, QUESTION, QUOTE, UNCOVERED, Visit, ask, error, expect_failure


@pytest.mark.parametrize(
    ("status", "body", "title"),
    [
        (429, error("too_many"), "Too many questions at once"),
        (503, error("overloaded"), "Too many questions at once"),
        (503, error("no_index"), "Answers are not available now"),
        (503, "<h1>Maintenance</h1>", "Answers are not available now"),
        (500, error("internal"), "Something went wrong"),
        (502, "<h1>Bad gateway</h1>", "Something went wrong"),
        (413, error("request_too_large"), "The question is too long"),
        (422, error("invalid_question"), "The question could not be read"),
        (404, "<h1>Not found</h1>", "Answers are not set up correctly here"),
        (200, "<h1>Welcome</h1>", "Answers are not set up correctly here"),
        (200, {"outcome": "answered"}, "Answers are not set up correctly here"),
        (200, {**ANSWER, "quotes": [{"citation": {"audience": "patient"}}]}, "Answers are not set up correctly here"),
        (200, "null", "Answers are not set up correctly here"),
    ],
)
def test_each_failure_is_seen_and_heard_and_shows_the_phone_number(
    visit: Visit, status: int, body: object, title: str
) -> None:
    widget = visit.open()
    visit.reply(body, status)
    ask(widget)
    expect_failure(widget, title)
    ((name, _, composed, target),) = visit.told()
    assert (name, composed, target) == ("error", True, "clinic-answers")
    expect(widget.locator("#question")).to_have_value(QUESTION)
    visit.reply()
    ask(widget)
    expect(widget.locator("strong")).to_have_text("Words that answer.")


@pytest.mark.parametrize(
    ("seconds", "when"),
    [("1", "in 1 second"), ("30", "in 30 seconds"), ("120", "in 2 minutes"), ("soon", "later"), ("1e999", "later")],
)
def test_when_to_ask_again_is_said_where_the_service_says_it(visit: Visit, seconds: str, when: str) -> None:
    widget = visit.open()
    visit.reply(error("no_index"), 503, **{"Retry-After": seconds})
    ask(widget)
    expect(widget.locator("[part~=failure]")).to_contain_text(f"Please ask again {when}.")


def test_offline_is_said(visit: Visit) -> None:
    widget = visit.open()
    visit.page.context.set_offline(True)
    ask(widget)
    expect_failure(widget, "You seem to be offline")
    visit.page.context.set_offline(False)
    ask(widget)
    expect(widget.locator("strong").first).to_be_visible()


def test_a_service_that_stopped_is_said_and_answers_when_it_is_back(visit: Visit) -> None:
    widget = visit.open()
    visit.server.stop()
    ask(widget)
    expect_failure(widget, "Answers cannot be reached")
    visit.server.start()
    ask(widget)
    expect(widget.locator("strong").first).to_be_visible()


def test_an_address_that_is_not_the_service_is_said(visit: Visit) -> None:
    widget = visit.open(visit.element(f'endpoint="{visit.portal.url}/portal"'))
    ask(widget)
    expect_failure(widget, "Answers are not set up correctly here")


def test_without_an_endpoint_it_asks_where_it_came_from(visit: Visit) -> None:
    widget = visit.open(visit.element().replace(f'endpoint="{visit.server.url}"', ""))
    ask(widget)
    expect(widget.locator("strong").first).to_be_visible()


def test_without_a_phone_number_the_clinic_is_named_all_the_same(visit: Visit) -> None:
    widget = visit.open(visit.element().replace(f'phone="{PHONE}"', ""))
    ask(widget, UNCOVERED)
    expect(widget.locator("[part~=not-covered]")).to_contain_text("Please call your clinic.")


@pytest.mark.parametrize("endpoint", ["javascript:alert(1)", "http://", "data:text/html,hello"])
def test_an_address_that_is_no_web_address_is_not_asked(visit: Visit, endpoint: str) -> None:
    widget = visit.open(visit.element(f'endpoint="{endpoint}"'))
    ask(widget)
    expect_failure(widget, "Answers are not set up correctly here")
    assert not any("ask" in address for address in visit.addresses)


def test_a_reply_that_does_not_come_in_time_is_given_up(visit: Visit) -> None:
    visit.page.clock.install()
    widget = visit.open()
    visit.hold()
    ask(widget)
    visit.page.clock.fast_forward(1_000)
    expect(widget.get_by_text("Looking…")).to_be_visible()
    visit.page.clock.fast_forward(8_000)
    expect_failure(widget, "No reply came in time")


def test_a_late_reply_never_replaces_a_newer_one(visit: Visit) -> None:
    widget = visit.open()
    held = visit.hold()
    ask(widget, "First?")
    expect(widget.get_by_text("Looking…")).to_be_visible()
    visit.reply()
    ask(widget, "Second?")
    expect(widget.locator("strong")).to_have_text("Words that answer.")
    with suppress(Error):  # it was given up
        held[0].fulfill(json={**ANSWER, "quotes": [{**QUOTE, "text": "Late words."}]})
    expect(widget.locator("strong")).to_have_text("Words that answer.")
    assert [name for name, *_ in visit.told()] == ["answered"]


@pytest.mark.parametrize(
    ("question", "title"), [(" ", "There is no question yet"), ("🦴" * 1001, "The question is too long")]
)
def test_what_cannot_be_asked_is_said_and_not_sent(visit: Visit, question: str, title: str) -> None:
    widget = visit.open()
    visit.reply()
    ask(widget, question)
    expect_failure(widget, title)
    expect(widget.locator("#question")).to_be_focused()
    expect(widget.locator("#question")).to_have_attribute("aria-invalid", "true")
    assert visit.questions == []
    ask(widget, "🦴" * 1000)
    expect(widget.locator("strong")).to_be_visible()
    expect(widget.locator("#question")).to_have_attribute("aria-invalid", "false")


@pytest.mark.parametrize("block", ["{", "null", "42", '"label"', "[]", '{"label": null}'])
def test_words_that_cannot_be_read_replace_nothing(visit: Visit, block: str) -> None:
    visit.open(visit.element(content=f'<script type="application/json">{block}</script>'))
    expect(visit.page.get_by_label("Ask your clinic a question")).to_be_visible()


def test_moved_to_another_place_while_it_looks_it_still_answers(visit: Visit) -> None:
    widget = visit.open()
    held = visit.hold()
    ask(widget)
    expect(widget.get_by_text("Looking…")).to_be_visible()
    visit.page.evaluate("document.body.append(document.querySelector('clinic-answers'))")
    held[0].fulfill(json=ANSWER, headers={"Access-Control-Allow-Origin": "*"})
    expect(widget.locator("strong")).to_have_text("Words that answer.")


def test_inside_a_form_of_the_page_it_neither_sends_nor_stops_it(visit: Visit) -> None:
    fallback = '<label>Your question <input name="question" required></label>'
    element = f'<clinic-answers endpoint="{visit.server.url}" phone="{PHONE}">{fallback}</clinic-answers>'
    widget = visit.open(f'<form action="/" id="outer"><label>Name <input name="name"></label>{element}</form>')
    visit.page.evaluate(
        "() => { window.sent = []; outer.onsubmit = (event) => {"
        " event.preventDefault(); sent.push([...new FormData(outer).keys()]); } }"
    )
    visit.reply()
    ask(widget)
    expect(widget.locator("strong")).to_have_text("Words that answer.")
    assert visit.page.evaluate("sent") == []
    visit.page.evaluate("outer.requestSubmit()")
    assert visit.page.evaluate("sent") == [["name"]]

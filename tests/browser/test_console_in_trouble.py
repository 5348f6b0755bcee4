"""The front desk's console when a reply is late, wrong or missing: nothing false stays, and the way on is said."""

import json
from contextlib import suppress

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.clinic_server import PHONE, ClinicServer, assert_accessible
from tests.support.front_desk import QUESTION, SENTENCE, answered, asked, spoken


def test_a_late_reply_never_replaces_a_newer_one(console: Page) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    console.route("**/v1/ask", hold_the_first)
    asked(console, "What are the common risks?")
    console.wait_for_timeout(50)
    console.fill("#question", QUESTION)
    expect(console.locator(".words strong").first).to_have_text(SENTENCE)
    with suppress(Exception):
        held[0].continue_()
    console.wait_for_timeout(300)
    expect(console.locator(".words strong").first).to_have_text(SENTENCE)


def failing(page: Page, status: int, code: str) -> None:
    body = json.dumps({"error": {"code": code, "message": "Words of the server."}})
    page.route("**/v1/ask", lambda route: route.fulfill(status=status, body=body, content_type="application/json"))


def hold(page: Page) -> None:
    """No question gets a reply any more."""
    page.route("**/v1/ask", lambda _route: None)


def test_an_old_answer_does_not_stay_beside_a_new_question(console: Page) -> None:
    answered(console)
    hold(console)
    console.fill("#question", "What are the common risks?")
    expect(console.locator("#progress")).to_have_text("Looking…")
    expect(console.locator("article.quote")).to_have_count(0)


def test_focus_in_what_goes_away_moves_to_the_box(console: Page) -> None:
    answered(console)
    hold(console)
    console.keyboard.type(" Tell me")
    console.keyboard.press("ArrowDown")
    expect(console.locator("article.quote").first).to_be_focused()
    expect(console.locator("#progress")).to_have_text("Looking…")
    expect(console.locator("#question")).to_be_focused()


@pytest.mark.parametrize(
    ("status", "code", "shown"),
    [
        (503, "overloaded", "Too many questions at once"),
        (503, "no_index", "Answers are not available now"),
        (500, "internal", "Something went wrong"),
        (422, "invalid_question", "Words of the server."),
    ],
)
def test_each_failure_is_said_and_shows_the_phone_number(
    page: Page, standing: ClinicServer, status: int, code: str, shown: str
) -> None:
    page.goto(f"{standing.url}/")
    failing(page, status, code)
    asked(page, QUESTION)
    failure = page.locator(".failure")
    expect(failure).to_contain_text(shown)
    expect(failure.get_by_role("link", name=PHONE)).to_be_visible()
    heard = page.get_by_role("alert") if code == "no_index" else page.locator("#status-2")
    expect(heard).to_contain_text("The service cannot answer now" if code == "no_index" else shown)
    assert_accessible(page)
    page.unroute("**/v1/ask")
    page.get_by_role("button", name="Ask again").press("Enter")
    expect(page.locator(".words strong").first).to_have_text(SENTENCE)
    expect(page.locator("#question")).to_be_focused()


@pytest.mark.parametrize(
    "body",
    ["<h1>Sign in</h1>", "", "null", "[]", "{}", '{"outcome": "answered"}', '{"outcome": "other", "quotes": []}'],
)
def test_a_reply_that_is_no_answer_is_a_failure_in_words_for_people(
    page: Page, standing: ClinicServer, body: str
) -> None:
    page.goto(f"{standing.url}/")
    page.route("**/v1/ask", lambda route: route.fulfill(status=200, body=body, content_type="application/json"))
    asked(page, QUESTION)
    expect(page.locator(".failure")).to_contain_text("Something went wrong")
    expect(page.locator(".failure")).to_contain_text("The server’s log says what. Ask again.")


def test_a_question_that_met_a_moment_without_connection_is_asked_again(page: Page, standing: ClinicServer) -> None:
    page.goto(f"{standing.url}/")
    page.route("**/v1/ask", lambda route: route.abort())
    asked(page, QUESTION)
    expect(page.locator(".failure")).to_contain_text("asked again as soon as it is back")
    page.unroute("**/v1/ask")
    expect(page.locator(".words strong").first).to_have_text(SENTENCE, timeout=10_000)
    expect(page.locator("#banner")).to_be_hidden()


def test_a_service_that_is_away_is_announced_once_for_each_question(page: Page, standing: ClinicServer) -> None:
    page.goto(f"{standing.url}/")
    page.route("**/v1/ask", lambda route: route.abort())
    page.route("**/readyz", lambda route: route.abort())
    asked(page, QUESTION)
    expect(page.get_by_role("alert")).to_have_text(f"The service cannot be reached. Phone for patients: {PHONE}.")
    page.wait_for_timeout(100)
    assert spoken(page) == ""
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="The service cannot be reached")).to_have_count(1)


def test_a_browser_of_some_years_ago_is_enough(page: Page, standing: ClinicServer) -> None:
    page.add_init_script("delete AbortSignal.any; delete Element.prototype.checkVisibility")
    page.goto(f"{standing.url}/")
    answered(page)
    page.keyboard.press("ArrowDown")
    expect(page.locator("article.quote").first).to_be_focused()


@pytest.mark.parametrize(
    ("status", "body", "shown"),
    [
        (
            200,
            {"status": "degraded", "generation": "a", "built_at": "2026-11-20T08:30:00Z"},
            "A newer index was refused",
        ),
        (503, {}, f"The service cannot answer now. Phone for patients: {PHONE}."),
        (200, {"status": "ready", "generation": "b", "built_at": "2026-12-24T08:30:00Z"}, "A new index arrived"),
    ],
)
def test_a_banner_shows_only_when_something_is_to_be_known(
    page: Page, standing: ClinicServer, status: int, body: dict[str, str], shown: str
) -> None:
    page.goto(f"{standing.url}/")
    expect(page.locator("#banner")).to_be_hidden()
    page.route("**/readyz", lambda route: route.fulfill(status=status, json=body))
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#banner")).to_contain_text(shown)
    assert_accessible(page)


def test_a_new_index_is_told_until_the_next_question(page: Page, standing: ClinicServer) -> None:
    page.goto(f"{standing.url}/")
    answered(page)
    ready = {"status": "ready", "generation": "b", "built_at": "2026-12-24T08:30:00Z"}
    page.route("**/readyz", lambda route: route.fulfill(json=ready))
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_role("alert")).to_contain_text("An answer that is on the screen came from the one before")
    expect(page.locator("footer")).to_contain_text("Index b, built 24 December 2026.")
    page.keyboard.press("Enter")
    expect(page.locator("#banner")).to_be_hidden()

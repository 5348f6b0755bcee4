"""The portal's search box on a page of another origin, under a policy that allows nothing unsafe."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Locator, Page, Route, expect

from tests.browser.clinic_server import Witness, assert_accessible, keep_screenshot
from tests.browser.conftest import CLINIC_PHONE, Server

WIDGET = Path(__file__).parents[2] / "qa" / "api" / "web" / "widget.js"
MOST_BYTES = 8 * 1024

QUESTION = "How long until the bone cement hardens?"
UNCOVERED = "Is parking free for visitors on Sundays?"
ASK = "**/v1/ask"
CITATION = {
    "document_id": "cement",
    "title": "The bone cement",
    "audience": "patient",
    "heading_path": ["The day", "After"],
    "page": 2,
    "start": 0,
    "end": 10,
    "document_sha256": "0" * 64,
    "source_url": None,
    "approved_by": "The committee",
    "approved_on": "2026-11-20",
    "review_by": "2027-11-20",
    "link": "/documents/cement#p-0-10",
}
QUOTE = {"text": "Words that answer.", "highlights": [[0, 18]], "score": 0.9, "citation": CITATION}
ANSWER = {
    "outcome": "answered",
    "confidence": 0.9,
    "audience": "patient",
    "generation": "0",
    "quotes": [QUOTE],
    "related": [],
    "not_covered_terms": [],
    "read_as": [],
}


class Portal:
    """Serves one page at a time, with a policy as strict as they come."""

    def __init__(self) -> None:
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/" else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", portal.policy)
                self.end_headers()
                self.wfile.write(portal.page.encode() if self.path == "/" else b"Not found")

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *arguments: object) -> None:
                pass

        self.policy = self.page = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    portal = Portal()
    yield portal
    portal.stop()


@pytest.fixture(scope="module")
def server_settings(portal: Portal) -> dict[str, str]:
    return {"QA_CORS_ORIGINS": json.dumps([portal.url])}


@dataclass
class Visit:
    """A visitor's page of the portal, with what the page was told by events and what was sent to the service."""

    page: Page
    portal: Portal
    server: Server
    questions: list[dict[str, object]] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def open(self, elements: str = "", language: str = 'lang="en"', *, wait: bool = True) -> Locator:
        """Shows the elements, a usual one unless told otherwise; returns the first. Without `wait` it may load yet."""
        service = self.server.url
        self.portal.policy = (
            f"default-src 'none'; script-src {service}; connect-src {service} {self.portal.url}; "
            f"form-action {service}; style-src 'none'; base-uri 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )
        self.portal.page = (
            f"<!doctype html><html {language}><head><title>Portal</title>"
            '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
            f'<script type="module" src="{service}/widget.js"></script></head>'
            f"<body><main><h1>Portal</h1><h2>Questions</h2>{elements or self.element()}</main></body></html>"
        )
        self.page.on("request", lambda request: self.addresses.append(request.url))
        self.page.add_init_script(
            "window.told = [];"
            "for (const name of ['answered', 'not-covered', 'error'])"
            "  document.addEventListener(`clinic-answers:${name}`, (event) =>"
            "    told.push([name, event.detail, event.composed, event.target.localName]));"
        )
        self.page.goto(self.portal.url, wait_until="load" if wait else "commit")
        return self.page.locator("clinic-answers").first

    def element(self, attributes: str = "", content: str = "") -> str:
        endpoint = "" if "endpoint=" in attributes else f'endpoint="{self.server.url}"'
        form = (
            f'<form method="post" action="{self.server.url}/search">'
            '<label>Your question <input name="question"></label><button>Ask</button></form>'
        )
        return f'<clinic-answers {endpoint} phone="{CLINIC_PHONE}" {attributes}>{content}{form}</clinic-answers>'

    def reply(self, body: object = ANSWER, status: int = 200, **headers: str) -> None:
        """What the service replies from now on."""
        text = body if isinstance(body, str) else json.dumps(body)
        allowed = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}

        def fulfil(route: Route) -> None:
            self.questions.append(route.request.post_data_json or {})
            route.fulfill(status=status, body=text, headers={**allowed, "Content-Type": "application/json", **headers})

        self.page.route(ASK, fulfil)  # the last one added comes first

    def hold(self, address: str = ASK) -> list[Route]:
        """The requests to an address, which get no reply until the test gives one."""
        held: list[Route] = []

        def keep(route: Route) -> None:
            held.append(route)

        self.page.route(address, keep)
        return held

    def told(self) -> list[list[object]]:
        return list(self.page.evaluate("told"))


@pytest.fixture
def visit(page: Page, portal: Portal, server: Server) -> Visit:
    return Visit(page, portal, server)


def ask(widget: Locator, question: str = QUESTION) -> None:
    widget.locator("#question").fill(question)
    widget.locator("#question").press("Enter")


def spoken(widget: Locator) -> list[str]:
    return [words for words in widget.get_by_role("status").all_text_contents() if words]


def expect_failure(widget: Locator, title: str) -> None:
    """Seen and heard, with the phone number."""
    failure = widget.locator("[part~=failure]")
    expect(failure.get_by_role("heading")).to_have_text(title)
    expect(failure.get_by_role("link", name=CLINIC_PHONE)).to_have_attribute("href", "tel:+15550100199")
    (words,) = spoken(widget)
    assert title in words
    assert CLINIC_PHONE in words


def test_the_whole_of_it_is_small() -> None:
    size = len(gzip.compress(WIDGET.read_bytes(), 9))
    print(f"widget.js with its styles: {size:,} bytes gzipped")
    assert size <= MOST_BYTES


def test_an_answer_is_the_approved_text_with_the_sentence_that_answers_and_its_source(visit: Visit) -> None:
    widget = visit.open()
    ask(widget)
    quotes = widget.get_by_role("listitem")
    expect(quotes.first.locator("strong")).to_contain_text("Bone cement hardens fast")
    assert 1 <= quotes.count() <= 3
    for quote in quotes.all():
        link = quote.get_by_role("heading", level=3).get_by_role("link")
        address = link.get_attribute("href") or ""
        assert address.startswith(f"{visit.server.url}/documents/")
        document, fragment = address.removeprefix(visit.server.url).split("#")
        start, end = map(int, fragment.split("-")[1:])
        text = visit.page.request.get(f"{visit.server.url}/v1{document}").json()["text"]
        assert quote.locator("blockquote").text_content() == text[start:end]
        expect(quote.locator("blockquote")).to_have_css("white-space", "pre-wrap")
        expect(quote).to_contain_text("Reviewed 20 November 2026")


def test_its_source_opens_at_the_passage(visit: Visit) -> None:
    widget = visit.open()
    ask(widget)
    with visit.page.expect_popup() as opened:
        widget.get_by_role("listitem").first.get_by_role("link").click()
    expect(opened.value.locator("mark.cited")).to_be_in_viewport()
    opened.value.close()


def test_a_strict_policy_and_trusted_types_are_kept_and_only_the_service_is_asked(visit: Visit) -> None:
    witness = Witness(visit.page, visit.portal.url)
    widget = visit.open()
    for question in [QUESTION, UNCOVERED]:
        ask(widget, question)
        expect(widget.locator("[part~=result] > *").first).to_be_visible()
        expect(widget.get_by_text("Looking…")).to_have_count(0)
    asked = {f"request {visit.server.url}/{path}" for path in ["widget.js", "v1/ask"]}
    assert set(witness.seen) == asked


def test_a_question_stands_in_no_address_and_nothing_is_kept(visit: Visit) -> None:
    widget = visit.open()
    ask(widget)
    expect(widget.locator("strong").first).to_be_visible()
    assert not any("cement" in address for address in [*visit.addresses, visit.page.url])
    kept = "[localStorage.length, sessionStorage.length, document.cookie, history.length]"
    before = visit.page.evaluate(kept)
    assert before[:3] == [0, 0, ""]
    ask(widget, UNCOVERED)
    assert visit.page.evaluate(kept) == before


def test_a_question_is_sent_without_credentials_or_referrer(visit: Visit) -> None:
    widget = visit.open()
    visit.page.context.add_cookies([{"name": "session", "value": "secret", "url": visit.server.url}])
    with visit.page.expect_request(ASK) as asked:
        ask(widget)
    headers = asked.value.all_headers()
    assert asked.value.method == "POST"
    assert "cookie" not in headers
    assert "referer" not in headers


def test_it_asks_the_patients_index_whatever_it_is_told(visit: Visit) -> None:
    block = '<script type="application/json">{"audience": "staff", "limit": 10}</script>'
    widget = visit.open(visit.element('audience="staff"', block))
    visit.reply()
    visit.page.evaluate("document.querySelector('clinic-answers').audience = 'staff'")
    ask(widget)
    expect(widget.locator("strong")).to_have_text("Words that answer.")
    assert visit.questions == [{"question": QUESTION, "audience": "patient", "limit": 3}]


@pytest.mark.parametrize("where", ["answer", "quote"])
def test_what_is_meant_for_staff_is_never_shown(visit: Visit, where: str) -> None:
    widget = visit.open()
    staff = {**QUOTE, "citation": {**CITATION, "audience": "staff"}}
    visit.reply({**ANSWER, "audience": "staff"} if where == "answer" else {**ANSWER, "quotes": [QUOTE, staff]})
    ask(widget)
    expect_failure(widget, "Answers are not set up correctly here")
    expect(widget.get_by_text("Words that answer.")).to_have_count(0)


def test_highlights_count_code_points(visit: Visit) -> None:
    widget = visit.open()
    text = "🦴🦴 is bone.\n\n• 👩‍⚕️ says so."
    visit.reply({**ANSWER, "quotes": [{**QUOTE, "text": text, "highlights": [[3, 11]]}]})
    ask(widget)
    expect(widget.locator("strong")).to_have_text("is bone.")
    assert widget.locator("blockquote").text_content() == text


def test_words_that_no_text_mentions_are_said_with_an_answer_too(visit: Visit) -> None:
    widget = visit.open()
    read_as = [{"typed": "cemment", "read_as": "cement", "kind": "spelling"}]
    visit.reply({**ANSWER, "not_covered_terms": ["Medicare", "taxi"], "read_as": read_as})
    ask(widget)
    expect(widget.get_by_text("No approved text mentions “Medicare” or “taxi”.").first).to_be_visible()
    expect(widget.get_by_text("Read “cemment” as “cement”.").first).to_be_visible()
    assert "Medicare" in spoken(widget)[0]


def test_what_nothing_answers_is_an_outcome_of_its_own(visit: Visit) -> None:
    widget = visit.open()
    ask(widget, UNCOVERED)
    outcome = widget.locator("[part~=not-covered]")
    expect(outcome.get_by_role("heading")).to_have_text("No approved text answers this")
    expect(outcome).to_contain_text("No approved text mentions “parking”")
    expect(outcome.get_by_role("link", name=CLINIC_PHONE)).to_have_attribute("href", "tel:+15550100199")
    related = widget.locator("details")
    expect(related.locator("blockquote").first).to_be_hidden()
    related.get_by_text("Related, but not an answer").click()
    expect(related.locator("blockquote").first).to_be_visible()
    expect(related.locator("strong")).to_have_count(0)
    assert visit.told()[0][0] == "not-covered"


def error(code: str) -> dict[str, object]:
    return {"error": {"code": code, "message": "Words of the server."}}


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
    ("seconds", "when"), [("1", "in 1 second"), ("30", "in 30 seconds"), ("120", "in 2 minutes"), ("soon", "later")]
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
    widget = visit.open(visit.element().replace(f'phone="{CLINIC_PHONE}"', ""))
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


def test_the_page_is_told_each_outcome_without_a_word_of_the_question(visit: Visit) -> None:
    widget = visit.open()
    ask(widget)
    expect(widget.locator("strong").first).to_be_visible()
    ask(widget, UNCOVERED)
    expect(widget.locator("[part~=not-covered]")).to_be_visible()
    visit.reply(error("internal"), 500)
    ask(widget)
    expect(widget.locator("[part~=failure]")).to_be_visible()
    answered, not_covered, failed = visit.told()
    assert answered == ["answered", {"quotes": 3}, True, "clinic-answers"]
    assert not_covered[0] == "not-covered"
    assert isinstance(not_covered[1], dict)
    assert not_covered[1].keys() == {"related"}
    assert failed == ["error", {"kind": "broken"}, True, "clinic-answers"]


def test_each_settled_answer_is_announced_once_in_regions_by_turns(visit: Visit) -> None:
    widget = visit.open()
    visit.reply()
    regions = widget.get_by_role("status")
    ask(widget)
    expect(regions.nth(1)).to_have_text("1 passage found: The bone cement › The day › After")
    expect(regions.nth(0)).to_be_empty()
    ask(widget)
    expect(regions.nth(0)).to_have_text("1 passage found: The bone cement › The day › After")
    expect(regions.nth(1)).to_be_empty()
    visit.reply({**ANSWER, "quotes": [QUOTE] * 4})
    ask(widget)
    expect(regions.nth(1)).to_have_text("3 passages found, first: The bone cement › The day › After")
    assert len(spoken(widget)) == 1
    expect(widget.get_by_role("listitem")).to_have_count(3)


def test_several_on_a_page_keep_apart(visit: Visit) -> None:
    visit.open(visit.element('label="One"') + visit.element('label="Two"'))
    visit.reply()
    one, two = visit.page.locator("clinic-answers").all()
    ask(two)
    expect(two.locator("strong")).to_be_visible()
    expect(one.locator("[part~=result]")).to_be_empty()
    expect(visit.page.get_by_label("One")).to_have_value("")
    assert_accessible(visit.page)


def test_without_a_script_the_form_asks_the_search_page(visit: Visit, browser: Browser) -> None:
    visit.open()
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(visit.portal.url)
    plain.get_by_label("Your question").fill(QUESTION)
    plain.get_by_role("button").click()
    expect(plain.locator(".words strong").first).to_contain_text("Bone cement hardens fast")
    assert plain.url == f"{visit.server.url}/search"
    context.close()


def test_the_form_gives_place_and_hands_over_what_was_typed(visit: Visit) -> None:
    held = visit.hold("**/widget.js")
    widget = visit.open(wait=False)
    visit.page.get_by_label("Your question").press_sequentially("Typed early")
    held[0].continue_()
    expect(widget.locator("#question")).to_have_value("Typed early")
    expect(widget.locator("#question")).to_be_focused()
    expect(widget.locator("form[method]")).to_be_hidden()


def test_it_can_be_given_the_focus_and_used_from_the_keyboard(visit: Visit) -> None:
    widget = visit.open()
    visit.reply({**ANSWER, "outcome": "not_covered", "quotes": [], "related": [QUOTE]})
    visit.page.evaluate("document.querySelector('clinic-answers').focus()")
    box = widget.locator("#question")
    expect(box).to_be_focused()
    visit.page.keyboard.type(UNCOVERED)
    visit.page.keyboard.press("Tab")
    expect(widget.get_by_role("button")).to_be_focused()
    visit.page.keyboard.press("Space")
    expect(widget.locator("[part~=not-covered]")).to_be_visible()
    expect(widget.get_by_role("button")).to_be_focused()
    visit.page.keyboard.press("Tab")
    expect(widget.get_by_role("link", name=CLINIC_PHONE)).to_be_focused()
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    expect(widget.locator("details blockquote")).to_be_visible()
    visit.page.keyboard.press("Tab")
    expect(widget.get_by_role("link", name="The bone cement")).to_be_focused()


def test_focus_in_what_goes_away_moves_to_the_box(visit: Visit) -> None:
    widget = visit.open()
    visit.reply()
    ask(widget)
    expect(widget.locator("strong")).to_be_visible()
    visit.hold()
    ask(widget)
    widget.get_by_role("listitem").get_by_role("link").focus()
    expect(widget.get_by_text("Looking…")).to_be_visible()
    expect(widget.locator("#question")).to_be_focused()


def test_every_word_can_be_replaced_by_an_attribute_or_a_block(visit: Visit) -> None:
    block = (
        '<script type="application/json">{"ask": "Go", "not-covered": "Nothing approved", "label": "Block"}</script>'
    )
    widget = visit.open(visit.element('label="Ask us" placeholder="Anything" call="Ring" note=""', block))
    expect(visit.page.get_by_label("Ask us")).to_have_attribute("placeholder", "Anything")
    expect(widget.get_by_role("button", name="Go")).to_be_visible()
    expect(widget.locator("[part~=note]")).to_be_hidden()
    ask(widget, UNCOVERED)
    expect(widget.get_by_role("heading", name="Nothing approved")).to_be_visible()
    expect(widget.get_by_text(f"Ring {CLINIC_PHONE}").first).to_be_visible()
    visit.page.evaluate("document.querySelector('clinic-answers').setAttribute('label', 'Later')")
    expect(visit.page.get_by_label("Later")).to_be_visible()


def test_its_look_can_be_changed_by_properties_and_parts(visit: Visit) -> None:
    widget = visit.open()
    visit.page.evaluate(
        "() => { const sheet = new CSSStyleSheet(); document.adoptedStyleSheets = [sheet];"
        " sheet.replaceSync('clinic-answers { --clinic-accent: rgb(90, 0, 90) }"
        " clinic-answers::part(label) { color: rgb(1, 2, 3) }'); }"
    )
    expect(widget.get_by_role("button")).to_have_css("background-color", "rgb(90, 0, 90)")
    expect(widget.locator("label[part]")).to_have_css("color", "rgb(1, 2, 3)")


def test_in_a_page_from_right_to_left_it_is_turned_and_quotes_are_not(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 600, "height": 800})
    widget = visit.open(visit.element('label="اسأل عيادتك" ask="اسأل"'), 'lang="ar" dir="rtl"')
    visit.reply()
    ask(widget)
    box, button = widget.locator("#question").bounding_box(), widget.get_by_role("button").bounding_box()
    assert box
    assert button
    assert button["x"] < box["x"]
    expect(widget.locator("blockquote")).to_have_attribute("lang", "en")
    expect(widget.locator("blockquote")).to_have_css("direction", "ltr")
    assert_accessible(visit.page)
    keep_screenshot(visit.page, "widget-rtl")


@pytest.mark.parametrize("link", ["https://evil.example/x", "//evil.example/x", "javascript:alert(1)", "/../x", ""])
def test_a_source_outside_the_service_is_no_link(visit: Visit, link: str) -> None:
    widget = visit.open(visit.element(f'endpoint="{visit.server.url}/service"'))
    visit.reply({**ANSWER, "quotes": [{**QUOTE, "citation": {**CITATION, "link": link}}]})
    ask(widget)
    expect(widget.get_by_role("heading", name="The bone cement › The day › After")).to_be_visible()
    for found in widget.get_by_role("listitem").get_by_role("link").all():
        assert (found.get_attribute("href") or "").startswith(f"{visit.server.url}/service/")


@pytest.mark.parametrize(
    "payload",
    ["<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "{count} {{ 1 }}", "\u202e<svg onload=alert(1)>"],
)
def test_whatever_is_told_is_text(visit: Visit, payload: str) -> None:
    witness = Witness(visit.page, visit.portal.url)
    widget = visit.open()
    quote = {**QUOTE, "text": payload, "highlights": [], "citation": {**CITATION, "title": payload}}
    visit.reply({**ANSWER, "quotes": [quote], "not_covered_terms": [payload]})
    ask(widget, payload)
    assert widget.locator("blockquote").text_content() == payload
    expect(widget.get_by_role("listitem").get_by_role("heading")).to_contain_text(payload)
    assert all(seen.startswith(f"request {visit.server.url}/") for seen in witness.seen)


STATES = {
    "empty": None,
    "answered": {**ANSWER, "quotes": [QUOTE] * 3, "not_covered_terms": ["Medicare"]},
    "not-covered": {
        **ANSWER,
        "outcome": "not_covered",
        "quotes": [],
        "related": [QUOTE],
        "not_covered_terms": ["taxi"],
    },
    "failed": error("no_index"),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("look", ["light", "dark", "forced colours"])
def test_it_is_accessible_and_fits_in_every_state(visit: Visit, state: str, look: str) -> None:
    visit.page.emulate_media(
        color_scheme="dark" if look == "dark" else "light",
        forced_colors="active" if look == "forced colours" else "none",
        reduced_motion="reduce",
    )
    widget = visit.open()
    if STATES[state]:
        visit.reply(STATES[state], 503 if state == "failed" else 200)
        ask(widget)
        expect(widget.locator("[part~=result] > *").first).to_be_visible()
        for folded in widget.locator("summary").all():
            folded.click()
    for width in [320, 1440]:
        visit.page.set_viewport_size({"width": width, "height": 800})
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        assert_accessible(visit.page)
        keep_screenshot(visit.page, f"widget-{state}-{look.replace(' ', '-')}-{width}")
    for target in widget.locator(":is(a, input, button, summary):visible").all():
        box = target.bounding_box()
        assert box
        main = target.evaluate("node => node.matches('input, button, summary, [part~=phone]')")
        assert box["height"] >= (44 if main else 24)


def test_while_it_looks_it_is_accessible(visit: Visit) -> None:
    widget = visit.open()
    visit.hold()
    ask(widget)
    expect(widget.get_by_text("Looking…")).to_be_visible()
    assert_accessible(visit.page)
    expect(widget.locator("#question")).to_be_focused()


def test_twice_the_size_of_text_still_fits(visit: Visit) -> None:
    widget = visit.open()
    visit.page.set_viewport_size({"width": 640, "height": 800})
    visit.reply(STATES["answered"])
    visit.page.evaluate("document.documentElement.style.fontSize = '200%'")
    ask(widget)
    expect(widget.locator("strong").first).to_be_visible()
    expect(widget.locator("#question")).to_have_css("font-size", "36px")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 640


def luminance(colour: str) -> float:
    """Of `rgb(r, g, b)`, as WCAG defines it."""
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("look", ["light", "dark"])
def test_an_answer_is_large_and_stands_out(visit: Visit, look: str) -> None:
    visit.page.emulate_media(color_scheme="dark" if look == "dark" else "light")
    widget = visit.open()
    visit.reply()
    ask(widget)
    style = "(node, name) => getComputedStyle(node)[name]"
    colours = [
        luminance(widget.locator(selector).evaluate(style, name))
        for selector, name in [("strong", "color"), (".box", "backgroundColor")]
    ]
    assert (max(colours) + 0.05) / (min(colours) + 0.05) >= 7
    assert float(widget.locator("strong").evaluate(style, "fontSize").removesuffix("px")) >= 20


@pytest.mark.parametrize("width", [320, 360, 768, 1440])
@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_demonstration_shows_it_light_and_dark(page: Page, server: Server, look: str, width: int) -> None:
    witness = Witness(page, server.url)
    page.emulate_media(color_scheme="dark" if look == "dark" else "light", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{server.url}/widget-demo")
    light, dark = page.locator("clinic-answers").all()
    ask(light)
    expect(light.locator("strong").first).to_contain_text("Bone cement hardens fast")
    ask(dark, UNCOVERED)
    expect(dark.locator("[part~=not-covered]")).to_be_visible()
    expect(light.locator(".box")).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(dark.locator(".box")).to_have_css("background-color", "rgb(25, 35, 42)")
    expect(page.locator("#snippet")).to_contain_text(f'src="{server.url}/widget.js"')
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert_accessible(page)
    keep_screenshot(page, f"widget-demo-{look}-{width}")
    assert witness.seen == []

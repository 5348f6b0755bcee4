"""The portal's search box on a page of another origin: what it asks, shows, tells and keeps to itself."""

import gzip
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.clinic_server import PHONE, Witness, assert_accessible
from tests.support.portal import (
    ANSWER,
    ASK,
    CITATION,
    QUESTION,
    QUOTE,
    UNCOVERED,
    Visit,
    ask,
    error,
    expect_failure,
    spoken,
)

WIDGET = Path(__file__).parents[2] / "qa" / "api" / "web" / "widget.js"
MOST_BYTES = 8 * 1024


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
    expect(outcome.get_by_role("link", name=PHONE)).to_have_attribute("href", "tel:+15550100199")
    related = widget.locator("details")
    expect(related.locator("blockquote").first).to_be_hidden()
    related.get_by_text("Related, but not an answer").click()
    expect(related.locator("blockquote").first).to_be_visible()
    expect(related.locator("strong")).to_have_count(0)
    assert visit.told()[0][0] == "not-covered"


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
    assert answered == ["answered", {"quotes": 1}, True, "clinic-answers"]
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
    expect(widget.get_by_role("link", name=PHONE)).to_be_focused()
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
    expect(widget.get_by_text(f"Ring {PHONE}").first).to_be_visible()
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

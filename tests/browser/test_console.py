"""The front desk's console, from the keyboard: each key, each outcome, and how it looks and is announced."""

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.clinic_server import PHONE, ClinicServer, assert_accessible, keep_screenshot
from tests.support.front_desk import OF_STAFF, QUESTION, SENTENCE, UNCOVERED, answered, asked, spoken
from tests.support.server_process import Server


def test_the_box_has_the_focus_and_what_is_typed_is_answered(console: Page) -> None:
    expect(console.locator("#question")).to_be_focused()
    console.keyboard.type(QUESTION)
    expect(console.locator(".words strong").first).to_have_text(SENTENCE)
    quote = console.locator("article.quote").first
    expect(quote.get_by_role("heading")).to_contain_text("The bone cement")
    for words in ["The committee", "20 November 2026", "20 November 2027", "For patients"]:
        expect(quote).to_contain_text(words)
    assert 1 <= console.locator("article.quote").count() <= 3


def test_a_quote_is_the_approved_text_to_the_character_with_its_lists(console: Page, standing: ClinicServer) -> None:
    answered(console, "What are the common risks, infection and bleeding?")
    for quote in console.locator("article.quote").all():
        link = quote.locator(".source a").get_attribute("href") or ""
        address, fragment = link.split("#")
        start, end = map(int, fragment.split("-")[1:])
        text = console.request.get(f"{standing.url}/v1{address}").json()["text"]
        assert quote.locator(".words").text_content() == text[start:end]
        expect(quote.locator(".words")).to_have_css("white-space", "pre-wrap")


def test_a_question_is_sent_in_a_body_and_stands_in_no_address(console: Page) -> None:
    addresses: list[str] = []
    console.context.on("request", lambda request: addresses.append(request.url))
    answered(console)
    expect(console.locator(".words strong").first).to_have_text(SENTENCE)
    assert addresses
    assert not any("cement" in address for address in [*addresses, console.url])
    assert console.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    assert console.evaluate("history.state") is None


def test_enter_asks_at_once(console: Page) -> None:
    console.evaluate("window.setTimeout = (call, ms) => 0")
    asked(console, QUESTION)
    expect(console.locator(".words strong").first).to_have_text(SENTENCE)


def test_an_emptied_box_shows_the_hints_again(console: Page) -> None:
    answered(console)
    console.fill("#question", "")
    expect(console.locator(".hints")).to_be_visible()
    expect(console.locator("article.quote")).to_have_count(0)


def test_the_arrows_go_between_the_quotes_and_back_to_the_box(console: Page) -> None:
    answered(console, "What are the risks of the bone cement?")
    quotes = console.locator("article.quote")
    assert quotes.count() >= 2
    console.keyboard.press("ArrowDown")
    expect(quotes.nth(0)).to_be_focused()
    console.keyboard.press("ArrowDown")
    expect(quotes.nth(1)).to_be_focused()
    console.keyboard.press("ArrowUp")
    expect(quotes.nth(0)).to_be_focused()
    console.keyboard.press("ArrowUp")
    expect(console.locator("#question")).to_be_focused()
    console.keyboard.press("ArrowUp")
    expect(console.locator("#question")).to_be_focused()


def test_after_the_last_quote_an_arrow_moves_the_page(console: Page) -> None:
    console.set_viewport_size({"width": 360, "height": 300})
    answered(console, "What are the risks of the bone cement?")
    console.locator("article.quote").last.focus()
    before = console.evaluate("scrollY")
    console.keyboard.press("ArrowDown")
    console.wait_for_function("before => scrollY > before", arg=before)
    expect(console.locator("article.quote").last).to_be_focused()


@pytest.mark.parametrize("key", ["/", "Escape"])
def test_slash_and_escape_go_back_to_the_box(console: Page, key: str) -> None:
    answered(console)
    console.keyboard.press("ArrowDown")
    console.keyboard.press(key)
    expect(console.locator("#question")).to_be_focused()
    expect(console.locator("#question")).to_have_value(QUESTION)


def test_in_the_box_the_single_keys_are_letters(console: Page) -> None:
    console.keyboard.type("c/?")
    expect(console.locator("#question")).to_have_value("c/?")
    expect(console.locator("#keys")).to_be_hidden()


def test_enter_on_a_quote_opens_its_source_with_the_passage_in_view(console: Page) -> None:
    answered(console, "Zebra words")
    console.keyboard.press("ArrowDown")
    with console.expect_popup() as opened:
        console.keyboard.press("Enter")
    expect(opened.value.locator("mark.cited")).to_contain_text("Zebra words.")
    expect(opened.value.locator("mark.cited")).to_be_in_viewport()
    opened.value.close()
    expect(console.locator("article.quote").first).to_be_focused()


def test_c_copies_the_quote_with_its_citation(console: Page, standing: ClinicServer) -> None:
    console.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=standing.url)
    answered(console)
    console.keyboard.press("ArrowDown")
    console.keyboard.press("c")
    expect(console.get_by_role("button", name="Copied")).to_be_visible()
    copied = console.evaluate("navigator.clipboard.readText()")
    words = console.locator(".words").first.text_content() or ""
    assert copied.startswith(words)
    assert "The bone cement" in copied
    assert "Approved by The committee on 20 November 2026; next review 20 November 2027" in copied
    assert f"{standing.url}/documents/cement#p-" in copied
    assert "Copied" in spoken(console)


def test_a_question_mark_shows_the_keys_and_they_can_be_switched_off(console: Page) -> None:
    answered(console)
    console.keyboard.press("ArrowDown")
    console.keyboard.press("?")
    expect(console.get_by_role("dialog", name="Keys")).to_be_visible()
    assert_accessible(console)
    console.get_by_role("checkbox").uncheck()
    console.keyboard.press("Escape")
    expect(console.get_by_role("dialog")).to_be_hidden()
    expect(console.locator("article.quote").first).to_be_focused()
    console.keyboard.press("?")
    console.keyboard.press("/")
    expect(console.get_by_role("dialog")).to_be_hidden()
    expect(console.locator("article.quote").first).to_be_focused()
    console.keyboard.press("Escape")
    expect(console.locator("#question")).to_be_focused()
    console.get_by_role("button", name="Keys").click()
    expect(console.get_by_role("dialog")).to_be_visible()


def test_on_a_narrow_screen_the_keys_have_room_for_what_they_do(console: Page) -> None:
    console.set_viewport_size({"width": 320, "height": 740})
    console.get_by_role("button", name="Keys").click()
    for said in console.locator("#keys dd").all():
        box = said.bounding_box()
        assert box
        assert box["width"] >= 130


def test_where_there_is_no_keyboard_nothing_is_said_of_keys(browser: Browser, standing: ClinicServer) -> None:
    context = browser.new_context(is_mobile=True, has_touch=True, viewport={"width": 360, "height": 740})
    phone = context.new_page()
    phone.goto(f"{standing.url}/")
    expect(phone.get_by_role("button", name="Ask")).to_be_visible()
    expect(phone.get_by_text("Type what the caller asks.")).to_be_visible()
    for selector in ["#show-keys", "#keys-in-short"]:
        expect(phone.locator(selector)).to_be_hidden()
    context.close()


def test_what_nothing_answers_is_an_outcome_of_its_own(console: Page) -> None:
    asked(console, UNCOVERED)
    outcome = console.locator(".notcovered")
    expect(outcome.get_by_role("heading")).to_have_text("No approved text answers this")
    expect(outcome).to_contain_text("Medicare")
    expect(outcome).to_contain_text("Transfer the call or take a message.")
    related = console.locator("details.aside")
    expect(related.locator("article.quote").first).to_be_hidden()
    related.get_by_text("Related, not an answer").click()
    expect(related.locator("article.quote").first).to_be_visible()


def test_staff_texts_are_unmistakable_and_gone_for_what_a_patient_would_see(console: Page) -> None:
    answered(console, OF_STAFF)
    quote = console.locator("article.quote").first
    expect(quote).to_contain_text("Staff only: do not read to patients")
    console.get_by_label("What a patient would see").check()
    expect(console.get_by_text("Staff only")).to_have_count(0)


def test_without_a_script_too_the_warning_stands_before_the_words_of_a_staff_text(
    page: Page, standing: ClinicServer
) -> None:
    page.goto(f"{standing.url}/search")
    page.fill("#question", OF_STAFF)
    page.press("#question", "Enter")
    quote = page.locator(".quote.staff").first
    warning = quote.get_by_text("Staff only: do not read to patients").bounding_box()
    words = quote.locator(".words").bounding_box()
    assert warning
    assert words
    assert warning["y"] + warning["height"] <= words["y"]


def test_each_settled_answer_is_announced_once_in_regions_by_turns(console: Page) -> None:
    asked(console, QUESTION)
    expect(console.locator("#status-2")).to_contain_text("found, first: The bone cement")
    expect(console.locator("#status-1")).to_be_empty()
    console.keyboard.press("Enter")
    expect(console.locator("#status-1")).to_contain_text("found, first: The bone cement")
    expect(console.locator("#status-2")).to_be_empty()
    console.fill("#question", UNCOVERED)
    expect(console.locator("#status-2")).to_contain_text("No approved text answers this.")


def test_a_focused_quote_is_heard_with_its_source_and_its_words(console: Page) -> None:
    answered(console)
    quote = console.locator("article.quote").first
    expect(quote).to_have_accessible_name("The bone cement")
    expect(quote).to_have_accessible_description(quote.locator(".words").text_content() or "")


def test_that_a_text_is_for_staff_only_is_heard_before_anything_of_it(console: Page) -> None:
    answered(console, OF_STAFF)
    expect(console.locator("#status-2")).to_contain_text("Staff only: do not read to patients.")
    expect(console.locator("article.quote").first).to_have_accessible_name(re.compile("^Staff only: .* Call guide"))


def test_words_that_no_text_mentions_are_heard_with_an_answer_too(console: Page) -> None:
    console.route("**/v1/ask", with_uncovered_word)
    answered(console)
    expect(console.locator("#status-2")).to_contain_text("No approved text mentions “Medicare”.")


def with_uncovered_word(route: Route) -> None:
    response = route.fetch()
    route.fulfill(response=response, json={**response.json(), "not_covered_terms": ["Medicare"]})


def test_a_misspelt_word_is_said_to_be_read_as_another(console: Page) -> None:
    asked(console, "What is the bone cemment made of?")
    expect(console.locator(".readas").first).to_contain_text("Read “cemment” as “cement”")


def test_a_printed_quote_is_one_page_with_its_citation(console: Page) -> None:
    console.evaluate("window.print = () => {}")
    answered(console)
    console.get_by_role("button", name="Print").first.click()
    console.emulate_media(media="print")
    sheet = console.locator("#sheet")
    expect(sheet).to_contain_text(SENTENCE)
    expect(sheet).to_contain_text("The committee")
    expect(sheet).to_contain_text("SHA-256")
    expect(console.locator("main")).to_be_hidden()
    expect(sheet.get_by_role("button")).to_have_count(0)
    console.locator(".tools").get_by_text("Print").first.dispatch_event("click")
    expect(sheet).to_have_count(1)
    console.evaluate("dispatchEvent(new Event('afterprint'))")
    console.emulate_media(media="screen")
    expect(sheet).to_have_count(0)


def test_a_review_that_is_due_is_said(page: Page, standing: ClinicServer) -> None:
    page.clock.set_fixed_time("2027-10-01T12:00:00Z")
    page.goto(f"{standing.url}/")
    page.route("**/v1/ask", lambda route: route.continue_())
    answered(page)
    expect(page.locator(".due").first).to_have_text("Review due 20 November 2027")


def test_the_footer_names_the_index_that_answers(console: Page, standing: ClinicServer) -> None:
    ready = console.request.get(f"{standing.url}/readyz").json()
    expect(console.locator("#generation")).to_have_text(ready["generation"])
    expect(console.locator("#built")).to_have_attribute("datetime", ready["built_at"].replace("Z", "+00:00"))


@pytest.mark.parametrize("width", [320, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_in_every_state(page: Page, standing: ClinicServer, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 800})

    def fits() -> None:
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.goto(f"{standing.url}/")
    fits()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/ask", hold)
    page.keyboard.type(QUESTION)
    expect(page.locator("#progress")).to_have_text("Looking…")
    fits()
    page.unroute("**/v1/ask")
    page.keyboard.press("Enter")
    expect(page.locator(".words strong").first).to_have_text(SENTENCE)
    fits()
    page.fill("#question", OF_STAFF)
    expect(page.locator(".quote.staff").first).to_be_visible()
    fits()
    page.fill("#question", UNCOVERED)
    page.get_by_text("Related, not an answer").click()
    fits()
    page.goto(f"{standing.url}/search")
    fits()
    for question in [QUESTION, UNCOVERED]:
        page.fill("#question", question)
        page.press("#question", "Enter")
        expect(page.locator(".results")).to_be_visible()
        fits()


def test_twice_the_size_of_text_still_fits(page: Page, standing: ClinicServer) -> None:
    page.set_viewport_size({"width": 640, "height": 800})
    page.goto(f"{standing.url}/")
    page.evaluate("document.documentElement.style.fontSize = '225%'")
    answered(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 640


def test_the_form_works_without_a_script(page: Page, standing: ClinicServer) -> None:
    browser = page.context.browser
    assert browser
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(f"{standing.url}/")
    plain.fill("#question", QUESTION)
    plain.press("#question", "Enter")
    expect(plain.locator(".words strong").first).to_have_text(SENTENCE)
    assert plain.url == f"{standing.url}/search"
    context.close()


def test_a_whole_call(page: Page, server: Server) -> None:
    """Question typed, answer, source with the passage, back, not covered, server stopped, phone number, server back."""
    question, sentence = (
        "what are the risks of bone cement leaking?",
        "Leaked bone cement can press on a nerve",
    )
    page.goto(f"{server.url}/")
    page.keyboard.type(question)
    expect(page.locator(".words strong").first).to_contain_text(sentence)
    keep_screenshot(page, "1-answer")

    page.keyboard.press("ArrowDown")
    with page.expect_popup() as opened:
        page.keyboard.press("Enter")
    source = opened.value
    expect(source.locator("mark.cited")).to_contain_text(sentence)
    expect(source.locator("mark.cited")).to_be_in_viewport()
    keep_screenshot(source, "2-source")
    source.close()

    expect(page.locator("article.quote").first).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("how much does a taxi to the opera cost?")
    expect(page.locator(".notcovered")).to_contain_text("No approved text answers this")
    keep_screenshot(page, "3-not-covered")

    server.stop()
    page.keyboard.press("Escape")
    page.keyboard.type(question)
    expect(page.locator(".failure")).to_contain_text("The service cannot be reached")
    expect(page.locator(".failure").get_by_role("link", name=PHONE)).to_be_visible()
    expect(page.locator("#banner")).to_contain_text("The service cannot be reached")
    expect(page.locator("article.quote")).to_have_count(0)
    assert_accessible(page)
    keep_screenshot(page, "4-server-stopped")

    server.start()
    expect(page.locator(".words strong").first).to_contain_text(sentence, timeout=10_000)
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#question")).to_be_focused()
    keep_screenshot(page, "5-server-back")

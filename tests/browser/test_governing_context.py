"""What turns a quote's meaning is seen as large as the answer, is heard before it, copied and printed with it."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from qa.settings import Settings
from tests.support.clinic import ALWAYS_ANSWERS, Clinic
from tests.support.clinic_server import ClinicServer, assert_accessible, keep_screenshot
from tests.support.front_desk import answered, asked
from tests.support.leaflets import AFTER_MOLE, DROPS, TEETH
from tests.support.portal import ANSWER, QUOTE, Visit, ask

SCRUB = "can I scrub the skin with a brush?"
FIREWORKS = "fireworks left from the holidays?"
LEAD_IN = "Do not bring any of these to the ward:"
GOVERNED = {
    **QUOTE,
    "text": "• swim in the sea\n• scrub the skin",
    "highlights": [[18, 34]],
    "context": [
        {"text": "After", "start": 0, "end": 5, "kind": "heading", "governing": False},
        {"text": "Don't", "start": 6, "end": 11, "kind": "heading", "governing": True},
    ],
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClinicServer]:
    folder = tmp_path_factory.mktemp("clinic")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "calibration.json").write_text(json.dumps(ALWAYS_ANSWERS), "utf-8")
    clinic = Clinic(folder, Settings(corpus=folder / "corpus", index=folder / "index"))
    clinic.add("mole.html", AFTER_MOLE)
    clinic.add("teeth.md", TEETH)
    clinic.add("drops.md", DROPS)
    clinic.build()
    with ClinicServer(clinic).running() as server:
        yield server


def expect_joined(governing: Locator, answer: Locator) -> None:
    """Both of one size and weight, what governs right above the text that it governs."""
    for property_ in ("font-size", "font-weight", "color"):
        own = governing.locator("strong").first.evaluate(f"e => getComputedStyle(e)['{property_}']")
        expect(answer.locator("strong").first).to_have_css(property_, own)
    above, below = governing.bounding_box(), answer.bounding_box()
    assert above
    assert below
    assert 0 <= below["y"] - above["y"] - above["height"] <= 12
    assert above["x"] == below["x"]


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_console_shows_it_as_large_as_the_answer(page: Page, served: ClinicServer, width: int, look: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if look == "dark" else "light", reduced_motion="reduce")
    page.goto(f"{served.url}/")
    for name, question, governing in [("heading", SCRUB, "Don't"), ("lead-in", FIREWORKS, LEAD_IN)]:
        page.locator("#question").fill(question)
        page.keyboard.press("Enter")
        quote = page.locator("article.quote").first
        expect(quote.locator(".governing strong")).to_have_text(governing)
        expect_joined(quote.locator(".governing"), quote.locator(".words"))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert_accessible(page)
        keep_screenshot(page, f"governing-{name}-{look}-{width}")


def test_it_stays_in_view_while_one_scrolls_to_the_answer(page: Page, served: ClinicServer) -> None:
    page.set_viewport_size({"width": 320, "height": 480})
    page.goto(f"{served.url}/")
    answered(page, FIREWORKS)
    page.locator(".words strong").first.evaluate("answer => answer.scrollIntoView({ block: 'end' })")
    expect(page.locator(".words strong").first).to_be_in_viewport(ratio=1)
    expect(page.locator(".governing").first).to_be_in_viewport(ratio=1)
    keep_screenshot(page, "governing-scrolled")


def test_it_is_heard_before_the_words_and_copied_with_them(page: Page, served: ClinicServer) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=served.url)
    page.goto(f"{served.url}/")
    answered(page, SCRUB)
    page.keyboard.press("ArrowDown")
    quote = page.locator("article.quote").first
    words = quote.locator(".words").text_content() or ""
    expect(quote).to_have_accessible_description(f"Don't {words}")
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert str(page.evaluate("navigator.clipboard.readText()")).startswith(f"Don't\n{words}\n\n")


def test_it_is_printed(page: Page, served: ClinicServer) -> None:
    page.goto(f"{served.url}/")
    answered(page, SCRUB)
    page.evaluate("window.print = () => {}")
    page.get_by_role("button", name="Print").first.click()
    page.emulate_media(media="print")
    sheet = page.locator("#sheet")
    expect(sheet.locator(".governing")).to_be_visible()
    expect_joined(sheet.locator(".governing"), sheet.locator(".words"))
    keep_screenshot(page, "governing-printed")


def test_a_related_passage_shows_it_too_but_nothing_stands_out(page: Page, served: ClinicServer) -> None:
    page.goto(f"{served.url}/")
    page.route(
        "**/v1/ask",
        lambda route: route.fulfill(json={**ANSWER, "outcome": "not_covered", "quotes": [], "related": [GOVERNED]}),
    )
    asked(page, SCRUB)
    page.locator("summary").click()
    expect(page.locator(".governing")).to_have_text("Don't")
    expect(page.locator("article strong")).to_have_count(0)


@pytest.mark.parametrize("width", [320, 1280])
def test_without_a_script_it_is_shown_the_same(page: Page, served: ClinicServer, width: int) -> None:
    context = page.context.browser.new_context(java_script_enabled=False)  # type: ignore[union-attr]
    plain = context.new_page()
    plain.set_viewport_size({"width": width, "height": 900})
    plain.goto(f"{served.url}/search")
    plain.locator("#question").fill(FIREWORKS)
    plain.locator("form.ask button").click()
    quote = plain.locator("article.quote").first
    expect(quote.locator(".governing strong")).to_have_text(LEAD_IN)
    assert quote.inner_text().index(LEAD_IN) < quote.inner_text().index("fireworks")
    keep_screenshot(plain, f"governing-no-script-{width}")
    context.close()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_the_search_box_shows_it_as_large_as_the_answer(visit: Visit, width: int, direction: str) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    widget = visit.open(language=f'lang="en" dir="{direction}"')
    visit.reply({**ANSWER, "quotes": [GOVERNED, GOVERNED]})
    ask(widget)
    quote = widget.get_by_role("listitem").first
    expect(quote.locator("[part~=governing] strong")).to_have_text("Don't")
    expect_joined(quote.locator("[part~=governing]"), quote.locator("blockquote"))
    assert quote.inner_text().index("Don't") < quote.inner_text().index("swim")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    assert_accessible(visit.page)
    keep_screenshot(visit.page, f"governing-widget-{direction}-{width}")


def test_the_search_box_shows_it_with_a_related_passage_too(visit: Visit) -> None:
    widget = visit.open()
    visit.reply({**ANSWER, "outcome": "not_covered", "quotes": [], "related": [GOVERNED]})
    ask(widget)
    widget.locator("summary").click()
    expect(widget.locator("[part~=governing]")).to_have_text("Don't")
    expect(widget.locator("li strong")).to_have_count(0)

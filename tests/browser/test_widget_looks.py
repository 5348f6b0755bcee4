"""The portal's search box to the eye: every state, size, colour scheme and direction."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.clinic_server import Witness, assert_accessible, keep_screenshot
from tests.support.portal import ANSWER, QUOTE, UNCOVERED, Visit, ask, error
from tests.support.server_process import Server


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


def test_the_demonstration_says_whether_the_snippet_was_copied(page: Page, server: Server) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    page.goto(f"{server.url}/widget-demo")
    page.get_by_role("button", name="Copy the snippet").click()
    expect(page.locator("#copied")).to_have_text("Copied")
    assert f'src="{server.url}/widget.js"' in page.evaluate("navigator.clipboard.readText()")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }")
    page.get_by_role("button", name="Copy the snippet").click()
    expect(page.locator("#copied")).to_contain_text("Could not copy")

"""The page that a citation opens: the approved text, the cited passage in view, with and without a script."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.clinic import Clinic
from tests.support.clinic_server import PHONE, ClinicServer, Witness, assert_accessible
from tests.support.service import clinic_in

ARABIC = "# تعليمات\n\n## الدواء\n\nخذ الباراسيتامول كل 6 ساعات.\n"
EMOJI = "# Signs 😷\n\nA smile 😀 comes first. Then 𝔸𝔹ℂ the rest of it, and so on.\n\n" + "Filler line.\n\n" * 60


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    made = clinic_in(tmp_path_factory.mktemp("clinic"), with_staff_page=True)
    made.add("signs.md", EMOJI)
    made.add("instructions.md", ARABIC)
    made.add("untitled.txt", "The clinic opens at eight in the morning.\n")
    made.add("staff/untitled.txt", "The door code changes each month.\n", "staff")
    made.build()
    return made


@pytest.fixture(scope="module")
def served(clinic: Clinic) -> Iterator[ClinicServer]:
    with ClinicServer(clinic).running() as server:
        yield server


def approved_text(page: Page, served: ClinicServer, address: str) -> str:
    return str(page.request.get(f"{served.url}/v1/documents/{address}").json()["text"])


def passages(page: Page) -> list[str]:
    return list(page.eval_on_selector_all(".passage", "all => all.map(each => each.id)"))


@pytest.mark.parametrize("address", ["risks", "cement", "signs", "staff-call-guide?audience=staff"])
def test_the_article_is_the_approved_text_to_the_character(
    page: Page, served: ClinicServer, witness: Witness, address: str
) -> None:
    page.goto(f"{served.url}/documents/{address}")
    text = approved_text(page, served, address)
    assert page.eval_on_selector("#text", "article => article.textContent") == text
    for anchor in passages(page):
        start, end = map(int, anchor.split("-")[1:])
        assert page.eval_on_selector(f"#{anchor}", "passage => passage.textContent") == text[start:end]


def test_the_cited_passage_is_marked_and_in_view(page: Page, served: ClinicServer, witness: Witness) -> None:
    page.set_viewport_size({"width": 800, "height": 300})
    page.goto(f"{served.url}/documents/risks")
    last = passages(page)[-1]
    page.goto(f"{served.url}/documents/risks#{last}")
    expect(page.locator("mark.cited")).to_have_text("Call the clinic if your back pain gets worse.")
    expect(page.locator("mark.cited")).to_be_in_viewport()
    page.evaluate("anchor => { location.hash = anchor }", passages(page)[0])
    expect(page.locator("mark.cited")).to_contain_text("Every procedure has risks.")
    expect(page.locator("mark")).to_have_count(1)
    assert page.eval_on_selector("#text", "article => article.textContent") == approved_text(page, served, "risks")


def test_the_cited_passage_is_marked_and_in_view_without_a_script(page: Page, served: ClinicServer) -> None:
    browser = page.context.browser
    assert browser
    context = browser.new_context(java_script_enabled=False, viewport={"width": 800, "height": 300})
    plain = context.new_page()
    plain.goto(f"{served.url}/documents/risks")
    last = plain.locator(".passage").last.get_attribute("id")
    unmarked = plain.locator(f"#{last}").evaluate("each => getComputedStyle(each).backgroundColor")
    plain.goto(f"{served.url}/documents/risks#{last}")
    expect(plain.locator(f"#{last}")).to_be_in_viewport()
    expect(plain.locator(f"#{last}")).not_to_have_css("background-color", str(unmarked))
    context.close()


def test_offsets_count_code_points_also_beyond_the_first_plane(
    page: Page, served: ClinicServer, witness: Witness
) -> None:
    text = approved_text(page, served, "signs")
    page.goto(f"{served.url}/documents/signs")
    anchor = passages(page)[1]
    start, end = map(int, anchor.split("-")[1:])
    page.goto(f"{served.url}/documents/signs#{anchor}")
    page.reload()
    assert page.locator("mark.cited").text_content() == text[start:end]
    expect(page.locator("mark.cited")).to_be_in_viewport()


@pytest.mark.parametrize("fragment", ["p-a-b", "p--1-4", "nothing", "%00", "p-1-2x"])
def test_a_fragment_that_names_no_slice_marks_nothing(
    page: Page, served: ClinicServer, witness: Witness, fragment: str
) -> None:
    page.goto(f"{served.url}/documents/risks#{fragment}")
    expect(page.locator("h1")).to_have_text("Risks of kyphoplasty")
    expect(page.locator("mark")).to_have_count(0)
    expect(page.locator("#changed")).to_be_hidden()


@pytest.mark.parametrize("fragment", ["p-5-5", "p-9-2", "p-3-40", "p-999999-9999999"])
def test_a_link_to_a_passage_of_an_older_text_says_so_and_marks_nothing(
    page: Page, served: ClinicServer, witness: Witness, fragment: str
) -> None:
    page.goto(f"{served.url}/documents/risks#{fragment}")
    expect(page.get_by_role("status")).to_contain_text("This page has changed since your link was made")
    expect(page.locator("mark")).to_have_count(0)
    page.evaluate("anchor => { location.hash = anchor }", passages(page)[0])
    expect(page.locator("#changed")).to_be_hidden()


def test_a_withdrawn_text_is_gone_from_its_links(page: Page, served: ClinicServer) -> None:
    page.goto(f"{served.url}/documents/withdrawn#p-0-20")
    expect(page.get_by_role("heading", level=1)).to_have_text("This text is not here")
    expect(page.get_by_role("link", name=PHONE).last).to_be_visible()
    expect(page.get_by_label("Your question")).to_be_visible()


def test_a_text_from_right_to_left_is_set_so(page: Page, served: ClinicServer, witness: Witness) -> None:
    page.goto(f"{served.url}/documents/instructions")
    starts = page.locator("#text .headed, #text .text").evaluate_all(
        "all => all.map(each => { const words = document.createRange(); words.selectNodeContents(each);"
        " return each.getBoundingClientRect().right - words.getBoundingClientRect().right; })"
    )
    assert starts
    assert max(starts) < 2


@pytest.mark.parametrize("audience", ["patient", "staff"])
def test_the_title_stands_first_where_the_text_has_none(
    page: Page, served: ClinicServer, witness: Witness, audience: str
) -> None:
    name = "staff-untitled?audience=staff" if audience == "staff" else "untitled"
    for width in [360, 1440]:
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{served.url}/documents/{name}")
        title, text = page.locator("h1").bounding_box(), page.locator("#text").bounding_box()
        assert title
        assert text
        assert title["y"] + title["height"] <= text["y"]


def test_the_watermark_hides_no_word(page: Page, served: ClinicServer, witness: Witness) -> None:
    page.goto(f"{served.url}/documents/staff-call-guide?audience=staff")
    watermark = "article => getComputedStyle(article, '::before')"
    assert "STAFF ONLY" in page.locator("#text").evaluate(f"{watermark}.content")
    page.emulate_media(forced_colors="active")
    assert page.locator("#text").evaluate(f"{watermark}.content") == "none"
    page.emulate_media(forced_colors="none", media="print")
    assert page.locator("#text").evaluate(f"{watermark}.printColorAdjust") == "exact"


def test_the_contents_lead_to_each_section(page: Page, served: ClinicServer, witness: Witness) -> None:
    page.set_viewport_size({"width": 800, "height": 300})
    page.goto(f"{served.url}/documents/risks")
    page.get_by_role("navigation", name="Contents").get_by_role("link", name="When to call").click()
    expect(page.get_by_role("heading", name="When to call")).to_be_in_viewport()
    assert page.url.endswith("#s-when-to-call")


def test_the_approval_says_who_and_when_and_what(page: Page, served: ClinicServer, witness: Witness) -> None:
    page.goto(f"{served.url}/documents/cement")
    box = page.get_by_role("complementary", name="Approval")
    for words in ["The committee", "20 November 2026", "20 November 2027", "For patients"]:
        expect(box).to_contain_text(words)
    box.get_by_role("link", name="The same as JSON").click()
    assert "/v1/documents/cement" in page.url


def test_a_staff_text_says_so(page: Page, served: ClinicServer, witness: Witness) -> None:
    page.goto(f"{served.url}/documents/staff-call-guide?audience=staff")
    expect(page.locator(".staffbanner")).to_have_text("Staff only: do not read to patients")


def test_a_printed_document_is_its_text_and_approval(page: Page, served: ClinicServer, witness: Witness) -> None:
    page.goto(f"{served.url}/documents/risks")
    page.emulate_media(media="print")
    expect(page.locator(".contents")).to_be_hidden()
    expect(page.locator("#text")).to_be_visible()
    expect(page.get_by_role("complementary", name="Approval")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
@pytest.mark.parametrize(
    "address", ["risks", "signs#p-2-7", "instructions", "staff-call-guide?audience=staff", "nothing"]
)
def test_it_is_accessible(page: Page, served: ClinicServer, scheme: str, width: int, address: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{served.url}/documents/{address}")
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for anchor in passages(page)[:1]:
        page.evaluate("anchor => { location.hash = anchor }", anchor)
        expect(page.locator("mark")).to_be_visible()
        assert_accessible(page)

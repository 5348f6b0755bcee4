"""Whatever stands in a title, a text, an address or a question is text: nothing of it runs or is fetched."""

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from qa.settings import Settings
from tests.support.clinic import ALWAYS_ANSWERS, Clinic
from tests.support.clinic_server import ClinicServer, Witness

PAYLOADS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "</script><script>alert(1)</script>",
    "<!--<script>alert(1)//-->",
    "]]><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=https://evil.example/pixel.png>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)>",
    "<embed src=https://evil.example/x.swf>",
    "<a href=javascript:alert(1)>click</a>",
    "<form action=https://evil.example><button>go</button></form>",
    "<input autofocus onfocus=alert(1)>",
    "<select autofocus onfocus=alert(1)>",
    "<textarea autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example/>",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)></style></mglyph></math>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    '" onmouseover=alert(1) x="',
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)",
    "{{ 7 * 7 }} {% raw %} {{ config }}",
    "${alert(1)} `${alert(1)}`",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</article></main><script>alert(1)</script>",
    "<<script>alert(1)//<</script>",
    "<p id=question>clobbered</p><form id=text name=body>",
    "constructor __proto__ toString",
    "<x onclick=alert(1) style=position:fixed;inset:0>click",
]

TITLE = "Title of "
SOURCE = "https://source.example/"
ELEMENTS = "widget => [...widget.shadowRoot.querySelectorAll('*')].map(element => element.localName)"
ELEMENTS_OF_THE_WIDGET = {
    *("div", "form", "label", "input", "button", "p", "span"),
    *("ol", "li", "h3", "a", "blockquote", "strong"),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClinicServer]:
    """A document for each payload, which stands in its title, text, file name and source."""
    folder = tmp_path_factory.mktemp("clinic")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "calibration.json").write_text(json.dumps(ALWAYS_ANSWERS), "utf-8")
    clinic = Clinic(folder, Settings(corpus=folder / "corpus", index=folder / "index"))
    for number, payload in enumerate(PAYLOADS):
        name = payload.replace("/", "-").replace("\\", "-")
        clinic.add(
            f"page{number} {name}.txt", f"Heading {number} {payload}\n\nPayload{number} says {payload} and ends.\n"
        )
    register = clinic.settings.register_path
    text = register.read_text("utf-8")
    for number, payload in enumerate(PAYLOADS):
        entry = re.compile(
            rf'document_id = "page{number}(?!\d)[^\n]*\n(?:(?!\[\[)[^\n]*\n)*?title = (?P<title>[^\n]*)\n'
        )
        found = entry.search(text)
        assert found, number
        title, source = (json.dumps(f"{words}{payload}", ensure_ascii=False) for words in (TITLE, SOURCE))
        start, end = found.span("title")
        text = f"{text[:start]}{title}\nsource_url = {source}{text[end:]}"
    register.write_text(text, "utf-8")
    clinic.build()
    with ClinicServer(clinic).running() as server:
        yield server


def documents(page: Page, served: ClinicServer) -> list[dict[str, str]]:
    return list(page.request.get(f"{served.url}/v1/documents").json()["documents"])


def test_there_are_forty_payloads_and_a_document_of_each(page: Page, served: ClinicServer) -> None:
    assert len(documents(page, served)) == len(set(PAYLOADS)) >= 40


def test_in_a_document_they_are_text(page: Page, served: ClinicServer, witness: Witness) -> None:
    for document in documents(page, served):
        page.goto(f"{served.url}{document['link']}")
        text = page.request.get(f"{served.url}/v1/documents/{document['id']}").json()["text"]
        assert page.eval_on_selector("#text", "article => article.textContent") == text
        expect(page.locator("h1")).to_have_text(document["title"])
        facts = json.loads(page.locator('script[type="application/ld+json"]').text_content() or "")
        assert facts["name"] == document["title"]
        expect(page.locator("script")).to_have_count(2)


def test_in_a_question_and_a_quote_of_the_search_page_they_are_text(
    page: Page, served: ClinicServer, witness: Witness
) -> None:
    for number, payload in enumerate(PAYLOADS):
        question = f"Payload{number} says {payload}"
        page.goto(f"{served.url}/search")
        page.fill("#question", question)
        page.press("#question", "Enter")
        expect(page.locator(".words").first).to_contain_text(f"Payload{number} says")
        assert page.input_value("#question") == question
        assert payload in (page.locator(".words").first.text_content() or "")
        expect(page.locator("script")).to_have_count(0)


def test_in_a_question_and_a_quote_of_the_console_they_are_text(
    page: Page, served: ClinicServer, witness: Witness
) -> None:
    page.goto(f"{served.url}/")
    for number, payload in enumerate(PAYLOADS):
        page.fill("#question", f"Payload{number} says {payload}")
        words = page.locator(".words").filter(has_text=f"Payload{number} says")
        expect(words.first).to_be_visible()
        assert payload in (words.first.text_content() or "")
        expect(page.locator("script")).to_have_count(1)


def test_in_whatever_the_widget_is_given_they_are_text(page: Page, served: ClinicServer, witness: Witness) -> None:
    """In a question, a quote, its title and address, the words and the fragment of the page around."""
    titles = {document["id"].split("-")[0]: document["title"] for document in documents(page, served)}
    page.goto(f"{served.url}/widget-demo")
    widget = page.locator("clinic-answers").first
    for number, payload in enumerate(PAYLOADS):
        question = f"Payload{number} says {payload}"
        page.evaluate("payload => { location.hash = payload }", payload)
        for name in ["label", "note"]:
            widget.evaluate("(widget, [name, payload]) => widget.setAttribute(name, payload)", [name, payload])
        widget.locator("#question").fill(question)
        widget.locator("#question").press("Enter")
        quote_shown = widget.get_by_role("listitem").filter(has_text=f"Payload{number} says").first
        expect(quote_shown.locator("blockquote")).to_be_visible()
        assert payload in (quote_shown.locator("blockquote").text_content() or "")
        assert titles[f"page{number}"] in (quote_shown.get_by_role("heading").text_content() or "")
        assert widget.locator("#question").input_value() == question
        assert [widget.locator(f"[part={part}]").text_content() for part in ["label", "note"]] == [payload] * 2
        assert set(widget.evaluate(ELEMENTS)) <= ELEMENTS_OF_THE_WIDGET
        addresses = quote_shown.get_by_role("link").evaluate_all("links => links.map(link => link.href)")
        assert all(address.startswith(f"{served.url}/documents/page{number}-") for address in addresses)
        assert addresses


def test_in_an_address_and_a_fragment_they_are_nothing(page: Page, served: ClinicServer, witness: Witness) -> None:
    first = documents(page, served)[0]["link"]
    for payload in PAYLOADS:
        for fragment in [payload, f"p-1-2{payload}"]:
            page.goto(f"{served.url}{first}#{quote(fragment)}")
            expect(page.locator("mark")).to_have_count(0)
    assert witness.seen == []
    for payload in PAYLOADS:
        page.goto(f"{served.url}/documents/{quote(payload, safe='')}?audience=patient")
        expect(page.locator("h1")).to_be_visible()
        assert payload not in page.content()
    witness.seen = [seen for seen in witness.seen if "404 (Not Found)" not in seen]

"""The pages for people: what they show, their headers, and that nothing in them is more than text."""

import html
import re
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from qa.api.pages.page_templates import CONTENT_SECURITY_POLICY
from qa.errors import InvalidSetting
from qa.settings import load_settings
from tests.support.clinic import Clinic
from tests.support.encoders import BrokenEncoder
from tests.support.service import ask, assert_error, client_of, clinic_in

PHONE = "+1 555 010 0199"
AS_BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PORTAL = "https://portal.clinic.example"
HOSTILE = "<img src=x onerror=alert(1)>\"'&</script><script>alert(2)</script>"


@pytest.fixture(scope="session")
def pages(standing_clinic: Clinic) -> TestClient:
    client = client_of(standing_clinic, clinic_phone=PHONE, clinic_name="Hill Clinic", cors_origins=(PORTAL,))
    client.headers.update(AS_BROWSER)
    return client


def search(client: TestClient, question: str, **fields: str) -> Response:
    return client.post("/search", data={"question": question, **fields})


def article_text(page: str) -> str:
    """The text nodes of the document page's article."""
    found = re.search(r'<article id="text"[^>]*>(.*)</article>', page, re.DOTALL)
    assert found
    return html.unescape(re.sub(r"<[^>]*>", "", found.group(1)))


@pytest.mark.parametrize("path", ["/", "/search", "/documents/cement", "/documents/nothing", "/nowhere"])
def test_every_page_has_a_policy_without_exceptions_and_sets_no_cookie(pages: TestClient, path: str) -> None:
    response = pages.get(path)

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in response.headers
    assert not re.search(r"<script(?! type=\"(module\" src=\"/|application/ld\+json\")|[^>]*>\s*import)", response.text)
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", response.text)
    assert set(re.findall(r'(?:src|action)="([^"]*)"|<link[^>]*href="([^"]*)"', response.text)) <= {
        pair
        for each in ["/web/console.js", "/web/document.js", "/search", "/web/style.css", "/web/icon.svg"]
        for pair in [(each, ""), ("", each)]
    }


def test_the_form_of_the_console_works_without_a_script(pages: TestClient) -> None:
    console = pages.get("/").text
    assert '<form class="ask" method="post" action="/search"' in console
    assert 'name="audience" value="staff" checked' in console


def test_a_server_for_patients_alone_shows_them_the_search_page(standing_clinic: Clinic) -> None:
    client = client_of(standing_clinic, serve_audiences=("patient",))
    page = client.get("/").text
    assert "Ask a question" in page
    assert "staff" not in page.lower()


def test_a_question_is_answered_with_its_approved_words_and_where_they_stand(pages: TestClient) -> None:
    response = search(pages, "How long until the bone cement hardens?")

    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert "<strong>The bone cement hardens in about 10 minutes.</strong>" in response.text
    assert 'href="/documents/cement#p-' in response.text
    assert "Approved by The committee" in response.text
    assert "20 November 2027" in response.text


def test_a_question_that_nothing_answers_is_an_outcome_with_its_words_and_the_phone_number(pages: TestClient) -> None:
    response = search(pages, "Does Medicare reimburse taxis?")

    assert response.status_code == 200
    assert "No approved text answers this" in response.text
    assert '<b class="term">Medicare</b>' in response.text
    assert PHONE in response.text
    assert "Related, not an answer" in response.text
    assert "<details class" in response.text


def test_staff_texts_are_shown_as_such_and_only_to_who_asks_as_staff(pages: TestClient) -> None:
    question = "Read the quoted sentence as it stands"
    assert "do not read to patients" in search(pages, question, audience="staff").text
    assert "Call guide" not in search(pages, question).text


def test_a_patients_result_is_the_same_whether_or_not_there_are_staff_texts(tmp_path: Path) -> None:
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    clients = [
        client_of(clinic_in(tmp_path / "with", with_staff_page=True)),
        client_of(clinic_in(tmp_path / "without", with_staff_page=False)),
    ]
    for question in ["How long until the cement hardens?", "Call guide"]:
        first, second = (search(client, question).content for client in clients)
        assert first == second


@pytest.mark.parametrize(
    ("sent", "status", "shown"),
    [
        ({"data": {"question": ""}}, 422, "The question is empty"),
        ({"data": {"question": "a" * 1001}}, 422, "at most 1,000"),
        ({"data": {}}, 415, "could not be read"),
        ({"data": {"audience": "staff"}}, 422, "could not be read"),
        ({"data": {"question": "cement", "audience": "doctor"}}, 422, "could not be read"),
        ({"data": {"question": "cement", "hint": "1"}}, 422, "could not be read"),
        ({"data": {f"a{number}": "1" for number in range(20)}}, 422, "could not be read"),
        ({"json": {"question": "cement"}}, 415, "could not be read"),
        ({"data": {"question": "a" * 9000}}, 413, "too long"),
        (
            {"content": b"question=%ff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
            400,
            "could not be read",
        ),
    ],
)
def test_a_form_that_cannot_be_answered_is_refused_by_a_page_with_the_phone_number(
    pages: TestClient, sent: dict[str, object], status: int, shown: str
) -> None:
    response = pages.post("/search", **sent)  # type: ignore[arg-type]

    assert response.status_code == status
    assert shown in response.text
    assert PHONE in response.text
    assert 'action="/search"' in response.text


def test_a_failing_service_says_so_on_a_page_with_the_phone_number(
    standing_clinic: Clinic, empty_clinic: Clinic
) -> None:
    for client, status, shown in [
        (client_of(standing_clinic, BrokenEncoder(), clinic_phone=PHONE), 500, "Something went wrong"),
        (client_of(empty_clinic, clinic_phone=PHONE), 503, "Answers are not available now"),
        (client_of(standing_clinic, clinic_phone=PHONE, max_waiting_questions=0), 503, "Too many questions at once"),
    ]:
        client.headers.update(AS_BROWSER)
        response = search(client, "cement")
        assert response.status_code == status
        assert shown in response.text
        assert PHONE in response.text
        assert ("retry-after" in response.headers) == (status == 503)


def test_only_a_browser_gets_pages_for_errors_and_never_under_v1(pages: TestClient) -> None:
    assert_error(pages.get("/v1/documents/nothing"), 404, "unknown_document")
    assert_error(pages.get("/documents/nothing", headers={"Accept": "application/json"}), 404, "unknown_document")
    assert "This text is not here" in pages.get("/documents/nothing").text
    assert "This text is not here" in pages.get("/documents/staff-call-guide").text


def test_a_method_that_a_page_does_not_take(pages: TestClient) -> None:
    response = pages.put("/search")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize("path", ["/", "/search", "/documents/cement", "/web/style.css", "/nowhere"])
def test_head_says_of_a_page_what_get_says(pages: TestClient, path: str) -> None:
    head, get = pages.head(path), pages.get(path)
    assert head.content == b""
    assert (head.status_code, head.headers) == (get.status_code, get.headers)


@pytest.mark.parametrize("audience", ["patient", "staff"])
def test_a_documents_article_is_its_approved_text_to_the_character(pages: TestClient, audience: str) -> None:
    for summary in pages.get("/v1/documents", params={"audience": audience}).json()["documents"]:
        document = pages.get(f"/v1/documents/{summary['id']}", params={"audience": audience}).json()
        page = pages.get(summary["link"]).text
        assert article_text(page) == document["text"]
        for start, end in re.findall(r'id="p-(\d+)-(\d+)"', page):
            slice_of_text = document["text"][int(start) : int(end)]
            assert f'id="p-{start}-{end}">{html.escape(slice_of_text)}</span>' in page.replace("&#39;", "&#x27;")


def test_every_citation_leads_to_an_element_of_its_page(pages: TestClient) -> None:
    for quote in ask(pages, "What are the risks and the bone cement?", audience="staff").json()["quotes"]:
        address, fragment = quote["citation"]["link"].split("#")
        assert f'id="{fragment}"' in pages.get(address).text


def test_every_section_has_a_permalink_that_the_contents_name(pages: TestClient) -> None:
    page = pages.get("/documents/risks").text
    for anchor in ["s-common-risks", "s-when-to-call"]:
        assert f'id="{anchor}"' in page
        assert page.count(f'href="#{anchor}"') == 2


def test_sections_with_the_same_heading_have_permalinks_of_their_own(clinic: Clinic) -> None:
    clinic.add("twice.md", "# Twice\n\n## Rest\n\nLie down.\n\n## Rest\n\nGet up.\n")
    clinic.build()
    page = client_of(clinic).get("/documents/twice").text
    assert 'id="s-rest"' in page
    assert 'id="s-rest-2"' in page


def test_a_patients_page_says_to_machines_when_it_was_reviewed_and_a_staff_page_does_not(pages: TestClient) -> None:
    page = pages.get("/documents/cement").text
    assert '"@type": "MedicalWebPage"' in page
    assert '"lastReviewed": "2026-11-20"' in page
    assert '"reviewedBy": {"@type": "Organization", "name": "The committee"}' in page
    assert "noindex" not in page
    staff = pages.get("/documents/staff-call-guide?audience=staff").text
    assert "MedicalWebPage" not in staff
    assert "noindex" in staff
    assert "Staff only: do not read to patients" in staff


def test_markup_in_a_question_stays_text(pages: TestClient) -> None:
    page = search(pages, HOSTILE).text
    assert "<img" not in page
    assert "<script" not in page
    assert html.escape(HOSTILE).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in page


@pytest.mark.parametrize(
    ("source", "is_link"),
    [
        ("https://clinic.example/a?b=1&c=2", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        ("data:text/html,<script>alert(1)</script>", False),
        ("//evil.example", False),
        ("http://[", False),
        ("https:", False),
    ],
)
def test_a_source_is_a_link_only_where_it_is_an_address_of_the_web(clinic: Clinic, source: str, is_link: bool) -> None:
    register = clinic.settings.register_path
    text = register.read_text("utf-8").replace(
        'document_id = "cement"', f'document_id = "cement"\nsource_url = "{source}"'
    )
    register.write_text(text, "utf-8")
    clinic.build()
    page = client_of(clinic).get("/documents/cement").text
    escaped = html.escape(source)
    assert escaped in page
    assert (f'href="{escaped}" rel="noopener noreferrer"' in page) == is_link


@pytest.mark.parametrize("name", ["console.js", "document.js", "style.css", "icon.svg"])
def test_a_file_of_the_pages_is_asked_for_again_each_time_and_sent_when_it_changed(
    pages: TestClient, name: str
) -> None:
    first = pages.get(f"/web/{name}")
    assert first.status_code == 200
    assert first.headers["cache-control"] == "no-cache"
    kinds = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
    assert first.headers["content-type"] == kinds[name.rsplit(".", 1)[-1]]
    again = pages.get(f"/web/{name}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/widget.js", "/web/style.css"])
def test_a_file_of_the_pages_travels_compressed_where_the_browser_takes_it(pages: TestClient, path: str) -> None:
    compressed = pages.get(path, headers={"Accept-Encoding": "br, gzip"})
    plain = pages.get(path, headers={"Accept-Encoding": "identity"})
    assert compressed.content == plain.content
    assert compressed.headers["content-encoding"] == "gzip"
    assert int(compressed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert "content-encoding" not in plain.headers
    assert compressed.headers["etag"] != plain.headers["etag"]
    assert compressed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    again = {"Accept-Encoding": "gzip", "If-None-Match": compressed.headers["etag"]}
    assert pages.get(path, headers=again).status_code == 304


def test_the_widget_takes_eight_kilobytes_of_a_patients_connection_at_most(pages: TestClient) -> None:
    assert int(pages.get("/widget.js", headers={"Accept-Encoding": "gzip"}).headers["content-length"]) <= 8 * 1024


@pytest.mark.parametrize(
    "name", ["page.html", "nothing.js", "..%2fapp.py", "..%5capp.py", "Console.js", ".js", "%00.js"]
)
def test_nothing_else_can_be_fetched(pages: TestClient, name: str) -> None:
    assert pages.get(f"/web/{name}").status_code == 404


def test_pages_of_a_named_origin_may_ask_and_do_nothing_else(pages: TestClient) -> None:
    wanted = {"Origin": PORTAL, "Access-Control-Request-Method": "POST"}
    preflight = pages.options("/v1/ask", headers=wanted)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == PORTAL
    assert preflight.headers["access-control-allow-methods"] == "POST"
    assert preflight.headers["access-control-allow-headers"] == "Content-Type"
    asked = pages.post("/v1/ask", json={"question": "cement"}, headers={"Origin": PORTAL})
    assert asked.headers["access-control-allow-origin"] == PORTAL
    assert "Origin" in asked.headers["vary"]
    assert "access-control-allow-credentials" not in asked.headers
    for path in ["/v1/documents", "/readyz", "/search", "/documents/cement"]:
        assert "access-control-allow-origin" not in pages.get(path, headers={"Origin": PORTAL}).headers
        assert pages.options(path, headers=wanted).status_code == 405


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{PORTAL}.evil.example", f"{PORTAL}:8443", ""])
def test_pages_of_another_origin_may_not_read_an_answer(pages: TestClient, origin: str) -> None:
    asked = pages.post("/v1/ask", json={"question": "cement"}, headers={"Origin": origin})
    assert "access-control-allow-origin" not in asked.headers
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    assert pages.options("/v1/ask", headers=headers).status_code == 405


def test_a_refusal_can_be_read_by_a_named_origin(standing_clinic: Clinic) -> None:
    client = client_of(standing_clinic, max_waiting_questions=0, cors_origins=(PORTAL,))
    refused = client.post("/v1/ask", json={"question": "cement"}, headers={"Origin": PORTAL})
    assert_error(refused, 503, "overloaded")
    assert refused.headers["access-control-allow-origin"] == PORTAL


@pytest.mark.parametrize("origin", ["*", "https://a.example/", "a.example", "null", "HTTPS://A.example", "https://a b"])
def test_an_origin_must_be_written_as_browsers_write_it(origin: str) -> None:
    with pytest.raises(InvalidSetting, match="cors_origins"):
        load_settings(cors_origins=[origin])

"""A portal of another origin with the search box on it, under a policy that allows nothing unsafe, and its visitor."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import Locator, Page, Route, expect

from tests.support.clinic_server import PHONE
from tests.support.server_process import Server

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
QUOTE = {"text": "Words that answer.", "highlights": [[0, 18]], "context": [], "score": 0.9, "citation": CITATION}
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
        return f'<clinic-answers {endpoint} phone="{PHONE}" {attributes}>{content}{form}</clinic-answers>'

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


def ask(widget: Locator, question: str = QUESTION) -> None:
    widget.locator("#question").fill(question)
    widget.locator("#question").press("Enter")


def spoken(widget: Locator) -> list[str]:
    return [words for words in widget.get_by_role("status").all_text_contents() if words]


def expect_failure(widget: Locator, title: str) -> None:
    """Seen and heard, with the phone number."""
    failure = widget.locator("[part~=failure]")
    expect(failure.get_by_role("heading")).to_have_text(title)
    expect(failure.get_by_role("link", name=PHONE)).to_have_attribute("href", "tel:+15550100199")
    (words,) = spoken(widget)
    assert title in words
    assert PHONE in words


def error(code: str) -> dict[str, object]:
    return {"error": {"code": code, "message": "Words of the server."}}

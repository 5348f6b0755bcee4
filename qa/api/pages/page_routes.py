"""The routes of the pages: console, search, documents. They work without scripts, which make them quicker to use."""

from fastapi import APIRouter, Request, Response

from qa.api.asking import AskedAudience, answer_to
from qa.api.batching import Dispatcher
from qa.api.pages.document_page import document_page, facts_for_machines, source_is_web
from qa.api.pages.page_templates import PageTemplates
from qa.api.pages.quote_page import ShownQuote, shown_quote
from qa.api.request_body import read_search_form
from qa.links import DOCUMENTS_PATH
from qa.records import Quote
from qa.search.engine import Engine

SEARCH_PATH = "/search"
SHELL = {"Cache-Control": "no-cache"}
"""For a page that holds no approved text."""


def page_routes(engine: Engine, dispatcher: Dispatcher, templates: PageTemplates, request_seconds: float) -> APIRouter:
    """`/`, `/search`, whose form may take `request_seconds`, `/documents/{id}` and `/widget-demo`."""
    router = APIRouter(include_in_schema=False)
    staff_is_served = "staff" in engine.audiences

    def shown(quotes: tuple[Quote, ...]) -> list[ShownQuote]:
        return [shown_quote(quote, review_is_due=engine.is_review_due(quote.citation.review_by)) for quote in quotes]

    @router.get("/")
    def home() -> Response:
        if staff_is_served:
            return templates.page("console.html", SHELL, readiness=engine.readiness())
        return templates.page("search.html", SHELL, answer=None, asked="", audience="patient")

    @router.api_route(SEARCH_PATH, methods=["GET", "POST"])
    async def search(request: Request) -> Response:
        if request.method == "GET":
            audience = engine.audiences[-1]
            return templates.page("search.html", SHELL, answer=None, asked="", audience=audience)
        form = await read_search_form(request_seconds, request)
        answer = await answer_to(request, form, dispatcher)
        return templates.page(
            "search.html",
            answer=answer,
            quotes=shown(answer.quotes),
            related=shown(answer.related),
            asked=form.question,
            audience=form.audience,
        )

    @router.get(f"{DOCUMENTS_PATH}/{{document_id}}")
    def open_document(document_id: str, audience: AskedAudience) -> Response:
        catalogue = engine.catalogue(audience)
        document = catalogue.document(document_id)
        return templates.page(
            "document.html",
            document=document,
            approval=document.approval,
            page=document_page(document, catalogue.passages(document)),
            review_is_due=engine.is_review_due(document.approval.review_by),
            audience=audience,
            facts_for_machines=facts_for_machines(document),
            source_is_web=source_is_web(document),
        )

    @router.get("/widget-demo")
    def widget_demo() -> Response:
        return templates.page("widget-demo.html", SHELL)

    return router

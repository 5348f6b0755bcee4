"""HTML from Jinja templates in `web/`, with the headers that every page has. The only module that knows Jinja.

Everything that a template is given is escaped; no template marks anything as safe.
"""

import datetime
from collections.abc import Collection, Mapping

from fastapi import Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from qa.api.pages import WEB
from qa.api.schemas import ErrorBody
from qa.records import Audience

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class PageTemplates:
    """The templates of one application, with what all its pages show: the clinic's name and phone number."""

    def __init__(
        self, clinic_name: str, clinic_phone: str, audiences: Collection[Audience], review_due_days: int
    ) -> None:
        """`clinic_phone` may be empty. A review is due so many days before its date."""
        self._templates = Environment(
            loader=FileSystemLoader(WEB),
            autoescape=True,
            auto_reload=False,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["day"] = _day
        self._templates.globals.update(
            clinic_name=clinic_name,
            clinic_phone=clinic_phone,
            dialled=_dialled(clinic_phone),
            staff_is_served="staff" in audiences,
            audiences=[name for name in ("staff", "patient") if name in audiences],
            review_due_days=review_due_days,
        )

    def page(
        self, template: str, headers: Mapping[str, str] | None = None, status: int = 200, **facts: object
    ) -> Response:
        """The page that a template makes of the facts."""
        text = self._templates.get_template(template).render(facts)
        return HTMLResponse(text, status, {**PAGE_HEADERS, **(headers or {})})

    def error_page(self, status: int, error: ErrorBody, headers: Mapping[str, str]) -> Response:
        """What went wrong, for people, with the clinic's phone number."""
        return self.page("error.html", headers, status, error=error, error_status=status)


def _day(date: datetime.date) -> str:
    """As people write it: 20 November 2026."""
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}"


def _dialled(phone: str) -> str:
    """A phone number as a link holds it."""
    return "".join(character for character in phone if character in "+0123456789")

"""Static files: the scripts, styles and pictures in `web/`. Nothing else in that folder can be fetched.

Each has an ETag derived from its bytes and is revalidated each time, so that pages and scripts are of one version.
Browsers get them compressed: the widget is for patients' phones.
"""

import gzip
import hashlib
import re

from fastapi import APIRouter, Request, Response

from qa.api.pages import WEB
from qa.errors import NotFound

WIDGET = "widget.js"
MEDIA_TYPES = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
NAME = re.compile(r"[a-z0-9-]+\.(js|css|svg)")
FOR_EVERY_ORIGIN = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
"""CORS headers without which browsers load no module from another origin; the widget is meant for those."""


def static_routes() -> APIRouter:
    """`GET /web/{name}`, and `GET /widget.js` for pages of other origins."""
    router = APIRouter(include_in_schema=False)

    @router.get("/web/{name}")
    def file_of_the_pages(name: str, request: Request) -> Response:
        return _file(name, request)

    @router.get(f"/{WIDGET}")
    def widget(request: Request) -> Response:
        response = _file(WIDGET, request)
        response.headers.update(FOR_EVERY_ORIGIN)
        return response

    return router


def _file(name: str, request: Request) -> Response:
    path = WEB / name
    if not NAME.fullmatch(name) or not path.is_file():
        raise NotFound("There is nothing at this address.")
    content = path.read_bytes()
    compressed = "gzip" in request.headers.get("accept-encoding", "")
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}{"-gzip" if compressed else ""}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if tag in known:
        return Response(status_code=304, headers=headers)
    headers["Content-Type"] = MEDIA_TYPES[path.suffix[1:]]
    if compressed:
        content = gzip.compress(content, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(content, headers=headers)

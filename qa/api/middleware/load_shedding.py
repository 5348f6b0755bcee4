"""Load shedding: while the queue is full, questions are refused before anything is read or parsed."""

from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from qa.api.batching import Dispatcher, line_is_full
from qa.api.error_responses import ErrorResponses
from qa.api.middleware.observation import OUTCOME, ROUTE
from qa.errors import Overloaded


class LoadShedding:
    """ASGI middleware: a refusal costs next to nothing, so that answers take no longer under overload."""

    def __init__(self, app: ASGIApp, dispatcher: Dispatcher, errors: ErrorResponses, paths: Collection[str]) -> None:
        """`paths` are those that take questions."""
        self._app = app
        self._dispatcher = dispatcher
        self._errors = errors
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            self._dispatcher.is_full
            and scope["type"] == "http"
            and scope["path"] in self._paths
            and scope["method"] == "POST"
        ):
            scope[OUTCOME], scope[ROUTE] = Overloaded.code, scope["path"]
            await self._errors.refusal(scope, line_is_full())(scope, receive, send)
            return
        await self._app(scope, receive, send)

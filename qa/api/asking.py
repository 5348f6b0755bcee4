"""What the route handlers share: the audience that a request names, and the answer unless its client disconnects."""

import asyncio
from typing import Annotated, cast

from fastapi import Depends, Query, Request
from starlette.requests import ClientDisconnect

from qa.api.batching import Dispatcher
from qa.api.middleware.observation import OUTCOME
from qa.api.schemas import AskRequest
from qa.records import AUDIENCES, Answer, Audience


async def _asked_audience(
    audience: Annotated[
        str, Query(description="whose documents; staff see both kinds", json_schema_extra={"enum": list(AUDIENCES)})
    ] = "patient",
) -> Audience:
    return _as_audience(audience)


AskedAudience = Annotated[Audience, Depends(_asked_audience)]
"""The audience that the query names, `patient` unless it names one."""


async def answer_to(request: Request, asked: AskRequest, dispatcher: Dispatcher) -> Answer:
    """The answer to the question of a request, whose log line then says what came of it.

    Raises ClientDisconnect when the client leaves first, and the question is then taken out of the queue. Raises
    Overloaded, InvalidQuestion, InvalidRequest, UnknownAudience, DeadlineExceeded, and, where no index is open,
    IndexUnavailable, ModelUnavailable or StorageFailed.
    """
    coming = dispatcher.ask(asked.question, _as_audience(asked.audience), asked.limit)
    leaving = asyncio.ensure_future(request.receive())  # after the body, only a disconnect can come
    try:
        await asyncio.wait((coming, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not coming.done():
            raise ClientDisconnect
        answer = coming.result()
    finally:
        coming.cancel()
        leaving.cancel()
    request.scope[OUTCOME] = answer.outcome
    return answer


def _as_audience(name: str) -> Audience:
    """The engine raises UnknownAudience for every name that this server does not answer, known or not."""
    return cast(Audience, name)

"""The request body: media type, size, time, UTF-8, JSON and fields, checked in this order.

`POST /search` takes the same fields from a form.

Nothing of the body gets into an error: neither a value nor the name of an unknown field.
"""

import asyncio
import json
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import ValidationError

from qa.api.schemas import AskRequest
from qa.errors import InvalidRequest, MalformedBody, RequestTimeout, RequestTooLarge, UnsupportedMediaType

MAX_BODY_BYTES = 8 * 1024
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
NAMES = {JSON: "JSON", FORM: "a form"}
BYTE_ORDER_MARK = "\ufeff"
"""Windows programs put it before JSON; a reader may ignore it (RFC 8259, 8.1)."""


async def read_ask_request(seconds: float, request: Request) -> AskRequest:
    """Waits up to `seconds` for the whole body.

    Raises UnsupportedMediaType, RequestTooLarge, RequestTimeout, MalformedBody and InvalidRequest.
    """
    _check_media_type(request, JSON, "Send Content-Type: application/json.")
    text = (await _text_of(request, seconds)).removeprefix(BYTE_ORDER_MARK)
    try:
        fields = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise MalformedBody("The body is not JSON.", 'Send an object like {"question": "…"}.') from None
    return _validated(fields)


async def read_search_form(seconds: float, request: Request) -> AskRequest:
    """The fields of an HTML form, in its default encoding; waits up to `seconds` for the whole of it.

    Raises UnsupportedMediaType, RequestTooLarge, RequestTimeout, MalformedBody and InvalidRequest.
    """
    _check_media_type(request, FORM, "Send a form in its default encoding.")
    text = await _text_of(request, seconds)
    try:
        fields = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=8)
    except UnicodeDecodeError:
        raise _not_utf_8() from None
    except ValueError:
        raise InvalidRequest("The form has too many fields.", "Send question and audience.") from None
    return _validated(dict(fields))


def _check_media_type(request: Request, wanted: str, remedy: str) -> None:
    media_type, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    plain = all(parameter.replace('"', "") in {"", "charset=utf-8"} for parameter in parameters)
    if media_type != wanted or not plain:
        raise UnsupportedMediaType(f"The body must be {NAMES[wanted]} in UTF-8.", remedy)
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("The body must not be compressed.", "Leave out Content-Encoding.")


async def _text_of(request: Request, seconds: float) -> str:
    """Reads no further than the limit, whatever length was announced."""
    too_large = RequestTooLarge(f"The body is larger than {MAX_BODY_BYTES:,} bytes.", "Send one question at a time.")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise too_large
    except TimeoutError:
        raise RequestTimeout(f"The body did not arrive within {seconds:g} seconds.", "Send it again.") from None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise _not_utf_8() from None


def _validated(fields: object) -> AskRequest:
    try:
        return AskRequest.model_validate(fields)
    except ValidationError as error:
        raise _invalid_fields(error) from None


def _refuse_constant(name: str) -> None:
    """Python reads NaN and Infinity; JSON has neither."""
    raise ValueError(name)


def _not_utf_8() -> MalformedBody:
    return MalformedBody("The body is not UTF-8.", "Encode it in UTF-8.")


def _invalid_fields(error: ValidationError) -> InvalidRequest:
    """Names the known fields that are wrong and what each must be."""
    fields = AskRequest.model_fields
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    named = {problem["loc"][0] for problem in problems if problem["loc"]}
    wrong = [{"field": name, "expected": str(fields[name].description)} for name in fields if name in named]
    if len(wrong) < len(named) or not named:
        wrong.append({"field": "body", "expected": f"an object with {', '.join(fields)} and nothing else"})
    names = ", ".join(problem["field"] for problem in wrong)
    return InvalidRequest(f"The request is wrong in: {names}.", "Correct what detail names.", {"fields": wrong})

"""The log of a server: one JSON object a line on standard error. The only module that knows structlog.

What the service logs, it logs through `logging` with its facts as `extra`. No text of an exception and nothing of a
request but its id is ever written: whoever logs an exception, its types and places are all that stays.
"""

import logging
import traceback
from collections.abc import Iterator
from typing import Any

import structlog
from structlog.typing import EventDict

OWN_LOGGERS = "qa."


def log_config(*, access_log: bool) -> dict[str, Any]:
    """For `logging.config.dictConfig`: events of the service, and warnings of everything else."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "qa.api.event_log.json_formatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "qa": {"level": "INFO"},
            "qa.api.observation": {"level": "INFO" if access_log else "WARNING"},
        },
    }


def json_formatter() -> logging.Formatter:
    """Writes a record as a line of JSON: its time, level, event and facts."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.ExtraAdder(),
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
        ],
        processors=[
            _without_exception_text,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def exception_places(exception: BaseException) -> Iterator[str]:
    """The types of an exception and its causes, and where each was raised: no text, no values, no source lines."""
    seen: set[int] = set()
    current: BaseException | None = exception
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield f"{'caused by ' if current is not exception else ''}{type(current).__name__}"
        for frame, line in traceback.walk_tb(current.__traceback__):
            yield f"  {frame.f_code.co_filename}:{line} in {frame.f_code.co_name}"
        current = current.__cause__ or current.__context__


def _without_exception_text(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Libraries put the text of an exception into a message's later lines, or hand the exception along."""
    record: logging.LogRecord = event["_record"]
    raised = event.pop("exc_info", None)
    for text in ("exc_text", "stack_info", "message"):
        event.pop(text, None)
    if not record.name.startswith(OWN_LOGGERS):
        first_line, *_ = str(event["event"]).strip().splitlines() or [""]
        event["event"] = f"{record.name}: {first_line}"
    if raised and raised[1] is not None:
        event["places"] = list(exception_places(raised[1]))
    return event

"""Structured logging: one JSON object a line on standard error. The only module that knows python-json-logger.

The service logs through `logging`, with its facts as `extra`. Neither the text of an exception nor anything of a
request but its id is ever written: of an exception that is logged, only the types and places remain.
"""

import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

OWN_LOGGERS = "qa."


def log_config(*, access_log: bool) -> dict[str, Any]:
    """For `logging.config.dictConfig`: events of the service, and warnings of everything else."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "qa.api.event_log.JsonLines"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "qa": {"level": "INFO"},
            "qa.api.middleware.observation": {"level": "INFO" if access_log else "WARNING"},
            "uvicorn.error": {"level": "ERROR"},  # its warnings are about single requests, which are counted as refused
        },
    }


class JsonLines(JsonFormatter):
    """Writes a record as a line of JSON: its time, level, event and facts."""

    def __init__(self) -> None:
        super().__init__((), json_ensure_ascii=False)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Leaves out the text of an exception, which libraries pass along or put into a message's later lines."""
        message_dict.clear()
        super().add_fields(log_data, record, message_dict)
        log_data["event"] = record.getMessage()
        if not record.name.startswith(OWN_LOGGERS):
            first_line, *_ = log_data["event"].strip().splitlines() or [""]
            log_data["event"] = f"{record.name}: {first_line}"
        log_data["level"] = record.levelname.lower()
        log_data["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat()
        if record.exc_info and record.exc_info[1] is not None:
            log_data["places"] = list(exception_places(record.exc_info[1]))


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

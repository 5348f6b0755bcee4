"""Clinic QA: answers questions by quoting text that the clinic approved, and never writes a sentence.

`open_engine(Settings()).ask("…", audience="patient")` gives an `Answer`. What is named here is loaded when it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qa.errors import ClinicQAError
    from qa.records import Answer
    from qa.search.engine import Engine, open_engine
    from qa.settings import Settings
else:

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = ["Answer", "ClinicQAError", "Engine", "Settings", "open_engine"]
__version__ = "0.1.0"

_HOMES = {
    "Answer": "qa.records",
    "ClinicQAError": "qa.errors",
    "Engine": "qa.search.engine",
    "Settings": "qa.settings",
    "open_engine": "qa.search.engine",
}

"""Hot reload: looks for a new generation in the background, so that no request opens one or waits for one."""

import logging
import threading
from collections.abc import Callable

from qa.search.engine import Engine, Reload

LOGGER = logging.getLogger(__name__)
RETRY_SECONDS = 2.0
"""The least interval after a generation that may be whole could not be opened: opening costs more than a look."""


class Watcher:
    """A thread that calls `Engine.reload` at every interval, and at once when told to."""

    def __init__(self, engine: Engine, interval_seconds: float, report: Callable[[Reload], None]) -> None:
        """`report` is called after every look that changed something or went wrong, in the thread that looked."""
        self._engine = engine
        self._interval_seconds = interval_seconds
        self._report = report
        self._told = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def start(self) -> None:
        """Looks once, then goes on in the background."""
        self._look()
        self._thread.start()

    def look_now(self) -> None:
        """Cuts the interval short; may be called in a signal handler of an event loop."""
        self._told.set()

    def stop(self) -> None:
        """Does not wait for a generation that is being opened."""
        self._stopping = True
        self._told.set()

    def join(self) -> None:
        """Waits until the thread has ended."""
        self._thread.join()

    def _watch(self) -> None:
        seconds = self._interval_seconds
        while True:
            told = self._told.wait(seconds)
            self._told.clear()
            if self._stopping:
                return
            failed = self._look(again=told or not self._engine.readiness().ready) == "failed"
            seconds = self._interval_seconds
            if failed or not self._engine.readiness().ready:
                seconds = max(seconds, RETRY_SECONDS)

    def _look(self, *, again: bool = False) -> Reload:
        outcome = self._engine.reload(again=again)
        if outcome != "unchanged":
            try:
                self._report(outcome)
            except Exception:
                LOGGER.exception("what came of a look could not be reported")
        return outcome

"""A clinic's service on a port of its own, in this process: it can be stopped and started while a page is open."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Dialog, Page, Request

from qa.api.app import create_app
from qa.search.engine import new_engine
from qa.settings import Settings
from tests.support.clinic import Clinic

SCREENSHOTS = Path(__file__).parents[1] / "browser" / "screenshots"
PHONE = "+1 555 010 0199"


class ClinicServer:
    """Starts and stops; the address stays."""

    def __init__(self, clinic: Clinic, **settings: object) -> None:
        self._clinic = clinic
        self._settings: Settings = clinic.settings.model_copy(
            update={"clinic_phone": PHONE, "clinic_name": "Hill Clinic", "watch_seconds": 0.05, **settings}
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._running: tuple[uvicorn.Server, threading.Thread] | None = None

    def start(self) -> None:
        engine = new_engine(self._settings, self._clinic.encoder, lambda: self._clinic.today)
        engine.reload()
        config = uvicorn.Config(
            create_app(engine, self._settings), port=self.port, log_config=None, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        until = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < until
            time.sleep(0.01)
        self._running = (server, thread)

    def stop(self) -> None:
        if self._running:
            server, thread = self._running
            server.should_exit = True
            thread.join(20)
            self._running = None

    @contextmanager
    def running(self) -> Iterator["ClinicServer"]:
        self.start()
        try:
            yield self
        finally:
            self.stop()


@dataclass
class Witness:
    """What a page did that it must not do: dialogs, console errors, violations of its policy, requests elsewhere."""

    page: Page
    url: str
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(
            "document.addEventListener('securitypolicyviolation',"
            " event => console.error('policy', event.violatedDirective, event.blockedURI))"
        )
        self.page.on("dialog", self._on_dialog)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.seen.append(f"error {error}"))
        self.page.context.on("request", self._on_request)

    def _on_dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.location.get("url", "").endswith("/favicon.ico"):
            return  # asked by the browser itself beside JSON, which can't name an icon; a page of ours names one
        if message.type in {"error", "warning"}:
            self.seen.append(f"console {message.text}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.url + "/", "data:")):
            self.seen.append(f"request {request.url}")


def assert_accessible(page: Page) -> None:
    """No finding of axe, best practices included."""
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def keep_screenshot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")

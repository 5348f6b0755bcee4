"""A browser, and the real server over the sample corpus. Without a browser the tests are skipped; in CI they fail."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from qa.settings import Settings
from tests.browser.clinic_server import ClinicServer, Witness
from tests.conftest import CALIBRATION, CALL_GUIDE, CEMENT, RISKS, Clinic, lend_encoder

QA = (sys.executable, "-c", "from qa.cli import main; main()")
CORPUS = Path(__file__).parents[2] / "corpus"
CLINIC_PHONE = "+1 555 010 0199"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
SECONDS_TO_END = 10


def find_chromium() -> str:
    """The browser that CHROMIUM names, or the one on the path."""
    name = os.environ.get("CHROMIUM") or "chromium"
    found = shutil.which(name)
    if found:
        return found
    reason = f"There is no browser {name}: install Debian's chromium, or name one in CHROMIUM."
    if "CI" in os.environ:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each file: its event loop would be in the way of other files' tests."""
    executable = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with a profile of its own."""
    context = browser.new_context(reduced_motion="reduce")
    yield context.new_page()
    context.close()


def environment(**settings: str) -> dict[str, str]:
    """This process's, with these settings and no others."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("QA_")}, **settings}


@pytest.fixture(scope="session")
def sample_index(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of the sample corpus, built with the packaged model."""
    index = tmp_path_factory.mktemp("sample")
    lend_encoder(exported, index)
    settings = environment(QA_CORPUS=str(CORPUS), QA_INDEX=str(index))
    done = subprocess.run([*QA, "build"], env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return index


class Server:
    """`qa serve` as a process; it can be stopped and started again at the same address."""

    def __init__(self, index: Path, settings: Mapping[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = environment(
            QA_CORPUS=str(CORPUS), QA_INDEX=str(index), QA_CLINIC_PHONE=CLINIC_PHONE, **settings
        )
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts it unless it runs, and waits until it answers."""
        if self._process:
            return
        self._process = subprocess.Popen(
            [*QA, "serve", "--port", str(self.port)],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line == f"Clinic QA answers on {self.url}\n", line

    def stop(self) -> None:
        """Stops it; nothing answers at its address then."""
        if self._process:
            self._process.terminate()
            self._process.communicate(timeout=SECONDS_TO_END)
            self._process = None


@pytest.fixture(scope="module")
def server_settings() -> dict[str, str]:
    """What a file of tests sets besides, as environment variables."""
    return {}


@pytest.fixture(scope="module")
def sample_server(sample_index: Path, server_settings: dict[str, str]) -> Iterator[Server]:
    server = Server(sample_index, server_settings)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(sample_server: Server) -> Server:
    """A server that runs, whatever the test before did to it."""
    sample_server.start()
    return sample_server


@pytest.fixture
def witness(page: Page, served: ClinicServer) -> Iterator[Witness]:
    """What the page does that it must not, at the server that the test file calls `served`; in the end, nothing."""
    watching = Witness(page, served.url)
    yield watching
    assert watching.seen == []


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClinicServer]:
    """The front desk's server: a few patients' pages, one of them long, and one for staff."""
    folder = tmp_path_factory.mktemp("clinic")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "calibration.json").write_text(json.dumps(CALIBRATION), "utf-8")
    clinic = Clinic(folder, Settings(corpus=folder / "corpus", index=folder / "index"))
    clinic.add("risks.md", RISKS)
    clinic.add("cement.md", CEMENT)
    clinic.add("long.md", "# Long page\n\n" + "A line that fills the page.\n\n" * 40 + "## Zebra\n\nZebra words.\n")
    clinic.add("staff/call-guide.md", CALL_GUIDE, "staff")
    clinic.build()
    with ClinicServer(clinic).running() as server:
        yield server


@pytest.fixture
def console(page: Page, standing: ClinicServer) -> Iterator[Page]:
    """The front desk's page, which in the end did nothing that it must not."""
    watching = Witness(page, standing.url)
    page.goto(f"{standing.url}/")
    yield page
    assert watching.seen == []

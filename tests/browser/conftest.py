"""A browser, and the real server over the sample corpus. Without a browser the tests are skipped; in CI they fail."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from qa.settings import Settings
from tests.support.clinic import CALIBRATION, CALL_GUIDE, CEMENT, RISKS, Clinic
from tests.support.clinic_server import ClinicServer, Witness
from tests.support.encoders import lend_encoder
from tests.support.portal import Portal, Visit
from tests.support.server_process import CORPUS, QA, Server, environment

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


@pytest.fixture(scope="session")
def sample_index(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of the sample corpus, built with the packaged model."""
    index = tmp_path_factory.mktemp("sample")
    lend_encoder(exported, index)
    settings = environment(QA_CORPUS=str(CORPUS), QA_INDEX=str(index))
    done = subprocess.run([*QA, "build"], env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return index


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    portal = Portal()
    yield portal
    portal.stop()


@pytest.fixture(scope="module")
def sample_server(sample_index: Path, portal: Portal) -> Iterator[Server]:
    server = Server(sample_index, {"QA_CORS_ORIGINS": json.dumps([portal.url])})
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
def visit(page: Page, portal: Portal, server: Server) -> Visit:
    return Visit(page, portal, server)


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

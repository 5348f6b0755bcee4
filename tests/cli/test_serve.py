"""`qa serve` as a process: it announces itself, answers, follows publications, and ends without cutting anyone off."""

import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from qa.api.listener import listen
from qa.api.metrics import SHARED_FOLDER
from tests.support.clinic import BY_COSINE, CEMENT, eventually

QA = (sys.executable, "-c", "from qa.cli import main; main()")
APPROVAL = ("--by", "The committee", "--audience", "patient", "--review-by", "2099-01-01")
QUESTION = json.dumps({"question": "How long until the bone cement hardens?"}).encode()
JSON = {"Content-Type": "application/json"}
SECONDS_TO_END = 10


def qa(folder: Path, *arguments: str) -> None:
    done = subprocess.run([*QA, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with an approved document and its index."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "calibration.json").write_text(json.dumps(BY_COSINE), "utf-8")
    publish(folder, CEMENT)
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One of one's own."""
    for name in [name for name in os.environ if name.startswith("QA_")]:
        monkeypatch.delenv(name)
    return shutil.copytree(built, tmp_path / "clinic")


def publish(folder: Path, text: str) -> None:
    (folder / "corpus" / "cement.md").write_text(text, "utf-8")
    qa(folder, "approve", "corpus/cement.md", *APPROVAL)
    qa(folder, "build")


class Server:
    """A server in a folder; what it logs goes to `log`."""

    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        self.log = folder / "log"
        with self.log.open("wb") as log:
            command = [*QA, "serve", "--port", "0", *options]
            self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.fullmatch(r"Clinic QA answers on http://127\.0\.0\.1:(\d+)\n", line)
        assert found, line + self.log.read_text()
        self.port = int(found.group(1))

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def answer(self) -> str:
        """The text of the first quote."""
        connection = self.connection()
        connection.request("POST", "/v1/ask", QUESTION, JSON)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        assert response.status == 200, body
        return str(json.loads(body)["quotes"][0]["text"])

    def get(self, path: str) -> str:
        connection = self.connection()
        connection.request("GET", path)
        body = connection.getresponse().read().decode()
        connection.close()
        return body

    def workers(self) -> list[int]:
        """The processes that the server's own process started to serve."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture(params=[(), ("--workers", "2")], ids=["alone", "two workers"])
def server(folder: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """One that looks for publications every hour: SIGHUP has to tell it."""
    monkeypatch.setenv("QA_WATCH_SECONDS", "60")
    server = Server(folder, request.param)
    yield server
    server.stop()


def begun(server: Server) -> http.client.HTTPConnection:
    """A connection with a question that the server has begun to read."""
    connection = server.connection()
    connection.putrequest("POST", "/v1/ask")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(QUESTION)))
    connection.endheaders(QUESTION[:5])
    return connection


def test_a_server_answers_takes_up_on_hangup_and_ends_without_cutting_anyone_off(folder: Path, server: Server) -> None:
    assert "10 minutes" in server.answer()
    publish(folder, CEMENT.replace("10 minutes", "11 minutes"))
    server.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: all("11 minutes" in server.answer() for _ in range(5)))

    idle = server.connection()
    idle.request("GET", "/livez")
    assert idle.getresponse().read()
    in_flight = begun(server)
    server.answer()  # it came after the one in flight, which is thus accepted
    server.process.send_signal(signal.SIGTERM)
    assert eventually(lambda: refuses(server))
    in_flight.send(QUESTION[5:])
    response = in_flight.getresponse()
    assert response.status == 200
    assert "11 minutes" in response.read().decode()
    in_flight.close()
    assert server.process.wait(SECONDS_TO_END) in {0, -signal.SIGTERM}
    idle.close()


def refuses(server: Server) -> bool:
    connection = server.connection()
    try:
        connection.connect()
    except ConnectionRefusedError:
        return True
    finally:
        connection.close()
    return False


def test_every_line_of_the_log_is_an_object_without_a_word_of_a_question(server: Server) -> None:
    server.answer()
    server.get("/v1/documents?question=cement+hardens")
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(SECONDS_TO_END)
    text = server.log.read_text()
    events = [json.loads(line) for line in text.splitlines()]
    assert {"start", "generation", "ready", "request", "shutdown"} <= {event["event"] for event in events}
    assert "hardens" not in text


@pytest.mark.parametrize("server", [("--workers", "2")], indirect=True)
def test_a_worker_that_dies_is_replaced_and_its_place_taken_meanwhile(server: Server) -> None:
    first, second = server.workers()
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: bool(server.answer()) and len(set(server.workers()) - {first}) == 2)
    assert second in server.workers()
    assert "clinic_qa_reloads_total" in server.get("/metrics")


@pytest.mark.parametrize("server", [("--workers", "2")], indirect=True)
def test_a_worker_is_replaced_although_someone_removed_the_folder_of_their_counts(server: Server) -> None:
    first, second = server.workers()
    environment = Path(f"/proc/{first}/environ").read_text().split("\0")
    (folder,) = [Path(entry.partition("=")[2]) for entry in environment if entry.startswith(f"{SHARED_FOLDER}=")]
    shutil.rmtree(folder)
    os.kill(first, signal.SIGKILL)

    def is_replaced() -> bool:
        return any((folder / f"counter_{pid}.db").exists() for pid in set(server.workers()) - {first, second})

    assert eventually(is_replaced)
    assert len(server.workers()) == 2
    assert eventually(lambda: "clinic_qa_reloads_total" in server.get("/metrics"))


@pytest.mark.parametrize("server", [("--workers", "2")], indirect=True)
def test_workers_end_with_their_supervisor(server: Server) -> None:
    workers = server.workers()
    assert len(workers) == 2
    server.process.kill()
    assert eventually(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


def test_a_request_that_never_ends_is_cut_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_REQUEST_SECONDS", "0.3")
    server = Server(folder, ())
    try:
        with socket.create_connection(("127.0.0.1", server.port), 30) as client:
            client.sendall(b"GET /livez HTTP/1.1\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 408 ")
    finally:
        server.stop()


def test_a_server_may_open_as_many_files_as_it_has_connections(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setenv("QA_MAX_CONNECTIONS", "500")
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        server = Server(folder, ())
        allowed, _ = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        server.stop()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert allowed > 500


def test_a_client_that_never_reads_loses_its_connection() -> None:
    with listen("127.0.0.1", 0, unread_seconds=1) as listener, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(listener.getsockname())
        serving, _ = listener.accept()
        with serving, pytest.raises(TimeoutError):
            serving.sendall(b"x" * 100_000_000)


def test_requests_are_not_logged_when_the_access_log_is_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_ACCESS_LOG", "false")
    server = Server(folder, ())
    try:
        server.answer()
        assert '"request"' not in server.log.read_text()
        assert '"ready"' in server.log.read_text()
    finally:
        server.stop()

"""A load generator for HTTP/1.1 over kept-alive connections: one process, one thread, epoll. Started by `load.py`.

Reads a specification (`Specification` as JSON) from standard input, and writes to its `output` a sample for each
finished request as arrays (`samples.npz`), on request the bodies of the answers, a line each (`bodies.jsonl`), and what
it counted (`counts.json`). SIGTERM ends the load early; what was sent until then is still awaited and written.

Closed loop: each of `connections` sends its next question when it has the answer to the one before. Open loop:
questions arrive at random (Poisson) at `rate` a second whatever the server does; latency counts from the moment of
arrival. One that finds `connections` of them all waiting is not sent, and counted as such.
"""

import errno
import json
import select
import signal
import socket
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

import numpy as np

DRAIN_SECONDS = 10.0
RECEIVE_BYTES = 262_144
SEED = 11
_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Specification:
    """What to send. `rate` None means a closed loop; `tick_seconds` lets arrivals gather, which saves the client's CPU.

    `requests` are whole HTTP requests, sent in turn. What begins in the first `warm_up_seconds` is not counted.
    """

    port: int
    requests: tuple[str, ...]
    output: str
    connections: int
    seconds: float
    warm_up_seconds: float = 0.0
    rate: float | None = None
    tick_seconds: float = 0.0
    keep_bodies: bool = False


@dataclass(slots=True)
class Counts:
    """What is no sample: requests not sent for want of a connection, failed, unanswered; the client's own cost."""

    not_sent: int = 0
    failed: int = 0
    unanswered: int = 0
    counted_seconds: float = 0.0
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0


@dataclass(slots=True)
class Connection:
    """One connection. `arrived` is when its request was due; `due` is what could not be written yet."""

    socket: socket.socket
    buffer: bytearray = field(default_factory=bytearray)
    due: bytes = b""
    busy: bool = False
    arrived: float = 0.0
    expected_bytes: int = 0
    status: int = 0
    closes: bool = False


class Client:
    def __init__(self, specification: Specification) -> None:
        self.specification = specification
        self.requests = [request.encode("utf-8") for request in specification.requests]
        self.sent = 0
        self.poll = select.epoll()
        self.connections: dict[int, Connection] = {}
        self.idle: list[Connection] = []
        self.samples: list[tuple[float, float, int]] = []
        self.bodies: list[bytes] = []
        self.counts = Counts()
        self.began = self.ends = time.perf_counter()

    def run(self) -> None:
        """Sends until the time is over, then waits for what is under way."""
        used = time.process_time()
        self.began = time.perf_counter()
        self.ends = self.began + self.specification.seconds
        signal.signal(signal.SIGTERM, self._stop)
        if self.specification.rate is None:
            self._closed_loop()
        else:
            self._open_loop(self.specification.rate)
        waits_until = time.perf_counter() + DRAIN_SECONDS
        while any(one.busy for one in self.connections.values()) and time.perf_counter() < waits_until:
            self._receive(0.05)
        self.counts.unanswered += sum(one.busy for one in self.connections.values())
        self.counts.counted_seconds = max(0.0, self.ends - self.began - self.specification.warm_up_seconds)
        self.counts.wall_seconds = time.perf_counter() - self.began
        self.counts.cpu_seconds = time.process_time() - used

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.ends = min(self.ends, time.perf_counter())

    def _closed_loop(self) -> None:
        while (now := time.perf_counter()) < self.ends:
            while len(self.idle) + sum(one.busy for one in self.connections.values()) < self.specification.connections:
                self.idle.append(self._connect())
            while self.idle:
                self._send(self.idle.pop(), time.perf_counter())
            self._receive(min(0.2, self.ends - now))

    def _open_loop(self, rate: float) -> None:
        expected = int(rate * self.specification.seconds * 1.2) + 100
        gaps = np.random.default_rng(SEED).exponential(1 / rate, expected)
        arrivals = iter((self.began + np.cumsum(gaps)).tolist())
        arrival = next(arrivals, self.ends)
        while (now := time.perf_counter()) < self.ends:
            while arrival <= now:
                self._arrive(arrival)
                arrival = next(arrivals, self.ends + 1)
            wait = max(arrival - time.perf_counter(), self.specification.tick_seconds)
            self._receive(max(0.0, min(wait, self.ends - now)))

    def _arrive(self, arrival: float) -> None:
        if self.idle:
            self._send(self.idle.pop(), arrival)
        elif len(self.connections) < self.specification.connections:
            self._send(self._connect(), arrival)
        else:
            self.counts.not_sent += 1

    def _connect(self) -> Connection:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.connect_ex(("127.0.0.1", self.specification.port))
        connection = Connection(made)
        self.connections[made.fileno()] = connection
        self.poll.register(made.fileno(), select.EPOLLIN)
        return connection

    def _send(self, connection: Connection, arrival: float) -> None:
        connection.arrived = arrival
        connection.busy = True
        connection.expected_bytes = 0
        connection.due = self.requests[self.sent % len(self.requests)]
        self.sent += 1
        self._write(connection)

    def _write(self, connection: Connection) -> None:
        try:
            connection.due = connection.due[connection.socket.send(connection.due) :]
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ENOTCONN, errno.EINPROGRESS):
                self._drop(connection)
                return
        wanted = select.EPOLLIN | select.EPOLLOUT if connection.due else select.EPOLLIN
        self.poll.modify(connection.socket.fileno(), wanted)

    def _receive(self, timeout: float) -> None:
        # epoll waits whole milliseconds, select takes microseconds.
        if timeout > 0 and not select.select([self.poll.fileno()], [], [], timeout)[0]:
            return
        for number, event in self.poll.poll(0):
            connection = self.connections.get(number)
            if connection is None:
                continue
            if event & select.EPOLLOUT and connection.due:
                self._write(connection)
            if event & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                self._read(connection)

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        connection.buffer += data
        if not connection.expected_bytes and not self._read_head(connection):
            return
        if len(connection.buffer) >= connection.expected_bytes:
            self._finish(connection)

    def _read_head(self, connection: Connection) -> bool:
        end = connection.buffer.find(_HEAD_END)
        if end < 0:
            return False
        head = bytes(connection.buffer[:end]).lower()
        connection.status = int(head[9:12])
        _, found, rest = head.partition(b"content-length:")
        length = int(rest.split(b"\r\n", 1)[0]) if found else 0
        connection.expected_bytes = end + len(_HEAD_END) + length
        connection.closes = b"connection: close" in head
        if self.specification.keep_bodies:
            del connection.buffer[: end + len(_HEAD_END)]
            connection.expected_bytes = length
        return True

    def _finish(self, connection: Connection) -> None:
        now = time.perf_counter()
        if connection.arrived - self.began >= self.specification.warm_up_seconds:
            self.samples.append((connection.arrived - self.began, now - connection.arrived, connection.status))
            if self.specification.keep_bodies:
                self.bodies.append(bytes(connection.buffer))
        connection.buffer.clear()
        connection.busy = False
        if connection.closes:
            self._drop(connection)
        else:
            self.idle.append(connection)

    def _drop(self, connection: Connection) -> None:
        """Closes a connection; a request that was under way on it failed."""
        if connection.busy:
            self.counts.failed += 1
        elif connection in self.idle:
            self.idle.remove(connection)
        connection.busy = False
        del self.connections[connection.socket.fileno()]
        connection.socket.close()


def main() -> None:
    content = json.load(sys.stdin)
    client = Client(Specification(**{**content, "requests": tuple(content["requests"])}))
    client.run()
    folder = Path(client.specification.output)
    samples = np.array(client.samples, np.float64).reshape(-1, 3)
    np.savez(folder / "samples.npz", arrived=samples[:, 0], latency=samples[:, 1], status=samples[:, 2].astype(int))
    (folder / "bodies.jsonl").write_bytes(b"".join(body + b"\n" for body in client.bodies))
    (folder / "counts.json").write_text(json.dumps(asdict(client.counts)), "utf-8")


if __name__ == "__main__":
    main()

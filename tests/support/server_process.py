"""`qa serve` as a process of its own, over the sample corpus."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.clinic_server import PHONE

QA = (sys.executable, "-c", "from qa.cli import main; main()")
CORPUS = Path(__file__).parents[2] / "corpus"
SECONDS_TO_END = 10


def environment(**settings: str) -> dict[str, str]:
    """This process's, with these settings and no others."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("QA_")}, **settings}


class Server:
    """`qa serve` as a process; it can be stopped and started again at the same address."""

    def __init__(self, index: Path, settings: Mapping[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = environment(QA_CORPUS=str(CORPUS), QA_INDEX=str(index), QA_CLINIC_PHONE=PHONE, **settings)
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

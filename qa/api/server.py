"""The uvicorn server: one process, or prefork workers on one socket. Each opens the index and watches it by itself."""

import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from qa.api.connection_limits import LimitedConnection
from qa.api.event_log import log_config
from qa.api.metrics import SHARED_FOLDER, forget_process
from qa.errors import CheckFailed
from qa.settings import Settings, load_settings
from qa.storage.files import hold_folder, temporary_folder

LOGGER = logging.getLogger(__name__)

STOPPING_SECONDS = 6
"""How long requests that were accepted may take to end; the rest of ten seconds is for the processes themselves."""
SWITCH_SECONDS = 0.001
"""How long an answering thread may keep the event loop from its next step. With Python's own 5 ms, the 95th percentile
under overload was a third higher, and the slowest /livez took twice as long."""
SPARE_FILES = 256
"""What a process opens besides connections."""
_READY_POLL_SECONDS = 0.02


def served_app() -> FastAPI:
    """What one process serves, by the settings of its environment: the supervisor has no other way to pass them on."""
    from qa.api.app import create_app
    from qa.encoder.store import EncoderStore
    from qa.search.engine import new_engine

    sys.setswitchinterval(SWITCH_SECONDS)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the watcher is there
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.join,), name="parent", daemon=True).start()
    if SHARED_FOLDER in os.environ:
        hold_folder(Path(os.environ[SHARED_FOLDER]))  # until this process ends
    settings = load_settings()
    _allow_open_files(settings.max_connections + SPARE_FILES)
    encoders = EncoderStore(settings.index, settings.encoder_threads or 1)
    return create_app(new_engine(settings, encoders), settings)


def serve_until_stopped(settings: Settings, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serves on a listening socket; `announce` is called once questions can be asked."""
    os.environ["QA_INDEX"] = str(settings.index)  # a command's own options win in every process
    os.environ["QA_WORKERS"] = str(settings.workers)
    config = uvicorn.Config(
        "qa.api.server:served_app",
        factory=True,
        http=LimitedConnection,
        ws="none",  # no route uses it, and the limits don't reach it
        workers=settings.workers,
        log_config=log_config(access_log=settings.access_log),
        access_log=False,  # uvicorn's own holds whole URLs; `qa.api.middleware.observation` logs what may be known
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=STOPPING_SECONDS,
    )
    LOGGER.info("start", extra={"workers": settings.workers, "audiences": list(settings.serve_audiences)})
    if settings.workers == 1:
        _Server(config, announce).run(sockets=[listener])
        return
    # In memory where possible: a worker dies when the disk is full under the file that its counts are mapped to.
    memory = Path("/dev/shm")  # noqa: S108 - a folder of an unguessable name is made in it
    place = memory if os.access(memory, os.W_OK) else None
    with temporary_folder("counts", place) as folder:
        os.environ[SHARED_FOLDER] = str(folder)
        workers = _Workers(config, listener, announce)
        workers.run()
        if workers.could_not_start:
            raise CheckFailed("A worker could not start.", "The log says why.")


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()


class _Workers(Multiprocess):
    """Uvicorn's supervisor of workers, except that on SIGHUP they look for a new generation and are not replaced."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, announce: Callable[[], None]) -> None:
        super().__init__(config, [listener])
        self._announce = announce

    @property
    def could_not_start(self) -> bool:
        return any(worker.exitcode == STARTUP_FAILURE for worker in self.processes)

    def init_processes(self) -> None:
        super().init_processes()
        while not all(worker.is_ready(timeout=1) for worker in self.processes):
            self.handle_signals()
            if self.should_exit.is_set() or not all(worker.process.is_alive() for worker in self.processes):
                return
            time.sleep(_READY_POLL_SECONDS)
        self._announce()

    def terminate_all(self) -> None:
        for listener in self.sockets:  # while this process holds it, the kernel takes connections that nobody answers
            listener.close()
        super().terminate_all()

    def keep_subprocess_alive(self) -> None:
        Path(os.environ[SHARED_FOLDER]).mkdir(0o700, exist_ok=True)  # without it, no worker could start
        before = {worker.pid for worker in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {worker.pid for worker in self.processes}:
            if pid is not None:
                LOGGER.error("worker ended", extra={"pid": pid})
                forget_process(pid)

    def handle_hup(self) -> None:
        for worker in self.processes:
            if worker.pid is not None and worker.process.is_alive():
                os.kill(worker.pid, signal.SIGHUP)


def _allow_open_files(wanted: int) -> None:
    """Lets this process open so many files, as far as the system allows it: 1,024 is a common default."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        LOGGER.warning("too few open files", extra={"allowed": allowed, "wanted": wanted})


def _end_with(parent_ends: Callable[[], None]) -> None:
    """A worker that outlives its supervisor would hold the address for ever."""
    parent_ends()
    os.kill(os.getpid(), signal.SIGTERM)

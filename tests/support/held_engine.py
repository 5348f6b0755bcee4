"""An engine that answers when it is released."""

import threading
from collections.abc import Sequence

from starlette.testclient import TestClient

from qa.api.app import create_app
from qa.reader.onnx_runtime import OnnxReader
from qa.records import Answer
from qa.search.engine import Engine, EngineSettings
from qa.search.pipeline import UNOBSERVED, Observer
from qa.search.query import Request
from qa.settings import available_cores
from tests.support.clinic import Clinic


class HeldEngine(Engine):
    """Answers when it is released, by one thread."""

    def __init__(self, clinic: Clinic, **settings: object) -> None:
        self.settings = clinic.settings.model_copy(update={"encoder_threads": available_cores(), **settings})
        super().__init__(EngineSettings.of(self.settings), clinic.encoder, OnnxReader(), lambda: clinic.today)
        self.reload()
        self.hold = False
        self.begun = threading.Event()
        self.release = threading.Event()
        self.asked: list[str] = []

    def ask_all(self, requests: Sequence[Request], observer: Observer = UNOBSERVED) -> list[Answer | Exception]:
        if self.hold:
            self.begun.set()
            assert self.release.wait(20)
        self.asked.extend(request.text for request in requests)
        return super().ask_all(requests, observer)

    def app_client(self) -> TestClient:
        return TestClient(create_app(self, self.settings), headers={"X-Request-ID": "a-test"})

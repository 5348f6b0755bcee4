"""Prometheus metrics, and their exposition at `/metrics`. The only module that knows prometheus-client.

Labels are route templates, statuses, codes and names of ours: nothing that a request sent.
"""

import os
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from qa.search.engine import Engine, Reload

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder through which the workers of one server add up what they count."""
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
_QUESTIONS = (1, 2, 4, 8, 16)


class Metrics:
    """The counters of one application, in a registry of its own."""

    def __init__(self, engine: Engine) -> None:
        registry = CollectorRegistry()
        self._requests = Counter(
            "clinic_qa_requests", "Requests by what came of them", ["route", "method", "status", "outcome"],
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "clinic_qa_request_seconds", "From a request's head to the end of its response", ["route"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._stages = Histogram(
            "clinic_qa_stage_seconds", "What each stage of answering took; waiting is the time in line", ["stage"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._batches = Histogram(
            "clinic_qa_batch_questions", "Questions that were answered together", buckets=_QUESTIONS, registry=registry
        )
        self._in_hand = Gauge(
            "clinic_qa_questions_in_hand", "Questions that wait for their answer now", registry=registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self._reloads = Counter(
            "clinic_qa_reloads", "New generations by what came of them", ["outcome"], registry=registry
        )
        self._state = _State(engine)
        self._registry = registry
        if SHARED_FOLDER not in os.environ:
            registry.register(self._state)
            ProcessCollector(registry=registry)

    def request(self, route: str, method: str, status: int, outcome: str) -> None:
        """A request is done; `outcome` is an answer's outcome, an error's code, or empty."""
        self._requests.labels(route, method, str(status), outcome).inc()

    def request_seconds(self, route: str, seconds: float) -> None:
        self._seconds.labels(route).observe(seconds)

    def stage(self, name: str, seconds: float) -> None:
        """See `qa.search.pipeline.Observer`."""
        self._stages.labels(name).observe(seconds)

    def in_hand(self, questions: int) -> None:
        """See `qa.api.batching.DispatchObserver`."""
        self._in_hand.set(questions)

    def batch(self, questions: int) -> None:
        """See `qa.api.batching.DispatchObserver`."""
        self._batches.observe(questions)

    def reload(self, outcome: Reload) -> None:
        self._reloads.labels(outcome).inc()

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format; what several workers count is added up.

        What is served is read from the worker that answers.
        """
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        together.register(self._state)
        return generate_latest(together)


def forget_process(pid: int) -> None:
    """Takes the gauges of a worker that ended out of the workers' common metrics; its counters stay."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]


class _State(Collector):
    """What is served now, read at each scrape."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        readiness = self._engine.readiness()
        yield GaugeMetricFamily("clinic_qa_ready", "1 when questions can be answered", float(readiness.ready))
        degraded = float(readiness.ready and bool(readiness.reason))
        yield GaugeMetricFamily("clinic_qa_degraded", "1 while a newer generation is refused", degraded)
        generation = GaugeMetricFamily("clinic_qa_generation_info", "The generation served", labels=["generation"])
        if readiness.generation:
            generation.add_metric([readiness.generation], 1.0)
        yield generation
        passages = GaugeMetricFamily("clinic_qa_passages", "Passages in the index", labels=["audience"])
        documents = GaugeMetricFamily("clinic_qa_documents", "Documents that may be quoted", labels=["audience"])
        due = GaugeMetricFamily("clinic_qa_documents_review_due", "Of these, due for review", labels=["audience"])
        expired = GaugeMetricFamily("clinic_qa_documents_expired", "Expired since the build", labels=["audience"])
        for audience, catalogue in self._engine.catalogues().items():
            census = catalogue.census()
            passages.add_metric([audience], census.passages)
            documents.add_metric([audience], census.documents)
            due.add_metric([audience], census.review_due)
            expired.add_metric([audience], census.expired)
        yield from (passages, documents, due, expired)

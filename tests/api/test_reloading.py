"""New generations are taken up in the background, refused by name, and let go when taken out of service."""

from collections.abc import Iterator

import pytest

from qa.api.reloading import Watcher
from qa.errors import OutOfService
from qa.index.publication import live_id, take_out_of_service
from qa.search.engine import Engine, Reload
from tests.support.clinic import CEMENT, Clinic, eventually

QUESTION = "How long until the cement hardens?"
NEVER = 3600.0


@pytest.fixture
def engine(clinic: Clinic) -> Engine:
    return clinic.engine()


@pytest.fixture
def reports() -> list[Reload]:
    return []


@pytest.fixture
def watcher(engine: Engine, reports: list[Reload]) -> Iterator[Watcher]:
    watcher = Watcher(engine, 0.01, reports.append)
    watcher.start()
    yield watcher
    watcher.stop()


@pytest.mark.usefixtures("watcher")
def test_a_published_generation_is_taken_up_without_being_asked_for(
    clinic: Clinic, engine: Engine, reports: list[Reload]
) -> None:
    clinic.add("cement.md", CEMENT.replace("about 10 minutes", "about 11 minutes"))
    clinic.build()
    assert eventually(lambda: "11 minutes" in engine.ask(QUESTION).quotes[0].text)
    assert eventually(lambda: reports == ["taken_up"])


@pytest.mark.usefixtures("watcher")
def test_a_refusal_is_reported_once_and_the_old_generation_serves_on(
    clinic: Clinic, engine: Engine, reports: list[Reload]
) -> None:
    before = engine.ask(QUESTION)
    current = clinic.settings.index / "current"
    whole = current.read_bytes()
    current.write_bytes(b"garbage")
    assert eventually(lambda: bool(engine.readiness().reason))
    assert engine.ask(QUESTION) == before
    current.write_bytes(whole)
    assert eventually(lambda: not engine.readiness().reason)
    assert reports == ["refused"]


@pytest.mark.usefixtures("watcher")
def test_an_index_taken_out_of_service_is_quoted_no_more(clinic: Clinic, engine: Engine, reports: list[Reload]) -> None:
    take_out_of_service(clinic.settings.index)
    assert eventually(lambda: not engine.readiness().ready)
    with pytest.raises(OutOfService):
        engine.ask(QUESTION)
    assert eventually(lambda: reports == ["out_of_service"])


def test_a_watcher_that_is_told_looks_at_once(clinic: Clinic, engine: Engine, reports: list[Reload]) -> None:
    watcher = Watcher(engine, NEVER, reports.append)
    watcher.start()
    clinic.add("cement.md", CEMENT.replace("about 10 minutes", "about 11 minutes"))
    clinic.build()
    assert engine.readiness().generation != live_id(clinic.settings.index)
    watcher.look_now()
    assert eventually(lambda: engine.readiness().generation == live_id(clinic.settings.index))
    watcher.stop()


def test_a_stopped_watcher_looks_no_more(clinic: Clinic, engine: Engine, reports: list[Reload]) -> None:
    watcher = Watcher(engine, 0.01, reports.append)
    watcher.start()
    watcher.stop()
    watcher.join()
    take_out_of_service(clinic.settings.index)
    assert engine.readiness().ready


def test_a_watcher_that_is_told_looks_again_at_what_was_refused(
    clinic: Clinic, reports: list[Reload], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = clinic.engine()
    watcher = Watcher(engine, NEVER, reports.append)
    watcher.start()
    looked: list[bool] = []
    reload = engine.reload

    def watched(*, again: bool = False) -> Reload:
        looked.append(again)
        return reload(again=again)

    monkeypatch.setattr(engine, "reload", watched)
    watcher.look_now()
    assert eventually(lambda: looked == [True])
    watcher.stop()


def test_a_watcher_goes_on_when_its_report_cannot_be_made(clinic: Clinic, engine: Engine) -> None:
    told: list[Reload] = []

    def report(outcome: Reload) -> None:
        told.append(outcome)
        raise RuntimeError("nobody listens")

    watcher = Watcher(engine, 0.01, report)
    watcher.start()
    take_out_of_service(clinic.settings.index)
    assert eventually(lambda: told == ["out_of_service"])
    clinic.add("cement.md", CEMENT.replace("about 10 minutes", "about 11 minutes"))
    clinic.build()
    assert eventually(lambda: told == ["out_of_service", "taken_up"])
    watcher.stop()

"""A process says that it lives, and a server whether it can answer, from what, or why not."""

import contextlib
import datetime
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from qa.index.publication import live_id, publish
from tests.support.clinic import Clinic, eventually
from tests.support.service import ask, assert_error, client_of


@contextlib.contextmanager
def damaged_builds() -> Iterator[None]:
    """What is built meanwhile is published with a damaged manifest."""

    def publish_damaged(index: Path, identifier: str) -> None:
        (index / "generations" / identifier / "manifest.json").write_bytes(b"{}")
        publish(index, identifier)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("qa.indexer.build.publish", publish_damaged)
        yield


def test_a_process_is_alive_even_without_an_index(client_without_index: TestClient) -> None:
    response = client_without_index.get("/livez")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_a_server_with_an_index_is_ready(client: TestClient, standing_clinic: Clinic) -> None:
    response = client.get("/readyz")

    body = response.json()
    assert response.status_code == 200
    assert datetime.datetime.fromisoformat(body.pop("built_at")).tzinfo is not None
    assert body == {
        "status": "ready",
        "generation": (standing_clinic.settings.index / "current").read_text().strip(),
        "model": "bag-of-words",
        "reader_sha256": None,
        "audiences": {"patient": {"documents": 2, "passages": 5}, "staff": {"documents": 3, "passages": 6}},
        "reason": "",
    }


def test_a_server_without_an_index_says_what_to_run(client_without_index: TestClient) -> None:
    error = assert_error(client_without_index.get("/readyz"), 503, "no_index")
    assert "`qa build`" in str(error["message"])


def test_a_server_becomes_ready_when_an_index_is_built(empty_clinic: Clinic) -> None:
    with client_of(empty_clinic, watch_seconds=0.01) as client:
        assert_error(client.get("/readyz"), 503, "no_index")
        empty_clinic.add("cement.md", "# Cement\n\nThe cement hardens in ten minutes.\n")

        empty_clinic.build()

        assert eventually(lambda: client.get("/readyz").status_code == 200)
        assert ask(client, "When does the cement harden?").status_code == 200


def test_a_server_that_refused_a_newer_generation_is_degraded_and_serves_on(clinic: Clinic) -> None:
    with client_of(clinic, watch_seconds=0.01) as client:
        before = client.get("/readyz").json()
        clinic.add("more.md", "# More\n\nOne more page about parking.\n")
        with damaged_builds():
            clinic.build()

        assert eventually(lambda: client.get("/readyz").json()["status"] == "degraded")
        after = client.get("/readyz").json()

        assert after["generation"] == before["generation"]
        assert "`qa build`" in after["reason"]
        assert ask(client, "When does the cement harden?").status_code == 200


def test_a_server_in_trouble_names_it_serves_on_and_recovers_by_itself(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.api.reloading.RETRY_SECONDS", 0.01)

    def too_many(path: Path) -> str:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))

    before = live_id(clinic.settings.index)
    clinic.add("more.md", "# More\n\nOne more page about parking.\n")
    new = clinic.build().generation
    publish(clinic.settings.index, before)
    with client_of(clinic, watch_seconds=0.01) as client:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("qa.storage.sealed.sha256_of_file", too_many)
            publish(clinic.settings.index, new)
            assert eventually(lambda: "Raise the limit of open files" in client.get("/readyz").json()["reason"])
            assert client.get("/readyz").json()["generation"] == before
            assert ask(client, "When does the cement harden?").status_code == 200

        assert eventually(lambda: client.get("/readyz").json()["status"] == "ready")
        assert client.get("/readyz").json()["generation"] == new


def test_a_server_without_room_for_its_copies_says_where_to_operators_only(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(clinic.folder / "gone"))
    client = client_of(clinic)

    readiness = assert_error(client.get("/readyz"), 503, "storage_failed")
    reply = assert_error(ask(client, "cement"), 503, "storage_failed")

    assert str(clinic.folder / "gone") in str(readiness["message"])
    assert str(clinic.folder) not in str(reply["message"])
    assert "TMPDIR" in str(reply["message"])


def test_a_damaged_index_is_named_to_operators_and_not_to_patients(clinic: Clinic) -> None:
    (clinic.settings.index / "current").write_text("nonsense\n")
    client = client_of(clinic)

    readiness = assert_error(client.get("/readyz"), 503, "damaged_generation")
    reply = assert_error(ask(client, "cement"), 503, "damaged_generation")

    assert str(clinic.settings.index) in str(readiness["message"])
    assert str(clinic.settings.index) not in str(reply["message"])
    assert "`qa build`" in str(reply["message"])

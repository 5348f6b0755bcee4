"""The service around a temporary clinic, and the one assertion for the one shape of an error."""

from collections.abc import Mapping
from pathlib import Path

from httpx2 import Response
from starlette.testclient import TestClient

from qa.api.app import create_app
from qa.encoder.protocol import Encoders
from qa.search.engine import new_engine
from qa.settings import Settings
from tests.support.clinic import CALL_GUIDE, CEMENT, RISKS, Clinic

JSON = {"Content-Type": "application/json"}


def client_of(clinic: Clinic, encoders: Encoders | None = None, **settings: object) -> TestClient:
    """The service of a clinic; redirects are not followed."""
    chosen = clinic.settings.model_copy(update=settings)
    engine = new_engine(chosen, encoders or clinic.encoder, lambda: clinic.today)
    engine.reload()
    return TestClient(create_app(engine, chosen), follow_redirects=False, headers={"X-Request-ID": "a-test"})


def clinic_in(folder: Path, *, with_staff_page: bool) -> Clinic:
    """Two patient pages, and perhaps a staff page, approved and built."""
    clinic = Clinic(folder, Settings(corpus=folder / "corpus", index=folder / "index"))
    clinic.add("risks.md", RISKS)
    clinic.add("cement.md", CEMENT)
    if with_staff_page:
        clinic.add("staff/call-guide.md", CALL_GUIDE, "staff")
    clinic.build()
    return clinic


def assert_error(response: Response, status: int, code: str) -> Mapping[str, object]:
    """Every error: its status, its code, one line for people, perhaps details, and nothing else."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    body = response.json()
    assert body.keys() == {"error"}
    error: Mapping[str, object] = body["error"]
    assert {"code", "message"} <= error.keys() <= {"code", "message", "detail"}
    assert error["code"] == code
    message = error["message"]
    assert isinstance(message, str)
    assert message
    assert "\n" not in message
    assert isinstance(error.get("detail", {}), dict)
    assert ("retry-after" in response.headers) == (status == 503)
    return error


def ask(client: TestClient, question: object, **fields: object) -> Response:
    return client.post("/v1/ask", json={"question": question, **fields})

"""A service that is started once, for tests that change nothing."""

import pytest
from starlette.testclient import TestClient

from tests.support.clinic import Clinic
from tests.support.service import client_of, clinic_in


@pytest.fixture(scope="session")
def standing_clinic(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    """Like `clinic`, built once: for tests that change nothing."""
    return clinic_in(tmp_path_factory.mktemp("clinic"), with_staff_page=True)


@pytest.fixture(scope="session")
def client(standing_clinic: Clinic) -> TestClient:
    return client_of(standing_clinic)


@pytest.fixture
def client_without_index(empty_clinic: Clinic) -> TestClient:
    return client_of(empty_clinic)

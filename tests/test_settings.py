"""Settings come from the environment, and a misspelt one is never ignored."""

import pytest

from qa.errors import InvalidSetting
from qa.settings import load_settings


def test_a_variable_that_is_no_setting_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_SERVE_AUDIENCE", '["patient"]')
    with pytest.raises(InvalidSetting, match="QA_SERVE_AUDIENCE is no setting"):
        load_settings()


def test_a_setting_that_there_was_once_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_LANGUAGE", "de")
    with pytest.raises(InvalidSetting, match="QA_LANGUAGE is no setting"):
        load_settings()


def test_settings_of_the_environment_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_SERVE_AUDIENCES", '["patient"]')
    assert load_settings().serve_audiences == ("patient",)

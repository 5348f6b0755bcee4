"""Settings come from the environment, and a misspelt one is never ignored."""

from pathlib import Path

import pytest

from qa.errors import InvalidSetting
from qa.settings import Settings, load_settings


def test_a_variable_that_is_no_setting_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_SERVE_AUDIENCE", '["patient"]')
    for settings in (load_settings, Settings):  # a command's, and a Python program's
        with pytest.raises(InvalidSetting, match="QA_SERVE_AUDIENCE is no setting"):
            settings()


def test_a_setting_that_there_was_once_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_LANGUAGE", "de")
    with pytest.raises(InvalidSetting, match="QA_LANGUAGE is no setting"):
        load_settings()


def test_settings_of_the_environment_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_SERVE_AUDIENCES", '["patient"]')
    assert load_settings().serve_audiences == ("patient",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "does not exist"), ("port = ", "is not TOML"), ('port = "x"', "port: "), ("indx = 1", "indx: ")],
)
def test_a_python_program_is_told_what_is_wrong_with_its_settings_as_a_command_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, reason: str
) -> None:
    file = tmp_path / "qa.toml"
    if content is not None:
        file.write_text(content, "utf-8")
    monkeypatch.setenv("QA_SETTINGS", str(file))
    for settings in (load_settings, Settings):
        with pytest.raises(InvalidSetting, match=reason):
            settings()

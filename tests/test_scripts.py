"""`scripts/test` and `scripts/fix` with tools that only write down how they were called."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
Run = Callable[..., tuple[int, list[str]]]
TOOL = """#!/bin/sh
name=$(basename "$0")
echo "$name $*" >>"$CALLS"
[ "$name" != "${BROKEN:-}" ]
"""

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="what changed is asked of git")


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@clinic.example")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one committed module, its scripts, and an environment that counts as installed."""
    project = tmp_path / "project"
    tools = project / ".venv" / "bin"
    tools.mkdir(parents=True)
    (project / "scripts").mkdir()
    for name in ("setup", "test", "fix", "constraints.txt"):
        shutil.copy(ROOT / "scripts" / name, project / "scripts")
    shutil.copy(ROOT / "pyproject.toml", project)
    (project / ".gitignore").write_text(".venv/\n", "utf-8")
    (project / "kept.py").write_text("KEPT = 1\n", "utf-8")
    for name in ("ruff", "mypy", "lint-imports", "pytest"):
        (tools / name).write_text(TOOL, "utf-8")
        (tools / name).chmod(0o755)
    (tools / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "utf-8")
    (tools / "python").chmod(0o755)
    stamp = '. scripts/setup; wanted_stamp >"$venv/.installed-test"'
    subprocess.run(["bash", "-c", stamp], cwd=project, check=True)
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "A project")
    return project


@pytest.fixture
def run(project: Path, tmp_path: Path) -> Run:
    """Runs a script in the project: its exit code, and the calls that it made."""
    calls = tmp_path / "calls"

    def run_script(*command: str, broken: str = "") -> tuple[int, list[str]]:
        calls.write_text("", "utf-8")
        environment = {**os.environ, "CALLS": str(calls), "BROKEN": broken}
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
        return done.returncode, calls.read_text("utf-8").splitlines()

    return run_script


def test_without_arguments_everything_is_checked(run: Run) -> None:
    assert run("scripts/test") == (
        0,
        [
            "ruff format --check .",
            "ruff check .",
            "mypy ",
            "lint-imports --no-logo",
            "pytest -n 2 --dist loadfile",
        ],
    )


def test_with_a_path_what_changed_is_checked_first_and_then_that_path_is_tested(run: Run, project: Path) -> None:
    (project / "kept.py").write_text("KEPT = 2\n", "utf-8")
    (project / "new one.py").write_text("NEW = 1\n", "utf-8")
    (project / "notes.txt").write_text("No module.\n", "utf-8")
    assert run("scripts/test", "tests/search", "-k", "rank") == (
        0,
        [
            "ruff format --check kept.py new one.py",
            "ruff check kept.py new one.py",
            "mypy ",
            "lint-imports --no-logo",
            "pytest tests/search -k rank",
        ],
    )


def test_a_removed_module_is_not_looked_at(run: Run, project: Path) -> None:
    (project / "kept.py").unlink()
    assert run("scripts/test", "tests")[1] == ["mypy ", "lint-imports --no-logo", "pytest tests"]


@pytest.mark.parametrize("cause", ["changed rules", "no git"])
def test_everything_is_looked_at_when_the_rules_changed_or_git_cannot_tell(run: Run, project: Path, cause: str) -> None:
    if cause == "no git":
        shutil.rmtree(project / ".git")
    else:
        with (project / "pyproject.toml").open("a", encoding="utf-8") as file:
            file.write("# another rule\n")
        subprocess.run(
            ["bash", "-c", '. scripts/setup; wanted_stamp >"$venv/.installed-test"'], cwd=project, check=True
        )
    assert run("scripts/test", "tests")[1][:2] == ["ruff format --check .", "ruff check ."]


@pytest.mark.parametrize("broken", ["ruff", "mypy", "lint-imports", "pytest"])
def test_a_check_that_fails_stops_no_other_and_is_seen_in_the_exit_code(run: Run, broken: str) -> None:
    code, calls = run("scripts/test", broken=broken)
    assert code == 1
    assert len(calls) == 5


def test_fix_mends_and_formats_everything_or_the_paths_it_is_given(run: Run) -> None:
    assert run("scripts/fix") == (0, ["ruff check --fix .", "ruff format ."])
    assert run("scripts/fix", "qa/search") == (0, ["ruff check --fix qa/search", "ruff format qa/search"])


def test_fix_formats_although_something_is_left_and_says_so(run: Run) -> None:
    code, calls = run("scripts/fix", broken="ruff")
    assert code == 1
    assert calls == ["ruff check --fix .", "ruff format ."]

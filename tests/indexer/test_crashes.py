"""Whatever goes wrong at whatever step of a build: the old generation is served or the new one, whole, and the next
build succeeds and leaves nothing behind. `crash_walk.py` does it; here stands what it does.

`QA_EVERY_FAULT=1` tries each fault at each step, and makes the next build after each; it takes some minutes.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
THOROUGH = os.environ.get("QA_EVERY_FAULT") == "1"


def walk(folder: Path, scenario: str, fault: str, every: int) -> dict[str, int]:
    """What came of the builds, counted; `every` so many steps are taken."""
    (folder / "temporary").mkdir()
    environment = os.environ | {"TMPDIR": str(folder / "temporary"), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "tests.support.crash_walk",
        str(folder),
        scenario,
        fault,
        "1" if THOROUGH else str(every),
    ]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    counts: dict[str, int] = json.loads(result.stdout)
    return counts


@pytest.mark.parametrize("scenario", ["first", "next", "repair"])
def test_a_build_killed_at_any_step_and_in_any_write_leaves_the_old_or_the_new_generation(
    tmp_path: Path, scenario: str
) -> None:
    counts = walk(tmp_path, scenario, "killed", 10)
    assert counts["kills"] > 120
    assert counts["old"] > 100
    assert counts["new"] > 0
    assert counts["next builds"] > 10


def test_a_disk_that_is_full_from_any_step_on_fails_the_build_and_loses_nothing(tmp_path: Path) -> None:
    counts = walk(tmp_path, "next", "full", 1)
    assert counts["exit 7"] > 80
    assert counts["old"] >= counts["exit 7"] - 1, "the last step syncs the pointer's folder, after the swap"
    assert counts.get("exit 0", 0) == counts["new"] - 1


@pytest.mark.parametrize("fault", ["fails once", "read-only"])
def test_a_disk_that_fails_fails_the_build_or_only_the_tidying_up(tmp_path: Path, fault: str) -> None:
    counts = walk(tmp_path, "next", fault, 16)
    assert counts["exit 7"] > 5
    assert counts["exit 0"] > 2
    assert counts["old"] + counts["new"] == counts["exit 0"] + counts["exit 7"]


def test_writes_that_the_system_cuts_short_are_continued(tmp_path: Path) -> None:
    counts = walk(tmp_path, "next", "writes half", 10_000)
    assert counts["exit 0"] == counts["new"] > 0


def test_everything_is_on_the_disk_before_a_name_leads_to_it(tmp_path: Path) -> None:
    assert walk(tmp_path, "next", "order", 1) == {"generations": 1, "encoders": 1}


def test_native_code_that_cannot_write_on_or_is_killed_writing_leaves_the_old_generation(tmp_path: Path) -> None:
    counts = walk(tmp_path, "next", "limited", 4)
    assert counts["exit 7"] > 10
    assert counts["exit -25"] > 10, "SIGXFSZ"
    assert counts["old"] == counts["exit 7"] + counts["exit -25"]

"""What a Python program imports from `qa`: few names, loaded when they are used, as the README shows them."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import qa
from qa import Settings, open_engine
from qa.cli.application import run
from qa.errors import DamagedGeneration, NoIndex, OutOfService
from qa.index.publication import take_out_of_service
from tests.support.clinic import BY_COSINE, CEMENT, RISKS, Clinic
from tests.support.encoders import lend_encoder

ROOT = Path(__file__).resolve().parent.parent


def section(title: str) -> str:
    (text,) = re.findall(rf"^## {title}$(.*?)^## ", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return str(text)


@pytest.fixture
def built(tmp_path: Path, exported: Path) -> Path:
    """A folder with an index of two patient pages, built with the packaged model."""
    lend_encoder(exported, tmp_path / "index")
    clinic = Clinic(tmp_path, Settings(corpus=tmp_path / "corpus", index=tmp_path / "index"))
    clinic.write("calibration.json", json.dumps(BY_COSINE))
    clinic.add("cement.md", CEMENT)
    clinic.add("risks.md", RISKS)
    assert run(["build", "--corpus", str(clinic.settings.corpus), "--index", str(clinic.settings.index)]) == 0
    return tmp_path


def test_the_lines_of_the_readme_answer_a_question(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", section("From Python"), re.DOTALL)
    assert len(lines.splitlines()) <= 10
    program = built / "program.py"
    program.write_text(lines, "utf-8")
    monkeypatch.chdir(built)
    runpy.run_path(str(program))
    said = capsys.readouterr().out
    assert "The bone cement hardens in about 10 minutes." in said
    assert "The committee" in said


def test_each_name_is_there_and_no_other() -> None:
    for name in qa.__all__:
        assert getattr(qa, name).__name__ == name
    assert set(qa.__all__) <= set(dir(qa))
    with pytest.raises(AttributeError, match="no attribute 'closed_engine'"):
        qa.closed_engine  # type: ignore[attr-defined]  # noqa: B018


def test_importing_qa_loads_nothing_that_it_may_not_need() -> None:
    code = "import sys; before = set(sys.modules); import qa; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert [name for name in loaded if name.startswith("qa")] == ["qa"]
    assert {"numpy", "pydantic", "pydantic_settings"} & set(loaded) == set()


def test_an_engine_opens_only_where_a_generation_is_live(clinic: Clinic) -> None:
    with pytest.raises(NoIndex, match="qa build"):
        open_engine(clinic.elsewhere("nowhere").settings)
    with pytest.raises(DamagedGeneration, match="encoder"):
        open_engine(clinic.settings)  # what encodes in these tests is in no index
    take_out_of_service(clinic.settings.index)
    with pytest.raises(OutOfService):
        open_engine(clinic.settings)

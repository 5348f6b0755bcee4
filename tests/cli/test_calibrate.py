"""`qa calibrate` as the content editor meets it, with the real model."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from qa.cli.application import run
from qa.index.calibration import read_calibration
from tests.support.clinic import CEMENT, RISKS
from tests.support.encoders import lend_encoder

APPROVAL = ("--by", "The committee", "--audience", "patient", "--review-by", "2099-01-01")
ANSWERABLE = (
    "How long until the cement hardens?",
    "What is PMMA?",
    "What are the risks?",
    "Can the cement leak?",
    "When should I call about back pain?",
)
UNANSWERABLE = (
    "Who won the world cup?",
    "best pizza",
    "Do you give flu shots?",
    "python lists",
    "How tall is Everest?",
)


Prepare = Callable[..., None]


@pytest.fixture
def two_pages(tmp_path: Path, exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder, the working one, with a corpus of two pages and questions.jsonl."""
    monkeypatch.chdir(tmp_path)
    lend_encoder(exported, tmp_path / "index")
    Path("corpus").mkdir()
    Path("corpus/risks.md").write_text(RISKS, "utf-8")
    Path("corpus/cement.md").write_text(CEMENT, "utf-8")
    rows: list[dict[str, str | None]] = [
        {"id": f"a{n}", "question": text, "answer": "."} for n, text in enumerate(ANSWERABLE)
    ]
    rows += [{"id": f"u{n}", "question": text, "answer": None} for n, text in enumerate(UNANSWERABLE)]
    Path("questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.fixture
def prepare(two_pages: None, capsys: pytest.CaptureFixture[str]) -> Prepare:
    """Builds an index of the two pages, with a calibration by the cosine alone."""

    def build(weight: float, bias: float) -> None:
        content = {"weights": {"cosine": weight}, "bias": bias, "thresholds": [[0.05, 0.5]], "source": "made up"}
        Path("corpus/calibration.json").write_text(json.dumps(content), "utf-8")
        assert run(["approve", "corpus/risks.md", "corpus/cement.md", *APPROVAL]) == 0
        assert run(["build"]) == 0
        capsys.readouterr()

    return build


def test_before_and_after_are_shown_and_what_so_few_questions_cannot_certify(
    prepare: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(1.0, 1.0)
    assert run(["calibrate", "questions.jsonl", "--max-false-answer-rate", "0.05"]) == 0
    out = capsys.readouterr().out
    for name in ("now", "fitted", "log loss", "expected calibration error", "answered, of the answerable"):
        assert name in out
    assert re.search(r"answered falsely, of the others +5 of 5, 100 % \(48–100 %\) ", out)
    assert "of 10, rough" in out
    assert "the questions show that it lets through more than 5 %" in out
    assert "NOT certified at 5 %: of 5 questions without an answer it answers 0, so" in out
    assert "59 questions without an answer would certify it" in out


def test_json_holds_before_and_after_with_counts_and_bounds(
    prepare: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(1.0, 1.0)
    assert run(["calibrate", "questions.jsonl", "--json", "--max-false-answer-rate", "0.5"]) == 0
    found = json.loads(capsys.readouterr().out)
    written = json.loads(Path("corpus/calibration.json").read_text("utf-8"))
    assert {name: found[name] for name in written} == written
    assert found["file"] == "corpus/calibration.json"
    assert (found["questions"], found["max_false_answer_rate"], found["unanswerable_needed"]) == (10, 0.5, 5)
    assert (found["certified"], found["threshold_is"]) == (True, "certified")
    assert found["false_answers_at_most"] == pytest.approx(1 - 0.05**0.2)
    assert found["before"]["false_answers"] == {
        "value": 1.0,
        "count": 5,
        "n": 5,
        "low": pytest.approx(0.4782, abs=1e-4),
        "high": 1.0,
    }
    for standing in (found["before"], found["after"]):
        assert [standing[name]["n"] for name in ("log_loss", "ece", "answered")] == [10, 10, 5]
        assert all({"value", "n", "low", "high"} <= set(figure) for figure in standing.values())
    assert found["after"]["log_loss"]["value"] < found["before"]["log_loss"]["value"]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_what_is_no_better_is_shown_and_refused(
    prepare: Prepare, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    prepare(1000.0, -200.0)
    before = Path("corpus/calibration.json").read_bytes()
    assert run(["calibrate", "questions.jsonl", *options]) == 1
    out, err = capsys.readouterr()
    assert err.startswith("qa: Nothing is written: on questions apart, nothing better was found than what is live.")
    assert err.count("\n") == 1
    assert json.loads(out)["file"] is None if options else "tried" in out
    assert Path("corpus/calibration.json").read_bytes() == before


@pytest.mark.parametrize("rate", ["5", "-0.1", "nan"])
def test_a_rate_that_is_no_share_is_refused(rate: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["calibrate", "questions.jsonl", "--max-false-answer-rate", rate]) == 2
    assert f"--max-false-answer-rate {float(rate):g} is no share" in capsys.readouterr().err


def test_the_next_build_answers_by_the_clinics_own_questions(
    two_pages: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["approve", "corpus/risks.md", "corpus/cement.md", *APPROVAL]) == 0
    assert run(["build"]) == 0
    capsys.readouterr()
    assert run(["calibrate", "questions.jsonl"]) == 0
    assert "from 10 questions" in capsys.readouterr().out
    fitted = read_calibration(Path("corpus/calibration.json"))
    assert run(["build", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["published"], report["embedded"]) == (True, 0), "another generation, and nothing embedded again"
    assert run(["ask", ANSWERABLE[0], "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["outcome"] == "answered"
    assert answer["confidence"] >= fitted.threshold(0.05)


def test_too_few_questions_are_one_line_that_says_what_to_do(
    tmp_path: Path, exported: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lend_encoder(exported, tmp_path / "index")
    Path("corpus").mkdir()
    Path("corpus/cement.md").write_text(CEMENT, "utf-8")
    Path("few.jsonl").write_text(json.dumps({"id": "1", "question": "What is PMMA?", "answer": "."}) + "\n", "utf-8")
    assert run(["approve", "corpus/cement.md", *APPROVAL]) == 0
    assert run(["build"]) == 0
    capsys.readouterr()
    assert run(["calibrate", "few.jsonl"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "5 of each are needed" in error
    assert not Path("corpus/calibration.json").exists()

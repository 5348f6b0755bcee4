"""`qa calibrate` as the content editor meets it, with the real model."""

import json
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


def test_the_next_build_answers_by_the_clinics_own_questions(
    tmp_path: Path, exported: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
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

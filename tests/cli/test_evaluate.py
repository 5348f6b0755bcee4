"""`qa evaluate` as the content editor meets it, with the real model."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from qa.cli.application import run
from tests.support.clinic import BY_COSINE, CALL_GUIDE, CEMENT, RISKS
from tests.support.encoders import lend_encoder

Run = Callable[..., tuple[int, str, str]]

QUESTIONS = (
    {"id": "cement", "question": "How long until the cement hardens?", "answer": "10 minutes", "document": "cement"},
    {"id": "risks", "question": "What are the risks?", "answer": "Infection|Bleeding", "kind": "direct"},
    {"id": "wrong", "question": "What is PMMA?", "answer": "no text says this", "kind": "direct"},
    {"id": "cup", "question": "Who won the world cup?", "answer": None, "kind": "off"},
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, exported: Path) -> Path:
    """The index of two patient pages and a staff page."""
    folder = tmp_path_factory.mktemp("clinic")
    lend_encoder(exported, folder / "index")
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "calibration.json").write_text(json.dumps(BY_COSINE), "utf-8")
    for name, text, audience in (
        ("risks.md", RISKS, "patient"),
        ("cement.md", CEMENT, "patient"),
        ("call-guide.md", CALL_GUIDE, "staff"),
    ):
        (corpus / name).write_text(text, "utf-8")
        approval = ("--by", "The committee", "--audience", audience, "--review-by", "2099-01-01")
        assert run(["approve", str(corpus / name), *approval, "--corpus", str(corpus)]) == 0
    assert run(["build", "--corpus", str(corpus), "--index", str(folder / "index")]) == 0
    return folder / "index"


@pytest.fixture
def evaluate(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Evaluates the questions in a folder of their own: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    Path("questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in QUESTIONS), "utf-8")

    def run_command(*arguments: str, file: str = "questions.jsonl") -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(["evaluate", file, "--index", str(index), *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run_command


def test_the_figures_are_printed_with_what_went_wrong(evaluate: Run) -> None:
    code, out, err = evaluate()
    assert (code, err) == (0, "")
    assert re.search(r"^ *all +4 ", out, re.MULTILINE)
    assert re.search(r"^ *direct +2 ", out, re.MULTILINE)
    assert re.search(r"^ *wrong +missed", out, re.MULTILINE)
    assert re.search(r"^ *direct .* 1 of 2, 50 % \(1–99 %\) ", out, re.MULTILINE)
    assert "AUROC 1.000 (3 answerable, 1 unanswerable)" in out
    assert "(of 4, so a rough figure)" in out
    assert "questions went wrong" in out


def test_json_has_the_figures_under_their_names(evaluate: Run) -> None:
    code, out, _ = evaluate("--json")
    found = json.loads(out)
    assert code == 0
    assert list(found) == [
        "hit@1",
        "hit@3",
        "mrr",
        "answered",
        "false_answers",
        "auroc",
        "ece",
        "answerable",
        "unanswerable",
        "intervals",
        "per_kind",
        "failures",
    ]
    assert found["hit@3"] == 0.6667
    assert sorted(found["per_kind"]) == ["direct", "off"]
    missed = next(failure for failure in found["failures"] if failure["id"] == "wrong")
    assert missed["problem"] == "missed"
    assert missed["first"]["document"] == "cement"
    assert evaluate("--json")[1] == out


def test_the_report_is_written_even_when_the_check_fails(evaluate: Run) -> None:
    code, out, err = evaluate("--html", "report.html", "--min-hit3", "0.7")
    assert code == 1
    assert err == "qa: hit@3 is 0.667 (2 of 3), under 0.7. The failures name the questions.\n"
    assert "all" in out
    report = Path("report.html").read_text("utf-8")
    assert report.startswith("<!doctype html>")
    assert "What is PMMA?" in report
    assert evaluate("--min-hit3", "0.6")[0] == 0


def test_a_share_of_false_answers_over_the_limit_fails(evaluate: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert evaluate("--max-false-answers", "1")[0] == 0
    mislabelled = {"id": "x", "question": "How long until the bone cement hardens?", "answer": None}
    Path("false.jsonl").write_text(json.dumps(mislabelled), "utf-8")
    code, out, err = evaluate("--max-false-answers", "0.5", "--json", file="false.jsonl")
    assert code == 1
    assert json.loads(out)["false_answers"] == 1
    assert err == "qa: false answers are 1.000 (1 of 1), over 0.5. The failures name the questions.\n"


def test_a_rate_that_keeps_its_limit_by_too_few_questions_is_not_certified(evaluate: Run) -> None:
    assert evaluate("--max-false-answers", "0.05")[0] == 0, "none of one"
    code, _, err = evaluate("--max-false-answers", "0.05", "--certify")
    assert code == 1
    assert err == (
        "qa: false answers are 0.000 (0 of 1), which may be up to 0.950 with 95 % confidence, over 0.05: with none "
        "false, 59 questions without an answer show 0.05. The failures name the questions.\n"
    )
    assert evaluate("--max-false-answers", "0.95", "--certify")[0] == 0
    assert "no sample shows 0." in evaluate("--max-false-answers", "0", "--certify")[2]


def test_59_questions_that_are_left_unanswered_certify_five_percent(evaluate: Run) -> None:
    rows = [{"id": str(number), "question": f"Who won world cup {number}?", "answer": None} for number in range(59)]
    Path("off.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    assert evaluate("--max-false-answers", "0.05", "--certify", file="off.jsonl")[0] == 0
    assert evaluate("--max-false-answers", "0.04", "--certify", file="off.jsonl")[0] == 1


def test_staff_documents_are_judged_for_staff_only(evaluate: Run) -> None:
    row = {"id": "guide", "question": "Should I add advice of my own?", "answer": "Never add advice"}
    Path("staff.jsonl").write_text(json.dumps(row), "utf-8")
    assert json.loads(evaluate("--json", "--audience", "staff", file="staff.jsonl")[1])["hit@1"] == 1
    assert json.loads(evaluate("--json", file="staff.jsonl")[1])["hit@1"] == 0


@pytest.mark.parametrize(
    ("arguments", "file", "code", "hint"),
    [
        ((), "none.jsonl", 2, "none.jsonl: No such file"),
        ((), "broken.jsonl", 2, "broken.jsonl, line 1: not JSON"),
        (("--audience", "everyone"), "questions.jsonl", 2, "patient or staff"),
        (("--min-hit3", "95"), "questions.jsonl", 2, "--min-hit3 95 is no share"),
        (("--min-hit3", "nan"), "questions.jsonl", 2, "--min-hit3 nan is no share"),
        (("--max-false-answers", "-1"), "questions.jsonl", 2, "--max-false-answers -1 is no share"),
        (("--certify",), "questions.jsonl", 2, "--certify needs a limit"),
        (("--min-hit3", "many"), "questions.jsonl", 2, "qa evaluate --help"),
        (("--max-false-answers", "0.1"), "answerable.jsonl", 2, "needs questions without an answer"),
        (("--index", "nowhere"), "questions.jsonl", 5, "qa build"),
        (("--html", "nowhere/report.html"), "questions.jsonl", 7, "nowhere/report.html"),
    ],
)
def test_what_goes_wrong_is_one_line(
    evaluate: Run, arguments: tuple[str, ...], file: str, code: int, hint: str
) -> None:
    Path("broken.jsonl").write_text("{\n", "utf-8")
    Path("answerable.jsonl").write_text(json.dumps(QUESTIONS[0]), "utf-8")
    found, out, err = evaluate(*arguments, file=file)
    assert found == code
    assert out == ""
    assert err.startswith("qa: ")
    assert err.count("\n") == 1
    assert hint in err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--help"]) == 0
    assert "Example: qa evaluate questions.jsonl" in capsys.readouterr().out

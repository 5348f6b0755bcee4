"""What `qa evaluate` measures: by hand, and against the definitions spelled out."""

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import InvalidRequest
from qa.evaluation.judging import LabelledQuestion, evaluate, load_questions, reliability_of
from qa.evaluation.metrics import auroc, expected_calibration_error, operating_points, reliability
from qa.records import Answer
from tests.support.judged import asking, labelled, quote, reply

confidences = st.lists(st.integers(0, 20).map(lambda number: number / 20), max_size=30)


def written(folder: Path, *rows: object) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


# Figures


def without_intervals(figures: dict[str, Any]) -> dict[str, Any]:
    """Shares and counts, of all questions and of each kind."""
    per_kind = {kind: without_intervals(counted) for kind, counted in figures.get("per_kind", {}).items()}
    shares = {name: value for name, value in figures.items() if name not in {"intervals", "per_kind"}}
    return shares | ({"per_kind": per_kind} if "per_kind" in figures else {})


def test_the_figures_are_those_counted_by_hand() -> None:
    questions = [
        labelled("first", kind="direct"),
        labelled("third", kind="direct"),
        labelled("fourth", kind="lay"),
        labelled("absent", kind="lay"),
        labelled("near", None, "near"),
        labelled("off", None, "off"),
    ]
    replies = {
        "first": reply(0.95, "right", "x"),
        "third": reply(0.35, "x", "y", "right", answered=False),
        "fourth": reply(0.65, "x", "y", "z", "right"),
        "absent": reply(0.25, "x", answered=False),
        "near": reply(0.65, "x"),
        "off": reply(0.05, answered=False),
    }
    found = evaluate(asking(replies), questions).as_json()
    failures = found.pop("failures")
    assert without_intervals(found) == {
        "answerable": 4,
        "unanswerable": 2,
        "hit@1": 0.25,
        "hit@3": 0.5,
        "mrr": round((1 + 1 / 3 + 1 / 4) / 4, 4),
        "answered": 0.5,
        "false_answers": 0.5,
        "auroc": (2 + 1 + 1.5 + 1) / 8,
        # bins: .95 right; .35 right; two of .65 wrong; .25 wrong; .05 wrong
        "ece": round((0.05 + 0.65 + 2 * 0.65 + 0.25 + 0.05) / 6, 4),
        "per_kind": {
            "direct": {
                "answerable": 2,
                "unanswerable": 0,
                "hit@1": 0.5,
                "hit@3": 1.0,
                "mrr": 0.6667,
                "answered": 0.5,
                "false_answers": None,
            },
            "lay": {
                "answerable": 2,
                "unanswerable": 0,
                "hit@1": 0.0,
                "hit@3": 0.0,
                "mrr": 0.125,
                "answered": 0.5,
                "false_answers": None,
            },
            "near": {
                "answerable": 0,
                "unanswerable": 1,
                "hit@1": None,
                "hit@3": None,
                "mrr": None,
                "answered": None,
                "false_answers": 1.0,
            },
            "off": {
                "answerable": 0,
                "unanswerable": 1,
                "hit@1": None,
                "hit@3": None,
                "mrr": None,
                "answered": None,
                "false_answers": 0.0,
            },
        },
    }
    assert isinstance(failures, list)
    assert [(item["id"], item["problem"], item["answered"], item["rank"]) for item in failures] == [
        ("third", "not answered", False, 3),
        ("fourth", "missed", True, 4),
        ("absent", "missed", False, None),
        ("near", "false answer", True, None),
    ]
    assert failures[0] == {
        "id": "third",
        "question": "third?",
        "kind": "direct",
        "problem": "not answered",
        "answered": False,
        "confidence": 0.35,
        "rank": 3,
        "first": {"document": "risks", "score": 0.5, "text": "x"},
    }


def test_beside_each_rate_stand_its_counts_and_exact_interval() -> None:
    """By the tables of Clopper and Pearson: 2 of 4, 1 of 4, none of 1."""
    questions = [labelled(name, kind="lay") for name in "abcd"] + [labelled("none", None, "off")]
    replies = {"a": reply(0.9, "right"), "b": reply(0.9, "x", "right"), "c": reply(0.9, "x"), "d": reply(0.9, "x")}
    found = evaluate(asking(replies | {"none": reply(0.1, answered=False)}), questions).as_json()
    assert found["intervals"] == {
        "hit@1": {"count": 1, "n": 4, "low": 0.0063, "high": 0.8059},
        "hit@3": {"count": 2, "n": 4, "low": 0.0676, "high": 0.9324},
        "answered": {"count": 4, "n": 4, "low": 0.3976, "high": 1.0},
        "false_answers": {"count": 0, "n": 1, "low": 0.0, "high": 0.975},
    }
    assert isinstance(found["per_kind"], dict)
    assert found["per_kind"]["off"]["intervals"] == {
        "hit@1": {"count": 0, "n": 0, "low": None, "high": None},
        "hit@3": {"count": 0, "n": 0, "low": None, "high": None},
        "answered": {"count": 0, "n": 0, "low": None, "high": None},
        "false_answers": {"count": 0, "n": 1, "low": 0.0, "high": 0.975},
    }


def test_only_the_document_that_is_named_counts() -> None:
    answer = reply(0.9, quote("right", "other"), quote("right", "risks"))
    judged = evaluate(lambda _: answer, [labelled("a", document="risks")]).judged
    assert judged[0].rank == 2


def test_an_answer_beyond_the_tenth_passage_does_not_count() -> None:
    found = evaluate(lambda _: reply(0.9, *["x"] * 10, "right"), [labelled("a")])
    assert found.judged[0].rank is None
    assert found.figures.mrr == 0


def test_a_share_of_nothing_is_null() -> None:
    only_unanswerable = evaluate(lambda _: reply(0.2, answered=False), [labelled("a", None)]).as_json()
    assert only_unanswerable["hit@3"] is None
    assert only_unanswerable["auroc"] is None
    assert only_unanswerable["false_answers"] == 0
    assert only_unanswerable["per_kind"] == {}
    assert evaluate(lambda _: reply(0.2), []).as_json()["ece"] is None


def test_each_question_is_asked_once_and_every_generation_is_named() -> None:
    asked: list[str] = []

    def ask(question: str) -> Answer:
        asked.append(question)
        return reply(0.1, answered=False, generation=f"generation {len(asked)}")

    found = evaluate(ask, [labelled("a"), labelled("b")])
    assert asked == ["a?", "b?"]
    assert found.generations == ("generation 1", "generation 2")


def test_the_confidence_of_silence_is_judged_by_what_was_found() -> None:
    """Below the threshold the passages are only related, but the claim about them is the same."""
    found = evaluate(lambda _: reply(0.25, "right", answered=False), [labelled("a")])
    assert [(item.size, item.right) for item in reliability_of(found.judged) if item.size] == [(1, 1.0)]
    assert found.ece == 0.75


# Measures, against their definitions


@given(confidences, confidences)
def test_auroc_is_the_share_of_pairs_in_order(positives: list[float], negatives: list[float]) -> None:
    pairs = [(a > b) + (a == b) / 2 for a in positives for b in negatives]
    expected = sum(pairs) / len(pairs) if pairs else None
    assert auroc(positives, negatives) == (None if expected is None else pytest.approx(expected))


def test_auroc_by_hand() -> None:
    assert auroc([0.9, 0.8], [0.1]) == 1
    assert auroc([0.5], [0.5]) == 0.5
    assert auroc([0.1], [0.5, 0.9]) == 0
    assert auroc([], [0.5]) is None
    assert auroc([0.5], []) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40))
def test_calibration_error_is_the_weighted_gap_of_ten_bins(rows: list[tuple[float, bool]]) -> None:
    bins = reliability([confidence for confidence, _ in rows], [right for _, right in rows])
    error = expected_calibration_error(bins)
    if error is None:
        assert rows == []
        return
    gaps = []
    for number in range(10):
        inside = [row for row in rows if math.floor(row[0] * 10) == number or (number == 9 and row[0] == 1)]
        if inside:
            gap = sum(right for _, right in inside) - sum(confidence for confidence, _ in inside)
            gaps.append(abs(gap))
    assert sum(item.size for item in bins) == len(rows)
    assert error == pytest.approx(sum(gaps) / len(rows))
    assert 0 <= error <= 1


def test_calibration_error_by_hand() -> None:
    bins = reliability([0.9, 0.9, 1.0, 0.0], [True, False, True, False])
    assert [item.size for item in bins] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 3]
    assert expected_calibration_error(bins) == pytest.approx(3 / 4 * abs(2 / 3 - 2.8 / 3))
    tenths = reliability([number / 10 for number in range(11)], [True] * 11)
    assert [item.size for item in tenths] == [1] * 9 + [2], "a tenth opens its own bin"


@given(confidences.filter(bool), confidences.filter(bool))
def test_an_operating_point_is_what_answering_from_its_threshold_gives(yes: list[float], no: list[float]) -> None:
    points = operating_points(yes, no)

    def share(values: Sequence[float], threshold: float) -> float:
        return sum(value >= threshold for value in values) / len(values)

    assert [point.threshold for point in points] == sorted({*yes, *no}, reverse=True)
    for point in points:
        assert point.answered == share(yes, point.threshold)
        assert point.false_answers == share(no, point.threshold)
    assert points[-1][1:] == (1, 1)


def test_without_both_sorts_of_questions_there_is_no_curve() -> None:
    assert operating_points([0.5], []) == ()
    assert operating_points([], [0.5]) == ()


# Reading questions


def test_questions_are_read_in_order_and_other_keys_ignored(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"id": "a", "question": " PMMA?", "answer": "(?i)poly", "kind": "direct", "seeds": [1]}\r\n'
        b"\r\n"
        b'{"id": "b", "question": "caf\xc3\xa9 \xe2\x80\xa8 hours?", "answer": null, "document": null}'
    )
    first, second = load_questions(path)
    assert first == LabelledQuestion("a", "PMMA?", re.compile("(?i)poly"), "direct", None)
    assert (second.id, second.answer, second.kind, second.document) == ("b", None, None, None)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"id": "a", "question": "SECRET?", "answer": null', "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"id": "a", "question": "SECRET?"}', "answer missing"),
        ('{"kind": "near"}', "id, question, answer missing"),
        ('{"id": 7, "question": "SECRET?", "answer": null}', "id is not text"),
        ('{"id": null, "question": "SECRET?", "answer": null}', "id is null"),
        ('{"id": "a\\u001b[2J", "question": "SECRET?", "answer": null}', "printed"),
        ('{"id": "\\ud800", "question": "SECRET?", "answer": null}', "printed"),
        ('{"id": "a", "question": " ", "answer": null}', "question"),
        ('{"id": "a", "question": null, "answer": null}', "question"),
        ('{"id": "a", "question": "SECRET\\u0000", "answer": null}', "NUL"),
        (json.dumps({"id": "a", "question": "SECRET" * 200, "answer": None}), "1,200 characters"),
        ('{"id": "a", "question": "SECRET?", "answer": "(open"}', "regular expression"),
        ('{"id": "a", "question": "SECRET?", "answer": "a{99999999999}"}', "regular expression"),
        ('{"id": "a", "question": "SECRET?", "answer": ""}', "answer is not text"),
        ('{"id": "a", "question": "SECRET?", "answer": false}', "answer is not text"),
        ('{"id": "good", "question": "SECRET?", "answer": null}', "'good' was given on line 1"),
    ],
)
def test_a_wrong_line_is_named_and_no_question_told(tmp_path: Path, row: str, named: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(f'{{"id": "good", "question": "ok?", "answer": null}}\n\n{row}\n', "utf-8")
    with pytest.raises(InvalidRequest, match=re.escape(named)) as failure:
        load_questions(path)
    assert f"{path}, line 3" in str(failure.value)
    assert "SECRET" not in str(failure.value)
    assert "\x1b" not in str(failure.value)


def test_what_is_no_file_of_questions_is_named(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    with pytest.raises(InvalidRequest, match=r"questions\.jsonl: No such file"):
        load_questions(path)
    path.write_bytes(b"\n \n")
    with pytest.raises(InvalidRequest, match=r"questions\.jsonl holds no question"):
        load_questions(path)
    path.write_bytes(b'{"id": "a", "question": "ok?", "answer": null}\n\xff\n')
    with pytest.raises(InvalidRequest, match=r"questions\.jsonl, line 2: not UTF-8"):
        load_questions(path)
    with pytest.raises(InvalidRequest, match=re.escape(str(tmp_path))):
        load_questions(tmp_path)


def test_an_expression_that_python_may_read_differently_one_day_is_taken(tmp_path: Path) -> None:
    row = {"id": "a", "question": "ok?", "answer": "[[a]"}
    assert load_questions(written(tmp_path, row))[0].answer is not None

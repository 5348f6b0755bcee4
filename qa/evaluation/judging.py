"""Labelled questions → how well they are answered: the content editor's regression suite.

Ranking is judged on the closest passages whether or not they were offered as an answer; answering is judged apart.
"""

import json
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qa.errors import InvalidQuestion, InvalidRequest
from qa.evaluation.metrics import (
    Bin,
    OperatingPoint,
    Rate,
    auroc,
    expected_calibration_error,
    interval,
    operating_points,
    reliability,
)
from qa.records import Answer, Quote
from qa.search.query import checked_question

RANKS = 10
"""How many passages are asked for, and how deep the expected one may stand to count at all."""
SHOWN = 3
"""How many quotes a reader is shown unless more are asked for."""
DECIMALS = 4

Problem = Literal["missed", "not answered", "false answer"]


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question with what the quote that answers it must match; `answer` is None where no approved text answers.

    `document`, where given, is the id of the only document that counts. `kind` is the editor's own grouping.
    """

    id: str
    question: str
    answer: re.Pattern[str] | None
    kind: str | None = None
    document: str | None = None


@dataclass(frozen=True, slots=True)
class JudgedQuestion:
    """One question with what came of it. `rank` is that of the first passage that answers, 1 to 10, None where none
    does; `first` is the first passage, quoted if `answered`, else only related."""

    labelled: LabelledQuestion
    answered: bool
    confidence: float
    rank: int | None
    first: Quote | None

    @property
    def answerable(self) -> bool:
        return self.labelled.answer is not None

    @property
    def found(self) -> bool:
        """Whether the answer is in what a reader is shown: the first three passages."""
        return self.rank is not None and self.rank <= SHOWN

    @property
    def problem(self) -> Problem | None:
        """What went wrong, by cause: an answer that isn't among the first three is missed, whether or not the service
        was silent about it; one that is there and wasn't offered is not answered."""
        if not self.answerable:
            return "false answer" if self.answered else None
        if not self.found:
            return "missed"
        return None if self.answered else "not answered"


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts over some questions, and the shares that they make; a share of nothing is None.

    `reciprocal_ranks` is the sum of 1/rank over the answerable ones; a rank beyond 10 counts as 0.
    """

    answerable: int
    unanswerable: int
    found_first: int
    found: int
    reciprocal_ranks: float
    answered: int
    answered_falsely: int

    @property
    def questions(self) -> int:
        return self.answerable + self.unanswerable

    @property
    def hit_at_1(self) -> float | None:
        """The share of answerable questions whose first passage answers, in [0, 1]."""
        return _share(self.found_first, self.answerable)

    @property
    def hit_at_3(self) -> float | None:
        """The share of answerable questions with the answer among the first three passages, in [0, 1]."""
        return _share(self.found, self.answerable)

    @property
    def mrr(self) -> float | None:
        """Mean reciprocal rank of the answerable questions, cut at 10, in [0, 1] (Voorhees, TREC-8, 1999)."""
        return _share(self.reciprocal_ranks, self.answerable)

    @property
    def answered_share(self) -> float | None:
        """The share of answerable questions that were answered, rightly or not, in [0, 1]."""
        return _share(self.answered, self.answerable)

    @property
    def false_answers(self) -> float | None:
        """The share of unanswerable questions that were answered, in [0, 1]."""
        return _share(self.answered_falsely, self.unanswerable)

    @property
    def rates(self) -> Mapping[str, Rate]:
        """What the shares of questions are made of, under their names in `qa evaluate --json`."""
        return {
            "hit@1": Rate(self.found_first, self.answerable),
            "hit@3": Rate(self.found, self.answerable),
            "answered": Rate(self.answered, self.answerable),
            "false_answers": Rate(self.answered_falsely, self.unanswerable),
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of a run. `auroc` is None unless there are answerable and unanswerable questions, `ece` without any.

    `per_kind` is sorted by kind and leaves out questions without one. `generations` are the digests that the answers
    came from: one, unless another was published meanwhile.
    """

    figures: Figures
    auroc: float | None
    ece: float | None
    per_kind: Mapping[str, Figures]
    judged: tuple[JudgedQuestion, ...]
    generations: tuple[str, ...]

    @property
    def failures(self) -> tuple[JudgedQuestion, ...]:
        """What went wrong, in the order of the file."""
        return tuple(judged for judged in self.judged if judged.problem is not None)

    def as_json(self) -> dict[str, object]:
        """The figures under the names that `qa evaluate --json` prints, rounded to four decimals."""
        return {
            **_shares_json(self.figures),
            "auroc": _rounded(self.auroc),
            "ece": _rounded(self.ece),
            **_counts_json(self.figures),
            "per_kind": {
                kind: {**_counts_json(figures), **_shares_json(figures)} for kind, figures in self.per_kind.items()
            },
            "failures": [_failure_json(judged) for judged in self.failures],
        }


def load_questions(path: Path) -> tuple[LabelledQuestion, ...]:
    """Reads JSON Lines of {id, question, answer: regular expression or null, kind?, document?}; other keys are ignored.

    The expression is searched in a quote's text as it stands, line breaks included. Raises InvalidRequest naming the
    file and the line, never the question.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror}.", "Name a file of labelled questions.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InvalidRequest(f"{path}, line {line}: not UTF-8.", "Save the file as UTF-8.") from None
    questions: dict[str, LabelledQuestion] = {}
    lines: dict[str, int] = {}
    for number, row in enumerate(text.split("\n"), start=1):
        if not row.strip():
            continue
        place = f"{path}, line {number}"
        labelled = _labelled(row, place)
        if labelled.id in questions:
            raise InvalidRequest(
                f"{place}: the id {labelled.id!r} was given on line {lines[labelled.id]} already.", "Make ids unique."
            )
        questions[labelled.id] = labelled
        lines[labelled.id] = number
    if not questions:
        raise InvalidRequest(f"{path} holds no question.", "Write one JSON object a line: id, question, answer.")
    return tuple(questions.values())


def evaluate(ask: Callable[[str], Answer], questions: Sequence[LabelledQuestion]) -> Evaluation:
    """Asks every question once, in order, and judges the answers.

    `ask` gives each answer's confidence, in [0, 1], and up to 10 passages, closest first: in `quotes` if it answers, in
    `related` if not. An error of `ask` ends the run.
    """
    answers = [ask(labelled.question) for labelled in questions]
    judged = tuple(judge(labelled, answer) for labelled, answer in zip(questions, answers, strict=True))
    answerable, unanswerable = _confidences(judged)
    kinds = sorted({labelled.kind for labelled in questions if labelled.kind is not None})
    return Evaluation(
        figures=count(judged),
        auroc=auroc(answerable, unanswerable),
        ece=expected_calibration_error(reliability_of(judged)),
        per_kind={kind: count([item for item in judged if item.labelled.kind == kind]) for kind in kinds},
        judged=judged,
        generations=tuple(sorted({answer.generation for answer in answers})),
    )


def judge(labelled: LabelledQuestion, answer: Answer) -> JudgedQuestion:
    """Whether a question was answered, and the rank of the first passage that answers it."""
    passages = (*answer.quotes, *answer.related)[:RANKS]
    ranks = (rank for rank, quote in enumerate(passages, start=1) if _answers(labelled, quote))
    return JudgedQuestion(
        labelled=labelled,
        answered=answer.outcome == "answered",
        confidence=answer.confidence,
        rank=next(ranks, None),
        first=passages[0] if passages else None,
    )


def count(judged: Sequence[JudgedQuestion]) -> Figures:
    """Counts what came of some questions."""
    answerable = [item for item in judged if item.answerable]
    unanswerable = [item for item in judged if not item.answerable]
    return Figures(
        answerable=len(answerable),
        unanswerable=len(unanswerable),
        found_first=sum(item.rank == 1 for item in answerable),
        found=sum(item.found for item in answerable),
        reciprocal_ranks=sum(1 / item.rank for item in answerable if item.rank is not None),
        answered=sum(item.answered for item in answerable),
        answered_falsely=sum(item.answered for item in unanswerable),
    )


def reliability_of(judged: Sequence[JudgedQuestion]) -> tuple[Bin, ...]:
    """The bins of the reliability plot, from the lowest confidence to the highest.

    A confidence claims this: "the question has an answer in the approved text, and the first three passages hold it".
    So a question counts as right if it is answerable and the answer is in its first three passages, whether they were
    quoted or, below the threshold, only offered as related; an unanswerable one is never right.
    """
    return reliability([item.confidence for item in judged], [item.found for item in judged])


def operating_points_of(judged: Sequence[JudgedQuestion]) -> tuple[OperatingPoint, ...]:
    """What each threshold on the confidence would give; empty unless there are questions of both sorts."""
    return operating_points(*_confidences(judged))


def _confidences(judged: Sequence[JudgedQuestion]) -> tuple[list[float], list[float]]:
    """Those of the answerable questions, and those of the others."""
    answerable = [item.confidence for item in judged if item.answerable]
    return answerable, [item.confidence for item in judged if not item.answerable]


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, DECIMALS)


def _answers(labelled: LabelledQuestion, quote: Quote) -> bool:
    if labelled.answer is None or labelled.document not in {None, quote.citation.document_id}:
        return False
    return labelled.answer.search(quote.text) is not None


def _shares_json(figures: Figures) -> dict[str, object]:
    return {
        "hit@1": _rounded(figures.hit_at_1),
        "hit@3": _rounded(figures.hit_at_3),
        "mrr": _rounded(figures.mrr),
        "answered": _rounded(figures.answered_share),
        "false_answers": _rounded(figures.false_answers),
    }


def _counts_json(figures: Figures) -> dict[str, object]:
    """What the shares were counted from, with the exact 95 % interval of each; null where there is nothing to count."""
    intervals: dict[str, object] = {}
    for name, rate in figures.rates.items():
        low, high = interval(*rate) if rate.trials else (None, None)
        intervals[name] = {"count": rate.successes, "n": rate.trials, "low": _rounded(low), "high": _rounded(high)}
    return {"answerable": figures.answerable, "unanswerable": figures.unanswerable, "intervals": intervals}


def _failure_json(judged: JudgedQuestion) -> dict[str, object]:
    first = judged.first
    return {
        "id": judged.labelled.id,
        "question": judged.labelled.question,
        "kind": judged.labelled.kind,
        "problem": judged.problem,
        "answered": judged.answered,
        "confidence": judged.confidence,
        "rank": judged.rank,
        "first": first and {"document": first.citation.document_id, "score": first.score, "text": first.text},
    }


def _labelled(line: str, place: str) -> LabelledQuestion:
    """The question of one line. Raises InvalidRequest, naming its place, when it is not one."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        why = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else "too large"
        raise InvalidRequest(f"{place}: not JSON: {why}.", "Write one JSON object a line.") from None
    if not isinstance(row, dict):
        raise InvalidRequest(f"{place}: not a JSON object.", "Write {id, question, answer} on each line.")
    missing = [name for name in ("id", "question", "answer") if name not in row]
    if missing:
        remedy = "Write null as the answer of a question that no approved text answers."
        raise InvalidRequest(f"{place}: {', '.join(missing)} missing.", remedy)
    try:
        question = checked_question(_text(row, "question", place) or "")
    except InvalidQuestion as error:
        raise InvalidRequest(f"{place}: {error.message}", error.remedy) from None
    identifier = _text(row, "id", place)
    if identifier is None:
        raise InvalidRequest(f"{place}: the id is null.", "Give each question an id of its own.")
    return LabelledQuestion(
        id=identifier,
        question=question,
        answer=_pattern(_text(row, "answer", place), place),
        kind=_text(row, "kind", place),
        document=_text(row, "document", place),
    )


def _text(row: Mapping[str, object], name: str, place: str) -> str | None:
    """A field that is null, missing, or text with something in it; what ids and names hold can be printed."""
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise InvalidRequest(f"{place}: {name} is not text, or empty.", "Write text, or null where none is meant.")
    if name in {"id", "kind", "document"} and not value.isprintable():
        raise InvalidRequest(f"{place}: {name} holds a character that cannot be printed.", "Write plain text.")
    return value


def _pattern(expression: str | None, place: str) -> re.Pattern[str] | None:
    if expression is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python may read differently one day is no fault of the file
            return re.compile(expression)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidRequest(f"{place}: the answer is no regular expression: {error}.", "Correct it.") from None

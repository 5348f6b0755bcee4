"""Labelled questions → the clinic's own calibration, written beside its documents for the next build.

Scale and offset are taken if they do better on questions apart from those that they were fitted to; the threshold moves
only where the questions show that it may or must. Where neither is so, nothing is written.
"""

import datetime
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qa.errors import InvalidRequest
from qa.evaluation.cross_fitting import Row, Standing, cross_fitted, standing
from qa.evaluation.judging import RANKS, LabelledQuestion, judge
from qa.evaluation.metrics import Rate, at_most
from qa.evaluation.scaling import UNCHANGED, Scaling, fit_scaling
from qa.evaluation.thresholds import Evidence, Threshold, logit_of, threshold_from
from qa.index.calibration import RATES, Calibration, sigmoid
from qa.index.manifest import CALIBRATION
from qa.records import Audience
from qa.search.engine import Engine
from qa.storage.files import write_durably

LEAST_ROWS = 5


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """What a fit to labelled questions came to.

    `now` is how the live calibration does on them, `fitted` how `calibration` does on folds that it was not fitted to.
    `same_as_now` is the confidence that the live threshold is called by it, and `threshold` the one from which it
    quotes: that rests on `evidence`, and lets through `false_answers` of all the questions. `rate` is the wanted one,
    in [0, 1]. Where it is not `is_better`, it says the same as the live one, and `fitted` is what was tried.
    """

    calibration: Calibration
    scaling: Scaling
    now: Standing
    fitted: Standing
    rate: float
    same_as_now: float
    threshold: float
    evidence: Evidence
    false_answers: Rate
    is_better: bool

    @property
    def at_most(self) -> float:
        """What the share of false answers does not exceed at the threshold, with 95 % confidence, in [0, 1]."""
        return at_most(*self.false_answers)

    @property
    def is_certified(self) -> bool:
        """Whether the questions show, with 95 % confidence, that the threshold keeps the rate."""
        return self.at_most <= self.rate


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fit to `questions` that have passages, and the file that holds its calibration: None if it was not better."""

    result: Recalibrated
    questions: int
    file: Path | None

    @property
    def calibration(self) -> Calibration:
        return self.result.calibration


def calibrate(
    engine: Engine,
    labelled: Sequence[LabelledQuestion],
    audience: Audience,
    corpus: Path,
    today: datetime.date,
    max_false_answer_rate: float,
) -> Fitted:
    """Fits the live generation's calibration to labelled questions, and writes it to `corpus`/calibration.json, unless
    it is no better than the live one.

    Raises InvalidRequest when fewer than 5 answerable or 5 unanswerable questions have a passage, UnknownAudience when
    the engine does not answer that audience, IndexUnavailable when no generation is open, CheckFailed should a fit not
    converge, and OSError when the file cannot be written: it is then as it was.
    """
    live = engine.searcher().generation.calibration
    rows = [_row(engine, live, question, audience) for question in labelled]
    questions = sum(row.is_weighed for row in rows)
    result = recalibrated(live, rows, max_false_answer_rate, f"qa calibrate, {questions} questions, {today}")
    if not result.is_better:
        return Fitted(result, questions, None)
    file = corpus / CALIBRATION
    write_durably(file, (json.dumps(result.calibration.as_json(), indent=2) + "\n").encode("utf-8"))
    return Fitted(result, questions, file)


def recalibrated(live: Calibration, rows: Sequence[Row], rate: float, source: str) -> Recalibrated:
    """The calibration that the rows support, with what it is worth on those that a part of it was not fitted to.

    Raises InvalidRequest when fewer than 5 answerable or 5 unanswerable rows have a passage, and CheckFailed should a
    fit not converge.
    """
    weighed = [row for row in rows if row.is_weighed]
    _check_enough(weighed)
    line = logit_of(live.threshold(rate))
    unanswerable = [row.logit for row in rows if not row.answerable]
    apart = cross_fitted(rows, line, rate)
    unscaled = [row.logit for row in rows]
    as_now = [row.logit >= line for row in rows]
    now, fitted = standing(rows, unscaled, as_now), standing(rows, *apart)

    threshold = threshold_from(unanswerable, line, rate, len(unanswerable))
    if fitted.is_dominated_by(now):
        threshold = Threshold(line, "kept")
    scaling = fit_scaling([row.logit for row in weighed], [row.right for row in weighed])
    if fitted.log_loss.value >= now.log_loss.value:
        scaling = UNCHANGED
    is_better = scaling != UNCHANGED or threshold.logit != line
    if is_better:
        logits = unscaled if scaling == UNCHANGED else apart[0]
        fitted = standing(rows, logits, as_now if threshold.logit == line else apart[1])
    calibration = scaling.applied_to(live, _thresholds(live, scaling, rate, threshold.logit), source)
    return Recalibrated(
        calibration=calibration,
        scaling=scaling,
        now=now,
        fitted=fitted,
        rate=rate,
        same_as_now=_confidence(scaling, line),
        threshold=calibration.threshold(rate),
        evidence=threshold.evidence,
        false_answers=_false_answers(unanswerable, scaling, calibration.threshold(rate)),
        is_better=is_better,
    )


def _thresholds(live: Calibration, scaling: Scaling, rate: float, line: float) -> tuple[tuple[float, float], ...]:
    """The live thresholds as the scaling calls them, but for that of `rate`: `line`, in the live log-odds.

    A stricter rate has none below it, and a laxer one none above it.
    """
    pairs = []
    for each in sorted({*RATES, rate, *(measured for measured, _ in live.thresholds)}):
        own = logit_of(live.threshold(each))
        held = line if each == rate else max(own, line) if each < rate else min(own, line)
        pairs.append((each, _confidence(scaling, held)))
    return tuple(pairs)


def _confidence(scaling: Scaling, logit: float) -> float:
    return 1.0 if logit == math.inf else sigmoid(scaling(logit))


def _false_answers(unanswerable: Sequence[float], scaling: Scaling, threshold: float) -> Rate:
    """By confidences, which the service compares; far out, different log-odds have the same one."""
    return Rate(sum(_confidence(scaling, logit) >= threshold for logit in unanswerable), len(unanswerable))


def _check_enough(rows: Sequence[Row]) -> None:
    answerable = sum(row.answerable for row in rows)
    unanswerable = len(rows) - answerable
    if min(answerable, unanswerable) < LEAST_ROWS:
        raise InvalidRequest(
            f"{answerable} questions are answerable and {unanswerable} unanswerable; {LEAST_ROWS} of each are needed.",
            "Add some of the other kind.",
        )


def _row(engine: Engine, live: Calibration, question: LabelledQuestion, audience: Audience) -> Row:
    signals = engine.consider(question.question, audience).signals
    judged = judge(question, engine.ask(question.question, audience, RANKS))
    return Row(live.logit(signals) if signals else -math.inf, judged.found, judged.answerable)

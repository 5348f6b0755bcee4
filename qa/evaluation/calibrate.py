"""Labelled questions → the clinic's own calibration, written beside its documents for the next build."""

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qa.evaluation.judging import LabelledQuestion
from qa.index.calibration import Calibration, recalibrated
from qa.index.manifest import CALIBRATION
from qa.records import Audience
from qa.search.engine import Engine
from qa.storage.files import write_durably


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibration, the number of questions that it was fitted to, and the file that now holds it."""

    calibration: Calibration
    questions: int
    file: Path


def calibrate(
    engine: Engine, labelled: Sequence[LabelledQuestion], audience: Audience, corpus: Path, today: datetime.date
) -> Fitted:
    """Fits the live generation's calibration to labelled questions, and writes it to `corpus`/calibration.json.

    A question for which no passage is found is not counted. Raises InvalidRequest when fewer than 5 answerable or 5
    unanswerable questions are left, UnknownAudience when the engine does not answer that audience, IndexUnavailable
    when no generation is open, and OSError when the file cannot be written: it is then as it was.
    """
    rows = []
    for row in labelled:
        signals = engine.consider(row.question, audience).signals
        if signals:
            rows.append((signals, row.answer is not None))
    calibration = recalibrated(
        engine.searcher().generation.calibration, rows, f"qa calibrate, {len(rows)} questions, {today}"
    )
    file = corpus / CALIBRATION
    write_durably(file, (json.dumps(calibration.as_json(), indent=2) + "\n").encode("utf-8"))
    return Fitted(calibration, len(rows), file)

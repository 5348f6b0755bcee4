"""Makes `qa/index/calibration.json`: how the reader's log-odds become the probability that the first passages answer.

A logistic regression over labelled questions, as `qa evaluate` takes them, each file with an index that its questions
are asked of and whose passages are read. A question counts for what its surest passage was given; it is right when
something answers it and stands in one of the first three passages. The thresholds are those of the questions without an
answer. Prints how well each file is judged by a fit to the others, so that no row is judged by what was fitted on it.

    python -m scripts.train_calibration --questions FILE INDEX --questions FILE INDEX [--output FILE]
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from qa.errors import InvalidRequest
from qa.evaluation.judging import RANKS, judge, load_questions
from qa.evaluation.metrics import auroc, expected_calibration_error, reliability
from qa.index.calibration import PACKAGED, thresholds_for
from qa.reader.onnx_runtime import OnnxReader
from qa.search.engine import open_engine
from qa.settings import Settings

INVERSE_REGULARISATION = 10.0
DECIMALS = 4


@dataclass(frozen=True, slots=True)
class AskedQuestions:
    """What came of a file's questions, an entry each: the surest passage's log-odds, and whether they were right."""

    name: str
    log_odds: NDArray[np.float64]
    right: NDArray[np.bool_]
    answerable: NDArray[np.bool_]


def ask(file: Path, index_folder: Path) -> AskedQuestions:
    """Asks every question of a file. Raises InvalidRequest when the index carries a calibration that reads nothing."""
    engine = open_engine(Settings(index=index_folder))
    if not engine.searcher().generation.calibration.reads:
        raise InvalidRequest(f"The passages of {index_folder} are not read.", "Build it with the packaged calibration.")
    log_odds, right, answerable = [], [], []
    for labelled in load_questions(file):
        read = engine.consider(labelled.question).read
        if read:
            log_odds.append(max(one.verdict.answers for one in read))
            right.append(judge(labelled, engine.ask(labelled.question, limit=RANKS)).found)
            answerable.append(labelled.answer is not None)
    return AskedQuestions(file.name, np.asarray(log_odds), np.asarray(right), np.asarray(answerable))


def fit(sets: Sequence[AskedQuestions]) -> LogisticRegression:
    rows = np.concatenate([asked.log_odds for asked in sets])[:, None]
    return LogisticRegression(C=INVERSE_REGULARISATION).fit(rows, np.concatenate([asked.right for asked in sets]))


def confidences(model: LogisticRegression, log_odds: NDArray[np.float64]) -> list[float]:
    probabilities: list[float] = model.predict_proba(log_odds[:, None])[:, 1].tolist()
    return probabilities


def report(asked: AskedQuestions, others: Sequence[AskedQuestions]) -> str:
    """One line: how well a file's questions are judged by a fit to the others."""
    found = np.asarray(confidences(fit(others), asked.log_odds))
    error = expected_calibration_error(reliability(found.tolist(), asked.right.tolist()))
    area = auroc(found[asked.answerable].tolist(), found[~asked.answerable].tolist())
    return f"{asked.name}: {len(found)} questions, AUROC {area or 0.0:.3f}, calibration error {error or 0.0:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, nargs=2, action="append", metavar=("FILE", "INDEX"), required=True)
    parser.add_argument("--output", type=Path, default=PACKAGED)
    arguments = parser.parse_args()
    sets = [ask(file, index_folder) for file, index_folder in arguments.questions]
    for number, asked in enumerate(sets):
        if len(sets) > 1:
            print(report(asked, [*sets[:number], *sets[number + 1 :]]))
    model = fit(sets)
    unanswerable = np.concatenate([asked.log_odds[~asked.answerable] for asked in sets])
    total = sum(len(asked.log_odds) for asked in sets)
    content = {
        "source": f"scripts/train_calibration.py, {total} questions, {len(unanswerable)} of them without an answer",
        "weights": {"reader": round(float(model.coef_[0][0]), DECIMALS)},
        "bias": round(float(model.intercept_[0]), DECIMALS),
        "thresholds": [list(pair) for pair in thresholds_for(confidences(model, unanswerable))],
        "reader_sha256": OnnxReader().sha256,  # what every index above was opened with
    }
    arguments.output.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    print(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()

"""Makes `qa/index/calibration.json`: how a question's signals become the probability that its first passages answer.

The weights come from a logistic regression on a BEIR-layout set that says which queries its corpus answers; scale, bias
and thresholds from labelled questions of a clinic's kind (`--questions FILE INDEX`, as `qa evaluate` takes them), with
the index that they are asked of. Prints the figures of ten-fold cross-validation, in which no row is judged by what was
fitted on it.

    python -m scripts.train_calibration DIR --corpus FILE.jsonl.gz --exclude IDS --cache DIR --questions FILE INDEX …
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from qa import Engine, Settings, open_engine
from qa.encoder.export import ExportingEncoders
from qa.evaluation.judging import load_questions
from qa.evaluation.metrics import auroc, expected_calibration_error, operating_points, reliability
from qa.index.calibration import PACKAGED, thresholds_for
from qa.records import Audience, Signals
from scripts.beir import AUDIENCE, build_index, read_data_set, read_documents

Matrix = NDArray[np.float64]
FOLDS = 10
INVERSE_REGULARISATION = 10.0
REQUIRED = ("words_known", "number_given")
NAMES = tuple(field.name for field in fields(Signals) if field.name not in REQUIRED)
REQUIRED_WEIGHT = 10.0
"""That of either of REQUIRED, set and not fitted: without them, hardly anything else counts."""


def signals(engine: Engine, questions: Sequence[str], audience: Audience) -> tuple[Matrix, Matrix]:
    """The fitted signals of each question, a row each, and what the required ones add; zeros without passages."""
    rows = []
    for question in questions:
        found = engine.consider(question[:1000], audience).signals
        rows.append([getattr(found, name) if found else 0.0 for name in (*NAMES, *REQUIRED)])
    table = np.array(rows)
    return table[:, : len(NAMES)], REQUIRED_WEIGHT * (table[:, len(NAMES) :] - 1).sum(axis=1)


def fit(rows: Matrix, labels: NDArray[np.int64]) -> LogisticRegression:
    return LogisticRegression(C=INVERSE_REGULARISATION, max_iter=10_000).fit(rows, labels)


def out_of_fold(rows: Matrix, labels: NDArray[np.int64]) -> Matrix:
    """The logit of each row by the regression fitted on the other folds."""
    logits = np.zeros(len(rows))
    for train, test in KFold(FOLDS, shuffle=True, random_state=0).split(rows):
        logits[test] = fit(rows[train], labels[train]).decision_function(rows[test])
    return logits


def report(name: str, probabilities: Matrix, labels: NDArray[np.int64]) -> None:
    positive, negative = probabilities[labels == 1].tolist(), probabilities[labels == 0].tolist()
    points = operating_points(positive, negative)
    covered = {rate: max((p.answered for p in points if p.false_answers <= rate), default=0.0) for rate in (0.01, 0.05)}
    bins = reliability(probabilities.tolist(), [bool(label) for label in labels])
    print(
        f"{name}: {len(labels)} rows, AUROC {auroc(positive, negative):.4f}, coverage at 1 % {covered[0.01]:.3f}, "
        f"at 5 % {covered[0.05]:.3f}, ECE {expected_calibration_error(bins):.3f}"
    )


def sigmoid(logits: Matrix) -> Matrix:
    result: Matrix = 1 / (1 + np.exp(-logits))
    return result


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--exclude", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--questions", type=Path, nargs=2, action="append", metavar=("FILE", "INDEX"), required=True)
    parser.add_argument("--output", type=Path, default=PACKAGED)
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    rows, required, labels = _data_set(arguments)
    logits = out_of_fold(rows, labels) + required
    report("data set, out of fold", sigmoid(logits), labels)
    model = fit(rows, labels)
    parts = [_questions(file, index) for file, index in arguments.questions]
    question_rows, question_required, question_labels = (np.concatenate(column) for column in zip(*parts, strict=True))
    question_logits = model.decision_function(question_rows) + question_required
    scale = fit(question_logits[:, None], question_labels)
    scaled = out_of_fold(question_logits[:, None], question_labels)
    report("questions, scale out of fold", sigmoid(scaled), question_labels)
    slope, offset = float(scale.coef_[0][0]), float(scale.intercept_[0])
    confidences = sigmoid(slope * question_logits + offset)
    content = {
        "source": "scripts/train_calibration.py: weights from a labelled data set, scale from clinic questions",
        "weights": {name: round(slope * float(w), 4) for name, w in zip(NAMES, model.coef_[0], strict=True)}
        | dict.fromkeys(REQUIRED, round(slope * REQUIRED_WEIGHT, 4)),
        "bias": round(slope * (float(model.intercept_[0]) - len(REQUIRED) * REQUIRED_WEIGHT) + offset, 4),
        "thresholds": [list(pair) for pair in thresholds_for(confidences[question_labels == 0].tolist())],
    }
    arguments.output.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    print(json.dumps(content, indent=2))


def _data_set(arguments: argparse.Namespace) -> tuple[Matrix, Matrix, NDArray[np.int64]]:
    data = read_data_set(arguments.folder, None)
    _, documents = read_documents(arguments.corpus, frozenset(arguments.exclude.read_text("utf-8").split()))
    settings = Settings(index=arguments.cache, corpus=arguments.folder / ".no-corpus")
    build_index(documents, settings, ExportingEncoders(settings.index, None), lambda _done, _total: None)
    labelled = [identifier for identifier in data.queries if identifier in data.answerable]
    rows, required = signals(open_engine(settings), [data.queries[identifier] for identifier in labelled], AUDIENCE)
    return rows, required, np.array([int(data.answerable[identifier]) for identifier in labelled])


def _questions(file: Path, index_folder: Path) -> tuple[Matrix, Matrix, NDArray[np.int64]]:
    questions = load_questions(file)
    engine = open_engine(Settings(index=index_folder))
    rows, required = signals(engine, [question.question for question in questions], "patient")
    return rows, required, np.array([int(question.answer is not None) for question in questions])


if __name__ == "__main__":
    main()

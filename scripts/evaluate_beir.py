"""Runs a BEIR-layout data set through the product's own chunker, encoder, index and ranker.

A document ranks by its best passage. Prints nDCG@10, recall@10 and P@1 and, where the set says which queries the corpus
answers at all (answerability.tsv), AUROC and coverage at 1 % and 5 % false answers. The index is kept in `--cache`, so
that a second run embeds nothing.

    python -m scripts.evaluate_beir DIR [--corpus FILE.jsonl.gz] [--exclude IDS] [--limit-queries N] [--cache DIR]
                                        [--ablate] [--json]
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa import Engine, Settings, open_engine
from qa.encoder.export import ExportingEncoders
from qa.evaluation.metrics import auroc, operating_points
from qa.records import RankedPassage
from qa.search.rank import (
    COSINE_WEIGHT,
    COVERAGE_WEIGHT,
    LEAST_COVERED_WEIGHT,
    TERM_WEIGHT,
    least_covered_share,
)
from scripts.beir import AUDIENCE, DataSet, build_index, read_data_set, read_documents

DEPTH = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """One query: its passages in order, with the data set's ids of their documents, and the confidence."""

    identifier: str
    passages: tuple[RankedPassage, ...]
    documents: tuple[str, ...]
    words: int
    confidence: float


def ask_all(engine: Engine, data: DataSet, ids: Mapping[str, str]) -> list[Asked]:
    asked: list[Asked] = []
    for number, (identifier, text) in enumerate(data.queries.items(), start=1):
        considered = engine.consider(text[:1000], AUDIENCE)
        passages = considered.index.passages
        documents = tuple(ids[passages[one.passage].document_id] for one in considered.ranked)
        words = len(considered.question.words)
        asked.append(Asked(identifier, tuple(considered.ranked), documents, words, considered.confidence))
        if number % 200 == 0:
            print(f"asked {number}/{len(data.queries)}", file=sys.stderr)
    return asked


def document_order(asked: Asked, score: Callable[[RankedPassage, int], float] | None = None) -> list[str]:
    """The documents, each at its best passage; by another score than the ranker's where one is given."""
    order = list(range(len(asked.passages)))
    if score is not None:
        order.sort(key=lambda number: -score(asked.passages[number], asked.words))
    return list(dict.fromkeys(asked.documents[number] for number in order))


def ranking_figures(
    asked: Sequence[Asked], data: DataSet, score: Callable[[RankedPassage, int], float] | None = None
) -> dict[str, float]:
    """nDCG@10 (the gain is the grade), recall@10 and P@1 over the queries that have a relevant document."""
    gains: list[float] = []
    recalls: list[float] = []
    firsts: list[float] = []
    for one in asked:
        grades = data.relevant.get(one.identifier)
        if not grades:
            continue
        top = [grades.get(document, 0) for document in document_order(one, score)[:DEPTH]]
        gains.append(_dcg(top) / _dcg(sorted(grades.values(), reverse=True)[:DEPTH]))
        recalls.append(sum(grade > 0 for grade in top) / sum(grade > 0 for grade in grades.values()))
        firsts.append(float(bool(top) and top[0] > 0))
    count = max(1, len(gains))
    return {"ndcg@10": sum(gains) / count, "recall@10": sum(recalls) / count, "p@1": sum(firsts) / count}


def answer_figures(asked: Sequence[Asked], data: DataSet) -> dict[str, float | None]:
    """AUROC of the confidence, and the share of answerable queries answered at each rate of false answers."""
    answerable = [one.confidence for one in asked if data.answerable.get(one.identifier) is True]
    unanswerable = [one.confidence for one in asked if data.answerable.get(one.identifier) is False]
    points = operating_points(answerable, unanswerable)
    figures: dict[str, float | None] = {"auroc": auroc(answerable, unanswerable)}
    for rate in (0.01, 0.05):
        covered = [point.answered for point in points if point.false_answers <= rate]
        figures[f"coverage@{rate:.0%}"] = max(covered, default=0.0)
    return figures


def ablations() -> dict[str, Callable[[RankedPassage, int], float]]:
    """Each signal alone, each pair, all: scores over the candidates that were compared closely."""
    signals: dict[str, Callable[[RankedPassage, int], float]] = {
        "passage": lambda one, _words: COSINE_WEIGHT * one.candidate.cosine,
        "terms": lambda one, _words: TERM_WEIGHT * one.candidate.term_score,
        "token": lambda one, words: (
            COVERAGE_WEIGHT * one.mean_coverage
            + LEAST_COVERED_WEIGHT * least_covered_share(words) * min(one.token_coverage, default=1.0)
        ),
    }
    names = list(signals)
    sets = [[name] for name in names]
    sets += [[first, second] for number, first in enumerate(names) for second in names[number + 1 :]]
    sets.append(names)

    def total(chosen: Sequence[str]) -> Callable[[RankedPassage, int], float]:
        return lambda one, words: sum(signals[name](one, words) for name in chosen)

    table = {" + ".join(chosen): total(chosen) for chosen in sets}
    table["all without the least-covered token"] = lambda one, words: (
        sum(signals[name](one, words) for name in names[:3]) + COVERAGE_WEIGHT * one.mean_coverage
    )
    return table


def _dcg(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(rank + 2) for rank, grade in enumerate(grades))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="the data set: queries.jsonl, qrels/test.tsv")
    parser.add_argument("--corpus", type=Path, help="corpus.jsonl or .jsonl.gz; that of DIR unless given")
    parser.add_argument("--exclude", type=Path, metavar="IDS", help="file of document ids to leave out")
    parser.add_argument("--limit-queries", type=int, metavar="N")
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="where the index is kept; beside the set unless given"
    )
    parser.add_argument("--ablate", action="store_true", help="print the figures of each part of the ranking")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    started = time.monotonic()
    corpus = arguments.corpus or next(
        path for name in ("corpus.jsonl", "corpus.jsonl.gz") if (path := arguments.folder / name).exists()
    )
    excluded = frozenset(arguments.exclude.read_text("utf-8").split()) if arguments.exclude else frozenset()
    data = read_data_set(arguments.folder, arguments.limit_queries)
    ids, documents = read_documents(corpus, excluded)
    cache = arguments.cache or arguments.folder / ".cache"
    settings = Settings(index=cache, corpus=arguments.folder / ".no-corpus")
    report = build_index(documents, settings, ExportingEncoders(cache, None), _progress)
    asked = ask_all(open_engine(settings), data, ids)
    figures: dict[str, float | None] = {**ranking_figures(asked, data)}
    if data.answerable:
        figures |= answer_figures(asked, data)
    figures |= {"seconds": round(time.monotonic() - started, 1), "passages": report.passages}
    table = (
        {name: ranking_figures(asked, data, score) for name, score in ablations().items()} if arguments.ablate else {}
    )
    if arguments.json:
        print(json.dumps(figures | ({"ablation": table} if table else {}), indent=2))
        return
    for name, value in figures.items():
        shown = f"{value:.4f}" if isinstance(value, float) else value
        print(f"{name:14} {shown}")
    for name, row in table.items():
        print(f"{name:42} " + "  ".join(f"{key} {value:.3f}" for key, value in row.items()))


def _progress(done: int, total: int) -> None:
    if done % 500 == 0 and total > 0:
        print(f"embedded {done}/{total} passages", file=sys.stderr)


if __name__ == "__main__":
    main()

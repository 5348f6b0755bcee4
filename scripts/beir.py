"""A BEIR-layout data set through the product's own chunker, encoder and index."""

import csv
import datetime
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from qa.corpus.formats.canonical import Builder
from qa.encoder.protocol import EncoderMaker
from qa.indexer.build import BuildReport, build
from qa.indexer.embedding import Progress
from qa.indexer.plan import Companions, make_plan, make_recipe
from qa.records import Approval, Audience, Document
from qa.settings import Settings
from qa.storage.files import sha256_of_text

_PARAGRAPH = re.compile(r"\n\s*\n")
AUDIENCE: Audience = "staff"


@dataclass(frozen=True, slots=True)
class DataSet:
    """Queries by id, their graded relevant documents, and (where labelled) which the corpus answers at all."""

    queries: Mapping[str, str]
    relevant: Mapping[str, Mapping[str, int]]
    answerable: Mapping[str, bool]


def read_data_set(folder: Path, limit_queries: int | None) -> DataSet:
    """Raises OSError, ValueError or KeyError when the folder has not the BEIR layout."""
    rows = [json.loads(line) for line in (folder / "queries.jsonl").read_text("utf-8").splitlines()]
    queries = {row["_id"]: row["text"] for row in rows[:limit_queries]}
    relevant: dict[str, dict[str, int]] = {}
    for query, document, grade in _table(folder / "qrels" / "test.tsv"):
        if query in queries:
            relevant.setdefault(query, {})[document] = int(grade)
    labels = folder / "answerability.tsv"
    answerable = {row[0]: row[1] == "1" for row in _table(labels) if row[0] in queries} if labels.exists() else {}
    return DataSet(queries, relevant, answerable)


def read_documents(path: Path, excluded: frozenset[str]) -> tuple[dict[str, str], tuple[Document, ...]]:
    """The corpus as documents, with a map from their ids here to the data set's. Empty texts are left out."""
    ids: dict[str, str] = {}
    documents: list[Document] = []
    for number, row in enumerate(_rows(path)):
        if row["_id"] in excluded:
            continue
        builder = Builder()
        for paragraph in _PARAGRAPH.split(row["text"]):
            builder.paragraph(paragraph)
        canonical = builder.build(row["title"] or None)
        if not canonical.text:
            continue
        identifier = f"d{number}"
        ids[identifier] = row["_id"]
        documents.append(
            Document(_approval(identifier, row["title"], canonical.text), canonical.text, canonical.sections)
        )
    return ids, tuple(documents)


def build_index(
    documents: tuple[Document, ...], settings: Settings, encoders: EncoderMaker, progress: Progress
) -> BuildReport:
    """Builds (or takes up again) the generation of these documents in the settings' index folder."""
    companions = Companions.of(settings.corpus)
    recipe = make_recipe(encoders.planned(), settings.passage_words, companions)
    plan = make_plan(recipe, {"patient": (), "staff": documents}, (), companions)
    return build(plan, sha256_of_text(""), settings.index, encoders, progress)


def _approval(identifier: str, title: str, text: str) -> Approval:
    day = datetime.date(2026, 1, 1)
    digest = sha256_of_text(text)
    return Approval(identifier, f"{identifier}.txt", title or " ", "staff", digest, digest, "data set", day, day)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def _table(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream, delimiter="\t")
        next(rows)
        yield from rows

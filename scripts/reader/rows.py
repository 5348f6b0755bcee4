"""Rows to train a reader on: a question, a passage, and which of its sentences answer. Files → rows → tokens."""

import bisect
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from qa.errors import InvalidRequest
from qa.reader.onnx_runtime import MAX_TOKENS
from qa.reader.protocol import ReadablePassage
from qa.records import Span

OUTSIDE = -1
"""The owner of a token that stands in no sentence."""
MEND = "Mend the file."


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage as a row gives it: `title` and `heading` may be empty, `sentences` are at least one."""

    title: str
    heading: str
    sentences: tuple[str, ...]

    @property
    def readable(self) -> ReadablePassage:
        """The passage as the product hands it to its reader."""
        headings = " › ".join(part for part in (self.title, self.heading) if part)
        spans, start = [], 0
        for sentence in self.sentences:
            spans.append(Span(start, start + len(sentence)))
            start += len(sentence) + 1
        return ReadablePassage(f"{headings}." if headings else "", " ".join(self.sentences), spans)


@dataclass(frozen=True, slots=True)
class Row:
    """A question with a passage.

    `needed` are the numbers, from 0, of the sentences that answer; empty where none does, and where `marked` is false:
    there only yes or no is known. `weight` is what the row counts beside one of 1.0.
    """

    question: str
    passage: Passage
    needed: tuple[int, ...]
    answered: bool
    kind: str
    marked: bool = True
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A row as the model takes it; `ids`, `types` and `owners` are of one length, at most MAX_TOKENS.

    `owners` holds, for each token, the number of the sentence that it stands in, or OUTSIDE.
    """

    row: Row
    ids: tuple[int, ...]
    types: tuple[int, ...]
    owners: tuple[int, ...]


def read_written(path: Path) -> list[Row]:
    """The rows of a file of written passages: JSON Lines, a passage a line with its questions.

    Raises InvalidRequest, naming file, passage and question, when a sentence's number is not one of the passage's.
    """
    rows = []
    for place, line in _objects(path, path.read_text("utf-8").splitlines()):
        where = f"{path.name}, passage {line.get('id', place)}"
        passage = _passage(line, where)
        for number, question in enumerate(line["questions"], start=1):
            needed = _needed(question["a"], passage, f"{where}, question {number}")
            rows.append(Row(question["q"], passage, needed, bool(needed), question["kind"]))
    return rows


def read_public(path: Path) -> list[Row]:
    """The rows of a gzip file of public sets: JSON Lines, a question a line. Those marked `held` are left out.

    Raises InvalidRequest, naming file and line, when a sentence's number is not one of the passage's.
    """
    rows = []
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for place, line in _objects(path, stream.read().splitlines()):
            if line.get("split") == "held":
                continue
            where = f"{path.name}, {place}"
            passage = _passage(line, where)
            marked = not line.get("noev")
            needed = _needed(line["a"], passage, where) if marked else ()
            answered = bool(needed) if marked else bool(line["y"])
            rows.append(Row(line["q"], passage, needed, answered, line["src"], marked))
    return rows


def open_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer as the product's reader sets it up."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def tokenised(tokenizer: Tokenizer, rows: Sequence[Row]) -> list[TokenRow]:
    """The rows as tokens, in order, exactly as the product's reader makes them."""
    made = []
    for row in rows:
        passage = row.passage.readable
        text = f"{passage.context} {passage.text}".lstrip()
        start = len(text) - len(passage.text)
        firsts = [start + sentence.start for sentence in passage.sentences]
        tokens = tokenizer.encode(row.question, text)
        owners = tuple(
            bisect.bisect_right(firsts, first) - 1 if sequence == 1 and first < last else OUTSIDE
            for sequence, (first, last) in zip(tokens.sequence_ids, tokens.offsets, strict=True)
        )
        made.append(TokenRow(row, tuple(tokens.ids), tuple(tokens.type_ids), owners))
    return made


def _objects(path: Path, lines: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise InvalidRequest(f"{path.name}, {place}: no JSON object.", MEND)
        yield place, found


def _passage(line: Mapping[str, Any], where: str) -> Passage:
    sentences = tuple(line["sentences"])
    if not sentences or any(not sentence.strip() for sentence in sentences):
        raise InvalidRequest(f"{where}: a passage needs sentences, and none of them empty.", MEND)
    return Passage(line["title"], line["heading"], sentences)


def _needed(numbers: Sequence[object], passage: Passage, where: str) -> tuple[int, ...]:
    count = len(passage.sentences)
    needed = tuple(number for number in numbers if type(number) is int and 0 <= number < count)
    if len(set(needed)) != len(numbers):
        raise InvalidRequest(
            f"{where}: sentences {list(numbers)} are not among the passage's 0 to {count - 1}, or named twice.", MEND
        )
    return needed

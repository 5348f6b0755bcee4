"""Rows with a name swapped, so that the reader learns that another medicine is another medicine.

In the question alone the passage no longer answers; in question and passage alike it still does, whatever the name.
"""

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from scripts.reader.rows import Passage, Row

LISTS = Path(__file__).with_name("names.toml")
WEIGHT = 0.7
ASK_ANOTHER = 0.8
"""The share of answered rows with a name that also become a near miss."""
RENAME_BOTH = 0.5
"""The share of rows with a name that are repeated under another name."""

_WORD = re.compile(r"[a-z]+")


def read_groups(path: Path = LISTS) -> dict[str, tuple[str, ...]]:
    """For each name, in lower case, the names of its group, itself among them."""
    groups = [tuple(group["names"].split()) for group in tomllib.loads(path.read_text("utf-8")).values()]
    return {name: group for group in groups for name in group}


def swapped(rows: Sequence[Row], groups: Mapping[str, Sequence[str]], chance: random.Random) -> list[Row]:
    """The rows that swapping a name makes, of those whose question names something that the passage names too.

    The new name is of the same group and stands in neither question nor passage.
    """
    made = []
    for row in rows:
        passage_names = _names(" ".join((row.passage.title, row.passage.heading, *row.passage.sentences)), groups)
        question_names = _names(row.question, groups)
        shared = [name for name in question_names if name in passage_names]
        if not row.marked or not shared:
            continue
        old = chance.choice(shared)
        new = chance.choice([name for name in groups[old] if name not in {*passage_names, *question_names}])
        question = renamed(row.question, old, new)
        if row.needed and chance.random() < ASK_ANOTHER:
            made.append(replace(row, question=question, needed=(), answered=False, kind="near-swap", weight=WEIGHT))
        if chance.random() < RENAME_BOTH:
            passage = _renamed_passage(row.passage, old, new)
            made.append(replace(row, question=question, passage=passage, kind="swap", weight=WEIGHT))
    return made


def renamed(text: str, old: str, new: str) -> str:
    """The text with another name wherever the old one is a whole word, in capitals or with one where that was."""

    def replacement(match: re.Match[str]) -> str:
        word = match.group()
        if word.isupper() and len(word) > 1:
            return new.upper()
        return new.capitalize() if word[0].isupper() else new

    return re.sub(rf"\b{re.escape(old)}\b", replacement, text, flags=re.IGNORECASE)


def _renamed_passage(passage: Passage, old: str, new: str) -> Passage:
    sentences = tuple(renamed(sentence, old, new) for sentence in passage.sentences)
    return Passage(renamed(passage.title, old, new), renamed(passage.heading, old, new), sentences)


def _names(text: str, groups: Mapping[str, Sequence[str]]) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word in groups]

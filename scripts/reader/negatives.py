"""Near misses that nobody wrote: questions with passages that don't answer them.

Some are drawn blindly; some are what the product's own encoder finds, for those are what its reader meets.
"""

import random
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from qa.encoder.protocol import Encoder
from scripts.reader.rows import Passage, Row

BLIND_SHARE = 5
"""One in so many answered rows is repeated with another passage."""
SEARCHED, COMPARED = 12, 6
"""How many of the nearest passages are looked at, and how many of other titles are kept."""
TAKEN = {True: 0.5, False: 0.25}
"""The share of answered questions and of near misses that get a retrieved passage."""
NEAREST_FIRST = 0.6
"""How often that is the nearest; else any that was kept."""
RARE = 25
"""A word that stands in fewer passages than this says what the question is about."""
WEIGHT = 0.7

_ORDINARY = frozenset(
    """
    a an the is are was were be do does did i you my me your it its to of in on for at and or if can could will would
    should have has had with what when how who where which why that this from by as so not am im there any about after
    before us we our they them he she his her get take go need long much many often just hi um hello sorry quick
    question mum mom dad
    """.split()
)
_ENDING = re.compile(r"(ies|es|s|ing|ed|ation|al)$")
_WORD = re.compile(r"[a-z]+")


def blind(rows: Sequence[Row], chance: random.Random) -> list[Row]:
    """A fifth of the answered rows, each with the passage of a row drawn from all of them; one that draws its own is
    left out."""
    answered = [row for row in rows if row.answered]
    drawn = [(row, chance.choice(rows).passage) for row in chance.sample(answered, len(answered) // BLIND_SHARE)]
    return [Row(row.question, passage, (), False, "near-blind") for row, passage in drawn if passage != row.passage]


def retrieved(rows: Sequence[Row], encoder: Encoder, chance: random.Random) -> list[Row]:
    """Questions of the rows with passages of other rows that are near to them and lack a word of their subject.

    A word is of the subject when the question's own passage holds it and few others do.
    """
    passages = list(dict.fromkeys(row.passage for row in rows))
    number_of = {passage: number for number, passage in enumerate(passages)}
    words = [_words(_text(passage)) for passage in passages]
    spread = Counter(word for each in words for word in each)
    nearest = _nearest([row.question for row in rows], [_text(passage) for passage in passages], encoder)
    made = []
    for row, order in zip(rows, nearest, strict=True):
        own = number_of[row.passage]
        others = [number for number in order if number != own and passages[number].title != row.passage.title]
        subject = {word for word in _words(row.question) if word in words[own] and spread[word] < RARE}
        lacking = [number for number in others[:COMPARED] if not subject <= words[number]]
        if not lacking or chance.random() >= TAKEN[row.answered]:
            continue
        taken = lacking[0] if chance.random() < NEAREST_FIRST else chance.choice(lacking)
        made.append(Row(row.question, passages[taken], (), False, "near-retrieved", weight=WEIGHT))
    return made


def _nearest(questions: Sequence[str], passages: Sequence[str], encoder: Encoder) -> list[list[int]]:
    """For each question, the numbers of the SEARCHED passages with the highest cosine, best first."""
    passage_vectors = np.stack([encoding.vector for encoding in encoder.encode(passages)])
    question_vectors = np.stack([encoding.vector for encoding in encoder.encode(questions)])
    cosines = question_vectors @ passage_vectors.T
    return [np.argsort(-row, kind="stable")[:SEARCHED].tolist() for row in cosines]


def _text(passage: Passage) -> str:
    readable = passage.readable
    return f"{readable.context} {readable.text}".lstrip()


def _words(text: str) -> frozenset[str]:
    found = (word for word in _WORD.findall(text.lower()) if word not in _ORDINARY and len(word) > 2)
    return frozenset(_ENDING.sub("", word) if len(word) > 4 else word for word in found)

"""The score rises with every signal, lies in [0, 1], and equal scores stand in the order of the documents."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.encoder.protocol import Encoding, Vectors
from qa.index.generation import AudienceIndex
from qa.records import Candidate, QuestionWord, RankedPassage, Span
from qa.search.query import Question
from qa.search.rank import RERANKED, rank
from qa.search.retrieve import Candidates

shares = st.floats(0, 1, width=32)
cosines = st.floats(-1, 1, width=32)


@dataclass
class Covered:
    """Stands for the token index: the coverage of each passage, given."""

    rows: Mapping[int, tuple[float, ...]]

    def coverage(self, numbers: list[int], question_tokens: Vectors) -> Vectors:
        found = np.array([self.rows[number] for number in numbers], np.float32)
        return found.reshape(len(numbers), len(question_tokens))


@dataclass
class Index:
    """Stands for an audience's index that says of each candidate what it is told to say."""

    tokens: Covered


def ranked(
    candidates: Sequence[Candidate], rows: Mapping[int, tuple[float, ...]], question: Question, limit: int = RERANKED
) -> tuple[RankedPassage, ...]:
    arrays = Candidates(
        np.array([candidate.passage for candidate in candidates], np.int64),
        np.array([candidate.cosine for candidate in candidates]),
        np.array([candidate.term_score for candidate in candidates]),
    )
    return tuple(rank(cast("AudienceIndex", Index(Covered(rows))), arrays, question, limit))


def question_of(tokens: int, words: int | None = None) -> Question:
    """A question of so many tokens, the first of them words."""
    found = tuple(QuestionWord("w", n, (), (n,), 1.0) for n in range(tokens if words is None else words))
    spans = tuple(Span(n, n + 1) for n in range(tokens))
    return Question("", Encoding(np.zeros(2, np.float32), np.zeros((tokens, 2), np.float32), spans), found)


def score_of(candidate: Candidate, coverage: tuple[float, ...]) -> float:
    (only,) = ranked([candidate], {candidate.passage: coverage}, question_of(len(coverage)))
    return only.score


CANDIDATE = Candidate(0, 0.4, 0.5)
COVERAGE = (0.5, 0.4)


@pytest.mark.parametrize(
    ("better", "coverage"),
    [
        (replace(CANDIDATE, cosine=0.5), COVERAGE),
        (replace(CANDIDATE, term_score=0.6), COVERAGE),
        (CANDIDATE, (0.6, 0.4)),
        (CANDIDATE, (0.5, 0.5)),
    ],
    ids=["passage", "terms", "a token", "the least-covered token"],
)
def test_the_score_rises_with_each_signal(better: Candidate, coverage: tuple[float, ...]) -> None:
    assert score_of(better, coverage) > score_of(CANDIDATE, COVERAGE)


def test_the_least_covered_token_weighs_more_than_another() -> None:
    assert score_of(CANDIDATE, (0.5, 0.5)) > score_of(CANDIDATE, (0.6, 0.4))


def test_a_passage_that_has_everything_scores_1_and_one_that_has_nothing_0() -> None:
    assert score_of(Candidate(0, 1.0, 1.0), (1.0, 1.0)) == pytest.approx(1.0)
    assert score_of(Candidate(0, 0.0, 0.0), (0.0, 0.0)) == 0.0
    assert score_of(Candidate(0, -1.0, 0.0), (-1.0,)) == 0.0


def test_what_the_score_is_made_of_is_kept() -> None:
    (only,) = ranked([CANDIDATE], {0: (0.5, 0.25, 0.75)}, question_of(3, words=2))
    assert only.candidate == CANDIDATE
    assert only.passage == 0
    assert only.mean_coverage == 0.5
    assert only.token_coverage == only.word_coverage == (0.5, 0.25)


def test_equal_scores_stand_in_the_order_of_the_documents() -> None:
    candidates = [replace(CANDIDATE, passage=number) for number in (4, 2, 9, 0)]
    found = ranked(candidates, dict.fromkeys((0, 2, 4, 9), COVERAGE), question_of(2))
    assert [passage.passage for passage in found] == [0, 2, 4, 9]


def test_without_candidates_or_tokens_there_is_an_order_all_the_same() -> None:
    assert ranked([], {}, question_of(2)) == ()
    (only,) = ranked([CANDIDATE], {0: ()}, question_of(0))
    assert (only.token_coverage, only.word_coverage) == ((), ())
    assert 0.0 <= only.score <= 1.0


def test_only_the_best_by_passage_and_terms_are_compared_closely() -> None:
    candidates = [
        replace(CANDIDATE, passage=0, cosine=0.1, term_score=0.1),
        replace(CANDIDATE, passage=1, cosine=0.5, term_score=0.1),
        replace(CANDIDATE, passage=2, cosine=0.4, term_score=1.0),
    ]
    rows = {0: (1.0, 1.0), 1: (0.5, 0.5), 2: (0.6, 0.6)}
    assert [one.passage for one in ranked(candidates, rows, question_of(2), limit=2)] == [2, 1]
    assert [one.passage for one in ranked(candidates, rows, question_of(2))] == [0, 2, 1]


def test_a_ranking_is_looked_at_like_any_sequence() -> None:
    index = cast("AudienceIndex", Index(Covered(dict.fromkeys(range(5), COVERAGE))))
    numbers, cosines = np.arange(5), np.arange(5) / 10
    ranking = rank(index, Candidates(numbers, cosines, np.full(5, 0.5)), question_of(2))
    assert [one.passage for one in ranking] == [4, 3, 2, 1, 0]
    assert ranking[0].candidate == Candidate(4, 0.4, 0.5)
    assert ranking[-1] == ranking[4]
    assert ranking[1:3] == (ranking[1], ranking[2])
    with pytest.raises(IndexError):
        ranking[5]


@given(
    st.lists(st.tuples(cosines, shares, st.tuples(cosines, cosines)), max_size=8),
    st.randoms(use_true_random=False),
)
def test_the_order_depends_on_the_candidates_and_not_on_how_they_come(
    drawn: list[tuple[float, float, tuple[float, float]]], chance: random.Random
) -> None:
    candidates = [Candidate(n, cosine, terms) for n, (cosine, terms, _) in enumerate(drawn)]
    rows = {number: coverage for number, (_, _, coverage) in enumerate(drawn)}
    found = ranked(candidates, rows, question_of(2))
    chance.shuffle(candidates)
    assert ranked(candidates, rows, question_of(2)) == found
    assert sorted(passage.passage for passage in found) == list(range(len(drawn)))
    scores = [passage.score for passage in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 <= score <= 1.0 for score in scores)

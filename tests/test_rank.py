"""The score rises with every signal, lies in [0, 1], and equal scores stand in the order of the documents."""

import random
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.encoder import Encoding, Vectors
from qa.generation import AudienceIndex
from qa.question import Question
from qa.rank import rank
from qa.records import Candidate, QuestionWord, Span

shares = st.floats(0, 1, width=32)
cosines = st.floats(-1, 1, width=32)


@dataclass
class Covered:
    """Stands for the token index: the coverage of each passage, given."""

    rows: dict[int, tuple[float, ...]]

    def coverage(self, numbers: list[int], question_tokens: Vectors) -> Vectors:
        found = np.array([self.rows[number] for number in numbers], np.float32)
        return found.reshape(len(numbers), len(question_tokens))


@dataclass
class Index:
    tokens: Covered


def index_of(rows: dict[int, tuple[float, ...]]) -> AudienceIndex:
    return cast("AudienceIndex", Index(Covered(rows)))


def question_of(tokens: int, words: int | None = None) -> Question:
    """A question of so many tokens, the first of them words."""
    found = tuple(QuestionWord("w", n, (), (n,), 1.0) for n in range(tokens if words is None else words))
    spans = tuple(Span(n, n + 1) for n in range(tokens))
    return Question("", Encoding(np.zeros(2, np.float32), np.zeros((tokens, 2), np.float32), spans), found)


def score_of(candidate: Candidate, coverage: tuple[float, ...]) -> float:
    (ranked,) = rank(index_of({candidate.passage: coverage}), [candidate], question_of(len(coverage)))
    return ranked.score


CANDIDATE = Candidate(0, 0.4, (0.3, 0.2), 0.5)
COVERAGE = (0.5, 0.4)


@pytest.mark.parametrize(
    ("better", "coverage"),
    [
        (replace(CANDIDATE, cosine=0.5), COVERAGE),
        (replace(CANDIDATE, sentence_cosines=(0.2, 0.4)), COVERAGE),
        (replace(CANDIDATE, term_score=0.6), COVERAGE),
        (CANDIDATE, (0.6, 0.4)),
        (CANDIDATE, (0.5, 0.5)),
    ],
    ids=["passage", "sentence", "terms", "a token", "the least-covered token"],
)
def test_the_score_rises_with_each_signal(better: Candidate, coverage: tuple[float, ...]) -> None:
    assert score_of(better, coverage) > score_of(CANDIDATE, COVERAGE)


def test_the_least_covered_token_weighs_more_than_another() -> None:
    assert score_of(CANDIDATE, (0.5, 0.5)) > score_of(CANDIDATE, (0.6, 0.4))


def test_only_the_nearest_sentence_counts() -> None:
    assert score_of(replace(CANDIDATE, sentence_cosines=(0.3,)), COVERAGE) == score_of(CANDIDATE, COVERAGE)


def test_a_passage_that_has_everything_scores_1_and_one_that_has_nothing_0() -> None:
    assert score_of(Candidate(0, 1.0, (1.0,), 1.0), (1.0, 1.0)) == pytest.approx(1.0)
    assert score_of(Candidate(0, 0.0, (0.0,), 0.0), (0.0, 0.0)) == 0.0
    assert score_of(Candidate(0, -1.0, (-1.0,), 0.0), (-1.0,)) == 0.0


def test_what_the_score_is_made_of_is_kept() -> None:
    (ranked,) = rank(index_of({0: (0.5, 0.25, 0.75)}), [CANDIDATE], question_of(3, words=2))
    assert ranked.candidate == CANDIDATE
    assert ranked.passage == 0
    assert ranked.mean_coverage == 0.5
    assert ranked.token_coverage == ranked.word_coverage == (0.5, 0.25)


def test_equal_scores_stand_in_the_order_of_the_documents() -> None:
    candidates = [replace(CANDIDATE, passage=number) for number in (4, 2, 9, 0)]
    found = rank(index_of(dict.fromkeys((0, 2, 4, 9), COVERAGE)), candidates, question_of(2))
    assert [passage.passage for passage in found] == [0, 2, 4, 9]


def test_without_candidates_or_tokens_there_is_an_order_all_the_same() -> None:
    assert rank(index_of({}), [], question_of(2)) == ()
    (ranked,) = rank(index_of({0: ()}), [CANDIDATE], question_of(0))
    assert (ranked.token_coverage, ranked.word_coverage) == ((), ())
    assert 0.0 <= ranked.score <= 1.0


@given(
    st.lists(
        st.tuples(cosines, st.lists(cosines, min_size=1, max_size=3), shares, st.tuples(cosines, cosines)), max_size=8
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_depends_on_the_candidates_and_not_on_how_they_come(
    drawn: list[tuple[float, list[float], float, tuple[float, float]]], chance: random.Random
) -> None:
    candidates = [Candidate(n, cosine, tuple(own), terms) for n, (cosine, own, terms, _) in enumerate(drawn)]
    index = index_of({number: coverage for number, (_, _, _, coverage) in enumerate(drawn)})
    found = rank(index, candidates, question_of(2))
    chance.shuffle(candidates)
    assert rank(index, candidates, question_of(2)) == found
    assert sorted(passage.passage for passage in found) == list(range(len(drawn)))
    scores = [passage.score for passage in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 <= score <= 1.0 for score in scores)

"""The signals of a confidence, counted by hand."""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.encoder.protocol import Encoding
from qa.records import Candidate, QuestionWord, RankedPassage, Signals
from qa.search.confidence import SEVERAL_UNKNOWN, UNKNOWN, Wording, signals_over
from qa.search.query import Question

cosines = st.floats(-1, 1)


def question_of(*weights: float) -> Question:
    """A question of one-token words with these weights."""
    words = tuple(QuestionWord(f"w{number}", 3 * number, (), (number,), w) for number, w in enumerate(weights))
    return Question("", Encoding(np.zeros(2, np.float32), np.zeros((len(weights), 2), np.float32), ()), words)


def ranked(*coverage: float, cosine: float = 0.5) -> RankedPassage:
    return RankedPassage(Candidate(0, cosine, 0.0), 0.0, coverage, coverage, 0.5)


def signals_of(question: Question, passages: Sequence[RankedPassage]) -> Signals:
    """The signals where no passage holds a word of the question."""
    return signals_over(question, passages, Wording(unheld_words=(), first_terms=(), gives_number=True))


def test_the_signals_are_those_counted_by_hand() -> None:
    passages = [
        ranked(0.9, 0.2, 0.8, 0.7, cosine=0.6),
        ranked(0.3, 0.9, 0.4, 0.5, cosine=0.9),
        ranked(0.6, 0.6, 0.6, 0.6),
        ranked(0.1, 0.1, 0.1, 0.1),
    ]
    found = signals_of(question_of(1.0, 3.0, 2.0, 0.5), passages)
    assert found.least_tokens == pytest.approx(0.6)  # of (.2 .7 .8), (.3 .4 .5), (.6 .6 .6), (.1 .1 .1)
    assert found.least_token == 0.2
    assert found.least_token_mean == pytest.approx((0.6 + 0.3 + 0.2) / 3)
    assert found.topic == 0.6  # words 1 and 2, of (.2 .8), (.9 .4), (.6 .6), (.1 .1)
    assert found.cosine == 0.6
    assert (found.least_word, found.words_held, found.words_known, found.number_given) == (0.2, 1.0, 1.0, 1.0)


def test_only_the_first_five_passages_count() -> None:
    passages = [ranked(0.1)] * 5
    assert signals_of(question_of(1.0), [*passages, ranked(1.0)]) == signals_of(question_of(1.0), passages)


def test_a_question_without_words_has_signals_all_the_same() -> None:
    found = signals_of(question_of(), [ranked(cosine=0.3)])
    assert (found.least_tokens, found.least_token, found.least_token_mean, found.topic) == (0.0, 0.0, 0.0, 0.0)
    assert found.cosine == 0.3


def test_of_equally_rare_words_the_first_are_the_topic() -> None:
    assert signals_of(question_of(1.0, 1.0, 1.0), [ranked(0.9, 0.8, 0.1)]).topic == 0.8


@given(st.integers(1, 4).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[cosines] * n), min_size=1))))
def test_every_signal_of_coverage_lies_between_the_least_and_the_most(
    case: tuple[int, list[tuple[float, ...]]],
) -> None:
    count, rows = case
    found = signals_of(question_of(*range(1, count + 1)), [ranked(*row) for row in rows])
    values = [value for row in rows[:5] for value in row]
    for name in ("least_tokens", "least_token", "least_token_mean", "topic", "least_word"):
        assert min(values) - 1e-9 <= getattr(found, name) <= max(values) + 1e-9


@given(st.lists(st.tuples(cosines, cosines, cosines), min_size=1, max_size=7), st.integers(0, 6), st.integers(0, 2))
def test_a_token_that_is_covered_better_lowers_no_signal(
    rows: list[tuple[float, float, float]], row: int, token: int
) -> None:
    row %= len(rows)
    better = list(rows[row])
    better[token] = 1.0
    question = question_of(1.0, 2.0, 3.0)
    before = signals_of(question, [ranked(*values) for values in rows])
    after = signals_of(question, [ranked(*(better if n == row else values)) for n, values in enumerate(rows)])
    for field in fields(Signals):
        assert getattr(after, field.name) >= getattr(before, field.name) - 1e-9


def test_the_signals_of_one_passage_do_not_depend_on_its_number() -> None:
    passage = ranked(0.4, 0.8)
    other = replace(passage, candidate=replace(passage.candidate, passage=7))
    assert signals_of(question_of(1.0, 2.0), [passage]) == signals_of(question_of(1.0, 2.0), [other])


def test_a_word_that_the_first_passage_holds_is_covered() -> None:
    words = tuple(QuestionWord(text, 0, (text,), (number,), 1.0) for number, text in enumerate(("years", "cement")))
    question = replace(question_of(1.0, 1.0), words=words)
    wording = Wording(unheld_words=(), first_terms={"cement"}, gives_number=False)
    found = signals_over(question, [ranked(0.6, 0.2), ranked(0.1, 0.1)], wording)
    assert (found.least_word, found.least_token) == (0.6, 0.2)
    assert (found.words_held, found.number_given) == (1.0, 0.0)


@pytest.mark.parametrize(("covered", "known"), [(UNKNOWN - 0.01, 0.0), (UNKNOWN, 1.0)])
def test_a_word_that_no_text_holds_is_known_only_when_a_best_passage_covers_it(covered: float, known: float) -> None:
    wording = Wording(unheld_words=(1,), first_terms=(), gives_number=True)
    found = signals_over(question_of(1.0, 1.0), [ranked(0.9, 0.1), ranked(0.1, covered)], wording)
    assert (found.words_held, found.words_known) == (0.0, known)


@pytest.mark.parametrize(("covered", "known"), [(SEVERAL_UNKNOWN - 0.01, 0.0), (SEVERAL_UNKNOWN + 0.01, 1.0)])
def test_several_words_that_no_text_holds_must_be_covered_better(covered: float, known: float) -> None:
    wording = Wording(unheld_words=(0, 1), first_terms=(), gives_number=True)
    assert signals_over(question_of(1.0, 1.0), [ranked(covered, covered)], wording).words_known == known

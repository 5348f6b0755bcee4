"""How sure a counted rate is: exact bounds, against their definition, and what a sample can show."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.evaluation.metrics import Rate, at_least, at_most, interval, most_successes, resampled, trials_needed

counts = st.integers(0, 400).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))
rates = st.floats(0.001, 0.999)


def chance_of_at_most(successes: int, trials: int, rate: float) -> float:
    """The binomial distribution, summed."""
    return math.fsum(math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(successes + 1))


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 10, 0.0, 0.3085), (10, 10, 0.6915, 1.0), (3, 58, 0.0108, 0.1438), (4, 20, 0.0573, 0.4366)],
)
def test_the_interval_is_the_one_of_published_tables(successes: int, trials: int, low: float, high: float) -> None:
    assert list(interval(successes, trials)) == pytest.approx([low, high], abs=5e-5)


@given(counts.filter(lambda count: 0 < count[0] < count[1] <= 100))
def test_at_the_ends_of_the_interval_so_few_or_so_many_come_once_in_forty_times(count: tuple[int, int]) -> None:
    successes, trials = count
    low, high = interval(successes, trials)
    assert chance_of_at_most(successes, trials, high) == pytest.approx(0.025, rel=1e-6)
    assert 1 - chance_of_at_most(successes - 1, trials, low) == pytest.approx(0.025, rel=1e-6)


@given(counts)
def test_bounds_enclose_the_share_and_mirror_each_other(count: tuple[int, int]) -> None:
    successes, trials = count
    low, high = interval(successes, trials)
    share = Rate(successes, trials).share
    assert 0 <= low <= at_least(successes, trials) <= at_most(successes, trials) <= high <= 1
    assert share is None or low <= share <= high
    assert list(interval(trials - successes, trials)) == pytest.approx([1 - high, 1 - low], abs=1e-9)


def test_nothing_counted_says_nothing() -> None:
    assert interval(0, 0) == (0, 1)
    assert (at_least(0, 0), at_most(0, 0)) == (0, 1)
    assert Rate(0, 0).share is None
    assert str(Rate(0, 0)) == "–"


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5)])
def test_counts_that_cannot_be_are_refused(successes: int, trials: int) -> None:
    for bound in (interval, at_most, at_least):
        with pytest.raises(ValueError, match=str(trials)):
            bound(successes, trials)


def test_a_rate_reads_as_counts_share_and_interval() -> None:
    assert str(Rate(3, 58)) == "3 of 58, 5 % (1–14 %)"
    assert str(Rate(0, 10)) == "0 of 10, 0 % (0–31 %)"
    assert str(Rate(15, 300)) == "15 of 300, 5.0 % (2.8–8.1 %)", "a large sample is worth a decimal"


def test_without_a_false_one_59_show_five_percent_and_299_one() -> None:
    assert trials_needed(0.05) == 59
    assert trials_needed(0.01) == 299
    assert trials_needed(0.0) is None
    assert trials_needed(1.0) == 1


@given(rates)
def test_one_trial_fewer_than_needed_does_not_show_the_rate(rate: float) -> None:
    needed = trials_needed(rate)
    assert needed is not None
    assert at_most(0, needed) <= rate * (1 + 1e-9)
    assert needed == 1 or at_most(0, needed - 1) > rate * (1 - 1e-9)


@given(rates, st.integers(1, 300))
def test_as_many_may_succeed_as_the_bound_allows_and_no_more(rate: float, trials: int) -> None:
    allowed = most_successes(rate, trials)
    if allowed is None:
        assert at_most(0, trials) > rate
    else:
        assert at_most(allowed, trials) <= rate
        assert allowed == trials or at_most(allowed + 1, trials) > rate


def test_resampling_encloses_the_mean_and_is_always_the_same() -> None:
    rows = [number / 40 for number in range(41)]

    def mean(values: object) -> float:
        assert isinstance(values, list)
        return sum(values) / len(values)

    low, high = resampled(mean, rows)
    assert low < 0.5 < high
    assert high - low == pytest.approx(2 * 1.96 * 0.2959 / math.sqrt(41), rel=0.15), "as the normal curve has it"
    assert resampled(mean, rows) == (low, high)
    assert resampled(mean, [0.3]) == (0.3, 0.3)

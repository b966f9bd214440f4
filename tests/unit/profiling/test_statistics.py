"""Distributions, intervals of the median, and comparisons."""

from math import comb

import numpy as np
import pytest

from trtlab.core.errors import MeasurementError, UsageError
from trtlab.profiling.statistics import (
    Verdict,
    coefficient_of_variation,
    compare,
    median_interval,
    summarize,
)


def test_summary_in_trtexecs_definitions():
    summary = summarize([4.0, 8.0, 1.0, 10.0, 3.0, 7.0, 2.0, 9.0, 5.0, 6.0])
    assert (summary.min, summary.max, summary.mean, summary.median) == (1, 10, 5.5, 5.5)
    assert (summary.p90, summary.p95, summary.p99) == (9, 10, 10)
    assert summary.stdev == pytest.approx(2.8723, abs=1e-4)
    assert (summary.median_low, summary.median_high) == (2, 9)


def test_nothing_measured():
    with pytest.raises(MeasurementError, match="no samples"):
        summarize([])


def test_variation_is_the_populations():
    assert coefficient_of_variation([9.0, 11.0]) == pytest.approx(0.1)
    assert coefficient_of_variation([]) is None
    assert coefficient_of_variation([0.0, 0.0]) is None


def unordered(count):
    """All numbers below, the small ones and the large ones in turns: none is like the next."""
    half = -(-count // 2)
    return [n // 2 + half * (n % 2) for n in range(count)]


@pytest.mark.parametrize("count", [6, 10, 31, 100, 999, 1000])
def test_interval_of_the_median_is_the_narrowest_that_covers(count):
    low, high = median_interval(unordered(count))
    assert low + high == count - 1
    tail = sum(comb(count, i) for i in range(low + 1)) / 2**count
    assert tail <= 0.025
    assert tail + comb(count, low + 1) / 2**count > 0.025


def test_interval_agrees_where_the_approximation_takes_over():
    exact, near = median_interval(unordered(1000)), median_interval(unordered(1002))
    assert abs(near[0] - exact[0]) <= 2


@pytest.mark.parametrize("count", [1, 2, 5])
def test_too_few_for_an_interval_give_their_range(count):
    assert median_interval(unordered(count)) == (0, count - 1)


def test_interval_covers_the_true_median():
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        low, high = median_interval(generator.exponential(1.0, 60).tolist())
        covered += low <= np.log(2) <= high
    assert 0.93 <= covered / 400 <= 0.99


@pytest.mark.parametrize(("alike", "count"), [(0.6, 300), (0.9, 2000), (0.95, 5000)])
def test_interval_covers_the_true_median_of_what_drifts(alike, count):
    """Each sample is mostly the one before: an interval for independent ones covers half."""
    generator = np.random.default_rng(2)
    covered = narrow = 0
    for _ in range(100):
        drawn = generator.normal(0.0, 1.0, count)
        for n in range(1, count):
            drawn[n] = alike * drawn[n - 1] + drawn[n]
        low, high = median_interval(drawn.tolist())
        covered += low <= 0 <= high
        low, high = median_interval(generator.permutation(drawn).tolist())
        narrow += low <= 0 <= high
    assert covered >= 88
    assert narrow < 80


def noisy(center, spread, count, seed):
    return np.random.default_rng(seed).normal(center, spread, count).tolist()


def test_a_real_difference():
    result = compare(noisy(1.0, 0.02, 200, 0), noisy(0.9, 0.02, 200, 1))
    assert result.verdict is Verdict.REAL
    assert result.low < result.ratio < result.high < 0.95
    assert result.ratio == pytest.approx(0.9, abs=0.01)
    assert result.samples_needed is None
    assert result.sentence.startswith("Real: 1") or result.sentence.startswith("Real: 9")
    assert "faster" in result.sentence


def test_a_great_difference_is_a_multiple():
    result = compare(noisy(1.0, 0.001, 50, 0), noisy(46.0, 0.001, 50, 1))
    assert result.sentence.startswith("Real: 46 times slower (")


def test_no_difference_that_matters():
    result = compare(noisy(1.0, 0.005, 300, 0), noisy(1.001, 0.005, 300, 1))
    assert result.verdict is Verdict.NOISE
    assert result.samples_needed is None


def test_not_decided_yet_says_how_many_samples():
    few = compare(noisy(1.0, 0.1, 12, 4), noisy(1.02, 0.1, 12, 5))
    assert few.verdict is Verdict.UNDECIDED
    assert few.samples_needed > 12
    assert str(few.samples_needed) in few.sentence


def test_the_same_samples_never_differ():
    samples = noisy(1.0, 0.1, 50, 0)
    assert compare(samples, samples).verdict is not Verdict.REAL


def test_false_alarms_stay_rare():
    alarms = sum(
        compare(noisy(1, 0.1, 60, 2 * i), noisy(1, 0.1, 60, 2 * i + 1), resamples=400).verdict
        is Verdict.REAL
        for i in range(60)
    )
    assert alarms <= 8


def test_blocks_respect_drifting_clocks():
    """Slow waves that single draws would take for many independent samples."""
    wave = np.repeat(np.random.default_rng(0).normal(1, 0.05, 12), 30)
    other = np.repeat(np.random.default_rng(1).normal(1, 0.05, 12), 30)
    drifting = compare(wave.tolist(), other.tolist())
    shuffled = compare(
        np.random.default_rng(2).permutation(wave).tolist(),
        np.random.default_rng(3).permutation(other).tolist(),
    )
    assert drifting.high - drifting.low > 1.3 * (shuffled.high - shuffled.low)


def test_comparison_is_repeatable_and_takes_unequal_lengths():
    a, b = noisy(1, 0.1, 30, 0), noisy(1, 0.1, 3000, 1)
    assert compare(a, b, seed=3) == compare(a, b, seed=3)


@pytest.mark.parametrize(
    ("a", "b"), [([1.0] * 9, [1.0] * 99), ([1.0] * 10, [0.0] * 10), ([], [])]
)
def test_comparisons_need_samples(a, b):
    with pytest.raises(UsageError, match="at least 10 times above zero"):
        compare(a, b)

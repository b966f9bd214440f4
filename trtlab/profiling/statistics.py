"""Distributions, intervals, and whether two measurements differ.

Medians throughout: a latency's distribution has a long tail, and its mean follows the tail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import ceil, floor, sqrt
from statistics import fmean, median, pstdev

import numpy as np
from numpy.typing import NDArray

from trtlab.core.errors import MeasurementError, UsageError
from trtlab.report.percent import increase
from trtlab.report.percentile import percentile
from trtlab.report.records import Summary

_EXACT_UP_TO = 1000  # samples; beyond, the normal approximation is off by less than one
_Z95 = 1.959963984540054  # 97.5 % quantile of the normal distribution
_WINDOW = 5  # autocorrelation times: what is summed up beyond is noise
_CHUNK_ELEMENTS = 4_000_000  # resampled values held at once: 32 MB
_HALF = 0.5  # of the time; beyond, per cent say little
FEWEST = 10  # with 5 to 9, one in ten comparisons of equals would be called real


def summarize(samples_ms: Sequence[float]) -> Summary:
    """The distribution of some milliseconds: trtexec's values plus an interval of the median.

    Raises:
        MeasurementError: There are no samples.
    """
    if not samples_ms:
        raise MeasurementError("nothing was measured: there are no samples to summarize")
    ascending = sorted(samples_ms)
    low, high = median_interval(samples_ms)
    return Summary(
        min=ascending[0],
        max=ascending[-1],
        mean=fmean(ascending),
        median=median(ascending),
        p90=percentile(ascending, 90),
        p95=percentile(ascending, 95),
        p99=percentile(ascending, 99),
        stdev=pstdev(ascending),
        median_low=low,
        median_high=high,
    )


def coefficient_of_variation(samples: Sequence[float]) -> float | None:
    """Standard deviation of the population ÷ mean, as trtexec has it; None without a mean."""
    mean = fmean(samples) if samples else 0.0
    return pstdev(samples) / mean if mean else None


def median_interval(samples: Sequence[float]) -> tuple[float, float]:
    """A 95 % confidence interval of the median, between two samples; no distribution assumed.

    The number of samples below the true median is binomial (n, ½) if each is drawn anew, so the
    widest pair of order statistics that leaves at most 2.5 % on each side covers it. Neighbours
    in time resemble each other where clocks move: then that number varies as if there were fewer
    samples, and the pair is taken further apart. Fewer than six samples cannot reach 95 %; their
    whole range is given.
    Source: Conover, "Practical Nonparametric Statistics", 3rd edition, section 3.2; Sokal 1997,
    "Monte Carlo Methods in Statistical Mechanics", section 3 (the autocorrelation time).

    Args:
        samples: At least one, in the order of measurement.
    """
    ascending = sorted(samples)
    count = len(ascending)
    alike = _autocorrelation_time(samples, median(ascending))
    if alike == 1.0 and count <= _EXACT_UP_TO:
        below = _largest_unlikely(count)
    else:  # the same from the normal distribution, with the correction for continuity
        below = floor((count - _Z95 * sqrt(count * alike) - 1) / 2)
    below = max(below, 0)
    return ascending[below], ascending[count - 1 - below]


def _autocorrelation_time(samples: Sequence[float], middle: float) -> float:
    """How many samples in a row tell as much of the median as one drawn anew; at least 1.

    Of the series that says which samples lie below the median: their number is what counts.
    """
    below = np.asarray(samples) < middle
    count, share = len(below), below.mean()
    if count < FEWEST or not 0 < share < 1:
        return 1.0
    spectrum = np.fft.rfft(below - share, 2 * count)
    covariance = np.fft.irfft(abs(spectrum) ** 2)[:count] / count
    correlation = covariance / covariance[0]
    if correlation[1] < 2 / sqrt(count):
        return 1.0  # chance gives as much
    times = 1 + 2 * np.cumsum(correlation[1:])
    lags = np.arange(1, count)
    long_enough = np.flatnonzero(lags >= _WINDOW * times)
    return max(float(times[long_enough[0]] if long_enough.size else times.max()), 1.0)


def _largest_unlikely(count: int) -> int:
    """The largest k with P(binomial(count, ½) ≤ k) ≤ 2.5 %, in exact integers; −1 if none."""
    limit = 2**count // 40
    term, total, k = 1, 0, -1  # term: ways to get k + 1
    while total + term <= limit:
        total += term
        k += 1
        term = term * (count - k) // (k + 1)
    return k


class Verdict(Enum):
    """Whether a difference is one."""

    REAL = "real"
    NOISE = "noise"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether b differs from a.

    Attributes:
        verdict: Real, too small to matter, or not decided by these samples.
        ratio: Median of b ÷ median of a; below 1 means that b is faster.
        low: Lower end of the ratio's 95 % interval.
        high: Upper end.
        samples_needed: About how many samples a side would decide; None when decided.
        sentence: The verdict in words.
    """

    verdict: Verdict
    ratio: float
    low: float
    high: float
    samples_needed: int | None
    sentence: str


def compare(
    a: Sequence[float],
    b: Sequence[float],
    *,
    smallest_effect: float = 0.01,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Tell whether two lists of times differ, by bootstrapping the ratio of their medians.

    Samples are resampled in blocks of consecutive ones, about n^⅓ long, because neighbours
    resemble each other (clocks drift, caches stay warm) and single draws would be
    overconfident. The difference is *noise* when the interval lies within ±
    ``smallest_effect``, *real* when it excludes 1, and *undecided* otherwise.
    Source: Künsch 1989, "The jackknife and the bootstrap for general stationary observations".

    Args:
        a: Times in order of measurement, any unit, above zero.
        b: The same of the other; the lengths may differ.
        smallest_effect: Share of the median below which a difference does not matter.
        resamples: Draws of the bootstrap.
        seed: Makes the answer repeatable.

    Raises:
        UsageError: Fewer than ten samples on a side, or times that are not above zero.
    """
    if min(len(a), len(b)) < FEWEST or min(*a, *b) <= 0:
        raise UsageError(
            f"a comparison needs at least {FEWEST} times above zero on each side;"
            f" got {len(a)} and {len(b)}",
            hint="measure more iterations",
        )
    generator = np.random.default_rng(seed)
    ratios = _medians(b, resamples, generator) / _medians(a, resamples, generator)
    low, high = (float(q) for q in np.quantile(ratios, (0.025, 0.975)))
    ratio = median(b) / median(a)
    if max(high - 1, 1 - low) < smallest_effect:
        verdict = Verdict.NOISE
    elif low > 1 or high < 1:
        verdict = Verdict.REAL
    else:
        verdict = Verdict.UNDECIDED
    needed = None
    if verdict is Verdict.UNDECIDED:
        needed = _samples_needed(ratio, low, high, smallest_effect, min(len(a), len(b)))
    sentence = _sentence(verdict, ratio, low, high, needed)
    return Comparison(verdict, ratio, low, high, needed, sentence)


def _medians(
    samples: Sequence[float], resamples: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Medians of circular block-bootstrap draws: [resamples]."""
    values = np.asarray(samples, dtype=np.float64)  # [n]
    count = len(values)
    block = max(1, round(count ** (1 / 3)))
    blocks = ceil(count / block)
    offsets = np.arange(block)
    medians: list[NDArray[np.float64]] = []
    at_once = max(1, _CHUNK_ELEMENTS // (blocks * block))
    for first in range(0, resamples, at_once):
        draws = min(at_once, resamples - first)
        starts = generator.integers(0, count, (draws, blocks, 1))
        picked = (starts + offsets).reshape(draws, -1)[:, :count] % count  # [draws, n]
        medians.append(np.median(values[picked], axis=1))
    return np.concatenate(medians)


def _samples_needed(
    ratio: float, low: float, high: float, smallest_effect: float, count: int
) -> int:
    """Samples until the interval, which shrinks with √n, excludes 1 or fits the margin."""
    half = (high - low) / 2
    effect = abs(ratio - 1)
    room = max(effect, smallest_effect - effect, smallest_effect / 10)
    return max(ceil(count * (half / room) ** 2), count + 1)


def _sentence(
    verdict: Verdict, ratio: float, low: float, high: float, needed: int | None
) -> str:
    size = increase(abs(ratio - 1)).removeprefix("+")
    change = f"{size} {'faster' if ratio < 1 else 'slower'}"
    if ratio < _HALF:
        change = f"{1 / ratio:.1f} times as fast"
    interval = f"95 % interval of the ratio {low:.3f} – {high:.3f}"
    if verdict is Verdict.REAL:
        return f"Real: {change} ({interval})."
    if verdict is Verdict.NOISE:
        return f"No difference that matters ({interval})."
    return (
        f"Undecided: {change}, but the {interval} includes 1; about {needed} samples decide."
    )

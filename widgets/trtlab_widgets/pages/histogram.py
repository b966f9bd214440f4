"""Times in bins, on an axis that a few far ones do not squeeze into one bar.

Pages, figures and the explorer's drawer follow one rule (the latter in ``small_charts.js``):
the axis ends at the 99.9th percentile, or below the largest of fewer than 1,000 values, when
the largest lies more than `FAR` times as far from the least. What lies beyond is counted in
one bar of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trtlab_widgets.pages.text import time_ms

FAR = 2.0
FEWEST = 20  # values; of fewer, none can be told to be far out
_BINS = 48


@dataclass(frozen=True, slots=True)
class Beyond:
    """The values that lie beyond the axis.

    Attributes:
        end_ms: Where the axis ends; the least of them is greater.
        largest_ms: The largest of them.
        count: How many they are; at least one.
    """

    end_ms: float
    largest_ms: float
    count: int

    def __str__(self) -> str:
        return f"{self.count:,} beyond, up to {time_ms(self.largest_ms)}"


@dataclass(frozen=True, slots=True)
class Histogram:
    """Every value counted once.

    Attributes:
        bins: From, to and count of each bin on the axis.
        beyond: What lies beyond the axis, if anything.
    """

    bins: list[tuple[float, float, int]]
    beyond: Beyond | None = None


def histogram(values_ms: Sequence[float], bins: int = _BINS) -> Histogram:
    """Equal bins over the axis; one bin when all values are equal, none without values."""
    if not values_ms:
        return Histogram([])
    ascending = sorted(values_ms)
    low, end, largest = ascending[0], axis_end(ascending), ascending[-1]
    if low == end:
        return Histogram([(low, end, len(ascending))])
    counts = [0] * bins
    shown = [value for value in ascending if value <= end]
    for value in shown:
        counts[min(bins - 1, int((value - low) / (end - low) * bins))] += 1
    step = (end - low) / bins
    found = [(low + i * step, low + (i + 1) * step, n) for i, n in enumerate(counts)]
    more = len(ascending) - len(shown)
    return Histogram(found, Beyond(end, largest, more) if more else None)


def axis_end(ascending: Sequence[float]) -> float:
    """Where the axis of at least one value, sorted, ends: at the largest or below."""
    low, largest = ascending[0], ascending[-1]
    if len(ascending) < FEWEST:
        return largest
    end = ascending[-1 - max(1, len(ascending) // 1000)]
    return end if low < end and largest - low > FAR * (end - low) else largest

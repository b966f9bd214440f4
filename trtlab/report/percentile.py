"""The one definition of a percentile, trtexec's: always an element that was measured."""

from collections.abc import Sequence


def percentile(ascending: Sequence[float], percent: float) -> float:
    """The element at ``n − 1 − int((1 − percent / 100) · n)``, or the first below that.

    Computed without the rounding of ``1 − percent / 100``: 90 % of ten samples is the ninth.
    Source: trtexec's summary (sampleReporting.cpp, findPercentile).

    Args:
        ascending: At least one sample, sorted.
        percent: Between 0 and 100.
    """
    count = len(ascending)
    excluded = int((100 - percent) * count / 100)
    return ascending[max(count - 1 - excluded, 0)]

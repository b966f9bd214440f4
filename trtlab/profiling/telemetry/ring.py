"""Samples of many metrics in memory of a fixed size: the oldest give way."""

import numpy as np
from numpy.typing import NDArray


class Ring:
    """The last ``capacity`` samples, as one matrix; NaN where a metric had no value.

    Not locked: the sampler does that.

    Args:
        metrics: Values in a sample.
        capacity: Samples to keep.
    """

    def __init__(self, metrics: int, capacity: int) -> None:
        self._times_ns = np.empty(capacity, dtype=np.int64)  # [capacity]
        self._values = np.empty((capacity, metrics), dtype=np.float64)  # [capacity, metrics]
        self._reasons: list[tuple[str, ...] | None] = [None] * capacity
        self._capacity = capacity
        self.total = 0

    @property
    def dropped(self) -> int:
        """Samples that gave way."""
        return max(0, self.total - self._capacity)

    def append(
        self, time_ns: int, values: list[float], throttled: tuple[str, ...] | None
    ) -> None:
        """Add one sample."""
        place = self.total % self._capacity
        self._times_ns[place] = time_ns
        self._values[place] = values
        self._reasons[place] = throttled
        self.total += 1

    def contents(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], list[tuple[str, ...] | None]]:
        """Copies in the order of time: times [n], values [n, metrics], reasons [n]."""
        first, count = self.total % self._capacity, self.total
        if count <= self._capacity:
            order = np.arange(count)
        else:
            order = np.r_[first : self._capacity, 0:first]
        reasons = [self._reasons[i] for i in order.tolist()]
        return self._times_ns[order], self._values[order], reasons

"""The GPU's events on the host's monotonic clock.

An event is recorded on an idle stream and waited for; it happened between the two readings of
the host's clock around it. Later events count from it.
"""

import time
from dataclasses import dataclass
from typing import Any

from trtlab.devices.cuda.libraries import cupy

_TRIES = 4


@dataclass(frozen=True)
class Anchor:
    """An event with its time on the host's clock.

    Attributes:
        event: A CuPy event.
        host_ns: Middle of the stretch in which it happened.
        uncertainty_ns: Half of that stretch.
    """

    event: Any
    host_ns: int
    uncertainty_ns: int

    def at(self, event: object) -> int:
        """When a finished event happened, in nanoseconds of ``time.monotonic_ns``."""
        return self.host_ns + elapsed_ns(self.event, event)


def elapsed_ns(start: object, end: object) -> int:
    """Nanoseconds between two finished events (float32 milliseconds underneath)."""
    return round(float(cupy().cuda.get_elapsed_time(start, end)) * 1e6)


def anchor(stream: Any) -> Anchor:  # noqa: ANN401 - a CuPy stream
    """Tie the two clocks together; waits until the stream is idle."""
    stream.synchronize()
    best: Anchor | None = None
    for _ in range(_TRIES):
        event = cupy().cuda.Event()
        before = time.monotonic_ns()
        event.record(stream)
        event.synchronize()
        after = time.monotonic_ns()
        found = Anchor(event, (before + after) // 2, (after - before + 1) // 2)
        if best is None or found.uncertainty_ns < best.uncertainty_ns:
            best = found
    assert best is not None
    return best

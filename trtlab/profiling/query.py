"""One inference with its time stamps, and a run of many with several in flight.

Source: trtexec's loop (sampleInference.cpp): the next query is enqueued before the previous
one is waited for, so throughput is measured without gaps.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from trtlab.core.errors import CancelledError
from trtlab.profiling.target import QueryStamps, Span, Target

Clock = Callable[[], int]  # nanoseconds on the axis of time.monotonic_ns


def never() -> bool:
    """A question for `Runner.cancelled` that nobody answers with yes."""
    return False


@dataclass(frozen=True, slots=True)
class Query:
    """One inference as host and device saw it, all on the host's monotonic clock.

    Attributes:
        host: From the first call for this query until its results were there. With several in
            flight that includes waiting for the query before.
        enqueue: The host's launch work. On a synchronous target it ends when computing begins.
        device: The device's phases.
    """

    host: Span
    enqueue: Span
    device: QueryStamps

    @property
    def latency_ns(self) -> int:
        """H2D + compute + D2H: trtexec's latency."""
        copies = (self.device.h2d, self.device.d2h)
        return self.device.compute.duration_ns + sum(c.duration_ns for c in copies if c)


class _Flying(NamedTuple):
    slot: int
    start_ns: int
    enqueue: Span


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs queries on a target.

    Attributes:
        target: What to run.
        transfers: Copy inputs and outputs with every query.
        profiled: Ask for each layer's time stamps.
        depth: Queries in flight; the target's own depth when None.
        idle_ms: Pause after each query.
        cancelled: Asked before each query.
        now_ns: The clock.
        sleep: Takes seconds.
    """

    target: Target
    transfers: bool = True
    profiled: bool = False
    depth: int | None = None
    idle_ms: float = 0.0
    cancelled: Callable[[], bool] = never
    now_ns: Clock = time.monotonic_ns
    sleep: Callable[[float], None] = time.sleep

    def run(self, enough: Callable[[int, float], bool]) -> list[Query]:
        """Run queries until ``enough(queries begun, seconds)``; then wait for those in flight.

        Raises:
            CancelledError: The user stopped it; the target is idle again.
            DeviceError: The device faulted.
        """
        depth = self.depth or self.target.depth
        flying: deque[_Flying] = deque()
        done: list[Query] = []
        begin_ns = self.now_ns()
        begun = 0
        try:
            while not enough(begun, (self.now_ns() - begin_ns) / 1e9):
                if self.cancelled():
                    raise CancelledError("the measurement was cancelled")
                if len(flying) == depth:
                    done.append(self._finish(flying.popleft()))
                flying.append(self._begin(begun % depth))
                begun += 1
                if self.idle_ms:
                    self.sleep(self.idle_ms / 1e3)
            while flying:
                done.append(self._finish(flying.popleft()))
        finally:
            while flying:  # only after an error: leave the target idle
                self.target.synchronize(flying.popleft().slot)
        return done

    def _begin(self, slot: int) -> _Flying:
        start_ns = self.now_ns()
        if self.transfers:
            self.target.transfer_in(slot)
        enqueue_ns = self.now_ns()
        self.target.enqueue(slot, profiled=self.profiled)
        enqueued_ns = self.now_ns()
        if self.transfers:
            self.target.transfer_out(slot)
        return _Flying(slot, start_ns, Span(enqueue_ns, enqueued_ns))

    def _finish(self, flying: _Flying) -> Query:
        device = self.target.synchronize(flying.slot)
        host = Span(flying.start_ns, self.now_ns())
        enqueue = flying.enqueue
        if self.target.depth == 1:  # enqueue computed; only what came before is launch work
            enqueue = Span(enqueue.start_ns, min(enqueue.end_ns, device.compute.start_ns))
        return Query(host, enqueue, device)

"""Steps on a GPU: enqueued one by one, or replayed as one captured graph.

The graph is captured when a program first runs. A second graph with event nodes around every
step is captured when it is first asked for time stamps, so that stamps cost nothing otherwise.
Steps of a region run on auxiliary streams between a fork and a join.
"""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from trtlab.core.errors import DeviceError
from trtlab.devices.cuda.clock import anchor, elapsed_ns
from trtlab.devices.cuda.kernel import Launch, Loader
from trtlab.devices.cuda.kernel_names import kernel_names
from trtlab.devices.cuda.libraries import cupy, runtime, succeeded
from trtlab.devices.cuda.scratch import SharedScratch
from trtlab.devices.protocol import Scheduled

_CALIBRATION = 7
Mark = Callable[[Any, Any], None]  # event, stream


class CudaProgram:
    """Steps bound to a device.

    Args:
        steps: What to run.
        main: The device's stream.
        auxiliary: Further streams for regions.
        loader: Compiles the steps' kernels.
    """

    def __init__(
        self,
        steps: Sequence[Scheduled],
        main: Any,  # noqa: ANN401 - a CuPy stream
        auxiliary: Sequence[Any],
        loader: Loader,
    ) -> None:
        self._steps = steps
        self._main = main
        self._auxiliary = list(auxiliary)
        self._launches = [cast(Sequence[Launch], step.launches) for step in steps]
        shared: dict[int, SharedScratch] = {}
        for step, launches in zip(steps, self._launches, strict=True):
            for launch in launches:
                launch.prepare(shared.setdefault(step.stream, SharedScratch(loader)))
        self.capturable = all(
            launch.capturable for launches in self._launches for launch in launches
        )
        self._callers: dict[int, Any] = {}
        self._graph: Any = None
        self._stamped_graph: Any = None
        self._events: list[Any] = []
        self._pairs: list[tuple[int, int]] = []
        self._event_cost: float | None = None

    def run(self) -> None:
        """Enqueue everything; the first time it is captured."""
        if self.capturable:
            self._graph_of(None).launch(self._main)
        else:
            self._enqueue(None)

    def run_on(self, handle: int) -> None:
        """Enqueue everything behind what the caller's stream holds.

        Args:
            handle: A ``cudaStream_t`` as an integer; 0 is the device's own stream.
        """
        if not handle:
            self.run()
            return
        stream = self._callers.get(handle)
        if stream is None:
            stream = self._callers[handle] = cupy().cuda.ExternalStream(handle)
        if self.capturable:
            self._graph_of(None).launch(stream)
            return
        self._main.wait_event(_now(stream))
        self._enqueue(None)
        stream.wait_event(_now(self._main))

    def run_stamped(self) -> NDArray[np.int64]:
        """Run and wait; start and end of each step in nanoseconds of the host's clock.

        The event nodes' own time, found by replaying with and without them, is taken out in
        equal parts, so that the steps of one stream add up to what a plain replay takes.
        """
        if not self._events:
            self._make_events()
        cost = self._event_cost_ns()
        start = anchor(self._main)
        if self.capturable:
            self._graph_of(_record_in_graph).launch(self._main)
        else:
            self._enqueue(_record)
        self._main.synchronize()
        if not self._steps:
            return np.zeros((0, 2), np.int64)
        first = self._events[self._pairs[0][0]]
        origin = start.at(first)
        since = np.array([elapsed_ns(first, event) for event in self._events], np.int64)
        since -= np.minimum(cost * np.arange(len(since)), since).astype(np.int64)
        times = origin + np.maximum.accumulate(since) if self._in_line else origin + since
        return np.array([(times[a], times[b]) for a, b in self._pairs], np.int64)

    def kernels(self) -> list[tuple[str, ...]]:
        """Names of every step's kernels; empty for steps that cannot be recorded.

        Raises:
            DeviceError: The driver does not tell.
        """
        self._main.synchronize()
        return [
            kernel_names(launches, self._main)
            if all(launch.capturable for launch in launches)
            else ()
            for launches in self._launches
        ]

    @property
    def _in_line(self) -> bool:
        """Whether all steps follow each other on one stream."""
        return all(step.region < 0 for step in self._steps)

    def _event_cost_ns(self) -> float:
        """What one event node adds to a replay; 0 where it cannot be told apart."""
        if self._event_cost is None:
            self._event_cost = 0.0
            if self.capturable and self._in_line and len(self._steps) > 1:
                plain = self._replay_ns(self._graph_of(None))
                stamped = self._replay_ns(self._graph_of(_record_in_graph))
                nodes = len(self._events) - 1
                self._event_cost = max(stamped - plain, 0.0) / nodes
        return self._event_cost

    def _replay_ns(self, graph: Any) -> float:  # noqa: ANN401 - a CuPy graph
        """Median time of a replay between two events of the stream."""
        event = cupy().cuda.Event
        samples: list[int] = []
        for _ in range(_CALIBRATION):
            before, after = event(), event()
            before.record(self._main)
            graph.launch(self._main)
            after.record(self._main)
            after.synchronize()
            samples.append(elapsed_ns(before, after))
        return median(samples)

    def _graph_of(self, mark: Mark | None) -> Any:  # noqa: ANN401 - a CuPy graph
        """The graph with or without event nodes, captured once."""
        if mark is None:
            if self._graph is None:
                self._graph = self._capture(None)
            return self._graph
        if self._stamped_graph is None:
            self._stamped_graph = self._capture(mark)
        return self._stamped_graph

    # ---- events ------------------------------------------------------------------------

    def _make_events(self) -> None:
        """One event between neighbours of a stream; a region's streams begin with their own."""
        event = cupy().cuda.Event
        last: dict[int, int] = {}
        region = -1
        for step in self._steps:
            if step.region != region:
                last = {} if step.region >= 0 or region >= 0 else last
                region = step.region
            before = last.get(step.stream)
            if before is None:
                before = len(self._events)
                self._events.append(event())
            after = len(self._events)
            self._events.append(event())
            self._pairs.append((before, after))
            last[step.stream] = after

    # ---- enqueueing --------------------------------------------------------------------

    def _capture(self, mark: Mark | None) -> Any:  # noqa: ANN401 - a CuPy graph
        stream = self._main
        stream.begin_capture()
        try:
            self._enqueue(mark)
        except BaseException:
            _abandon(stream)
            raise
        return stream.end_capture()

    def _enqueue(self, mark: Mark | None) -> None:
        region = -1
        forked: dict[int, Any] = {}
        fork: Any = None
        seen: set[int] = set()
        for number, (step, launches) in enumerate(
            zip(self._steps, self._launches, strict=True)
        ):
            if step.region != region:
                self._join(forked)
                forked, region = {}, step.region
                fork = self._fork() if region >= 0 else None
            stream = self._main
            if step.region >= 0 and step.stream > 0:
                stream = self._auxiliary[step.stream - 1]
                if step.stream not in forked:
                    stream.wait_event(fork)
                    forked[step.stream] = stream
            if mark is None:
                for launch in launches:
                    launch.enqueue(stream)
                continue
            before, after = self._pairs[number]
            if before not in seen:
                mark(self._events[before], stream)
            for launch in launches:
                launch.enqueue(stream)
            mark(self._events[after], stream)
            seen |= {before, after}
        self._join(forked)

    def _fork(self) -> Any:  # noqa: ANN401 - a CuPy event
        return _now(self._main)

    def _join(self, forked: dict[int, Any]) -> None:
        for stream in forked.values():
            self._main.wait_event(_now(stream))


def _now(stream: Any) -> Any:  # noqa: ANN401 - a CuPy stream and event
    """An event behind what the stream holds so far."""
    event = cupy().cuda.Event(disable_timing=True)
    event.record(stream)
    return event


def _record(event: Any, stream: Any) -> None:  # noqa: ANN401 - CuPy objects
    event.record(stream)


def _record_in_graph(event: Any, stream: Any) -> None:  # noqa: ANN401 - CuPy objects
    """A node that records the event on every replay."""
    api = runtime()
    succeeded(
        (
            *api.cudaEventRecordWithFlags(event.ptr, stream.ptr, api.cudaEventRecordExternal),
            None,
        ),
        "cudaEventRecordWithFlags",
    )


def _abandon(stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
    """End a capture that failed, so that the stream is usable again."""
    try:
        stream.end_capture()
    except (DeviceError, cupy().cuda.runtime.CUDARuntimeError):
        return

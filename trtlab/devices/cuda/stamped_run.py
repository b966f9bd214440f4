"""Runs that tell each step's time: replayed from a graph of their own where that can be."""

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trtlab.devices.cuda.enqueueing import Hooks, Route
from trtlab.devices.cuda.graphs import Graph
from trtlab.devices.cuda.replay import Extras, ReplayedSteps
from trtlab.devices.cuda.stamp_cost import cost_ns, replay_ns
from trtlab.devices.protocol import Scheduled

_EDGES = 5  # replays from which a graph's begin and end are found


class Watch(Protocol):
    """What takes the times: events, or marks of the kernels themselves.

    Attributes:
        cost_ns: Of each node that it adds; taken out of what it reads.
    """

    cost_ns: float

    @property
    def steps(self) -> Sequence[Scheduled]:
        """What to run."""
        ...

    @property
    def added(self) -> int:
        """Nodes that it adds to a run and that cost time."""
        ...

    def hooks(self, *, recorded: bool) -> Hooks:
        """What is done between steps; ``recorded`` while the streams are captured."""
        ...

    def anchored(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        """Tie the coming run to the host's clock, on an idle stream of the device."""
        ...

    def unanchored(self) -> None:
        """The coming runs count from their own begin."""
        ...

    def launched(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        """The run was put on the stream."""
        ...

    def read(self) -> NDArray[np.int64]:
        """Start and end of each step in nanoseconds of the host's clock; waits for the run."""
        ...


class StampedRun:
    """A program's steps, watched.

    Args:
        program: Whose steps; runs them without a watch.
        watch: Takes the times.

    Attributes:
        edges_ns: What the graph takes before its first step and behind its last one, found at
            the first run; None where none is replayed.
    """

    def __init__(self, program: ReplayedSteps, watch: Watch) -> None:
        self._program = program
        self._watch = watch
        self._route = Route(watch.steps)
        self._kept: tuple[Graph | None, Extras] | None = None
        self._calibrated = False
        self.edges_ns: int | None = None

    def enqueue(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        """Put a run behind what the stream holds."""
        self._calibrate(stream)
        self._watch.anchored(self._program.main)
        self._run(stream)
        self._watch.launched(stream)

    def join(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        """Add a run to what the caller captures on the stream."""
        self._watch.unanchored()
        self._program.enqueue_steps(stream, self._hooks(recorded=True), self._route)

    def read(self) -> NDArray[np.int64]:
        """Start and end of each step of the last run; waits for it."""
        return self._watch.read()

    def graph(self) -> Graph | None:
        """What is replayed; None where no graph can be made."""
        if not self._program.replays:
            return None
        if self._kept is None or self._kept[1] is not self._program.extras:
            hooks = partial(self._hooks, recorded=True)
            self._kept = (self._program.captured(hooks, self._route), self._program.extras)
        return self._kept[0]

    def _run(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        if (graph := self.graph()) is not None:
            graph.launch(stream)
        else:
            self._program.enqueue_steps(stream, self._hooks(recorded=False), self._route)

    def _hooks(self, *, recorded: bool) -> Hooks:
        return self._program.hooks(self._watch.hooks(recorded=recorded), recorded=recorded)

    def _calibrate(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        """Find what the watch costs, and what is not in its steps.

        These replays come behind the caller's work.
        """
        if self._calibrated:
            return
        self._calibrated = True
        main, added = self._program.main, self._watch.added
        several = self._route.in_line and len(self._watch.steps) > 1
        graph = self.graph() if several else None
        if graph is None or not added:
            return
        self._program.enqueue(stream)
        stream.synchronize()
        plain, watched = partial(self._program.enqueue, main), partial(graph.launch, main)
        self._watch.cost_ns = cost_ns(main, plain, watched, added)
        found = [self._outside_ns(main, watched) for _ in range(_EDGES)]
        self.edges_ns = round(median(found))

    def _outside_ns(self, main: Any, watched: Callable[[], None]) -> float:  # noqa: ANN401
        """What a replay takes beyond its steps, as a plain one does."""
        self._watch.unanchored()
        whole_ns = replay_ns(main, watched)
        self._watch.launched(main)
        stamps = self._watch.read()
        inside_ns = float(stamps[:, 1].max() - stamps[:, 0].min())
        return whole_ns - inside_ns - self._watch.cost_ns * self._watch.added

"""Times that kernels write down themselves, so that a run is timed as it is.

An event between two kernels keeps them apart: nothing overlaps any more, and the layers add up to
more than a run takes without events. Here every layer's first kernel writes down when its turn
came, which is when everything before it was done. Before a library's kernel, and at the end, a
kernel of one thread does that; what these cost is measured and taken out.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trtlab.devices.cuda.enqueueing import NO_HOOKS, Hooks
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch, Loader
from trtlab.devices.cuda.libraries import cupy
from trtlab.devices.cuda.memory import TO_HOST, copy_async
from trtlab.devices.cuda.neighbours import AHEAD, FOLLOW, NEIGHBOURS
from trtlab.devices.protocol import Scheduled

MARK = Kernel(
    "mark_turn",
    f'{NEIGHBOURS}\nextern "C" __global__ void mark_turn({AHEAD}) {{ {FOLLOW} }}\n',
    (1, 1, 1),
    (1, 1, 1),
)
"""Writes down when its turn came."""

_BYTES = 8
_TRIES = 4
_LASTS_NS = 500_000_000
"""So long the clocks stay tied: they drift by microseconds a second, and waiting for the GPU
before each run would let it rest, so that the run finds other clocks than its neighbours.
"""


class KernelStamps:
    """Steps of one stream whose kernels write down the GPU's time, and what they wrote.

    Args:
        steps: In line, prepared.
        main: The device's own stream, to read on.
        loader: Compiles, and allocates where the times go.

    Attributes:
        steps: What to run instead: the same, and one more at the end.
        cost_ns: What one kernel that only writes down the time adds to a run.
    """

    def __init__(
        self,
        steps: Sequence[Scheduled],
        main: Any,  # noqa: ANN401 - a CuPy stream
        loader: Loader,
    ) -> None:
        self._main = main
        self._memory = loader.scratch(_BYTES * (len(steps) + 2))
        places = [self._memory.address + _BYTES * n for n in range(len(steps) + 2)]
        marked = [_marked(step, place) for step, place in zip(steps, places, strict=False)]
        own = [len(m.launches) - len(s.launches) for m, s in zip(marked, steps, strict=True)]
        self._own_before = np.array([0, *accumulate(own)], np.int64)
        self._empty = [not step.launches for step in steps]
        self.steps = [*marked, Scheduled((KernelLaunch(MARK, (), turn=places[-2]),))]
        self._beat = KernelLaunch(MARK, (), turn=places[-1])
        for launch in (*(x for step in self.steps for x in step.launches[:1]), self._beat):
            if isinstance(launch, KernelLaunch):
                launch.prepare(loader)
        self._done: Any = cupy().cuda.Event(disable_timing=True)
        self.cost_ns = 0.0
        self._offset_ns = 0
        self._anchored_ns: int | None = None

    @property
    def added(self) -> int:
        """Kernels that only write down the time: between layers, and one at the end."""
        return int(self._own_before[-1]) + 1

    def hooks(self, *, recorded: bool) -> Hooks:
        """Nothing is done between steps."""
        del recorded
        return NO_HOOKS

    # ---- reading -----------------------------------------------------------------------

    def anchored(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        """Tie the coming run to the host's clock.

        Args:
            stream: Of the device; waited for where they were not tied lately.
        """
        now_ns = time.monotonic_ns()
        if self._anchored_ns is not None and now_ns - self._anchored_ns < _LASTS_NS:
            return
        self._anchored_ns = now_ns
        stream.synchronize()
        closest = 0
        for _ in range(_TRIES):
            before = time.monotonic_ns()
            self._beat.enqueue(stream)
            stream.synchronize()
            after = time.monotonic_ns()
            if not closest or after - before < closest:
                closest = after - before
                self._offset_ns = (before + after) // 2 - int(self._written()[-1])

    def unanchored(self) -> None:
        """The coming runs count in the GPU's own time."""
        self._offset_ns, self._anchored_ns = 0, None

    def launched(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        """Note where the run ends on the stream that it was put on."""
        self._done.record(stream)

    def read(self) -> NDArray[np.int64]:
        """Start and end of each step in nanoseconds of the host's clock; waits for the run."""
        self._done.synchronize()
        turns = self._written()[:-1]
        for number in reversed(range(len(self._empty))):
            if self._empty[number]:  # it has no kernel of its own, and takes no time
                turns[number] = turns[number + 1]
        turns -= (self.cost_ns * self._own_before).astype(np.int64)
        times = np.maximum.accumulate(turns) + self._offset_ns
        return np.stack([times[:-1], times[1:]], axis=1)

    def _written(self) -> NDArray[np.int64]:
        times = np.empty(self._memory.nbytes // _BYTES, np.int64)
        address = self._memory.address
        copy_async(times.ctypes.data, address, times.nbytes, TO_HOST, self._main.ptr)
        self._main.synchronize()
        return times


def _marked(step: Scheduled, place: int) -> Scheduled:
    """The step with its first launch told to write down the time, or one put before it."""
    if not step.launches:
        return step
    first, *others = step.launches
    if isinstance(first, KernelLaunch) and first.kernel.follows:
        told = KernelLaunch(first.kernel, first.arguments, ahead=first.ahead, turn=place)
        return replace(step, launches=(told, *others))
    return replace(step, launches=(KernelLaunch(MARK, (), turn=place), *step.launches))

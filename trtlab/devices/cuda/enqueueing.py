"""Steps put on streams: regions fork off the main stream and join it again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from trtlab.core.settings import settings
from trtlab.devices.cuda.kernel import KernelLaunch, Launch
from trtlab.devices.cuda.libraries import cupy, runtime, succeeded
from trtlab.devices.protocol import Scheduled

At = Callable[[int, Any], None]
"""Told a step's number and a stream."""


def _nothing(_number: int, _stream: object) -> None:
    """No hook."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is done between steps.

    Attributes:
        before: On a step's stream, before its launches.
        after: On a step's stream, behind its launches.
        reached: On the main stream, when all steps below the number are behind it; called for
            every number where that holds, the count of steps last.
    """

    before: At = _nothing
    after: At = _nothing
    reached: At = _nothing


NO_HOOKS = Hooks()


class Route:
    """Which launches go to which stream, in which order.

    Args:
        steps: With their streams and regions.
    """

    def __init__(self, steps: Sequence[Scheduled]) -> None:
        self.steps = steps
        self._following = _following(steps)
        self._overlap = settings().overlap
        self.launches = [cast(Sequence[Launch], step.launches) for step in steps]
        self.auxiliary = max((s.stream for s in steps if s.region >= 0), default=0)
        self.in_line = all(step.region < 0 for step in steps)

    def enqueue(self, main: Any, auxiliary: Sequence[Any], hooks: Hooks = NO_HOOKS) -> None:  # noqa: ANN401
        """Put everything on streams.

        Args:
            main: A CuPy stream.
            auxiliary: At least as many CuPy streams as `auxiliary` says.
            hooks: Called between steps.
        """
        region = -1
        forked: dict[int, Any] = {}
        fork: Any = None
        before: Launch | None = None
        for number, (step, launches) in enumerate(zip(self.steps, self.launches, strict=True)):
            if step.region != region:
                _join(main, forked)
                forked, region, before = {}, step.region, None
                fork = now(main) if region >= 0 else None
                hooks.reached(number, main)
            elif region < 0:
                hooks.reached(number, main)
            stream = main
            if step.region >= 0 and step.stream > 0:
                stream = auxiliary[step.stream - 1]
                if step.stream not in forked:
                    stream.wait_event(fork)
                    forked[step.stream] = stream
            hooks.before(number, stream)
            alone = hooks is not NO_HOOKS or region >= 0  # something may lie between steps
            if alone:
                before = None
            after = None if alone else self._following[number]
            for launch, follower in pairwise((*launches, after)):
                assert launch is not None
                self._put(launch, before, follower, stream)
                before = launch
            hooks.after(number, stream)
        _join(main, forked)
        hooks.reached(len(self.steps), main)

    def _put(
        self,
        launch: Launch,
        before: Launch | None,
        after: Launch | None,
        stream: Any,  # noqa: ANN401 - a CuPy stream
    ) -> None:
        """Enqueue; of two kernels of our own, the later one is set up early.

        Either when the earlier one's last block ends, or while it runs. Never is a library's: it
        may be one that is set up early by its own choice and expects that everything is done.
        """
        if isinstance(launch, KernelLaunch):
            follows = isinstance(after, KernelLaunch) and after.kernel.follows
            early = isinstance(before, KernelLaunch)
            launch.enqueue(stream, early=early, admits=self._overlap and follows)
        else:
            launch.enqueue(stream)


def _following(steps: Sequence[Scheduled]) -> list[Launch | None]:
    """The launch behind each step's last one, as far as both are on the main stream."""
    found: list[Launch | None] = [None] * len(steps)
    after: Launch | None = None
    for number in reversed(range(len(steps))):
        step = steps[number]
        if step.region >= 0:
            after = None
            continue
        found[number] = after
        if step.launches:
            after = cast(Launch, step.launches[0])
    return found


def _join(main: Any, forked: dict[int, Any]) -> None:  # noqa: ANN401 - CuPy streams
    for stream in forked.values():
        main.wait_event(now(stream))


def now(stream: Any) -> Any:  # noqa: ANN401 - a CuPy stream and event
    """An event behind what the stream holds so far."""
    event = cupy().cuda.Event(disable_timing=True)
    cupy().cuda.runtime.eventRecord(event.ptr, stream.ptr)
    return event


def record(event: int, stream: Any, *, recorded: bool) -> None:  # noqa: ANN401 - a CuPy stream
    """Record an event; in a graph that is being captured, with every replay.

    Args:
        event: A ``cudaEvent_t`` as an integer.
        stream: A CuPy stream.
        recorded: Whether the stream is being captured.

    Raises:
        DeviceError: The event or the stream is gone.
    """
    api = runtime()
    flags = api.cudaEventRecordExternal if recorded else api.cudaEventRecordDefault
    succeeded(
        (*api.cudaEventRecordWithFlags(event, stream.ptr, flags), None),
        "cudaEventRecordWithFlags",
    )

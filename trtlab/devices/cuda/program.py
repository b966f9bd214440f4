"""Steps on a GPU: enqueued one by one, or replayed as one captured graph.

The graph is captured when a program first runs, and again when what it carries changes. A
second graph with event nodes around every step is captured when it is first asked for time
stamps, so that stamps cost nothing otherwise. A program whose launches cannot be captured is
enqueued step by step, and says why.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trtlab.core.errors import DeviceError, DeviceLostError, UsageError
from trtlab.devices.cuda.callers_stream import LEGACY, CallersStream
from trtlab.devices.cuda.enqueueing import NO_HOOKS, Hooks, Route, record
from trtlab.devices.cuda.graphs import ENQUEUEING, FILL, Graph, capture
from trtlab.devices.cuda.kernel import Loader
from trtlab.devices.cuda.kernel_names import kernel_names
from trtlab.devices.cuda.l2_window import Window, kept_in_cache
from trtlab.devices.cuda.libraries import context_is_lost, cupy, told
from trtlab.devices.cuda.scratch import SharedScratch
from trtlab.devices.cuda.stamps import Stamps
from trtlab.devices.protocol import Scheduled

_KEPT_CALLERS = 64
_CAPTURE_TRIES = 2  # a wait for the whole device on another thread spoils a capture


@dataclass(frozen=True, slots=True)
class Extras:
    """What a run carries beside its steps.

    Attributes:
        consumed_event: Handle of an event that tells when the inputs were read; 0 for none.
        consumed_at: The inputs are no longer read when so many steps are done.
        window: Memory that the L2 cache keeps.
    """

    consumed_event: int = 0
    consumed_at: int = 0
    window: Window | None = None


PLAIN = Extras()


class CudaProgram:
    """Steps bound to a device.

    Args:
        steps: What to run.
        main: The device's own stream; the device is the current one.
        loader: Compiles the steps' kernels.

    Attributes:
        graphs: Whether to replay a captured graph where that is possible.
        extras: What runs carry.
        auxiliary: The caller's streams for regions, used where no graph is; what they lack
            the program makes.
    """

    def __init__(
        self,
        steps: Sequence[Scheduled],
        main: Any,  # noqa: ANN401 - a CuPy stream
        loader: Loader,
    ) -> None:
        self._main = main
        self._loader = loader
        self._device: Any = cupy().cuda.Device()
        self._route = Route(steps)
        self._steps = steps
        shared: dict[int, SharedScratch] = {}
        for step, launches in zip(steps, self._route.launches, strict=True):
            for launch in launches:
                launch.prepare(shared.setdefault(step.stream, SharedScratch(loader)))
        self.graphs = True
        self.extras = PLAIN
        self.auxiliary: Sequence[int] = ()
        held_back = sum(
            not launch.capturable for launches in self._route.launches for launch in launches
        )
        self._refusal = f"{held_back} launches wait for the host" if held_back else ""
        self._own_auxiliary: list[Any] = []
        self._callers: dict[int, CallersStream] = {}
        self._graph: Graph | None = None
        self._carried: Extras | None = None  # by the graph
        self._stamped: tuple[Graph | None, Extras] | None = None
        self._stamps: Stamps | None = None

    @property
    def capturable(self) -> bool:
        """Whether a CUDA graph of it can be made, as far as is known."""
        return not self._refusal

    @property
    def refusal(self) -> str:
        """Why no CUDA graph of it can be made; empty where one can."""
        return self._refusal

    @property
    def replays(self) -> bool:
        """Whether runs replay a graph."""
        return self.graphs and not self._refusal

    # ---- running -----------------------------------------------------------------------

    def run(self) -> None:
        """Enqueue everything on the device's own stream."""
        self._run(self._main)

    def run_on(self, handle: int) -> None:
        """Enqueue everything behind what the caller's stream holds.

        Where the caller is capturing that stream, the steps become part of the caller's graph.

        Args:
            handle: A ``cudaStream_t`` as an integer; 0 is the legacy default stream.

        Raises:
            DeviceError: The stream or the device refused. (A destroyed stream ends the
                process: the driver does not check handles.)
            UsageError: The stream is being captured and the steps cannot be.
        """
        stream = self._callers.get(handle)
        if stream is None:
            if len(self._callers) >= _KEPT_CALLERS:
                self._callers.clear()
            stream = self._callers[handle] = CallersStream(handle)
        try:
            if stream.is_capturing():
                self._join_capture(stream, stamped=False)
            else:
                self._run(stream)
        except RuntimeError as error:  # CuPy's
            raise _refused(handle, error) from error

    def _run(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        if self.graphs and not self._refusal:
            if self._carried is not self.extras:
                self._capture_plain()
            if self._graph is not None:
                self._graph.launch(stream)
                return
        self._enqueue(stream, self._hooks(recorded=False))

    def run_checked(self, handle: int, names: Sequence[str]) -> None:
        """Enqueue step by step, and wait for each: a fault is told with the step's name.

        Args:
            handle: The caller's stream; 0 is the legacy default stream.
            names: One for each step.

        Raises:
            DeviceError: A step faulted; says which.
        """
        stream = CallersStream(handle)

        def check(number: int, at: Any) -> None:  # noqa: ANN401 - a CuPy stream
            try:
                at.synchronize()
            except RuntimeError as error:
                raise DeviceLostError(
                    f"the GPU reports a fault: {error}",
                    where=(f"layer {names[number]}",),
                    hint="check the addresses and sizes of the bindings; the CUDA context is "
                    "lost: start a new process (in a notebook, restart the kernel)",
                ) from error

        if stream.is_capturing():
            raise UsageError(
                "debug_sync waits for every layer; a stream that is being captured cannot wait",
                hint="set debug_sync to False before capturing",
            )
        hooks = self._hooks(recorded=False)
        self._enqueue(stream, Hooks(after=check, reached=hooks.reached))

    def wait(self) -> None:
        """Wait until no run is under way, on whichever stream, so that memory can go back."""
        # Not while a graph is being captured here.
        with ENQUEUEING, self._device, told("waiting for the GPU"):
            cupy().cuda.runtime.deviceSynchronize()

    # ---- time stamps -------------------------------------------------------------------

    def run_stamped(self) -> NDArray[np.int64]:
        """Run and wait; start and end of each step in nanoseconds of the host's clock.

        The event nodes' own time, found by replaying with and without them, is taken out in
        equal parts, so that the steps of one stream add up to what a plain replay takes.
        """
        self.enqueue_stamped(None)
        return self.stamps()

    def enqueue_stamped(self, handle: int | None) -> None:
        """Enqueue with events around every step; `stamps` reads them.

        Args:
            handle: The caller's stream, 0 the legacy default one; None is the device's own.

        Raises:
            DeviceError: The stream is gone, or the device refused.
        """
        stream = self._main if handle is None else CallersStream(handle)
        if self._stamps is None:
            with self._device:
                self._stamps = Stamps(self._steps)
        try:
            if handle is not None and stream.is_capturing():
                self._stamps.unanchored()
                self._join_capture(stream, stamped=True)
                return
            self._calibrate(stream)
            self._stamps.anchored(self._main)
            self._run_stamped(stream)
        except RuntimeError as error:  # CuPy's
            raise _refused(handle or 0, error) from error

    def stamps(self) -> NDArray[np.int64]:
        """Start and end of each step of the last stamped run; waits for it.

        Raises:
            UsageError: There was none.
        """
        if self._stamps is None:
            raise UsageError("no stamped run was enqueued")
        return self._stamps.read(in_line=self._route.in_line)

    def _run_stamped(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        graph = self._stamped_graph() if self.replays else None
        if graph is not None:
            graph.launch(stream)
        else:
            self._enqueue(stream, self._hooks(recorded=False, stamped=True))

    def _calibrate(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        """Find what the event nodes cost; these replays come behind the caller's work."""
        assert self._stamps is not None
        if self._stamps.calibrated:
            return
        plain: Callable[[], None] | None = None
        if self.replays and self._route.in_line and len(self._steps) > 1:
            self._run(stream)
            if self._stamped_graph() is not None and self._graph is not None:
                plain = self._replay_plain
        stream.synchronize()
        self._stamps.calibrate(self._main, plain, self._replay_stamped)

    def _replay_plain(self) -> None:
        self._run(self._main)

    def _replay_stamped(self) -> None:
        self._run_stamped(self._main)

    # ---- kernels -----------------------------------------------------------------------

    def kernels(self) -> list[tuple[str, ...]]:
        """Names of every step's kernels; empty for steps that cannot be recorded.

        Raises:
            DeviceError: The driver does not tell.
        """
        self._main.synchronize()
        with ENQUEUEING, self._device:
            return [
                kernel_names(launches, self._main)
                if all(launch.capturable for launch in launches)
                else ()
                for launches in self._route.launches
            ]

    # ---- graphs and enqueueing ---------------------------------------------------------

    def _capture_plain(self) -> None:
        extras = self.extras
        self._graph = self._captured(self._hooks(recorded=True))
        self._carried = extras

    def _stamped_graph(self) -> Graph | None:
        if self._stamped is None or self._stamped[1] is not self.extras:
            hooks = self._hooks(recorded=True, stamped=True)
            self._stamped = (self._captured(hooks), self.extras)
        return self._stamped[0]

    def _captured(self, hooks: Hooks) -> Graph | None:
        """A graph; None, and the reason kept, where the launches refuse."""

        def enqueue(main: Any, others: Sequence[Any]) -> None:  # noqa: ANN401 - CuPy streams
            with kept_in_cache(self.extras.window, [main, *others]):
                self._route.enqueue(main, others, hooks)

        reason = ""
        for _ in range(_CAPTURE_TRIES):
            try:
                return capture(
                    self._device,
                    self._route.auxiliary,
                    enqueue,
                    lambda: self._loader.function(FILL),
                )
            except DeviceError as error:
                reason = str(error.__cause__ or error.what).splitlines()[0]
        self._refusal = reason
        return None

    def _join_capture(self, stream: Any, *, stamped: bool) -> None:  # noqa: ANN401
        """Add the steps to the graph that the caller captures."""
        if self._refusal:
            raise UsageError(
                f"this engine cannot be part of a CUDA graph: {self._refusal}",
                hint="call execute_async_v3 outside of the capture",
            )
        self._enqueue(stream, self._hooks(recorded=True, stamped=stamped))

    def _enqueue(self, stream: Any, hooks: Hooks = NO_HOOKS) -> None:  # noqa: ANN401
        window = None if stream.ptr in LEGACY else self.extras.window
        with ENQUEUEING, self._device:
            others = self._auxiliary_streams()
            with kept_in_cache(window, [stream, *others]):
                self._route.enqueue(stream, others, hooks)

    def _auxiliary_streams(self) -> list[Any]:
        """The caller's, then the program's own."""
        module = cupy().cuda
        given = [CallersStream(h) for h in self.auxiliary[: self._route.auxiliary]]
        missing = self._route.auxiliary - len(given)
        while len(self._own_auxiliary) < missing:
            self._own_auxiliary.append(module.Stream(non_blocking=True))
        return [*given, *self._own_auxiliary[:missing]]

    def _hooks(self, *, recorded: bool, stamped: bool = False) -> Hooks:
        """Events around the steps, and one when the inputs were read."""
        hooks = NO_HOOKS
        if stamped:
            assert self._stamps is not None
            hooks = self._stamps.hooks(recorded=recorded)
        extras = self.extras
        if not extras.consumed_event:
            return hooks

        def consumed(number: int, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
            if number == extras.consumed_at:
                try:
                    record(extras.consumed_event, stream, recorded=recorded)
                except DeviceError as error:
                    raise UsageError(
                        f"the input-consumed event {extras.consumed_event:#x} cannot be "
                        f"recorded: {error.what}",
                        hint="keep the event alive, or set it to 0",
                    ) from error

        return Hooks(hooks.before, hooks.after, consumed)


def _refused(handle: int, error: Exception) -> DeviceError:
    """An error of the CUDA runtime as the caller's, whose stream it is."""
    if context_is_lost():
        return DeviceLostError(f"enqueueing: the GPU reports a fault: {error}")
    return DeviceError(
        f"stream {handle:#x} does not take the work: {error}",
        hint="keep the stream alive until its work is done, and pass its handle as it is",
    )

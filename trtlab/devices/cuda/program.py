"""A program on a GPU: runs on streams of the caller, checked runs, time stamps, kernel names.

A second graph with event nodes around every step is captured when it is first asked for time
stamps, so that stamps cost nothing otherwise.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trtlab.core.errors import DeviceError, DeviceLostError, UsageError
from trtlab.devices.cuda.callers_stream import CallersStream
from trtlab.devices.cuda.enqueueing import Hooks
from trtlab.devices.cuda.graphs import ENQUEUEING, Graph
from trtlab.devices.cuda.kernel import Loader
from trtlab.devices.cuda.kernel_names import kernel_names
from trtlab.devices.cuda.libraries import context_is_lost, cupy, told
from trtlab.devices.cuda.replay import Extras, ReplayedSteps
from trtlab.devices.cuda.stamps import Stamps
from trtlab.devices.protocol import Scheduled

_KEPT_CALLERS = 64


class CudaProgram(ReplayedSteps):
    """Steps bound to a device.

    Args:
        steps: What to run.
        main: The device's own stream; the device is the current one.
        loader: Compiles the steps' kernels.
    """

    def __init__(
        self,
        steps: Sequence[Scheduled],
        main: Any,  # noqa: ANN401 - a CuPy stream
        loader: Loader,
    ) -> None:
        super().__init__(steps, main, loader)
        self._callers: dict[int, CallersStream] = {}
        self._stamped: tuple[Graph | None, Extras] | None = None
        self._stamps: Stamps | None = None

    # ---- running -----------------------------------------------------------------------

    def run(self) -> None:
        """Enqueue everything on the device's own stream."""
        self.enqueue(self._main)

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
                self.enqueue(stream)
        except RuntimeError as error:  # CuPy's
            raise _refused(handle, error) from error

    def _join_capture(self, stream: Any, *, stamped: bool) -> None:  # noqa: ANN401
        """Add the steps to the graph that the caller captures."""
        if self._refusal:
            raise UsageError(
                f"this engine cannot be part of a CUDA graph: {self._refusal}",
                hint="call execute_async_v3 outside of the capture",
            )
        hooks = self._stamp_hooks if stamped else self.hooks
        self.enqueue_steps(stream, hooks(recorded=True))

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
        hooks = self.hooks(recorded=False)
        self.enqueue_steps(stream, Hooks(after=check, reached=hooks.reached))

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
            self.enqueue_steps(stream, self._stamp_hooks(recorded=False))

    def _calibrate(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        """Find what the event nodes cost; these replays come behind the caller's work."""
        assert self._stamps is not None
        if self._stamps.calibrated:
            return
        plain: Callable[[], None] | None = None
        if self.replays and self._route.in_line and len(self._steps) > 1:
            self.enqueue(stream)
            if self._stamped_graph() is not None and self._graph is not None:
                plain = self._replay_plain
        stream.synchronize()
        self._stamps.calibrate(self._main, plain, self._replay_stamped)

    def _replay_plain(self) -> None:
        self.enqueue(self._main)

    def _replay_stamped(self) -> None:
        self._run_stamped(self._main)

    def _stamped_graph(self) -> Graph | None:
        if self._stamped is None or self._stamped[1] is not self.extras:
            hooks = partial(self._stamp_hooks, recorded=True)
            self._stamped = (self.captured(hooks), self.extras)
        return self._stamped[0]

    def _stamp_hooks(self, *, recorded: bool) -> Hooks:
        """Events around the steps as well."""
        assert self._stamps is not None
        return self.hooks(self._stamps.hooks(recorded=recorded), recorded=recorded)

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


def _refused(handle: int, error: Exception) -> DeviceError:
    """An error of the CUDA runtime as the caller's, whose stream it is."""
    if context_is_lost():
        return DeviceLostError(f"enqueueing: the GPU reports a fault: {error}")
    return DeviceError(
        f"stream {handle:#x} does not take the work: {error}",
        hint="keep the stream alive until its work is done, and pass its handle as it is",
    )

"""A program on a GPU: runs on streams of the caller, checked runs, time stamps, kernel names.

Time stamps are taken in a graph of their own, captured when they are first asked for, so that
they cost nothing otherwise.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trtlab.core.errors import DeviceError, DeviceLostError, UsageError
from trtlab.devices.cuda.callers_stream import CallersStream
from trtlab.devices.cuda.enqueueing import Hooks
from trtlab.devices.cuda.event_stamps import EventStamps
from trtlab.devices.cuda.graphs import ENQUEUEING
from trtlab.devices.cuda.kernel import Loader
from trtlab.devices.cuda.kernel_names import kernel_names
from trtlab.devices.cuda.kernel_stamps import KernelStamps
from trtlab.devices.cuda.libraries import context_is_lost, cupy, told
from trtlab.devices.cuda.replay import ReplayedSteps
from trtlab.devices.cuda.stamped_run import StampedRun
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
        self._events: StampedRun | None = None
        self._marks: StampedRun | None = None
        self._last: StampedRun | None = None

    # ---- running -----------------------------------------------------------------------

    def run(self) -> None:
        """Enqueue everything on the device's own stream."""
        self.enqueue(self.main)

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
                self._may_join_capture()
                self.enqueue_steps(stream, self.hooks(recorded=True))
            else:
                self.enqueue(stream)
        except RuntimeError as error:  # CuPy's
            raise _refused(handle, error) from error

    def _may_join_capture(self) -> None:
        if self._refusal:
            raise UsageError(
                f"this engine cannot be part of a CUDA graph: {self._refusal}",
                hint="call execute_async_v3 outside of the capture",
            )

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

        What is put between the steps for it is measured, by replaying with and without, and
        taken out, so that the steps of one stream add up to what a plain replay takes.
        """
        self.enqueue_stamped(None)
        return self.stamps()

    def enqueue_stamped(self, handle: int | None) -> None:
        """Enqueue with time stamps around every step; `stamps` reads them.

        Args:
            handle: The caller's stream, 0 the legacy default one; None is the device's own.

        Raises:
            DeviceError: The stream is gone, or the device refused.
        """
        stream = self.main if handle is None else CallersStream(handle)
        try:
            if handle is not None and stream.is_capturing():
                self._may_join_capture()
                self._last = self._with_events()
                self._last.join(stream)
            else:
                self._last = self._with_marks() or self._with_events()
                self._last.enqueue(stream)
        except RuntimeError as error:  # CuPy's
            raise _refused(handle or 0, error) from error

    def stamps(self) -> NDArray[np.int64]:
        """Start and end of each step of the last stamped run; waits for it.

        Raises:
            UsageError: There was none.
        """
        if self._last is None:
            raise UsageError("no stamped run was enqueued")
        return self._last.read()

    @property
    def edges_ns(self) -> int | None:
        """What a stamped run's graph takes before its first step and behind its last one.

        None before the first such run, and where no graph is replayed.
        """
        return None if self._last is None else self._last.edges_ns

    def _with_events(self) -> StampedRun:
        if self._events is None:
            with self._device:
                self._events = StampedRun(self, EventStamps(self.steps))
        return self._events

    def _with_marks(self) -> StampedRun | None:
        """None where steps are beside each other, or not replayed: then events tell more."""
        if not (self.replays and self.route.in_line and len(self.steps) > 1):
            return None
        if self._marks is None:
            with self._device:
                self._marks = StampedRun(
                    self, KernelStamps(self.steps, self.main, self._loader)
                )
        return self._marks if self._marks.graph() is not None else None

    # ---- kernels -----------------------------------------------------------------------

    def kernels(self) -> list[tuple[str, ...]]:
        """Names of every step's kernels; empty for steps that cannot be recorded.

        Raises:
            DeviceError: The driver does not tell.
        """
        self.main.synchronize()
        with ENQUEUEING, self._device:
            return [
                kernel_names(launches, self.main)
                if all(launch.capturable for launch in launches)
                else ()
                for launches in self.route.launches
            ]


def _refused(handle: int, error: Exception) -> DeviceError:
    """An error of the CUDA runtime as the caller's, whose stream it is."""
    if context_is_lost():
        return DeviceLostError(f"enqueueing: the GPU reports a fault: {error}")
    return DeviceError(
        f"stream {handle:#x} does not take the work: {error}",
        hint="keep the stream alive until its work is done, and pass its handle as it is",
    )

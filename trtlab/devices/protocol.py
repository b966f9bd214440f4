"""What builder and runtime ask of a device."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from trtlab.core.types import StaticShape
from trtlab.layers.base import Array
from trtlab.report.records import DeviceRecord


class Memory(Protocol):
    """Bytes on a device; given back when nothing refers to it any more."""

    @property
    def address(self) -> int:
        """First byte, aligned to at least 64 bytes."""
        ...

    @property
    def nbytes(self) -> int:
        """Size."""
        ...


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The launches of one step.

    Attributes:
        launches: Commands of this device, in order.
        stream: 0 is the main stream.
        region: Steps of one region may run side by side on their streams; −1 outside of any.
        weights: Addresses and bytes of the constants that the launches read.
        instead: Make other launches that do the same, one of which takes their place where a
            library has no plan for them.
    """

    launches: Sequence[object]
    stream: int = 0
    region: int = -1
    weights: tuple[tuple[int, int], ...] = ()
    instead: tuple[Callable[[], Sequence[object]], ...] = ()


class Program(Protocol):
    """Steps bound to a device, to be run any number of times."""

    def run(self) -> None:
        """Execute all steps; returns when they are done (CPU) or enqueued (GPU)."""
        ...

    def run_stamped(self) -> NDArray[np.int64]:
        """Execute all steps and wait.

        Returns:
            int64 [steps, 2]: start and end of every step in nanoseconds of ``monotonic_ns``.
        """
        ...


class Device(Protocol):
    """A place where engines run."""

    @property
    def kind(self) -> Literal["cpu", "cuda"]:
        """``cpu`` or ``cuda``."""
        ...

    @property
    def fingerprint(self) -> str:
        """Everything about the device that changes times: model, threads, kernels' version."""
        ...

    @property
    def compatibility(self) -> str:
        """Everything that packed weights rely on: engines run where it is equal."""
        ...

    def record(self) -> DeviceRecord:
        """What it is, for reports."""
        ...

    def allocate(self, nbytes: int) -> Memory:
        """Uninitialised memory.

        Raises:
            DeviceError: Not enough of it.
        """
        ...

    def hold(self, array: Array) -> Memory:
        """Memory with an array's bytes; on the CPU the array itself."""
        ...

    def write(self, address: int, array: Array) -> None:
        """Copy an array to the device (contiguous)."""
        ...

    def read(self, address: int, dtype: np.dtype, shape: StaticShape) -> Array:
        """Copy from the device into a new array."""
        ...

    def program(self, steps: Sequence[Scheduled], streams: int) -> Program:
        """Make a program of steps."""
        ...

    def synchronize(self) -> None:
        """Wait for everything that was enqueued."""
        ...

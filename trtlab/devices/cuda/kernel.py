"""Kernels as text, and launches as data: both can be made on machines without a GPU."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from trtlab.devices.cuda.memory import CudaMemory

Grid = tuple[int, int, int]
Argument = int | float


@dataclass(frozen=True)
class Kernel:
    """One ``extern "C"`` function with its launch configuration.

    Attributes:
        name: Of the function.
        text: CUDA C++ source that needs no headers.
        grid: Blocks.
        block: Threads of a block.
        shared_bytes: Dynamic shared memory of a block.
    """

    name: str
    text: str
    grid: Grid
    block: Grid
    shared_bytes: int = 0

    @cached_property
    def digest(self) -> str:
        """Of the text: equal digests compile to equal code."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]


class Stream(Protocol):
    """What a launch needs to know of a stream."""

    @property
    def ptr(self) -> int:
        """The stream's handle."""
        ...


class Loader(Protocol):
    """Turns kernels into callable functions of one device."""

    def function(self, kernel: Kernel) -> Any:  # noqa: ANN401 - a CuPy function
        """The compiled and loaded function."""
        ...

    def scratch(self, nbytes: int) -> CudaMemory:
        """Device memory for a launch's own use."""
        ...


class Launch(Protocol):
    """A command of the CUDA device.

    Attributes:
        capturable: Whether it may be recorded into a CUDA graph.
    """

    capturable: bool

    def prepare(self, loader: Loader) -> None:
        """Compile and load; called once, before the first `enqueue`."""
        ...

    def enqueue(self, stream: Stream) -> None:
        """Put the work on a stream."""
        ...


@dataclass
class KernelLaunch:
    """A kernel with its arguments.

    Attributes:
        kernel: What to run.
        arguments: Addresses (8 bytes each), in the kernel's order.
    """

    kernel: Kernel
    arguments: tuple[Argument, ...]
    capturable: bool = True
    _function: Any = field(default=None, repr=False)

    def prepare(self, loader: Loader) -> None:
        """Compile and load."""
        self._function = loader.function(self.kernel)

    def enqueue(self, stream: Stream) -> None:
        """Launch."""
        self._function(
            self.kernel.grid,
            self.kernel.block,
            self.arguments,
            shared_mem=self.kernel.shared_bytes,
            stream=stream,
        )

"""Kernels as text, and launches as data: both can be made on machines without a GPU."""

import ctypes
import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from trtlab.devices.cuda.libraries import driver, succeeded
from trtlab.devices.cuda.memory import CudaMemory
from trtlab.devices.cuda.neighbours import AHEAD, FETCH_AHEAD, FOLLOW, Told
from trtlab.devices.cuda.tensor_map import TensorMap, WindowMap

Grid = tuple[int, int, int]
Argument = int | float | TensorMap | WindowMap


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
    def follows(self) -> bool:
        """Whether it may be set up while the kernel before it still runs."""
        return FOLLOW in self.text

    @cached_property
    def fetches(self) -> bool:
        """Whether it can ask for the next kernels' weights."""
        return FETCH_AHEAD in self.text

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
        arguments: Addresses (8 bytes each) and tensor maps, in the kernel's order.
        ahead: Addresses and sizes of weights to ask into the L2 cache.
        turn: Address that gets the GPU's time when everything before it is done; 0 for none.
    """

    kernel: Kernel
    arguments: tuple[Argument, ...]
    capturable: bool = True
    ahead: tuple[tuple[int, int], ...] = ()
    turn: int = 0
    _function: Any = field(default=None, repr=False)
    _held: list[Any] = field(default_factory=list[Any], repr=False)
    _pointers: dict[bool, Any] = field(default_factory=dict[bool, Any], repr=False)
    _configs: dict[bool, Any] = field(default_factory=dict[bool, Any], repr=False)

    def prepare(self, loader: Loader) -> None:
        """Compile and load."""
        api = driver()
        self._function = api.CUfunction(int(loader.function(self.kernel).ptr))
        self._held = [_stored(argument) for argument in self.arguments]
        places = [held.getPtr() if hasattr(held, "getPtr") else ctypes.addressof(held)
                  for held in self._held]  # fmt: skip
        for admits in (False, True):
            last: list[int] = []
            if AHEAD in self.kernel.text:
                self._held.append(Told(self.ahead, self.turn, admits).stored())
                last.append(ctypes.addressof(self._held[-1]))
            all_places = (*places, *last)
            self._pointers[admits] = (ctypes.c_void_p * len(all_places))(*all_places)

    def enqueue(self, stream: Stream, *, early: bool = False, admits: bool = False) -> None:
        """Launch; by one thread at a time.

        Args:
            stream: Where to.
            early: While the kernel launched directly before on the stream may still run.
            admits: The next launch on the stream may be set up while this one runs.
        """
        api = driver()
        early = early and self.kernel.follows
        config = self._configs.get(early)
        if config is None:
            config = self._configs[early] = _config(self.kernel, early=early)
        config.hStream = api.CUstream(int(stream.ptr))
        pointers = ctypes.addressof(self._pointers[admits])
        succeeded(
            (*api.cuLaunchKernelEx(config, self._function, pointers, 0), None),
            f"the launch of {self.kernel.name}",
        )


def _stored(argument: Argument) -> Any:  # noqa: ANN401 - memory that holds it
    if isinstance(argument, TensorMap | WindowMap):
        return argument.encoded()
    return (
        ctypes.c_double(argument) if isinstance(argument, float) else ctypes.c_int64(argument)
    )


def _config(kernel: Kernel, *, early: bool) -> Any:  # noqa: ANN401 - a driver structure
    """How a kernel is launched, but for the stream: making it anew costs more than a launch."""
    config = driver().CUlaunchConfig()
    config.gridDimX, config.gridDimY, config.gridDimZ = kernel.grid
    config.blockDimX, config.blockDimY, config.blockDimZ = kernel.block
    config.sharedMemBytes = kernel.shared_bytes
    if early:
        config.attrs = [_early()]
        config.numAttrs = 1
    return config


def _early() -> Any:  # noqa: ANN401 - a driver structure
    api = driver()
    kind = api.CUlaunchAttributeID.CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION
    attribute = api.CUlaunchAttribute()
    attribute.id = kind
    attribute.value.programmaticStreamSerializationAllowed = 1
    return attribute

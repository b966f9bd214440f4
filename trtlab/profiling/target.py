"""What can be measured: one execution context with its bindings, seen through a narrow door.

Both kinds of device fit. A *synchronous* target (CPU) computes inside `enqueue` and reads the
host's monotonic clock around its work: its `depth` is 1. An *asynchronous* target (CUDA)
returns from `enqueue` at once, records events, and turns them into the host's clock in
`synchronize`; with a `depth` of 2 it has two sets of buffers, so that the device never waits
for the host.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Span(NamedTuple):
    """A stretch of time: nanoseconds of `time.monotonic_ns`."""

    start_ns: int
    end_ns: int

    @property
    def duration_ns(self) -> int:
        """How long it took."""
        return self.end_ns - self.start_ns


class LayerStamp(NamedTuple):
    """When one layer ran; a layer of several kernels may have several stamps."""

    layer: int  # index of the engine's layer
    stream: int
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class QueryStamps:
    """When the device worked on one query; None for copies that were not asked for.

    Attributes:
        compute: All layers.
        h2d: Inputs to the device.
        d2h: Outputs to the host.
        layers: Of profiled queries only.
        edges_ns: What a profiled query took before its first layer and behind its last one, such
            as a graph's begin and end; None where the device does not tell.
    """

    compute: Span
    h2d: Span | None = None
    d2h: Span | None = None
    layers: Sequence[LayerStamp] = ()
    edges_ns: int | None = None


class Target(Protocol):
    """An execution context that is ready to run: shapes set, memory allocated.

    A query is `transfer_in`, `enqueue`, `transfer_out`, `synchronize`, all with the same
    slot; the transfers may be left out. Slots count from 0 to ``depth - 1``; a slot is used
    again only after its `synchronize`.
    """

    @property
    def depth(self) -> int:
        """Queries that may be in flight; 1 means that `enqueue` computes before it returns."""
        ...

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every input."""
        ...

    @property
    def batch(self) -> int | None:
        """Batch size, where the model has one."""
        ...

    @property
    def clock_uncertainty_ns(self) -> int:
        """How far device stamps may be off the host's clock; 0 where it is the same clock."""
        ...

    def set_random_inputs(self, seed: int) -> None:
        """Fill the inputs of every slot; never with zeros, which draw less power."""
        ...

    def transfer_in(self, slot: int) -> None:
        """Begin to copy the slot's inputs to the device."""
        ...

    def enqueue(self, slot: int, *, profiled: bool = False) -> None:
        """Begin to compute, with time stamps around each layer if ``profiled``."""
        ...

    def transfer_out(self, slot: int) -> None:
        """Begin to copy the slot's outputs to the host."""
        ...

    def synchronize(self, slot: int) -> QueryStamps:
        """Wait until the slot's query is done.

        Raises:
            DeviceError: The device faulted meanwhile.
        """
        ...

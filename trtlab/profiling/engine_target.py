"""An execution context as a target: bindings of its own, random inputs, time stamps."""

import time
from collections.abc import Mapping

import numpy as np

from trtlab.core.types import StaticShape
from trtlab.layers.base import Array
from trtlab.layers.gather import Gather
from trtlab.layers.scale import Cast
from trtlab.network.graph import Tensor
from trtlab.profiling.target import LayerStamp, QueryStamps, Span
from trtlab.runtime.executable import Executable
from trtlab.runtime.loaded import LoadedEngine


class EngineTarget:
    """A loaded engine at fixed shapes on a synchronous device (the CPU).

    Args:
        loaded: The engine on its device.
        shapes: Shape of every input.
        inputs: Data to run on; random by default.
    """

    depth = 1
    clock_uncertainty_ns = 0

    def __init__(
        self,
        loaded: LoadedEngine,
        shapes: Mapping[str, StaticShape],
        inputs: Mapping[str, Array] | None = None,
    ) -> None:
        self._loaded = loaded
        self._network = loaded.engine.network
        self.shapes: Mapping[str, tuple[int, ...]] = dict(shapes)
        self.executable = Executable(loaded, shapes)
        outputs = self.executable.output_shapes()
        self._sizes = {
            t.name: (
                tuple(shapes[t.name] if t.name in shapes else outputs[t.name]),
                t.dtype.numpy,
            )
            for t in (*self._network.inputs, *self._network.outputs)
        }
        self._memory = {
            name: loaded.device.allocate(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
            for name, (shape, dtype) in self._sizes.items()
        }
        self._given = dict(inputs or {})
        self._host: dict[str, Array] = dict(self._given)
        self.results: dict[str, Array] = {}
        self.executable.bind({name: m.address for name, m in self._memory.items()})
        self._spans: dict[str, Span] = {}
        self._layers: tuple[LayerStamp, ...] = ()
        self.set_random_inputs(0)

    @property
    def batch(self) -> int | None:
        """The common first extent of all inputs, where they have one."""
        firsts = {shape[0] for shape in self.shapes.values() if shape}
        return firsts.pop() if len(firsts) == 1 else None

    @property
    def io_bytes(self) -> int:
        """Bytes of all bindings."""
        return sum(m.nbytes for m in self._memory.values())

    def kernels(self) -> dict[int, tuple[str, ...]]:
        """None: on the CPU a tactic is its own kernel."""
        return {}

    def set_random_inputs(self, seed: int) -> None:
        """Fill the inputs that were not given."""
        rng = np.random.default_rng(seed)
        for tensor in self._network.inputs:
            if tensor.name not in self._given:
                shape, _ = self._sizes[tensor.name]
                self._host[tensor.name] = random_input(tensor, shape, rng)
            data = self._host[tensor.name]
            self._loaded.device.write(self._memory[tensor.name].address, data)

    def transfer_in(self, slot: int) -> None:
        """Copy the inputs into the bindings."""
        del slot
        start = time.monotonic_ns()
        for name, array in self._host.items():
            self._loaded.device.write(self._memory[name].address, array)
        self._spans["h2d"] = Span(start, time.monotonic_ns())

    def enqueue(self, slot: int, *, profiled: bool = False) -> None:
        """Compute, with the device's time stamps around each layer if ``profiled``."""
        del slot
        self._layers = ()
        if not profiled:
            start = time.monotonic_ns()
            self.executable.run()
            self._spans["compute"] = Span(start, time.monotonic_ns())
            return
        start = time.monotonic_ns()
        stamps = self.executable.run_stamped()
        self._spans["compute"] = Span(start, time.monotonic_ns())
        # Only now: making objects of the stamps is no part of computing.
        self._layers = tuple(
            LayerStamp(step.index, step.placement.stream, begin, end)
            for step, (begin, end) in zip(
                self.executable.plan.steps, stamps.tolist(), strict=True
            )
        )

    def transfer_out(self, slot: int) -> None:
        """Copy the outputs out of the bindings."""
        del slot
        start = time.monotonic_ns()
        for tensor in self._network.outputs:
            shape, dtype = self._sizes[tensor.name]
            self.results[tensor.name] = self._loaded.device.read(
                self._memory[tensor.name].address, dtype, shape
            )
        self._spans["d2h"] = Span(start, time.monotonic_ns())

    def synchronize(self, slot: int) -> QueryStamps:
        """What the last query took."""
        del slot
        spans, self._spans = self._spans, {}
        return QueryStamps(
            spans.get("compute", Span(0, 0)), spans.get("h2d"), spans.get("d2h"), self._layers
        )


def random_input(tensor: Tensor, shape: StaticShape, rng: np.random.Generator) -> Array:
    """Normal floats, indices inside the tables that they index, else zeros and ones."""
    dtype = tensor.dtype.numpy
    if tensor.dtype.is_float:
        return rng.standard_normal(shape, np.float32).astype(dtype)
    return rng.integers(0, index_limit(tensor), shape).astype(dtype)


def index_limit(tensor: Tensor) -> int:
    """Integers below this are valid wherever the input is used as an index; at least 2."""
    limits = [2]
    waiting, seen = [tensor], {tensor}
    while waiting:
        current = waiting.pop()
        for layer in current.consumers:
            if isinstance(layer.op, Gather) and layer.inputs[1] is current:
                table = layer.inputs[0]
                extent = None if table is None else table.shape[layer.op.axis]
                limits.append(extent if isinstance(extent, int) else 2)
            elif isinstance(layer.op, Cast) and layer.output not in seen:
                seen.add(layer.output)
                waiting.append(layer.output)
    used = [limit for limit in limits[1:] if limit > 0]
    return min(used) if used else 2

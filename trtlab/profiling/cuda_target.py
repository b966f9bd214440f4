"""An execution context on a GPU as a target: two slots, copies on streams of their own.

Copies go through pinned memory and overlap with the computation of the other slot. Every phase
lies between two events; an anchor brings them onto the host's clock.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trtlab.core.types import StaticShape
from trtlab.devices.cuda.clock import Anchor, anchor, elapsed_ns
from trtlab.devices.cuda.device import CudaDevice
from trtlab.devices.cuda.libraries import cupy
from trtlab.devices.cuda.memory import TO_DEVICE, TO_HOST, PinnedBuffer, copy_async
from trtlab.devices.cuda.program import CudaProgram
from trtlab.devices.protocol import Memory
from trtlab.layers.base import Array
from trtlab.profiling.engine_target import random_input
from trtlab.profiling.target import LayerStamp, QueryStamps, Span
from trtlab.runtime.executable import DEFAULT_SETTINGS, Executable, RunSettings
from trtlab.runtime.loaded import LoadedEngine

_ANCHOR_SECONDS = 0.5
"""After so long an anchor is renewed, where the GPU is idle: its clock drifts from the host's by
microseconds a second, and event times are float32 milliseconds.
"""


@dataclass
class _Slot:
    """One set of bindings with its events."""

    executable: Executable
    memory: dict[str, Memory]
    host: dict[str, PinnedBuffer]
    events: dict[str, tuple[Any, Any]]
    asked: set[str] = field(default_factory=set[str])
    layers: tuple[LayerStamp, ...] = ()
    computed: Span | None = None  # of a profiled query, which has its own stamps
    edges_ns: int | None = None


class CudaTarget:
    """A loaded engine at fixed shapes on a GPU.

    Args:
        loaded: The engine on its device.
        shapes: Shape of every input.
        inputs: Data to run on; random by default.
        settings: Graphs or step by step, and so on.
        spin: Poll for answers; else the waiting thread sleeps.
    """

    depth = 2

    def __init__(
        self,
        loaded: LoadedEngine,
        shapes: Mapping[str, StaticShape],
        inputs: Mapping[str, Array] | None = None,
        settings: RunSettings = DEFAULT_SETTINGS,
        *,
        spin: bool = True,
    ) -> None:
        assert isinstance(loaded.device, CudaDevice)
        self._device = loaded.device
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
        self._given = dict(inputs or {})
        self._settings = settings
        self._spin = spin
        stream = cupy().cuda.Stream
        self._in: Any = stream(non_blocking=True)
        self._out: Any = stream(non_blocking=True)
        second = Executable(loaded, shapes, arena=self.executable.arena)
        self._slots = [self._slot(e) for e in (self.executable, second)]
        self.results: dict[str, Array] = {}
        self._anchor: Anchor | None = None
        self._anchored_s = 0.0
        self.set_random_inputs(0)

    def _slot(self, executable: Executable) -> _Slot:
        memory: dict[str, Memory] = {}
        host: dict[str, PinnedBuffer] = {}
        for name, (shape, dtype) in self._sizes.items():
            host[name] = PinnedBuffer(np.empty(shape, dtype))
            memory[name] = self._device.allocate(host[name].nbytes)
        executable.bind({name: m.address for name, m in memory.items()})
        executable.set_up(self._settings)
        block = not self._spin  # otherwise the runtime spins, as long as it has cores enough
        events = {
            name: (cupy().cuda.Event(), cupy().cuda.Event(block=block))
            for name in ("h2d", "compute", "d2h")
        }
        return _Slot(executable, memory, host, events)

    @property
    def batch(self) -> int | None:
        """The common first extent of all inputs, where they have one."""
        firsts = {shape[0] for shape in self.shapes.values() if shape}
        return firsts.pop() if len(firsts) == 1 else None

    @property
    def io_bytes(self) -> int:
        """Bytes of one set of bindings."""
        return sum(m.nbytes for m in self._slots[0].memory.values())

    def kernels(self) -> dict[int, tuple[str, ...]]:
        """Names of the kernels behind each layer, by the layer's index.

        Raises:
            DeviceError: The driver does not tell.
        """
        program = self._program(self.executable)
        steps = self.executable.plan.steps
        return {s.index: n for s, n in zip(steps, program.kernels(), strict=True)}

    @staticmethod
    def _program(executable: Executable) -> CudaProgram:
        program = executable.program
        assert isinstance(program, CudaProgram)
        return program

    @property
    def clock_uncertainty_ns(self) -> int:
        """Half of the stretch in which the anchor event happened."""
        return 0 if self._anchor is None else self._anchor.uncertainty_ns

    def set_random_inputs(self, seed: int) -> None:
        """Fill the inputs of both slots that were not given."""
        rng = np.random.default_rng(seed)
        for tensor in self._network.inputs:
            shape, dtype = self._sizes[tensor.name]
            data = self._given.get(tensor.name)
            if data is None:
                data = random_input(tensor, shape, rng)
            for slot in self._slots:
                slot.host[tensor.name].array[...] = np.asarray(data, dtype)
                self._device.write(
                    slot.memory[tensor.name].address, slot.host[tensor.name].array
                )
        self._renew_anchor()

    def _renew_anchor(self) -> None:
        self._anchor = anchor(self._device.stream)
        self._anchored_s = time.monotonic()

    def transfer_in(self, slot: int) -> None:
        """Begin to copy the slot's inputs to the device."""
        this = self._slots[slot]
        start, end = this.events["h2d"]
        start.record(self._in)
        for tensor in self._network.inputs:
            host = this.host[tensor.name]
            to = this.memory[tensor.name].address
            copy_async(to, host.address, host.nbytes, TO_DEVICE, self._in.ptr)
        end.record(self._in)
        self._device.stream.wait_event(end)
        this.asked.add("h2d")

    def enqueue(self, slot: int, *, profiled: bool = False) -> None:
        """Begin to compute; a profiled query is waited for."""
        this = self._slots[slot]
        this.layers, this.computed, this.edges_ns = (), None, None
        start, end = this.events["compute"]
        if profiled:
            stamps = this.executable.run_stamped()
            this.layers = tuple(
                LayerStamp(step.index, step.placement.stream, int(begin), int(stop))
                for step, (begin, stop) in zip(this.executable.plan.steps, stamps, strict=True)
            )
            this.computed = Span(int(stamps[:, 0].min()), int(stamps[:, 1].max()))
            this.edges_ns = self._program(this.executable).edges_ns
            return
        start.record(self._device.stream)
        this.executable.run()
        end.record(self._device.stream)
        this.asked.add("compute")

    def transfer_out(self, slot: int) -> None:
        """Begin to copy the slot's outputs to the host."""
        this = self._slots[slot]
        start, end = this.events["d2h"]
        if "compute" in this.asked:
            self._out.wait_event(this.events["compute"][1])
        start.record(self._out)
        for tensor in self._network.outputs:
            host = this.host[tensor.name]
            source = this.memory[tensor.name].address
            copy_async(host.address, source, host.nbytes, TO_HOST, self._out.ptr)
        end.record(self._out)
        this.asked.add("d2h")

    def synchronize(self, slot: int) -> QueryStamps:
        """Wait for the slot's query; its phases on the host's clock.

        Raises:
            DeviceError: A kernel faulted.
        """
        this = self._slots[slot]
        for phase in sorted(this.asked):
            this.events[phase][1].synchronize()
        spans = {phase: self._span(*this.events[phase]) for phase in this.asked}
        if "d2h" in this.asked:
            self.results = {t.name: this.host[t.name].array for t in self._network.outputs}
        this.asked.clear()
        compute = spans.get("compute") or this.computed or Span(0, 0)
        copies = spans.get("h2d"), spans.get("d2h")
        stamps = QueryStamps(compute, *copies, this.layers, this.edges_ns)
        idle = not any(s.asked for s in self._slots)
        if idle and time.monotonic() - self._anchored_s > _ANCHOR_SECONDS:
            self._renew_anchor()
        return stamps

    def _span(self, start: object, end: object) -> Span:
        assert self._anchor is not None
        begin = self._anchor.at(start)
        return Span(begin, begin + elapsed_ns(start, end))

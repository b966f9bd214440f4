"""An engine laid out for one set of shapes and bound to addresses."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from trtlab.core.types import StaticShape
from trtlab.devices.cuda.program import CudaProgram
from trtlab.devices.protocol import Memory, Program, Scheduled
from trtlab.planner.plan import Location, Plan, Step, plan
from trtlab.runtime.loaded import LoadedEngine
from trtlab.tactics.tactic import Buffers


class Executable:
    """Steps with their memory, ready to run again and again.

    Args:
        loaded: The engine on its device.
        shapes: Shape of every input.
        streams: Streams to use, the main one included.
        arena: Memory for activations if the caller has some; else allocated here.
    """

    def __init__(
        self,
        loaded: LoadedEngine,
        shapes: Mapping[str, StaticShape],
        *,
        streams: int | None = None,
        arena: Memory | None = None,
    ) -> None:
        self._loaded = loaded
        engine = loaded.engine
        self.shapes = dict(shapes)
        self.plan: Plan = plan(
            engine.network,
            engine.choices,
            shapes,
            loaded.registry,
            streams=engine.streams if streams is None else streams,
        )
        enough = arena is not None and arena.nbytes >= self.plan.arena_bytes
        self.arena = (
            arena
            if arena is not None and enough
            else loaded.device.allocate(self.plan.arena_bytes)
        )
        self._known = {
            name: loaded.device.hold(
                np.ascontiguousarray(value.astype(self._known_dtype(name)))
            )
            for name, value in self.plan.known.items()
        }
        self._bound: dict[str, int] = {}

    def bind(self, addresses: Mapping[str, int]) -> None:
        """Bind inputs and outputs; does nothing when nothing changed."""
        wanted = dict(addresses)
        if wanted == self._bound:
            return
        schedule = [
            Scheduled(
                step.tactic.bind(step.problem, self._buffers(step, wanted)),
                step.placement.stream,
                step.placement.region,
            )
            for step in self.plan.steps
        ]
        self._program = self._loaded.device.program(schedule, self.plan.streams)
        self._bound = wanted

    @property
    def program(self) -> Program:
        """What `bind` made for the addresses."""
        return self._program

    def run(self, stream: int = 0) -> None:
        """Execute; on the CPU the outputs are there on return.

        Args:
            stream: Handle of a CUDA stream to follow; 0 is the device's own.
        """
        if stream and isinstance(self._program, CudaProgram):
            self._program.run_on(stream)
        else:
            self._program.run()

    def run_stamped(self) -> NDArray[np.int64]:
        """Execute and wait; start and end of every step in nanoseconds."""
        return self._program.run_stamped()

    def output_shapes(self) -> dict[str, StaticShape]:
        """Shape of every output."""
        return {
            t.name: tuple(int(str(d)) for d in self.plan.types[t].shape)
            for t in self._loaded.engine.network.outputs
        }

    def _known_dtype(self, name: str) -> np.dtype:
        for tensor in self.plan.types:
            if tensor.name == name:
                return tensor.dtype.numpy
        return np.dtype(np.int64)

    def _buffers(self, step: Step, addresses: Mapping[str, int]) -> Buffers:
        def at(location: Location) -> int:
            if location.kind == "arena":
                return self.arena.address + location.offset_bytes
            if location.kind == "binding":
                return addresses[location.key] + location.offset_bytes
            held = self._loaded.weights if location.kind == "weight" else self._known
            return held[location.key].address + location.offset_bytes

        return Buffers(
            tuple(None if loc is None else at(loc) for loc in step.inputs),
            tuple(at(loc) for loc in step.outputs),
            self.arena.address + step.workspace_offset_bytes,
        )

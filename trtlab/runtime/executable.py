"""An engine laid out for one set of shapes and bound to addresses."""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from trtlab.core.types import StaticShape
from trtlab.devices.cuda.l2_window import Window
from trtlab.devices.cuda.program import CudaProgram
from trtlab.devices.cuda.replay import PLAIN, Extras
from trtlab.devices.protocol import Memory, Program, Scheduled
from trtlab.planner.plan import Location, Plan, Step, plan
from trtlab.runtime.loaded import LoadedEngine
from trtlab.tactics.tactic import Buffers, Launch, Tactic

_log = logging.getLogger(__name__)
_KEPT_BINDINGS = 3  # double buffering alternates between two


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a context wants its runs; on the CPU none of it has an effect.

    Attributes:
        graphs: Replay a CUDA graph where that is possible.
        consumed_event: Handle of an event recorded when the inputs were read; 0 for none.
        persistent_bytes: L2 cache that may be set aside for activations.
        auxiliary: The caller's streams for independent layers, used where no graph is.
    """

    graphs: bool = True
    consumed_event: int = 0
    persistent_bytes: int = 0
    auxiliary: tuple[int, ...] = ()


DEFAULT_SETTINGS = RunSettings()


class Executable:
    """Steps with their memory, ready to run again and again.

    Args:
        loaded: The engine on its device.
        shapes: Shape of every input.
        streams: Streams to use, the main one included.
        arena: Memory for activations if the caller has some that is large enough; else it is
            allocated here when first needed.
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
        self._arena = arena if enough else None
        self._known = {
            name: loaded.device.hold(
                np.ascontiguousarray(value.astype(self._known_dtype(name)))
            )
            for name, value in self.plan.known.items()
        }
        self._names = [t.name for t in (*engine.network.inputs, *engine.network.outputs)]
        self._programs: OrderedDict[tuple[int, ...], Program] = OrderedDict()
        self._bound: tuple[int, ...] = ()
        self._settings = DEFAULT_SETTINGS

    @property
    def arena(self) -> Memory:
        """Memory for activations."""
        if self._arena is None:
            self._arena = self._loaded.device.allocate(self.plan.arena_bytes)
        return self._arena

    def use_arena(self, arena: Memory | None) -> None:
        """Take other memory for activations, or none; the next `bind` sees to it."""
        self._arena = arena

    def bind(self, addresses: Mapping[str, int]) -> None:
        """Bind inputs and outputs; does nothing when nothing changed.

        The programs of the last few sets of addresses are kept.
        """
        wanted = (self.arena.address, *map(addresses.__getitem__, self._names))
        if wanted == self._bound:
            return
        program = self._programs.get(wanted)
        if program is None:
            program = self._program_for(addresses)
            self._forget(_KEPT_BINDINGS - 1)
            self._programs[wanted] = program
        self._programs.move_to_end(wanted)
        self._program = program
        self._bound = wanted
        self.set_up(self._settings)

    def _program_for(self, addresses: Mapping[str, int]) -> Program:
        schedule = [self._scheduled(step, addresses) for step in self.plan.steps]
        return self._loaded.device.program(schedule, self.plan.streams)

    def _scheduled(self, step: Step, addresses: Mapping[str, int]) -> Scheduled:
        problem, buffers = step.problem, self._buffers(step, addresses)
        others = self._loaded.registry.stand_ins(step.tactic, problem.op)
        return Scheduled(
            step.tactic.bind(problem, buffers),
            step.placement.stream,
            step.placement.region,
            self._weights_of(step),
            tuple(partial(_stand_in, step, other, buffers) for other in others),
        )

    def _weights_of(self, step: Step) -> tuple[tuple[int, int], ...]:
        """Constants that the step waits for: not where what it computes on is the most."""
        held = self._loaded.weights
        whole = [at for at in step.inputs if at is not None and at.kind == "weight"]
        found = {at.key: held[at.key] for at in whole if not at.offset_bytes}
        operands = (*step.problem.inputs, *step.problem.outputs)
        computed = sum(o.nbytes for o in operands if o is not None and not o.constant)
        if computed > sum(memory.nbytes for memory in found.values()):
            return ()
        return tuple((memory.address, memory.nbytes) for memory in found.values())

    def forget(self) -> None:
        """Drop all programs, once their runs are done."""
        self._forget(0)
        self._bound = ()

    def _forget(self, kept: int) -> None:
        if len(self._programs) > kept:
            for program in self._programs.values():
                if isinstance(program, CudaProgram):
                    program.wait()
            while len(self._programs) > kept:
                self._programs.popitem(last=False)

    def set_up(self, settings: RunSettings) -> None:
        """Run so from now on."""
        self._settings = settings
        program = self._program
        if not isinstance(program, CudaProgram):
            return
        program.graphs = settings.graphs
        program.auxiliary = settings.auxiliary
        extras = PLAIN
        if settings.consumed_event or settings.persistent_bytes:
            window = Window(
                self.arena.address, self.plan.arena_bytes, settings.persistent_bytes
            )
            extras = Extras(
                settings.consumed_event,
                self.inputs_read_after,
                window if settings.persistent_bytes else None,
            )
        if program.extras != extras:
            program.extras = extras

    @property
    def inputs_read_after(self) -> int:
        """The inputs are no longer read when so many steps are done."""
        inputs = {t.name for t in self._loaded.engine.network.inputs}
        readers = [
            step.placement.last + 1
            for step in self.plan.steps
            for at in step.inputs
            if at is not None and at.kind == "binding" and at.key in inputs
        ]
        return max(readers, default=0)

    @property
    def program(self) -> Program:
        """What `bind` made for the addresses."""
        return self._program

    # ---- running -----------------------------------------------------------------------

    def run(self, stream: int | None = None) -> None:
        """Execute; on the CPU the outputs are there on return.

        Args:
            stream: Handle of a CUDA stream to follow, 0 the legacy default one; None is the
                device's own.
        """
        if stream is not None and isinstance(self._program, CudaProgram):
            self._program.run_on(stream)
        else:
            self._program.run()

    def run_checked(self, stream: int, names: Sequence[str]) -> None:
        """Execute step by step, each waited for; see `CudaProgram.run_checked`."""
        if isinstance(self._program, CudaProgram):
            self._program.run_checked(stream, names)
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
            step.workspace_bytes,
        )


def _stand_in(step: Step, tactic: Tactic, buffers: Buffers) -> Sequence[Launch]:
    """Launches of another tactic than the chosen one, which cannot serve these shapes."""
    _log.warning(
        "layer %s: %s has no plan for %s, %s is tried in its place",
        *(step.layer.name, step.tactic.name, step.problem, tactic.name),
    )
    return tactic.bind(step.problem, buffers)

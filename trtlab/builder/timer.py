"""Times tactics on a device, on random data."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from types import MappingProxyType

import numpy as np

from trtlab.devices.cuda.libraries import told
from trtlab.devices.protocol import Device, Memory, Program, Scheduled
from trtlab.layers.base import Array
from trtlab.tactics.contest import RefusedTacticError, Trial, undisturbed_us
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Launch, Tactic

_MOST_DRAWN = 1 << 20
"""Values beyond these repeat: drawing a large activation would take longer than timing it."""
_SHORTEST_US = 100.0
_MOST_REPEATS = 64


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a candidate must not be timed; ``lasts`` is true where the next build need not ask."""

    reason: str
    lasts: bool = True


# By problem and tactic name.
Refusals = Mapping[tuple[Problem, str], Refusal]


def random_array(operand: Operand, rng: np.random.Generator) -> Array:
    """Random elements of an operand's type and shape; never zeros, which run faster."""
    if operand.dtype.is_float:
        count = prod(operand.shape)
        drawn = rng.standard_normal(min(count, _MOST_DRAWN), np.float32)
        return np.resize(drawn.astype(operand.dtype.numpy), operand.shape)
    if operand.dtype.numpy == np.bool_:
        return rng.integers(0, 2, operand.shape).astype(np.bool_)
    return rng.integers(0, 2, operand.shape).astype(operand.dtype.numpy)


class DeviceTimer:
    """Runs each tactic alone and reads the device's own time stamps.

    Args:
        device: Where they run.
        refusals: Tactics that are not run here, with the reasons.
    """

    def __init__(self, device: Device, refusals: Refusals = MappingProxyType({})) -> None:
        self._device = device
        self._refusals = refusals

    @contextmanager
    def bench(self, problem: Problem) -> Generator["_Bench"]:
        """Random operands for a problem."""
        bench = _Bench(self._device, problem, self._refusals)
        try:
            bench.fill()
            yield bench
        finally:
            bench.clear()


class _Bench:
    def __init__(self, device: Device, problem: Problem, refusals: Refusals) -> None:
        self._device = device
        self._problem = problem
        self._refusals = refusals
        self._constants: dict[int, Array] = {}
        self._inputs: dict[int, Memory] = {}
        self._outputs: list[Memory] = []
        self._kept: list[object] = []

    def fill(self) -> None:
        """Draw the operands."""
        rng = np.random.default_rng(0)
        device, problem = self._device, self._problem
        for i, operand in enumerate(problem.inputs):
            if operand is None:
                continue
            if operand.constant:
                self._constants[i] = problem.op.plausible(i, random_array(operand, rng))
            else:
                array = problem.op.plausible(i, random_array(_with_holes(operand), rng))
                self._inputs[i] = device.allocate(array.nbytes)
                device.write(self._inputs[i].address, array)
        self._outputs = [device.allocate(_with_holes(o).nbytes) for o in problem.outputs]

    def clear(self) -> None:
        """Give everything back now: an error's traceback may outlive the bench."""
        self._inputs.clear()
        self._outputs.clear()
        self._kept.clear()

    def trial(self, tactic: Tactic) -> Trial:
        """Pack, bind and warm up; each call of the result is one run in microseconds."""
        if refusal := self._refusals.get((self._problem, tactic.name)):
            raise RefusedTacticError(refusal.reason, lasts=refusal.lasts)
        if self._device.kind == "cuda":
            with told(f"timing {tactic.name}"):
                return self._trial(tactic)
        return self._trial(tactic)

    def _trial(self, tactic: Tactic) -> Trial:
        packed = tactic.pack(self._problem, self._constants)
        held = dict(self._inputs)
        for i, array in packed.items():
            held[i] = self._device.hold(array)
        workspace = self._device.allocate(tactic.workspace_bytes(self._problem))
        buffers = Buffers(
            tuple(
                held[i].address if i in held else None
                for i in range(len(self._problem.inputs))
            ),
            tuple(m.address for m in self._outputs),
            workspace.address,
            workspace.nbytes,
        )
        launches = tactic.bind(self._problem, buffers)
        self._kept.append((held, workspace))  # the program only knows their addresses
        if self._device.kind == "cuda":
            return self._asynchronous(launches, tactic.name)
        program = self._device.program([Scheduled(launches)], 1)
        program.run()

        def once() -> float:
            return _span_us(program)

        # Short kernels are run several times a sample: the clock's own steps are about 0.1 µs.
        repeats = int(np.clip(_SHORTEST_US / max(once(), 0.1), 1, _MOST_REPEATS))

        def timed() -> float:
            return undisturbed_us([once() for _ in range(repeats)])

        return timed

    def _asynchronous(self, launches: Sequence[Launch], name: str) -> Trial:
        """Many runs between two stamps of one graph: no gap of the host lies between them."""
        single = self._device.program([Scheduled(launches)], 1)
        single.run()
        estimate = max(_span_us(single), 1.0)
        repeats = int(np.clip(_SHORTEST_US / estimate, 4, _MOST_REPEATS))
        program = self._device.program([Scheduled(tuple(launches) * repeats)], 1)
        program.run_stamped()  # captures, uploads and warms up

        def timed() -> float:
            with told(f"timing {name}"):
                return _span_us(program) / repeats

        return timed


def _with_holes(operand: Operand) -> Operand:
    """An operand's memory in its own order, from the first element to the last."""
    return Operand(operand.dtype, (operand.span,))


def _span_us(program: Program) -> float:
    """Microseconds from the first stamp to the last of one run."""
    stamps = program.run_stamped()
    return float(stamps[:, 1].max() - stamps[:, 0].min()) / 1e3

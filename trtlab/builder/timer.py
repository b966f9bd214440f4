"""Times tactics on a device, on random data."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from math import prod

import numpy as np

from trtlab.devices.protocol import Device, Memory, Program, Scheduled
from trtlab.layers.base import Array
from trtlab.tactics.contest import Trial, undisturbed_us
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Launch, Tactic

_MOST_DRAWN = 1 << 20
"""Values beyond these repeat: drawing a large activation would take longer than timing it."""
_SHORTEST_US = 100.0
_MOST_REPEATS = 64


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
    """Runs each tactic alone and reads the device's own time stamps."""

    def __init__(self, device: Device) -> None:
        self._device = device

    @contextmanager
    def bench(self, problem: Problem) -> Generator["_Bench"]:
        """Random operands for a problem."""
        yield _Bench(self._device, problem)


class _Bench:
    def __init__(self, device: Device, problem: Problem) -> None:
        rng = np.random.default_rng(0)
        self._device = device
        self._problem = problem
        self._constants: dict[int, Array] = {}
        self._inputs: dict[int, Memory] = {}
        for i, operand in enumerate(problem.inputs):
            if operand is None:
                continue
            array = random_array(operand, rng)
            if operand.constant:
                self._constants[i] = array
            else:
                self._inputs[i] = device.allocate(array.nbytes)
                device.write(self._inputs[i].address, array)
        self._outputs = [device.allocate(o.nbytes) for o in problem.outputs]
        self._kept: list[object] = []

    def trial(self, tactic: Tactic) -> Trial:
        """Pack, bind and warm up; each call of the result is one run in microseconds."""
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
        )
        launches = tactic.bind(self._problem, buffers)
        self._kept.append((held, workspace))  # the program only knows their addresses
        if self._device.kind == "cuda":
            return self._asynchronous(launches)
        program = self._device.program([Scheduled(launches)], 1)
        program.run()

        def once() -> float:
            return _span_us(program)

        # Short kernels are run several times a sample: the clock's own steps are about 0.1 µs.
        repeats = int(np.clip(_SHORTEST_US / max(once(), 0.1), 1, _MOST_REPEATS))

        def timed() -> float:
            return undisturbed_us([once() for _ in range(repeats)])

        return timed

    def _asynchronous(self, launches: Sequence[Launch]) -> Trial:
        """Many runs between two stamps of one graph: no gap of the host lies between them."""
        single = self._device.program([Scheduled(launches)], 1)
        single.run()
        estimate = max(_span_us(single), 1.0)
        repeats = int(np.clip(_SHORTEST_US / estimate, 4, _MOST_REPEATS))
        program = self._device.program([Scheduled(tuple(launches) * repeats)], 1)
        program.run_stamped()  # captures, uploads and warms up
        return lambda: _span_us(program) / repeats


def _span_us(program: Program) -> float:
    """Microseconds from the first stamp to the last of one run."""
    stamps = program.run_stamped()
    return float(stamps[:, 1].max() - stamps[:, 0].min()) / 1e3

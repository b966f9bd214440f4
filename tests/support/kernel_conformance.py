"""Runs one tactic on one problem with poisoned memory and compares with the NumPy meaning."""

from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from trtlab.core.types import DataType, TensorFormat, TensorType, is_static, static
from trtlab.devices.cpu.program import Program
from trtlab.devices.cpu.team import Team
from trtlab.layers.base import Op
from trtlab.tactics.problem import Operand, Problem, dense_strides
from trtlab.tactics.tactic import Buffers, Tactic

POISON = 0xA5  # every byte outside what a kernel may write; as float32 −2.9e-16
GUARD_BYTES = 256


@dataclass(frozen=True)
class Spec:
    """An operand of a case: its type, how it lies, and what values it takes.

    ``hole`` elements lie between its pixels (HWC) or rows (LINEAR). ``kept`` operands stay as
    they are when a case is turned into another type.
    """

    shape: tuple[int, ...]
    dtype: DataType = DataType.FLOAT
    hwc: bool = False
    hole: int = 0
    constant: bool = False
    low: float = -2.0
    high: float = 2.0
    strides: tuple[int, ...] = ()
    kept: bool = False

    def operand(self) -> Operand:
        layout = TensorFormat.HWC if self.hwc else TensorFormat.LINEAR
        strides = self.strides
        if not strides and self.hole:
            innermost = 1 if self.hwc else len(self.shape) - 1
            grown = list(self.shape)
            grown[innermost] += self.hole
            strides = dense_strides(tuple(grown), layout)
        return Operand(self.dtype, self.shape, layout, strides, self.constant)

    def values(self, rng: np.random.Generator) -> np.ndarray:
        if self.dtype is DataType.BOOL:
            return rng.random(self.shape) < 0.5
        if self.dtype.is_float:
            data = rng.uniform(self.low, self.high, self.shape)
            return np.asarray(data, np.float32).astype(self.dtype.numpy)
        return rng.integers(int(self.low), int(self.high), self.shape).astype(self.dtype.numpy)


@dataclass(frozen=True)
class Case:
    """A problem with a tolerance: |y − reference| ≤ rtol · |reference| + atol."""

    name: str
    op: Op
    inputs: tuple[Spec | None, ...]
    outputs: tuple[Spec, ...] = ()  # how they lie, and the shape where the data decides it
    rtol: float = 2e-6
    atol: float = 2e-6
    values: dict[int, np.ndarray] = field(default_factory=dict)

    def arrays(self, rng: np.random.Generator) -> list[np.ndarray | None]:
        return [
            None if s is None else self.values[i] if i in self.values else s.values(rng)
            for i, s in enumerate(self.inputs)
        ]

    def problem(self, arrays: list[np.ndarray | None]) -> Problem:
        operands = [None if s is None else s.operand() for s in self.inputs]
        types = [None if o is None else TensorType(o.dtype, o.shape) for o in operands]
        known = [
            a.astype(object) if a is not None and np.issubdtype(a.dtype, np.integer) else None
            for a in arrays
        ]
        made = self.op.infer(types, known)
        outputs = []
        for number, kind in enumerate(made):
            lie = self.outputs[number] if number < len(self.outputs) else Spec(())
            shape = static(kind.shape) if is_static(kind.shape) else lie.shape
            spec = Spec(shape, kind.dtype, lie.hwc, lie.hole, strides=lie.strides)
            outputs.append(spec.operand())
        return Problem(self.op, tuple(operands), tuple(outputs))


def narrowed(case: Case, low: DataType) -> Case:
    """The case with its float32 operands in a lower precision."""
    inputs = tuple(
        replace(s, dtype=low) if s is not None and s.dtype is DataType.FLOAT else s
        for s in case.inputs
    )
    values = {
        i: a.astype(low.numpy) if a.dtype == np.float32 else a for i, a in case.values.items()
    }
    return replace(case, inputs=inputs, values=values)


class Memory:
    """A poisoned buffer with room for an operand, and guards on both sides."""

    def __init__(self, operand: Operand) -> None:
        self.operand = operand
        size = operand.dtype.numpy.itemsize
        reach = 1 + sum(
            (e - 1) * s for e, s in zip(operand.shape, operand.strides, strict=True)
        )
        self.nbytes = max(reach, 0) * size
        self.raw = np.full(2 * GUARD_BYTES + self.nbytes + 64, POISON, np.uint8)
        start = GUARD_BYTES + (-(self.raw.ctypes.data + GUARD_BYTES)) % 64
        self.address = self.raw.ctypes.data + start
        inside = self.raw[start : start + self.nbytes]
        steps = tuple(s * size for s in operand.strides)

        def view(dtype: np.dtype) -> np.ndarray:
            flat = inside.view(dtype)
            return np.lib.stride_tricks.as_strided(flat, operand.shape, steps)

        self.view = view(operand.dtype.numpy)
        self._bits = view(np.dtype(f"u{size}"))  # elements that NumPy copies bit by bit

    def untouched_outside(self) -> bool:
        """Whether every byte that is no element still holds the poison."""
        kept = self._bits.copy()
        self._bits[...] = int.from_bytes(bytes([POISON]) * self._bits.itemsize)
        clean = bool((self.raw == POISON).all())
        self._bits[...] = kept
        return clean


@cache
def team(threads: int) -> Team:
    return Team(threads)


def run(tactic: Tactic, case: Case, threads: int, seed: int = 0) -> tuple[list, list, Problem]:
    """Results and float64 references of one launch; asserts that nothing else was written."""
    rng = np.random.default_rng(seed)
    arrays = case.arrays(rng)
    problem = case.problem(arrays)
    constants = {
        i: a
        for i, (a, o) in enumerate(zip(arrays, problem.inputs, strict=True))
        if o is not None and a is not None and o.constant
    }
    packed = {i: np.ascontiguousarray(a) for i, a in tactic.pack(problem, constants).items()}
    memories: list[Memory | None] = []
    addresses: list[int | None] = []
    for i, (array, operand) in enumerate(zip(arrays, problem.inputs, strict=True)):
        if operand is None or array is None:
            memories.append(None)
            addresses.append(None)
        elif i in packed:
            memories.append(None)
            addresses.append(packed[i].ctypes.data)
        else:
            memory = Memory(operand)
            memory.view[...] = array
            memories.append(memory)
            addresses.append(memory.address)
    outputs = [Memory(operand) for operand in problem.outputs]
    need = tactic.workspace_bytes(problem)
    workspace = np.full(need + 128, 0xFF, np.uint8)  # NaN in every float type
    aligned = workspace.ctypes.data + (-workspace.ctypes.data) % 64
    buffers = Buffers(tuple(addresses), tuple(o.address for o in outputs), aligned)
    Program(team(threads), tactic.bind(problem, buffers)).run()
    end = aligned - workspace.ctypes.data + need
    assert (workspace[end:] == 0xFF).all(), "wrote beyond the workspace"
    for memory in (*outputs, *(m for m in memories if m is not None)):
        assert memory.untouched_outside(), f"wrote outside {memory.operand}"
    for memory, array in zip(memories, arrays, strict=True):
        if memory is not None and array is not None:
            given = array.astype(memory.view.dtype)  # compared as bytes: NaN is not NaN
            assert memory.view.tobytes() == given.tobytes(), "changed an input"
    wide = [
        a.astype(np.float64) if a is not None and DataType.from_numpy(a.dtype).is_float else a
        for a in arrays
    ]
    with np.errstate(all="ignore"):
        expected = case.op.evaluate(wide)
    return [o.view.copy() for o in outputs], list(expected), problem


def assert_close(case: Case, result: np.ndarray, expected: np.ndarray) -> None:
    """Elementwise within the tolerance of the case and of the result's type."""
    assert result.shape == expected.shape
    if not DataType.from_numpy(result.dtype).is_float:
        np.testing.assert_array_equal(result, expected.astype(result.dtype))
        return
    eps = {np.dtype(np.float16): 1e-3, np.dtype(np.float32): 0.0}.get(result.dtype, 1e-2)
    got, want = result.astype(np.float64), expected.astype(np.float64)
    with np.errstate(invalid="ignore"):
        bound = (case.rtol + eps) * np.abs(want) + case.atol + (1e-4 if eps else 0.0)
        same = (np.abs(got - want) <= bound) | (got == want) | (np.isnan(got) & np.isnan(want))
    if not same.all():
        worst = np.unravel_index(np.argmax(np.where(same, 0, np.abs(got - want))), got.shape)
        raise AssertionError(
            f"{(~same).sum()} of {same.size} elements are off; at {worst}: "
            f"{got[worst]} for {want[worst]} (rtol {case.rtol}, atol {case.atol})"
        )

"""Tactic for functions of each element: the pointwise machine in a nest of loops."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from trtlab.core.types import DataType
from trtlab.devices.cpu.program import Command
from trtlab.kernels.cpu import pointwise_kernel as k
from trtlab.kernels.cpu.loops import LOOPS, nest_block
from trtlab.kernels.cpu.lowering import Lowered, lower
from trtlab.kernels.cpu.pointwise_code import encode, obstacle
from trtlab.kernels.cpu.pointwise_vm import MACHINE
from trtlab.kernels.cpu.strided import Loops, nest
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_LOOPS = LOOPS + 2  # outer ones, rows, columns
_LONG_ROW = 256
"""From this length on a row is a tile of its own; shorter rows share one."""
_PIECE = 8192
"""Elements of a long row that one unit of work takes."""


@dataclass(frozen=True, slots=True)
class _Tiling:
    """How rows and columns are cut into units of work."""

    rows: int
    columns: int
    block: int  # rows of a unit
    segment: int  # columns of a unit
    modes: tuple[int, ...]


class PointwiseTactic(Tactic):
    """Any program over float32 and BOOL tensors of any strides, broadcast as in NumPy."""

    name = "cpu.pointwise.machine"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines other types, too many operands, and loop nests that do not flatten."""
        lowered = lower(problem)
        if isinstance(lowered, Rejection):
            return lowered
        found = obstacle(lowered.program, len(lowered.inputs))
        if found is not None:
            return Rejection(found)
        if len(lowered.inputs) + 1 > k.MAX_TENSORS:
            return Rejection(f"more than {k.MAX_TENSORS - 1} operands")
        if 0 in problem.outputs[0].shape:
            return Rejection("the result is empty")
        loops = _loops(problem, lowered)
        if len(loops.shape) > _LOOPS:
            return Rejection(
                f"the operands' strides need {len(loops.shape)} loops, not {_LOOPS}"
            )
        return None

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command]:
        """One command."""
        lowered = lower(problem)
        assert not isinstance(lowered, Rejection)
        loops = _loops(problem, lowered).padded(2)
        tensors = [problem.inputs[i] for i in lowered.inputs]
        kinds = [
            k.TRUTH if t is not None and t.dtype is DataType.BOOL else k.F32
            for t in (*tensors, problem.outputs[0])
        ]
        # `nest` lists the result first; the kernel wants it last
        steps = [*loops.strides[1:], loops.strides[0]]
        tiling = _tiling(loops, steps, kinds)
        splats = [i for i, mode in enumerate(tiling.modes[:-1]) if mode == k.ONE_VALUE]
        program = encode(lowered.program, len(lowered.inputs), splats)
        bases = [buffers.inputs[i] for i in lowered.inputs]
        records = [
            (base or 0, mode, kind, *step[-2:])
            for base, mode, kind, step in zip(
                [*bases, buffers.outputs[0]], tiling.modes, kinds, steps, strict=True
            )
        ]
        outer = nest_block(loops.shape[:-2], [step[:-2] for step in steps])
        args = _arguments(program, outer, tiling, records)
        args[k.UNITS] *= prod(loops.shape[:-2])
        return (Command(k.pointwise.address, args, keep=(program, outer)),)


def _loops(problem: Problem, lowered: Lowered) -> Loops:
    """Byte strides of the result and the operands in the fewest loops."""
    out = problem.outputs[0]
    sizes = [
        1 if problem.inputs[i] is None else _bytes(problem.inputs[i].dtype)  # pyright: ignore[reportOptionalMemberAccess]
        for i in lowered.inputs
    ]
    scaled = [
        tuple(s * size for s in strides)
        for strides, size in zip(lowered.strides, sizes, strict=True)
    ]
    own = tuple(s * _bytes(out.dtype) for s in out.strides)
    return nest(out.shape, [own, *scaled])


def _bytes(dtype: DataType) -> int:
    return int(dtype.itemsize)


def _tiling(loops: Loops, steps: Sequence[tuple[int, ...]], kinds: Sequence[int]) -> _Tiling:
    rows, columns = loops.shape[-2:]
    result = len(kinds) - 1
    if columns >= _LONG_ROW or rows == 1:
        modes = tuple(
            k.ONE_VALUE
            if step[-1] == 0 and i != result
            else k.IN_PLACE
            if kind == k.F32 and step[-1] == 4
            else k.STAGED
            for i, (step, kind) in enumerate(zip(steps, kinds, strict=True))
        )
        segment = k.STAGE if k.STAGED in modes else _PIECE
        return _Tiling(rows, columns, 1, min(segment, columns), modes)
    dense = 4 * columns
    modes = tuple(
        k.ONE_VALUE
        if step[-2:] == (0, 0) and i != result
        else k.IN_PLACE
        if kind == k.F32 and step[-2:] == (dense, 4)
        else k.STAGED
        for i, (step, kind) in enumerate(zip(steps, kinds, strict=True))
    )
    return _Tiling(rows, columns, min(rows, k.STAGE // columns), columns, modes)


def _arguments(
    program: NDArray[np.int64],
    outer: NDArray[np.int64],
    tiling: _Tiling,
    records: Sequence[Sequence[int]],
) -> NDArray[np.int64]:
    segments = -(-tiling.columns // tiling.segment)
    blocks = -(-tiling.rows // tiling.block)
    args = np.zeros(k.TENSORS + k.RECORD * len(records), np.int64)
    args[: k.TENSORS] = (
        MACHINE.address,
        program.ctypes.data,
        len(records) - 1,
        segments * blocks,  # times the turns of the outer loops
        segments,
        tiling.segment,
        tiling.columns,
        blocks,
        tiling.block,
        tiling.rows,
        outer.ctypes.data,
    )
    args[k.TENSORS :] = np.ravel(np.asarray(records, np.int64))
    return args

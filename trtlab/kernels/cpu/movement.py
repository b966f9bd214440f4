"""Tactics for layers that only move elements, of any type: strided copies, no arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from trtlab.core.enums import SampleMode
from trtlab.core.types import DataType, StaticShape
from trtlab.devices.cpu.program import Command
from trtlab.kernels.cpu.common_loops import common_loops
from trtlab.kernels.cpu.moving import Side, bind_move, obstacle
from trtlab.kernels.cpu.strided import broadcast_strides
from trtlab.layers.base import Op, axis_in
from trtlab.layers.fused import Reformat
from trtlab.layers.scale import Identity
from trtlab.layers.shuffle import Concatenation, Expand, Shuffle, Squeeze, Unsqueeze
from trtlab.layers.slicing import Padding, Slice
from trtlab.tactics.problem import Operand, Problem, Strides
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_SIZES = {1, 2, 4, 8}


@dataclass(frozen=True, slots=True)
class _Copy:
    """Part of a problem: elements of one input that go to a box of the output.

    Attributes:
        shape: Extents of both.
        source: Problem input; None for the fill value.
        source_offset: Bytes from the input's first element.
        source_steps: Bytes along each dimension.
        target_offset: Bytes from the output's first element.
        target_steps: Bytes along each dimension.
    """

    shape: StaticShape
    source: int | None
    source_offset: int
    source_steps: Strides
    target_offset: int
    target_steps: Strides


class MoveTactic(Tactic):
    """Slices, permutations, reshapes, concatenations, broadcasts and layout changes."""

    name = "cpu.move.strided"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines changes of type, contents that shape tensors decide, and odd strides."""
        copies = _copies(problem)
        if isinstance(copies, Rejection):
            return copies
        size = int(problem.outputs[0].dtype.itemsize)
        for copy in copies:
            sides = (Side(0, copy.target_steps), Side(0, copy.source_steps))
            reason = obstacle(copy.shape, *sides, size)
            if reason is not None:
                return Rejection(reason)
        return None

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command]:
        """One command a part; the threads meet after the last."""
        copies = _copies(problem)
        assert not isinstance(copies, Rejection)
        size = int(problem.outputs[0].dtype.itemsize)
        fill = _fill_value(problem)
        commands: list[Command] = []
        for copy in copies:
            base = fill.ctypes.data
            if copy.source is not None:
                base = buffers.inputs[copy.source] or 0
            elif (given := _fill_input(problem)) is not None:
                base = buffers.inputs[given] or 0
            target = Side(buffers.outputs[0] + copy.target_offset, copy.target_steps)
            source = Side(base + copy.source_offset, copy.source_steps)
            commands.append(
                bind_move(copy.shape, target, source, size, sync=False, keep=(fill,))
            )
        if commands:
            commands[-1].sync = True
        return commands


def _copies(problem: Problem) -> list[_Copy] | Rejection:
    """The parts of the output, or why the problem is no set of copies."""
    out, op = problem.outputs[0], problem.op
    sources = problem.inputs if isinstance(op, Concatenation) else problem.inputs[:1]
    if any(o is None or o.dtype is not out.dtype for o in sources):
        return Rejection("changes the element type")
    if int(out.dtype.itemsize) not in _SIZES or out.dtype.itemsize < 1:
        return Rejection(f"elements of type {out.dtype.value} are no whole bytes")
    operands = [o for o in sources if o is not None]
    if isinstance(op, Concatenation):
        return _concatenated(op, operands, out)
    if isinstance(op, Padding):
        return _padded(op, problem)
    if isinstance(op, Slice):
        return _sliced(op, problem)
    if isinstance(op, Shuffle):
        return _shuffled(op, operands[0], out)
    steps = _source_strides(op, operands[0], out)
    return steps if isinstance(steps, Rejection) else [_whole(out, 0, steps, 0)]


def _bytes(strides: Sequence[int], dtype: DataType) -> Strides:
    return tuple(int(s * dtype.itemsize) for s in strides)


def _whole(out: Operand, source: int, strides: Sequence[int], offset: int) -> _Copy:
    """The whole output from one input; strides and offset in elements."""
    size = int(out.dtype.itemsize)
    steps = _bytes(strides, out.dtype)
    return _Copy(out.shape, source, offset * size, steps, 0, _bytes(out.strides, out.dtype))


def _source_strides(op: Op, x: Operand, out: Operand) -> Strides | Rejection:
    """Strides of the input along the output's dimensions."""
    if isinstance(op, (Identity, Reformat)):
        return x.strides
    if isinstance(op, Expand):
        return broadcast_strides(x, out.shape)
    if isinstance(op, Squeeze):
        axes = {axis_in(axis, len(x.shape)) for axis in op.axes}
        if not axes:
            axes = {axis for axis, extent in enumerate(x.shape) if extent == 1}
        return tuple(s for axis, s in enumerate(x.strides) if axis not in axes)
    if isinstance(op, Unsqueeze):
        axes = {axis_in(axis, len(out.shape)) for axis in op.axes}
        rest = iter(x.strides)
        return tuple(0 if axis in axes else next(rest) for axis in range(len(out.shape)))
    return Rejection(f"{op.kind} does more than move elements")


def _shuffled(op: Shuffle, x: Operand, out: Operand) -> list[_Copy] | Rejection:
    first = op.first_transpose or tuple(range(len(x.shape)))
    shape = tuple(x.shape[axis] for axis in first)
    strides = tuple(x.strides[axis] for axis in first)
    second = op.second_transpose or tuple(range(len(out.shape)))
    back = sorted(range(len(second)), key=lambda place: second[place])
    middle = tuple(out.shape[place] for place in back)
    steps = tuple(out.strides[place] for place in back)
    loops = common_loops((shape, strides), (middle, steps))
    if loops is None:
        return Rejection("the reshape between the two transpositions needs a copy of its own")
    extents, source, target = loops
    return [_Copy(extents, 0, 0, _bytes(source, out.dtype), 0, _bytes(target, out.dtype))]


def _concatenated(op: Concatenation, parts: Sequence[Operand], out: Operand) -> list[_Copy]:
    axis = axis_in(op.axis, len(out.shape))
    size = int(out.dtype.itemsize)
    steps = _bytes(out.strides, out.dtype)
    copies: list[_Copy] = []
    start = 0
    for number, part in enumerate(parts):
        offset = start * out.strides[axis] * size
        own = _bytes(part.strides, out.dtype)
        copies.append(_Copy(part.shape, number, 0, own, offset, steps))
        start += part.shape[axis]
    return copies


def _sliced(op: Slice, problem: Problem) -> list[_Copy] | Rejection:
    if any(o is not None for o in problem.inputs[1:4]):
        return Rejection("start, shape or stride is a tensor, known only while running")
    x, out = problem.inputs[0], problem.outputs[0]
    assert x is not None
    boxes = op.resolve(x.shape, [], [True])
    offset = 0
    strides: list[int] = []
    for (start, count, step), extent, stride in zip(boxes, x.shape, x.strides, strict=True):
        assert isinstance(start, int)
        assert isinstance(count, int)
        assert isinstance(step, int)
        ends = (start, start + (count - 1) * step)
        if count and not all(0 <= end < extent for end in ends):
            return Rejection(f"reads outside the input ({op.mode.value})")
        offset += start * stride if count else 0
        strides.append(step * stride)
    return [_whole(out, 0, strides, offset)]


def _padded(op: Padding, problem: Problem) -> list[_Copy] | Rejection:
    """The input in the middle, and two slabs of the fill value an axis around it."""
    x, out = problem.inputs[0], problem.outputs[0]
    assert x is not None
    if len(problem.inputs) > 1 and problem.inputs[1] is not None:
        return Rejection("the pads are a tensor, known only while running")
    rank = len(x.shape)
    pre = op.pre_padding or (0,) * rank
    grows = any(o > e for o, e in zip(out.shape, x.shape, strict=True)) or any(
        p > 0 for p in pre
    )
    if grows and op.mode is not SampleMode.FILL:
        return Rejection(f"padding by {op.mode.value} is no copy of boxes")
    low = [max(p, 0) for p in pre]  # where the input's part begins and ends in the output
    high = [min(o, e + p) for o, e, p in zip(out.shape, x.shape, pre, strict=True)]
    if any(a >= b for a, b in zip(low, high, strict=True)):
        return Rejection("nothing of the input remains")
    steps = _bytes(out.strides, out.dtype)

    def box(first: Sequence[int], last: Sequence[int], source: int | None) -> _Copy:
        shape = tuple(b - a for a, b in zip(first, last, strict=True))
        target = sum(a * s for a, s in zip(first, steps, strict=True))
        own = _bytes(x.strides, x.dtype) if source is not None else (0,) * rank
        inside = [(a - p) * s for a, p, s in zip(first, pre, own, strict=True)]
        return _Copy(shape, source, sum(inside), own, target, steps)

    copies: list[_Copy] = []
    first, last = [0] * rank, list(out.shape)
    for axis in range(rank):
        before, behind = list(last), list(first)
        before[axis], behind[axis] = low[axis], high[axis]
        copies += [box(first, before, None), box(behind, last, None)]
        first[axis], last[axis] = low[axis], high[axis]
    copies.append(box(low, high, 0))
    return [copy for copy in copies if prod(copy.shape)]


def _fill_input(problem: Problem) -> int | None:
    """The input that holds a padding's fill value, if it is one."""
    place = 2
    if isinstance(problem.op, Padding) and len(problem.inputs) > place:
        return place if problem.inputs[place] is not None else None
    return None


def _fill_value(problem: Problem) -> np.ndarray[tuple[int], np.dtype[np.generic]]:
    """A padding's fill value as one element."""
    value = problem.op.value if isinstance(problem.op, Padding) else 0.0
    return np.array([value]).astype(problem.outputs[0].dtype.numpy)

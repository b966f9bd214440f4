"""Tactic for layers that only move elements: slices, permutations, concatenations, pads."""

from collections.abc import Sequence
from dataclasses import dataclass

from trtlab.core.types import StaticShape
from trtlab.devices.cuda.kernel import KernelLaunch
from trtlab.kernels.cpu.common_loops import common_loops
from trtlab.kernels.cpu.strided import broadcast_strides
from trtlab.kernels.cuda.elementwise import Elementwise, Side
from trtlab.kernels.cuda.lowering import unknown_types
from trtlab.kernels.cuda.pointwise import cost_us
from trtlab.kernels.cuda.transpose import Transpose
from trtlab.layers.base import axis_in
from trtlab.layers.pointwise import Step
from trtlab.layers.shuffle import Concatenation, Expand, Shuffle, Squeeze, Unsqueeze
from trtlab.tactics.problem import Operand, Problem, Strides
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_IDENTITY = (Step("identity", (0,)),)
_ALIGN = 16


@dataclass(frozen=True, slots=True)
class Copy:
    """Elements of one input that go to a box of the output; offsets in elements."""

    shape: StaticShape
    source: int
    source_offset: int
    source_strides: Strides
    target_offset: int
    target_strides: Strides


class MoveTactic(Tactic):
    """Strided copies, one launch a part."""

    name = "cuda.move.strided"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines contents that other layers' tensors decide."""
        found = _copies(problem)
        return found if isinstance(found, Rejection) else None

    def cost_hint_us(self, problem: Problem) -> float:
        """Bound by memory."""
        return cost_us(problem)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch a part."""
        copies = _copies(problem)
        assert not isinstance(copies, Rejection)
        dtype = problem.outputs[0].dtype
        launches: list[KernelLaunch] = []
        for copy in copies:
            if 0 in copy.shape:
                continue
            result = Side(dtype, copy.target_strides, copy.target_offset)
            operand = Side(dtype, copy.source_strides, copy.source_offset)
            addresses = (buffers.inputs[copy.source] or 0, buffers.outputs[0])
            tiled = Transpose.of(copy.shape, result, operand)
            if tiled is not None:
                kernel = tiled.kernel(self.name, problem)
            else:
                aligned = all(a % _ALIGN == 0 for a in addresses)
                work = Elementwise(copy.shape, result, (operand,), _IDENTITY, dtype)
                kernel = work.kernel(self.name, problem, aligned=aligned)
            launches.append(KernelLaunch(kernel, addresses))
        return launches


def _copies(problem: Problem) -> list[Copy] | Rejection:
    refused = unknown_types(problem)
    if refused is not None:
        return refused
    out, op = problem.outputs[0], problem.op
    if isinstance(op, Concatenation):
        return _concatenated(op, [o for o in problem.inputs if o is not None], out)
    x = problem.inputs[0]
    if x is None or any(o is not None for o in problem.inputs[1:]):
        return Rejection("the shape is a tensor, known only while running")
    if isinstance(op, Shuffle):
        return _shuffled(op, x, out)
    if isinstance(op, Expand):
        return [Copy(out.shape, 0, 0, broadcast_strides(x, out.shape), 0, out.strides)]
    if isinstance(op, Squeeze):
        axes = {axis_in(axis, len(x.shape)) for axis in op.axes}
        axes = axes or {axis for axis, extent in enumerate(x.shape) if extent == 1}
        steps = tuple(s for axis, s in enumerate(x.strides) if axis not in axes)
        return [Copy(out.shape, 0, 0, steps, 0, out.strides)]
    if isinstance(op, Unsqueeze):
        axes = {axis_in(axis, len(out.shape)) for axis in op.axes}
        rest = iter(x.strides)
        steps = tuple(0 if axis in axes else next(rest) for axis in range(len(out.shape)))
        return [Copy(out.shape, 0, 0, steps, 0, out.strides)]
    return Rejection(f"{op.kind} does more than move elements")


def _concatenated(op: Concatenation, parts: Sequence[Operand], out: Operand) -> list[Copy]:
    axis = axis_in(op.axis, len(out.shape))
    copies: list[Copy] = []
    start = 0
    for number, part in enumerate(parts):
        offset = start * out.strides[axis]
        copies.append(Copy(part.shape, number, 0, part.strides, offset, out.strides))
        start += part.shape[axis]
    return copies


def _shuffled(op: Shuffle, x: Operand, out: Operand) -> list[Copy] | Rejection:
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
    return [Copy(extents, 0, 0, source, 0, target)]

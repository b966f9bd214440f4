"""Rows of a table by index, such as embeddings: any element type."""

from collections.abc import Sequence
from math import prod

import numpy as np

from trtlab.core.enums import GatherMode
from trtlab.core.types import DataType, TensorFormat
from trtlab.devices.cpu.kernel import kernel
from trtlab.devices.cpu.native import copy_bytes, load_i32, load_i64
from trtlab.devices.cpu.program import Command
from trtlab.kernels.cpu.loops import LOOPS, nest_block, nest_length, offset_in, share
from trtlab.kernels.cpu.move import copy_elements
from trtlab.kernels.cpu.strided import Loops, nest
from trtlab.layers.base import axis_in
from trtlab.layers.gather import Gather
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

# Argument places; steps are bytes
(DATA, Y, INDICES, WIDE, UNITS, COUNT, EXTENT, AXIS_STEP, Y_STEP, SIZE, ROW, ROW_STEP) = range(
    12
)
Y_ROW_STEP, NEST = 12, 13  # outer loops over data and output


@kernel
def gather(args: int, thread: int, threads: int) -> None:
    """One unit is one index of one turn of the nest: a row of elements.

    An index outside the table is held at its ends: memory beyond is never read.
    """
    count, extent = load_i64(args + 8 * COUNT), load_i64(args + 8 * EXTENT)
    size, row = load_i64(args + 8 * SIZE), load_i64(args + 8 * ROW)
    step, y_step = load_i64(args + 8 * ROW_STEP), load_i64(args + 8 * Y_ROW_STEP)
    first, last = share(load_i64(args + 8 * UNITS), thread, threads)
    for unit in range(first, last):
        number, outer = unit % count, unit // count
        indices = load_i64(args + 8 * INDICES)
        if load_i64(args + 8 * WIDE) != 0:
            index = load_i64(indices + 8 * number)
        else:
            index = load_i32(indices + 4 * number)
        index = max(0, min(index + extent if index < 0 else index, extent - 1))
        source = load_i64(args + 8 * DATA) + offset_in(args + 8 * NEST, 0, outer)
        source += index * load_i64(args + 8 * AXIS_STEP)
        target = load_i64(args + 8 * Y) + offset_in(args + 8 * NEST, 1, outer)
        target += number * load_i64(args + 8 * Y_STEP)
        if step == size and y_step == size:
            copy_bytes(target, source, row * size)
        else:
            copy_elements(size, target, y_step, source, step, row)


class GatherTactic(Tactic):
    """ONNX's Gather along one axis with dense indices."""

    name = "cpu.gather.rows"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines other modes, and layouts in which rows are no single loop."""
        op, (data, indices), out = problem.op, problem.inputs[:2], problem.outputs[0]
        assert isinstance(op, Gather)
        assert data is not None
        assert indices is not None
        if op.mode is not GatherMode.DEFAULT or op.num_elementwise_dims:
            return Rejection(f"gathers along an axis, not {op.mode.value} or batched")
        if data.dtype.itemsize not in {1, 2, 4, 8}:
            return Rejection(f"elements of type {data.dtype.value} are no whole bytes")
        if any(o.format is not TensorFormat.LINEAR for o in (data, indices, out)):
            return Rejection("wants linear tensors")
        if not indices.is_dense:
            return Rejection("the indices do not lie densely")
        outer, picked, inner = _loops(op, data, indices, out)
        if len(picked.shape) > 1 or len(inner.shape) > 1 or len(outer.shape) > LOOPS:
            return Rejection("the rows do not lie as one loop")
        return None

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command]:
        """One command."""
        op, (data, indices), out = problem.op, problem.inputs[:2], problem.outputs[0]
        assert isinstance(op, Gather)
        assert data is not None
        assert indices is not None
        axis = axis_in(op.axis, len(data.shape))
        outer, picked, inner = _loops(op, data, indices, out)
        size = int(data.dtype.itemsize)
        count = prod(indices.shape)
        row, row_steps = 1, (size, size)
        if inner.shape:
            row, row_steps = inner.shape[0], (inner.strides[0][0], inner.strides[1][0])
        args = np.zeros(NEST + nest_length(2), np.int64)
        args[:NEST] = (
            *(buffers.inputs[0] or 0, buffers.outputs[0], buffers.inputs[1] or 0),
            *(indices.dtype is DataType.INT64, outer.volume * count, count),
            *(data.shape[axis], data.strides[axis] * size),
            *(picked.strides[0][0] if picked.shape else 0, size, row, *row_steps),
        )
        args[NEST:] = nest_block(outer.shape, outer.strides)
        return (Command(gather.address, args),)


def _loops(
    op: Gather, data: Operand, indices: Operand, out: Operand
) -> tuple[Loops, Loops, Loops]:
    """Loops before the axis over (data, output), over indices (output), behind the axis."""
    axis = axis_in(op.axis, len(data.shape))
    size = int(data.dtype.itemsize)
    x = tuple(s * size for s in data.strides)
    y = tuple(s * size for s in out.strides)
    end = axis + len(indices.shape)
    outer = nest(data.shape[:axis], (x[:axis], y[:axis]), reorder=False)
    picked = nest(indices.shape, (y[axis:end],), reorder=False)
    inner = nest(data.shape[axis + 1 :], (x[axis + 1 :], y[end:]), reorder=False)
    return outer, picked, inner

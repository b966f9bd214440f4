"""Softmax and log-softmax along one axis: contiguous rows, or columns side by side."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from trtlab.core.types import DataType
from trtlab.devices.cpu.kernel import kernel, routine
from trtlab.devices.cpu.native import float_from_bits, load_i64
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.program import Command
from trtlab.devices.cpu.vectors import (
    vfill,
    vlargest,
    vload,
    vload_first,
    vmax,
    vstore,
    vstore_first,
    vsum,
)
from trtlab.kernels.cpu.loops import LOOPS, nest_block, nest_length, offset_in, share
from trtlab.kernels.cpu.machine import vload_or
from trtlab.kernels.cpu.strided import Loops, split_nest
from trtlab.kernels.cpu.vector_math import vexp_bounded, vlog
from trtlab.layers.base import axes_in
from trtlab.layers.reduction import SoftMax
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_VECTOR_BYTES = 4 * LANES
_LOWEST: Final = float(np.finfo(np.float32).min)
# Argument places
X, Y, UNITS, LENGTH, X_STEP, Y_STEP, COLUMNS, BLOCKS, LOG, NEST = range(10)


@routine
def softmax_row(target: int, source: int, count: int, log: int) -> None:
    """Softmax of ``count`` contiguous values; ``target`` may be ``source``."""
    whole = count // LANES * LANES
    rest = count - whole
    top = vfill(_LOWEST)
    second = vload_or(source + 4 * whole, rest, _LOWEST)
    for i in range(0, whole - LANES, 2 * LANES):
        top = vmax(top, vload(source + 4 * i))
        second = vmax(second, vload(source + 4 * i + _VECTOR_BYTES))
    if whole % (2 * LANES) != 0:
        top = vmax(top, vload(source + 4 * (whole - LANES)))
    largest = vfill(vlargest(vmax(top, second)))
    total, other = vfill(0.0), vfill(0.0)
    if rest > 0:
        power = vexp_bounded(
            vload_or(source + 4 * whole, rest, float_from_bits(0xFF800000)) - largest
        )
        other = power
        if log == 0:
            vstore_first(target + 4 * whole, power, rest)
    for i in range(0, whole, LANES):
        power = vexp_bounded(vload(source + 4 * i) - largest)
        if log == 0:
            vstore(target + 4 * i, power)
        total = total + power
    _finish_row(target, source, count, vsum(total + other), vlargest(largest), log)


@routine
def _finish_row(
    target: int, source: int, count: int, total: float, largest: float, log: int
) -> None:
    whole = count // LANES * LANES
    rest = count - whole
    if log != 0:
        shift = vfill(largest) + vlog(vfill(total))
        for i in range(0, whole, LANES):
            vstore(target + 4 * i, vload(source + 4 * i) - shift)
        if rest > 0:
            value = vload_first(source + 4 * whole, rest) - shift
            vstore_first(target + 4 * whole, value, rest)
        return
    factor = vfill(1.0) / vfill(total)
    for i in range(0, whole, LANES):
        vstore(target + 4 * i, vload(target + 4 * i) * factor)
    if rest > 0:
        value = vload_first(target + 4 * whole, rest) * factor
        vstore_first(target + 4 * whole, value, rest)


@kernel
def softmax_rows(args: int, thread: int, threads: int) -> None:
    """Rows lie without holes; the nest holds one row a turn."""
    first, last = share(load_i64(args + 8 * UNITS), thread, threads)
    for unit in range(first, last):
        source = load_i64(args + 8 * X) + offset_in(args + 8 * NEST, 0, unit)
        target = load_i64(args + 8 * Y) + offset_in(args + 8 * NEST, 1, unit)
        softmax_row(target, source, load_i64(args + 8 * LENGTH), load_i64(args + 8 * LOG))


@kernel
def softmax_columns(args: int, thread: int, threads: int) -> None:
    """The axis runs in steps; LANES neighbours are done at once."""
    length, blocks = load_i64(args + 8 * LENGTH), load_i64(args + 8 * BLOCKS)
    x_step, y_step = load_i64(args + 8 * X_STEP), load_i64(args + 8 * Y_STEP)
    log = load_i64(args + 8 * LOG)
    first, last = share(load_i64(args + 8 * UNITS), thread, threads)
    for unit in range(first, last):
        column = unit % blocks * LANES
        count = min(LANES, load_i64(args + 8 * COLUMNS) - column)
        source = (
            load_i64(args + 8 * X) + offset_in(args + 8 * NEST, 0, unit // blocks) + 4 * column
        )
        target = (
            load_i64(args + 8 * Y) + offset_in(args + 8 * NEST, 1, unit // blocks) + 4 * column
        )
        largest = vfill(_LOWEST)
        for i in range(length):
            largest = vmax(largest, vload_first(source + i * x_step, count))
        total = vfill(0.0)
        for i in range(length):
            power = vexp_bounded(vload_first(source + i * x_step, count) - largest)
            total = total + power
            if log == 0:
                vstore_first(target + i * y_step, power, count)
        shift, factor = largest + vlog(total), vfill(1.0) / total
        for i in range(length):
            place = target + i * y_step
            if log == 0:
                vstore_first(place, vload_first(place, count) * factor, count)
            else:
                vstore_first(place, vload_first(source + i * x_step, count) - shift, count)


class SoftMaxTactic(Tactic):
    """fp32 softmax; the axes must lie as one, and either they or their neighbours densely."""

    name = "cpu.softmax.vector"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines other types and strides that need gathering."""
        if problem.outputs[0].dtype is not DataType.FLOAT:
            return Rejection(f"works on fp32, not on {problem.outputs[0].dtype.value}")
        kept, axis = _loops(problem)
        if len(axis.shape) > 1:
            return Rejection("the axes do not lie as one")
        if len(kept.shape) > LOOPS:
            return Rejection(f"the strides need {len(kept.shape)} loops, not {LOOPS}")
        if not (_dense(axis) or _dense(kept)):
            return Rejection("neither the axis nor a neighbour is contiguous")
        return None

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command]:
        """One command."""
        op = problem.op
        assert isinstance(op, SoftMax)
        kept, axis = _loops(problem)
        length = axis.shape[0] if axis.shape else 1
        y_step, x_step = (s[0] if s else 0 for s in axis.strides)
        columns, outer = 1, kept
        by_rows = _dense(axis)
        if not by_rows and kept.shape:  # without neighbours, one column
            columns = kept.shape[-1]
            outer = Loops(kept.shape[:-1], tuple(s[:-1] for s in kept.strides))
        blocks = -(-columns // LANES)
        args = np.zeros(NEST + nest_length(2), np.int64)
        args[:NEST] = (
            *(buffers.inputs[0] or 0, buffers.outputs[0], outer.volume * blocks),
            *(length, x_step, y_step, columns, blocks, op.log),
        )
        args[NEST:] = nest_block(outer.shape, outer.strides[::-1])
        used = softmax_rows if by_rows else softmax_columns
        return (Command(used.address, args),)


def _dense(loops: Loops) -> bool:
    return not loops.shape or all(s[-1] == 4 for s in loops.strides)


def _loops(problem: Problem) -> tuple[Loops, Loops]:
    """Loops that stay and the axis, as byte steps of the output and the input."""
    x, out = problem.inputs[0], problem.outputs[0]
    assert x is not None
    assert isinstance(problem.op, SoftMax)
    axes = axes_in(problem.op.axes, len(x.shape))
    steps = [tuple(4 * s for s in operand.strides) for operand in (out, x)]
    return split_nest(x.shape, steps, axes)

"""Sum, mean, maximum and minimum of fp32 over axes: along rows, or of columns side by side.

Where one of the elements is NaN, the result is.
"""

from collections.abc import Sequence
from math import prod
from typing import Final

import numpy as np

from trtlab.core.enums import ReduceOperation
from trtlab.core.types import DataType
from trtlab.devices.cpu.kernel import inlined, kernel, routine
from trtlab.devices.cpu.native import load_i64, store_f32
from trtlab.devices.cpu.operation import LANES, Vector
from trtlab.devices.cpu.program import Command
from trtlab.devices.cpu.vectors import (
    vfill,
    vlargest_or_nan,
    vload,
    vmax_or_nan,
    vmin_or_nan,
    vsmallest_or_nan,
    vstore,
    vstore_first,
    vsum,
)
from trtlab.kernels.cpu.loops import LOOPS, nest_block, nest_length, offset_in, share
from trtlab.kernels.cpu.machine import vload_or
from trtlab.kernels.cpu.strided import Loops, split_nest
from trtlab.layers.reduction import Reduce
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_VECTOR_BYTES = 4 * LANES
_WIDE: Final = 4 * LANES
"""Columns that one unit of work takes."""
_LOWEST: Final = float("-inf")
_HIGHEST: Final = float("inf")
SUM, MAX, MIN = range(3)
_CODES: Final = {
    ReduceOperation.SUM: SUM,
    ReduceOperation.AVG: SUM,
    ReduceOperation.MAX: MAX,
    ReduceOperation.MIN: MIN,
}
# Argument places
X, Y, UNITS, OPERATION, DIVISOR, TURNS, COUNT, COLUMNS, BLOCKS, NEST = range(10)
INNER: Final = NEST + nest_length(2)
"""Two nests: what stays, over input and output; what is reduced, over the input."""

# The operation is a constant where these are called, so that the compiler specialises them.


@inlined
def _neutral(operation: int) -> float:
    return 0.0 if operation == SUM else _LOWEST if operation == MAX else _HIGHEST


@inlined
def _combine(operation: int, a: Vector, b: Vector) -> Vector:
    if operation == SUM:
        return a + b
    if operation == MAX:
        return vmax_or_nan(a, b)
    return vmin_or_nan(a, b)


@inlined
def _along(operation: int, total: Vector, source: int, count: int) -> Vector:
    """``count`` contiguous values into the lanes of ``total``."""
    neutral = _neutral(operation)
    whole = count // LANES * LANES
    second, third = vfill(neutral), vfill(neutral)
    if whole < count:
        second = vload_or(source + 4 * whole, count - whole, neutral)
    last = source + 4 * whole
    while last - source >= 2 * _VECTOR_BYTES:
        total = _combine(operation, total, vload(source))
        third = _combine(operation, third, vload(source + _VECTOR_BYTES))
        source += 2 * _VECTOR_BYTES
    if source < last:
        total = _combine(operation, total, vload(source))
    return _combine(operation, _combine(operation, total, second), third)


@inlined
def _across(operation: int, args: int, target: int, source: int, columns: int) -> None:
    """Up to four vectors of columns."""
    neutral = _neutral(operation)
    turns, nest = load_i64(args + 8 * TURNS), args + 8 * INNER
    divisor = vfill(float(load_i64(args + 8 * DIVISOR)))
    if columns == _WIDE:
        a, b, c, d = vfill(neutral), vfill(neutral), vfill(neutral), vfill(neutral)
        for turn in range(turns):
            place = source + offset_in(nest, 0, turn)
            a = _combine(operation, a, vload(place))
            b = _combine(operation, b, vload(place + _VECTOR_BYTES))
            c = _combine(operation, c, vload(place + 2 * _VECTOR_BYTES))
            d = _combine(operation, d, vload(place + 3 * _VECTOR_BYTES))
        vstore(target, a / divisor)
        vstore(target + _VECTOR_BYTES, b / divisor)
        vstore(target + 2 * _VECTOR_BYTES, c / divisor)
        vstore(target + 3 * _VECTOR_BYTES, d / divisor)
        return
    for first in range(0, columns, LANES):
        left = min(LANES, columns - first)
        total = vfill(neutral)
        for turn in range(turns):
            place = source + offset_in(nest, 0, turn) + 4 * first
            total = _combine(operation, total, vload_or(place, left, neutral))
        vstore_first(target + 4 * first, total / divisor, left)


@routine
def _row(args: int, source: int) -> float:
    operation, count = load_i64(args + 8 * OPERATION), load_i64(args + 8 * COUNT)
    turns, nest = load_i64(args + 8 * TURNS), args + 8 * INNER
    total = vfill(_neutral(operation))
    for turn in range(turns):
        place = source + offset_in(nest, 0, turn)
        if operation == SUM:
            total = _along(SUM, total, place, count)
        elif operation == MAX:
            total = _along(MAX, total, place, count)
        else:
            total = _along(MIN, total, place, count)
    if operation == SUM:
        return vsum(total) / load_i64(args + 8 * DIVISOR)
    return vlargest_or_nan(total) if operation == MAX else vsmallest_or_nan(total)


@kernel
def reduce_rows(args: int, thread: int, threads: int) -> None:
    """The innermost reduced loop is contiguous; one result a turn of the kept nest."""
    first, last = share(load_i64(args + 8 * UNITS), thread, threads)
    for unit in range(first, last):
        source = load_i64(args + 8 * X) + offset_in(args + 8 * NEST, 0, unit)
        target = load_i64(args + 8 * Y) + offset_in(args + 8 * NEST, 1, unit)
        store_f32(target, _row(args, source))


@kernel
def reduce_columns(args: int, thread: int, threads: int) -> None:
    """The innermost kept loop is contiguous."""
    operation, blocks = load_i64(args + 8 * OPERATION), load_i64(args + 8 * BLOCKS)
    first, last = share(load_i64(args + 8 * UNITS), thread, threads)
    for unit in range(first, last):
        column, outer = unit % blocks * _WIDE, unit // blocks
        columns = min(_WIDE, load_i64(args + 8 * COLUMNS) - column)
        source = load_i64(args + 8 * X) + offset_in(args + 8 * NEST, 0, outer) + 4 * column
        target = load_i64(args + 8 * Y) + offset_in(args + 8 * NEST, 1, outer) + 4 * column
        if operation == SUM:
            _across(SUM, args, target, source, columns)
        elif operation == MAX:
            _across(MAX, args, target, source, columns)
        else:
            _across(MIN, args, target, source, columns)


class ReduceTactic(Tactic):
    """fp32 reductions over any axes where some innermost loop is contiguous."""

    name = "cpu.reduce.vector"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines products, other types, and strides that need gathering."""
        op = problem.op
        assert isinstance(op, Reduce)
        if op.op not in _CODES:
            return Rejection(f"has no {op.op.value}")
        if problem.outputs[0].dtype is not DataType.FLOAT:
            return Rejection(f"works on fp32, not on {problem.outputs[0].dtype.value}")
        kept, reduced = _loops(problem)
        if max(len(kept.shape), len(reduced.shape)) > LOOPS:
            return Rejection(f"the strides need more than {LOOPS} loops")
        if not (_row_wise(reduced) or _column_wise(kept)):
            return Rejection("neither a reduced nor a kept loop is contiguous")
        if prod(problem.inputs[0].shape) == 0:  # pyright: ignore[reportOptionalMemberAccess]
            return Rejection("the input is empty")
        return None

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command]:
        """One command."""
        op = problem.op
        assert isinstance(op, Reduce)
        kept, reduced = _loops(problem)
        by_rows = _row_wise(reduced)
        columns, count, outer, inner = 1, 1, kept, reduced
        if by_rows and reduced.shape:
            count, inner = reduced.shape[-1], _without_last(reduced)
        elif not by_rows:
            columns, outer = kept.shape[-1], _without_last(kept)
        blocks = -(-columns // _WIDE)
        divisor = reduced.volume if op.op is ReduceOperation.AVG else 1
        args = np.zeros(INNER + nest_length(1), np.int64)
        args[:NEST] = (
            *(buffers.inputs[0] or 0, buffers.outputs[0], outer.volume * blocks),
            *(_CODES[op.op], divisor, inner.volume, count, columns, blocks),
        )
        args[NEST:INNER] = nest_block(outer.shape, outer.strides)
        args[INNER:] = nest_block(inner.shape, inner.strides[:1])
        used = reduce_rows if by_rows else reduce_columns
        return (Command(used.address, args),)


def _without_last(loops: Loops) -> Loops:
    return Loops(loops.shape[:-1], tuple(s[:-1] for s in loops.strides))


def _row_wise(reduced: Loops) -> bool:
    return not reduced.shape or reduced.strides[0][-1] == 4


def _column_wise(kept: Loops) -> bool:
    return bool(kept.shape) and kept.strides[0][-1] == kept.strides[1][-1] == 4


def _loops(problem: Problem) -> tuple[Loops, Loops]:
    """Kept and reduced loops over input and output, in bytes."""
    x, out, op = problem.inputs[0], problem.outputs[0], problem.op
    assert x is not None
    assert isinstance(op, Reduce)
    axes = op.reduced_axes(len(x.shape))
    rest = iter(out.strides)
    if op.keep_dims:
        own = tuple(0 if axis in axes else s for axis, s in enumerate(rest))
    else:
        own = tuple(0 if axis in axes else next(rest) for axis in range(len(x.shape)))
    steps = [tuple(4 * s for s in strides) for strides in (x.strides, own)]
    return split_nest(x.shape, steps, axes)

"""Nearest, linear and cubic interpolation of rows and columns, in HWC and in LINEAR.

Which elements an output position reads, and with which weights, comes from the layer's own
`Resize.taps`: the kernels only add weighted vectors up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trtlab.core.enums import InterpolationMode
from trtlab.core.types import DataType
from trtlab.devices.cpu.kernel import kernel
from trtlab.devices.cpu.native import load_f32, load_i64
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.program import Command
from trtlab.devices.cpu.vectors import vfill, vfma, vload, vload_first, vstore, vstore_first
from trtlab.kernels.cpu.loops import LOOPS, nest_block, nest_length, offset_in, share
from trtlab.kernels.cpu.machine import SCRATCH_BYTES, stack_scratch, vgather_indexed
from trtlab.kernels.cpu.strided import Loops, nest
from trtlab.layers.base import Array
from trtlab.layers.resize import Resize
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

MAX_ROW: Final = SCRATCH_BYTES // 4 - LANES
# Argument places; steps are bytes. Tables: byte offsets int64 and weights float32; of rows
# [out, taps], of columns [out, taps] (HWC) or [taps, out] in whole vectors (LINEAR).
X, Y, UNITS, TAPS, ROWS, COLUMNS, PADDED, WIDTH, CHANNELS = range(9)
ROW_OFFSETS, ROW_WEIGHTS, COLUMN_OFFSETS, COLUMN_WEIGHTS, Y_ROW, Y_COLUMN, NEST = range(9, 16)


@kernel
def resize_pixels(args: int, thread: int, threads: int) -> None:
    """HWC: one unit is a row of output pixels."""
    taps, rows = load_i64(args + 8 * TAPS), load_i64(args + 8 * ROWS)
    channels, columns = load_i64(args + 8 * CHANNELS), load_i64(args + 8 * COLUMNS)
    first, last = share(load_i64(args + 8 * UNITS), thread, threads)
    for unit in range(first, last):
        row, outer = unit % rows, unit // rows
        source = load_i64(args + 8 * X) + offset_in(args + 8 * NEST, 0, outer)
        target = load_i64(args + 8 * Y) + offset_in(args + 8 * NEST, 1, outer)
        target += row * load_i64(args + 8 * Y_ROW)
        row_offsets = load_i64(args + 8 * ROW_OFFSETS) + 8 * taps * row
        row_weights = load_i64(args + 8 * ROW_WEIGHTS) + 4 * taps * row
        for column in range(columns):
            offsets = load_i64(args + 8 * COLUMN_OFFSETS) + 8 * taps * column
            weights = load_i64(args + 8 * COLUMN_WEIGHTS) + 4 * taps * column
            for channel in range(0, channels, LANES):
                left = channels - channel
                if taps == 1:
                    place = source + load_i64(row_offsets) + load_i64(offsets) + 4 * channel
                    total = vload_first(place, left)
                else:
                    total = vfill(0.0)
                    for i in range(taps):
                        near = source + load_i64(row_offsets + 8 * i) + 4 * channel
                        weight = load_f32(row_weights + 4 * i)
                        for j in range(taps):
                            value = vload_first(near + load_i64(offsets + 8 * j), left)
                            factor = vfill(weight * load_f32(weights + 4 * j))
                            total = vfma(value, factor, total)
                vstore_first(target + 4 * channel, total, left)
            target += load_i64(args + 8 * Y_COLUMN)


@kernel
def resize_rows(args: int, thread: int, threads: int) -> None:
    """LINEAR: one unit is an output row; weighted input rows are added up on the stack."""
    taps, rows = load_i64(args + 8 * TAPS), load_i64(args + 8 * ROWS)
    width, columns = load_i64(args + 8 * WIDTH), load_i64(args + 8 * COLUMNS)
    padded = load_i64(args + 8 * PADDED)
    buffer = stack_scratch()
    first, last = share(load_i64(args + 8 * UNITS), thread, threads)
    for unit in range(first, last):
        row, outer = unit % rows, unit // rows
        source = load_i64(args + 8 * X) + offset_in(args + 8 * NEST, 0, outer)
        target = load_i64(args + 8 * Y) + offset_in(args + 8 * NEST, 1, outer)
        target += row * load_i64(args + 8 * Y_ROW)
        row_offsets = load_i64(args + 8 * ROW_OFFSETS) + 8 * taps * row
        row_weights = load_i64(args + 8 * ROW_WEIGHTS) + 4 * taps * row
        merged = source + load_i64(row_offsets)
        if taps > 1:
            merged = buffer
            for k in range(0, width, LANES):
                total = vfill(0.0)
                for i in range(taps):
                    near = source + load_i64(row_offsets + 8 * i) + 4 * k
                    weight = vfill(load_f32(row_weights + 4 * i))
                    total = vfma(vload_first(near, width - k), weight, total)
                vstore(buffer + 4 * k, total)
        for column in range(0, columns, LANES):
            offsets = load_i64(args + 8 * COLUMN_OFFSETS) + 8 * column
            weights = load_i64(args + 8 * COLUMN_WEIGHTS) + 4 * column
            if taps == 1:
                total = vgather_indexed(merged, offsets)
            else:
                total = vfill(0.0)
                for j in range(taps):
                    value = vgather_indexed(merged, offsets + 8 * padded * j)
                    total = vfma(value, vload(weights + 4 * padded * j), total)
            vstore_first(target + 4 * column, total, columns - column)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which axes change (at most the last two), and everything else as a nest."""

    rows: int
    columns: int
    outer: Loops
    by_pixels: bool
    channels: int
    offsets: tuple[NDArray[np.int64], NDArray[np.int64]]  # [taps, out] of rows, columns
    weights: tuple[NDArray[np.float32], NDArray[np.float32]]


class ResizeTactic(Tactic):
    """fp32 interpolation along the last one or two axes."""

    name = "cpu.resize.vector"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines other types, other axes, and strides that need gathering."""
        x = problem.inputs[0]
        assert x is not None
        if x.dtype is not DataType.FLOAT:
            return Rejection(f"works on fp32, not on {x.dtype.value}")
        plan = _plan(problem)
        return plan if isinstance(plan, Rejection) else None

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command]:
        """One command."""
        plan = _plan(problem)
        assert not isinstance(plan, Rejection)
        x, out = problem.inputs[0], problem.outputs[0]
        assert x is not None
        padded = -(-plan.columns // LANES) * LANES
        row_offsets, row_weights = (
            np.ascontiguousarray(a[0].T) for a in (plan.offsets, plan.weights)
        )
        if plan.by_pixels:
            offsets, weights = (
                np.ascontiguousarray(a[1].T) for a in (plan.offsets, plan.weights)
            )
        else:
            wider = ((0, 0), (0, padded - plan.columns))
            offsets, weights = np.pad(plan.offsets[1], wider), np.pad(plan.weights[1], wider)
        args = np.zeros(NEST + nest_length(2), np.int64)
        args[:NEST] = (
            *(buffers.inputs[0] or 0, buffers.outputs[0], plan.outer.volume * plan.rows),
            *(len(plan.offsets[0]), plan.rows, plan.columns, padded),
            *(x.shape[-1], plan.channels),
            *(a.ctypes.data for a in (row_offsets, row_weights, offsets, weights)),
            *(4 * out.strides[-2] if len(out.shape) > 1 else 0, 4 * out.strides[-1]),
        )
        args[NEST:] = nest_block(plan.outer.shape, plan.outer.strides)
        used = resize_pixels if plan.by_pixels else resize_rows
        keep = (row_offsets, row_weights, offsets, weights)
        return (Command(used.address, args, keep=keep),)


def _plan(problem: Problem) -> _Plan | Rejection:
    x, out, op = problem.inputs[0], problem.outputs[0], problem.op
    assert x is not None
    assert isinstance(op, Resize)
    rank = len(x.shape)
    by_shape = bool(op.shape) or (len(problem.inputs) > 1 and problem.inputs[1] is not None)
    scales = [
        o / max(e, 1) if by_shape else op.scales[axis]
        for axis, (e, o) in enumerate(zip(x.shape, out.shape, strict=True))
    ]
    changed = [
        axis for axis in range(rank) if (out.shape[axis], scales[axis]) != (x.shape[axis], 1)
    ]
    if any(axis < max(rank - 2, 0) for axis in changed):
        return Rejection("resizes other axes than the last two")
    if 0 in out.shape or 0 in x.shape:
        return Rejection("an extent is 0")
    if rank == 1:
        return Rejection("wants at least two dimensions")
    tables = [
        op.taps(x.shape[axis], out.shape[axis], scales[axis])
        if axis in changed
        else _whole(op, out.shape[axis])
        for axis in (rank - 2, rank - 1)
    ]
    strides = (4 * x.strides[-2], 4 * x.strides[-1])
    offsets = tuple(places * s for (places, _), s in zip(tables, strides, strict=True))
    weights = tuple(np.asarray(w, np.float32) for _, w in tables)
    lead = tuple(range(rank - 2))
    steps = [tuple(4 * s for s in operand.strides) for operand in (x, out)]
    by_pixels = rank > 2 and x.strides[1] == 1 == out.strides[1] and x.strides[-1] != 1
    if by_pixels:
        lead = tuple(axis for axis in lead if axis != 1)
    elif x.strides[-1] != 1 or out.strides[-1] != 1:
        return Rejection("neither channels nor rows are contiguous in input and output")
    elif x.shape[-1] > MAX_ROW:
        return Rejection("a row does not fit the stack")
    outer = nest(tuple(x.shape[a] for a in lead), [tuple(s[a] for a in lead) for s in steps])
    if len(outer.shape) > LOOPS:
        return Rejection(f"the strides need {len(outer.shape)} loops, not {LOOPS}")
    rows, columns = out.shape[-2:]
    channels = x.shape[1] if by_pixels else 1
    return _Plan(
        rows,
        columns,
        outer,
        by_pixels,
        channels,
        (offsets[0], offsets[1]),
        (weights[0], weights[1]),
    )


def _whole(op: Resize, size: int) -> tuple[Array, Array]:
    """Indices and weights [taps, size] of an axis that stays: each element is itself."""
    counts = {InterpolationMode.LINEAR: 2, InterpolationMode.CUBIC: 4}
    taps = counts.get(op.interpolation_mode, 1)
    weights = np.zeros((taps, size))
    weights[0] = 1
    return np.tile(np.arange(size, dtype=np.int64), (taps, 1)), weights

"""Local response normalization across channels, in HWC and in LINEAR."""

from collections.abc import Sequence

import numpy as np

from trtlab.core.types import DataType
from trtlab.devices.cpu.kernel import inlined, kernel
from trtlab.devices.cpu.native import load_f32, load_i64
from trtlab.devices.cpu.operation import LANES, Vector
from trtlab.devices.cpu.program import Command
from trtlab.devices.cpu.vectors import (
    vfill,
    vfma,
    vload,
    vload_first,
    vsqrt,
    vstore,
    vstore_first,
)
from trtlab.kernels.cpu.loops import LOOPS, nest_block, nest_length, offset_in, share
from trtlab.kernels.cpu.machine import SCRATCH_BYTES, stack_scratch
from trtlab.kernels.cpu.strided import Loops, split_nest
from trtlab.kernels.cpu.vector_math import vexp_bounded, vlog
from trtlab.layers.normalization import LRN
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

# Argument places; steps are bytes
X, Y, UNITS, CHANNELS, X_STEP, Y_STEP, BACK, AHEAD, FACTOR, BETA, K = range(11)
COLUMNS, BLOCKS, NEST = range(11, 14)


@inlined
def _normalized(x: Vector, squares: Vector, args: int) -> Vector:
    """Computes x / (k + factor · squares)^beta."""
    base = vfma(squares, vfill(load_f32(args + 8 * FACTOR)), vfill(load_f32(args + 8 * K)))
    beta = load_f32(args + 8 * BETA)
    if beta == 0.75:  # the usual exponent
        root = vsqrt(base)
        return x / (root * vsqrt(root))
    return x * vexp_bounded(vlog(base) * vfill(-beta))


@kernel
def lrn_pixels(args: int, thread: int, threads: int) -> None:
    """Channels are contiguous; a pixel's squares lie on the stack between zeros."""
    channels, back = load_i64(args + 8 * CHANNELS), load_i64(args + 8 * BACK)
    ahead = load_i64(args + 8 * AHEAD)
    squares = stack_scratch()
    zero = vfill(0.0)
    for i in range(0, back + channels + ahead + LANES, LANES):
        vstore(squares + 4 * i, zero)
    first, last = share(load_i64(args + 8 * UNITS), thread, threads)
    for unit in range(first, last):
        source = load_i64(args + 8 * X) + offset_in(args + 8 * NEST, 0, unit)
        target = load_i64(args + 8 * Y) + offset_in(args + 8 * NEST, 1, unit)
        for i in range(0, channels, LANES):
            value = vload_first(source + 4 * i, channels - i)
            vstore(squares + 4 * (back + i), value * value)
        for i in range(0, channels, LANES):
            total = zero
            for k in range(back + ahead + 1):
                total = total + vload(squares + 4 * (i + k))
            value = vload_first(source + 4 * i, channels - i)
            vstore_first(target + 4 * i, _normalized(value, total, args), channels - i)


@kernel
def lrn_planes(args: int, thread: int, threads: int) -> None:
    """Elements of a plane are contiguous; LANES of them are done at once."""
    channels, blocks = load_i64(args + 8 * CHANNELS), load_i64(args + 8 * BLOCKS)
    x_step, y_step = load_i64(args + 8 * X_STEP), load_i64(args + 8 * Y_STEP)
    back, ahead = load_i64(args + 8 * BACK), load_i64(args + 8 * AHEAD)
    first, last = share(load_i64(args + 8 * UNITS), thread, threads)
    for unit in range(first, last):
        column, outer = unit % blocks * LANES, unit // blocks
        left = min(LANES, load_i64(args + 8 * COLUMNS) - column)
        source = load_i64(args + 8 * X) + offset_in(args + 8 * NEST, 0, outer) + 4 * column
        target = load_i64(args + 8 * Y) + offset_in(args + 8 * NEST, 1, outer) + 4 * column
        for channel in range(channels):
            total = vfill(0.0)
            for near in range(max(channel - back, 0), min(channel + ahead + 1, channels)):
                value = vload_first(source + near * x_step, left)
                total = vfma(value, value, total)
            value = vload_first(source + channel * x_step, left)
            result = _normalized(value, total, args)
            vstore_first(target + channel * y_step, result, left)


class LrnTactic(Tactic):
    """fp32 response normalization where channels or planes are contiguous."""

    name = "cpu.lrn.vector"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines other types, many channels, and strides that need gathering."""
        x = problem.inputs[0]
        assert x is not None
        if x.dtype is not DataType.FLOAT:
            return Rejection(f"works on fp32, not on {x.dtype.value}")
        kept, channels = _loops(problem)
        if len(kept.shape) > LOOPS:
            return Rejection(f"the strides need {len(kept.shape)} loops, not {LOOPS}")
        if _contiguous(channels):
            room = SCRATCH_BYTES // 4 - 2 * LANES
            many = 3 * x.shape[1] > room
            return Rejection("too many channels for the stack") if many else None
        if kept.shape and _contiguous(kept):
            return None
        return Rejection("neither channels nor planes are contiguous")

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command]:
        """One command."""
        x, out, op = problem.inputs[0], problem.outputs[0], problem.op
        assert x is not None
        assert isinstance(op, LRN)
        kept, channel_loop = _loops(problem)
        by_pixels = _contiguous(channel_loop)
        columns, outer = 1, kept
        if not by_pixels:
            columns = kept.shape[-1]
            outer = Loops(kept.shape[:-1], tuple(s[:-1] for s in kept.strides))
        channels = x.shape[1]
        blocks = -(-columns // LANES)
        args = np.zeros(NEST + nest_length(2), np.int64)
        args[:NEST] = (
            *(buffers.inputs[0] or 0, buffers.outputs[0], outer.volume * blocks),
            *(channels, 4 * x.strides[1], 4 * out.strides[1]),
            *(min((op.window_size - 1) // 2, channels), min(op.window_size // 2, channels)),
            *(0, 0, 0, columns, blocks),
        )
        for place, value in ((FACTOR, op.alpha / op.window_size), (BETA, op.beta), (K, op.k)):
            args[place : place + 1].view(np.float32)[0] = value
        args[NEST:] = nest_block(outer.shape, outer.strides)
        used = lrn_pixels if by_pixels else lrn_planes
        return (Command(used.address, args),)


def _contiguous(loops: Loops) -> bool:
    return not loops.shape or all(s[-1] == 4 for s in loops.strides)


def _loops(problem: Problem) -> tuple[Loops, Loops]:
    """Loops over all but channels, and over channels: input and output, in bytes."""
    x, out = problem.inputs[0], problem.outputs[0]
    assert x is not None
    steps = [tuple(4 * s for s in operand.strides) for operand in (x, out)]
    return split_nest(x.shape, steps, (1,))

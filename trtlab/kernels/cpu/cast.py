"""Conversion of element types, through vectors of float32 or, between integers, directly."""

from collections.abc import Sequence
from math import prod
from typing import Final

import numpy as np

from trtlab.core.types import DataType
from trtlab.devices.cpu.kernel import kernel, routine
from trtlab.devices.cpu.native import (
    copy_bytes,
    load_i8,
    load_i32,
    load_i64,
    load_u8,
    store_i32,
    store_i64,
    store_u8,
)
from trtlab.devices.cpu.operation import LANES, Vector
from trtlab.devices.cpu.program import Command
from trtlab.devices.cpu.vectors import vload, vstore
from trtlab.kernels.cpu.loops import LOOPS, nest_block, nest_length, offset_in, share
from trtlab.kernels.cpu.machine import (
    stack_scratch,
    vload_bfloat,
    vload_half,
    vload_i8,
    vload_i32,
    vload_i64,
    vload_u8,
    vstore_bfloat,
    vstore_bool,
    vstore_half,
    vstore_i8,
    vstore_i32,
    vstore_i64,
)
from trtlab.kernels.cpu.move import copy_elements
from trtlab.kernels.cpu.strided import nest
from trtlab.layers.fused import Reformat
from trtlab.layers.scale import Cast, Identity
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

F32, HALF, BFLOAT, I8, U8, TRUTH, I32, I64 = range(8)
KINDS: Final = {
    DataType.FLOAT: F32,
    DataType.HALF: HALF,
    DataType.BF16: BFLOAT,
    DataType.INT8: I8,
    DataType.UINT8: U8,
    DataType.BOOL: TRUTH,
    DataType.INT32: I32,
    DataType.INT64: I64,
}
_CHUNK: Final = 512
"""Elements converted at a time where they pass through the stack because of holes."""
_LONG_CHUNK: Final = 8192

# Argument places; steps are bytes
FROM, TO, FROM_SIZE, TO_SIZE, SOURCE, TARGET, UNITS, COLUMNS, SEGMENTS = range(9)
SOURCE_STEP, TARGET_STEP, SEGMENT, NEST = range(9, 13)


@routine
def _loaded(kind: int, address: int) -> Vector:
    if kind == F32:
        return vload(address)
    if kind == HALF:
        return vload_half(address)
    if kind == BFLOAT:
        return vload_bfloat(address)
    if kind == I8:
        return vload_i8(address)
    if kind == I32:
        return vload_i32(address)
    if kind == I64:
        return vload_i64(address)
    return vload_u8(address)


@routine
def _store(kind: int, address: int, value: Vector) -> None:
    if kind == F32:
        vstore(address, value)
    elif kind == HALF:
        vstore_half(address, value)
    elif kind == BFLOAT:
        vstore_bfloat(address, value)
    elif kind == TRUTH:
        vstore_bool(address, value)
    elif kind == I32:
        vstore_i32(address, value)
    elif kind == I64:
        vstore_i64(address, value)
    else:
        vstore_i8(address, value)


@routine
def _integers(
    source_kind: int, source: int, target_kind: int, target: int, count: int
) -> None:
    """Integers to integers, exactly; the low bits where the target is narrower."""
    for i in range(count):
        if source_kind == I64:
            value = load_i64(source + 8 * i)
        elif source_kind == I32:
            value = load_i32(source + 4 * i)
        elif source_kind == I8:
            value = load_i8(source + i)
        else:
            value = load_u8(source + i)
        if target_kind == TRUTH:
            store_u8(target + i, 1 if value != 0 else 0)
        elif target_kind == I64:
            store_i64(target + 8 * i, value)
        elif target_kind == I32:
            store_i32(target + 4 * i, value)
        else:
            store_u8(target + i, value)


@routine
def _convert(args: int, target: int, source: int, count: int, scratch: int) -> None:
    """``count`` elements that lie without holes."""
    source_kind, target_kind = load_i64(args + 8 * FROM), load_i64(args + 8 * TO)
    if source_kind >= I8 and target_kind >= I8:
        _integers(source_kind, source, target_kind, target, count)
        return
    source_size, target_size = load_i64(args + 8 * FROM_SIZE), load_i64(args + 8 * TO_SIZE)
    whole = count // LANES * LANES
    for i in range(0, whole, LANES):
        _store(
            target_kind,
            target + i * target_size,
            _loaded(source_kind, source + i * source_size),
        )
    rest = count - whole
    if rest > 0:
        copy_bytes(scratch, source + whole * source_size, rest * source_size)
        _store(target_kind, scratch + 1024, _loaded(source_kind, scratch))
        copy_bytes(target + whole * target_size, scratch + 1024, rest * target_size)


@kernel
def cast(args: int, thread: int, threads: int) -> None:
    """Convert a nest of loops (arguments as above)."""
    units, segments = load_i64(args + 8 * UNITS), load_i64(args + 8 * SEGMENTS)
    source_step, target_step = (
        load_i64(args + 8 * SOURCE_STEP),
        load_i64(args + 8 * TARGET_STEP),
    )
    source_size, target_size = load_i64(args + 8 * FROM_SIZE), load_i64(args + 8 * TO_SIZE)
    scratch = stack_scratch()
    segment = load_i64(args + 8 * SEGMENT)
    begin_unit, end_unit = share(units, thread, threads)
    for unit in range(begin_unit, end_unit):
        first = unit % segments * segment
        outer = unit // segments
        count = min(segment, load_i64(args + 8 * COLUMNS) - first)
        source = load_i64(args + 8 * SOURCE) + first * source_step
        target = load_i64(args + 8 * TARGET) + first * target_step
        source += offset_in(args + 8 * NEST, 0, outer)
        target += offset_in(args + 8 * NEST, 1, outer)
        begin, end = source, target
        if source_step != source_size:
            begin = scratch + 4096
            copy_elements(source_size, begin, source_size, source, source_step, count)
        if target_step != target_size:
            end = scratch + 16384
        _convert(args, end, begin, count, scratch)
        if target_step != target_size:
            copy_elements(target_size, target, target_step, end, target_size, count)


class CastTactic(Tactic):
    """Conversions among fp32, fp16, bf16, integers and BOOL, between any strides."""

    name = "cpu.cast.vector"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines other types and deep loop nests."""
        x, out = problem.inputs[0], problem.outputs[0]
        assert x is not None
        if not isinstance(problem.op, (Cast, Identity, Reformat)):
            return Rejection(f"{problem.op.kind} is no conversion")
        reason = obstacle(x, out)
        return None if reason is None else Rejection(reason)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command]:
        """One command."""
        x = problem.inputs[0]
        assert x is not None
        return (bind_cast(x, buffers.inputs[0] or 0, problem.outputs[0], buffers.outputs[0]),)


def obstacle(x: Operand, out: Operand) -> str | None:
    """Why `bind_cast` cannot convert one operand into another; None when it can."""
    for operand in (x, out):
        if operand.dtype not in KINDS:
            return f"converts no {operand.dtype.value}"
    loops = len(_loops(x, out)[0])
    return f"the strides need {loops} loops, not {LOOPS + 1}" if loops > LOOPS + 1 else None


def _loops(
    x: Operand, out: Operand
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Extents, the target's steps and the source's, in bytes."""
    sizes = (int(out.dtype.itemsize), int(x.dtype.itemsize))
    strides = [
        tuple(s * size for s in operand.strides)
        for operand, size in zip((out, x), sizes, strict=True)
    ]
    found = nest(out.shape, strides)
    return found.shape, found.strides[0], found.strides[1]


def bind_cast(x: Operand, source: int, out: Operand, target: int) -> Command:
    """The command that converts an operand into another of the same shape.

    Args:
        x: What is converted, of a type in `KINDS`.
        source: Its address.
        out: What it becomes.
        target: Its address.
    """
    extents, target_steps, source_steps = _loops(x, out)
    if not extents:
        extents, target_steps, source_steps = (1,), (1,), (1,)
    sizes = (int(x.dtype.itemsize), int(out.dtype.itemsize))
    dense = (source_steps[-1], target_steps[-1]) == sizes
    segment = _LONG_CHUNK if dense else _CHUNK
    segments = -(-extents[-1] // segment)
    args = np.zeros(NEST + nest_length(2), np.int64)
    args[:NEST] = (
        *(KINDS[x.dtype], KINDS[out.dtype], *sizes, source, target),
        *(prod(extents[:-1]) * segments, extents[-1], segments),
        *(source_steps[-1], target_steps[-1], segment),
    )
    args[NEST:] = nest_block(extents[:-1], (source_steps[:-1], target_steps[:-1]))
    return Command(cast.address, args)

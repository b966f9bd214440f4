"""The loop nest around the pointwise machine: broadcast, strided and converted operands."""

from typing import Final

from trtlab.devices.cpu.kernel import kernel, routine
from trtlab.devices.cpu.native import (
    call_kernel,
    load_f32,
    load_i64,
    load_u8,
    store_f32,
    store_i64,
    store_u8,
)
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.vectors import vfill, vgather, vload, vload_first, vstore
from trtlab.kernels.cpu.loops import offset_in, share
from trtlab.kernels.cpu.machine import SCRATCH_BYTES, stack_scratch, vload_u8, vstore_bool

_VECTOR_BYTES = 4 * LANES

STAGE: Final = 1024
"""Elements of a staged tile."""
_STAGE_BYTES = 4 * STAGE + _VECTOR_BYTES  # rows are copied in whole vectors
MAX_TENSORS: Final = (SCRATCH_BYTES - 1024) // _STAGE_BYTES
"""Operands and results that one launch can hold."""

# Arguments, in int64 places
(
    MACHINE,
    PROGRAM,
    OPERANDS,
    UNITS,
    SEGMENTS,  # pieces of a row
    SEGMENT,  # elements of a piece
    COLUMNS,
    BLOCKS,  # groups of rows
    BLOCK,  # rows of a group
    ROWS,
    NEST,  # address of the outer loops over operands and result
) = range(11)
TENSORS: Final = 11
# Then one record a tensor, the result last
BASE, MODE, KIND, ROW_STEP, COLUMN_STEP = range(5)
RECORD: Final = 5
# Modes
IN_PLACE, ONE_VALUE, STAGED = range(3)
# Kinds
F32, TRUTH = range(2)


@routine
def _stage_row(kind: int, target: int, source: int, step: int, count: int) -> None:
    """``count`` elements as float32; up to a vector is written beyond them."""
    if kind == TRUTH:
        whole = count // LANES * LANES if step == 1 else 0
        for i in range(0, whole, LANES):
            vstore(target + 4 * i, vload_u8(source + i))
        for i in range(whole, count):
            store_f32(target + 4 * i, float(load_u8(source + i * step)))
    else:
        _stage_floats(target, source, step, count)


@routine
def _stage_floats(target: int, source: int, step: int, count: int) -> None:
    if step == 4:
        whole = count // LANES * LANES
        for i in range(0, 4 * whole, _VECTOR_BYTES):
            vstore(target + i, vload(source + i))
        if whole < count:
            vstore(target + 4 * whole, vload_first(source + 4 * whole, count - whole))
    elif step == 0:
        value = vfill(load_f32(source))
        for i in range(0, 4 * count, _VECTOR_BYTES):
            vstore(target + i, value)
    else:
        whole = count // LANES * LANES
        for i in range(0, whole, LANES):
            vstore(target + 4 * i, vgather(source + i * step, step))
        for i in range(whole, count):
            store_f32(target + 4 * i, load_f32(source + i * step))


@routine
def _unstage_row(kind: int, target: int, step: int, source: int, count: int) -> None:
    """``count`` float32 values to where the result wants them."""
    if kind == F32:
        for i in range(count):
            store_f32(target + i * step, load_f32(source + 4 * i))
        return
    whole = count // LANES * LANES if step == 1 else 0
    for i in range(0, whole, LANES):
        vstore_bool(target + i, vload(source + 4 * i))
    for i in range(whole, count):
        store_u8(target + i * step, 1 if load_f32(source + 4 * i) != 0.0 else 0)


@routine
def _place(args: int, tensor: int, outer: int, row: int, column: int) -> int:
    """Address of a tensor's element."""
    record = args + 8 * (TENSORS + RECORD * tensor)
    place = load_i64(record + 8 * BASE) + row * load_i64(record + 8 * ROW_STEP)
    place += column * load_i64(record + 8 * COLUMN_STEP)
    place += offset_in(load_i64(args + 8 * NEST), tensor, outer)
    return place


@routine
def _prepare(
    args: int, scratch: int, tensor: int, place: int, rows: int, columns: int
) -> None:
    """Write a tensor's address into the machine's table; stage it where needed."""
    record = args + 8 * (TENSORS + RECORD * tensor)
    mode = load_i64(record + 8 * MODE)
    stage = scratch + 1024 + _STAGE_BYTES * tensor
    if mode == ONE_VALUE:
        _stage_row(load_i64(record + 8 * KIND), stage, place, 0, LANES)
    elif mode == STAGED and tensor < load_i64(args + 8 * OPERANDS):
        row_step = load_i64(record + 8 * ROW_STEP)
        # A pattern that repeats in every row may still be there from the tile before.
        held = scratch + 512 + 8 * tensor
        if row_step != 0 or load_i64(held) != place:
            kind, step = load_i64(record + 8 * KIND), load_i64(record + 8 * COLUMN_STEP)
            for row in range(rows):
                _stage_row(
                    kind, stage + 4 * row * columns, place + row * row_step, step, columns
                )
            store_i64(
                held, place if row_step == 0 and rows == load_i64(args + 8 * BLOCK) else 0
            )
    store_i64(scratch + 8 * tensor, place if mode == IN_PLACE else stage)


@kernel
def pointwise(args: int, thread: int, threads: int) -> None:
    """Run a program over a nest of loops (arguments as above)."""
    operands, units = load_i64(args + 8 * OPERANDS), load_i64(args + 8 * UNITS)
    segments, segment = load_i64(args + 8 * SEGMENTS), load_i64(args + 8 * SEGMENT)
    blocks, block = load_i64(args + 8 * BLOCKS), load_i64(args + 8 * BLOCK)
    result = args + 8 * (TENSORS + RECORD * operands)
    scratch = stack_scratch()
    for tensor in range(operands):
        store_i64(scratch + 512 + 8 * tensor, 0)
    first, last = share(units, thread, threads)
    for unit in range(first, last):
        column = unit % segments * segment
        row = unit // segments % blocks * block
        outer = unit // segments // blocks
        columns = min(segment, load_i64(args + 8 * COLUMNS) - column)
        rows = min(block, load_i64(args + 8 * ROWS) - row)
        for tensor in range(operands + 1):
            place = _place(args, tensor, outer, row, column)
            _prepare(args, scratch, tensor, place, rows, columns)
        call_kernel(
            load_i64(args + 8 * MACHINE), load_i64(args + 8 * PROGRAM), scratch, rows * columns
        )
        if load_i64(result + 8 * MODE) == STAGED:
            place = _place(args, operands, outer, row, column)
            kind, step = load_i64(result + 8 * KIND), load_i64(result + 8 * COLUMN_STEP)
            for r in range(rows):
                target = place + r * load_i64(result + 8 * ROW_STEP)
                source = load_i64(scratch + 8 * operands) + 4 * r * columns
                _unstage_row(kind, target, step, source, columns)

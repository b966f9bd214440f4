"""Copies between two strided tensors: slices, transpositions, changes of layout, broadcasts.

The two innermost loops form a plane: ``I`` runs along the target's contiguous elements, ``J``
along the source's where those differ, else along rows. Planes are cut into blocks, and blocks
are shared among the threads.
"""

from typing import Final

from trtlab.devices.cpu.kernel import kernel, routine
from trtlab.devices.cpu.native import (
    copy_bytes,
    load_f32,
    load_i32,
    load_i64,
    load_u8,
    load_u16,
    store_i32,
    store_i64,
    store_u8,
    store_u16,
)
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.vectors import vfill, vstore
from trtlab.kernels.cpu.machine import transpose_tile

# Argument places (int64); steps are bytes
(
    MODE,
    SIZE,  # bytes an element
    SOURCE,
    TARGET,
    J,
    J_BLOCK,
    J_BLOCKS,
    I,
    I_BLOCK,
    I_BLOCKS,
    SOURCE_J,
    SOURCE_I,
    TARGET_J,
    TARGET_I,
    UNITS,
) = range(15)
OUTER: Final = 15
"""Extents of the outer loops, then the source's steps along them, then the target's."""
OUTER_LOOPS: Final = 4
LENGTH: Final = OUTER + 3 * OUTER_LOOPS
# Modes
ROWS, TILES, FILL, ELEMENTS = range(4)


@routine
def copy_elements(size: int, target: int, target_step: int, source: int, step: int, count: int) -> None:
    """Copy a row of elements of ``size`` bytes one by one; steps are bytes."""
    if size == 4:
        for i in range(count):
            store_i32(target + i * target_step, load_i32(source + i * step))
    elif size == 2:
        for i in range(count):
            store_u16(target + i * target_step, load_u16(source + i * step))
    elif size == 8:
        for i in range(count):
            store_i64(target + i * target_step, load_i64(source + i * step))
    else:
        for i in range(count):
            store_u8(target + i * target_step, load_u8(source + i * step))


@routine
def _fill_row(target: int, source: int, count: int) -> None:
    """One float32 value everywhere; other 4-byte types pass through it unchanged."""
    value = vfill(load_f32(source))
    whole = count // LANES * LANES
    for i in range(0, whole, LANES):
        vstore(target + 4 * i, value)
    for i in range(whole, count):
        store_i32(target + 4 * i, load_i32(source))


@routine
def _tiles(args: int, target: int, source: int, columns: int, rows: int) -> None:
    """A block of at least LANES × LANES; tiles at the far edges overlap their neighbours."""
    source_step, target_step = load_i64(args + 8 * SOURCE_I), load_i64(args + 8 * TARGET_J)
    for i in range(0, rows, LANES):
        i_first = min(i, rows - LANES)
        for j in range(0, columns, LANES):
            j_first = min(j, columns - LANES)
            transpose_tile(
                target + j_first * target_step + 4 * i_first,
                target_step,
                source + i_first * source_step + 4 * j_first,
                source_step,
            )


@routine
def _block(args: int, target: int, source: int, rows: int, columns: int) -> None:
    """``rows`` of J by ``columns`` of I."""
    mode, size = load_i64(args + 8 * MODE), load_i64(args + 8 * SIZE)
    if mode == TILES:
        _tiles(args, target, source, rows, columns)
        return
    source_j, target_j = load_i64(args + 8 * SOURCE_J), load_i64(args + 8 * TARGET_J)
    source_i, target_i = load_i64(args + 8 * SOURCE_I), load_i64(args + 8 * TARGET_I)
    for j in range(rows):
        to, origin = target + j * target_j, source + j * source_j
        if mode == ROWS:
            copy_bytes(to, origin, columns * size)
        elif mode == FILL:
            _fill_row(to, origin, columns)
        else:
            copy_elements(size, to, target_i, origin, source_i, columns)


@kernel
def move(args: int, thread: int, threads: int) -> None:
    """Copy a nest of loops (arguments as above)."""
    units = load_i64(args + 8 * UNITS)
    i_blocks, j_blocks = load_i64(args + 8 * I_BLOCKS), load_i64(args + 8 * J_BLOCKS)
    i_block, j_block = load_i64(args + 8 * I_BLOCK), load_i64(args + 8 * J_BLOCK)
    for unit in range(units * thread // threads, units * (thread + 1) // threads):
        i_first = unit % i_blocks * i_block
        j_first = unit // i_blocks % j_blocks * j_block
        outer = unit // i_blocks // j_blocks
        source = load_i64(args + 8 * SOURCE) + i_first * load_i64(args + 8 * SOURCE_I)
        target = load_i64(args + 8 * TARGET) + i_first * load_i64(args + 8 * TARGET_I)
        source += j_first * load_i64(args + 8 * SOURCE_J)
        target += j_first * load_i64(args + 8 * TARGET_J)
        for loop in range(OUTER_LOOPS - 1, -1, -1):
            at = args + 8 * (OUTER + loop)
            extent = load_i64(at)
            index = outer % extent
            source += index * load_i64(at + 8 * OUTER_LOOPS)
            target += index * load_i64(at + 16 * OUTER_LOOPS)
            outer //= extent
        rows = min(j_block, load_i64(args + 8 * J) - j_first)
        columns = min(i_block, load_i64(args + 8 * I) - i_first)
        _block(args, target, source, rows, columns)

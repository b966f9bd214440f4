"""Copies between two strided tensors: slices, transpositions, changes of layout, broadcasts.

The two innermost loops form a plane: ``K`` runs along the target's contiguous elements, ``J``
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
from trtlab.kernels.cpu.loops import offset_in, share
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
    K,
    K_BLOCK,
    K_BLOCKS,
    SOURCE_J,
    SOURCE_K,
    TARGET_J,
    TARGET_K,
    UNITS,
) = range(15)
NEST: Final = 15
"""The outer loops (see `loops`) over source and target."""
# Modes
ROWS, TILES, FILL, ELEMENTS = range(4)


@routine
def copy_elements(
    size: int, target: int, target_step: int, source: int, step: int, count: int
) -> None:
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
    source_step, target_step = load_i64(args + 8 * SOURCE_K), load_i64(args + 8 * TARGET_J)
    for i in range(0, rows, LANES):
        k_first = min(i, rows - LANES)
        for j in range(0, columns, LANES):
            j_first = min(j, columns - LANES)
            transpose_tile(
                target + j_first * target_step + 4 * k_first,
                target_step,
                source + k_first * source_step + 4 * j_first,
                source_step,
            )


@routine
def _block(args: int, target: int, source: int, rows: int, columns: int) -> None:
    """``rows`` of J by ``columns`` of K."""
    mode, size = load_i64(args + 8 * MODE), load_i64(args + 8 * SIZE)
    if mode == TILES:
        _tiles(args, target, source, rows, columns)
        return
    source_j, target_j = load_i64(args + 8 * SOURCE_J), load_i64(args + 8 * TARGET_J)
    source_k, target_k = load_i64(args + 8 * SOURCE_K), load_i64(args + 8 * TARGET_K)
    for j in range(rows):
        to, origin = target + j * target_j, source + j * source_j
        if mode == ROWS:
            copy_bytes(to, origin, columns * size)
        elif mode == FILL:
            _fill_row(to, origin, columns)
        else:
            copy_elements(size, to, target_k, origin, source_k, columns)


@kernel
def move(args: int, thread: int, threads: int) -> None:
    """Copy a nest of loops (arguments as above)."""
    units = load_i64(args + 8 * UNITS)
    k_blocks, j_blocks = load_i64(args + 8 * K_BLOCKS), load_i64(args + 8 * J_BLOCKS)
    k_block, j_block = load_i64(args + 8 * K_BLOCK), load_i64(args + 8 * J_BLOCK)
    first, last = share(units, thread, threads)
    for unit in range(first, last):
        k_first = unit % k_blocks * k_block
        j_first = unit // k_blocks % j_blocks * j_block
        outer = unit // k_blocks // j_blocks
        source = load_i64(args + 8 * SOURCE) + k_first * load_i64(args + 8 * SOURCE_K)
        target = load_i64(args + 8 * TARGET) + k_first * load_i64(args + 8 * TARGET_K)
        source += j_first * load_i64(args + 8 * SOURCE_J)
        target += j_first * load_i64(args + 8 * TARGET_J)
        source += offset_in(args + 8 * NEST, 0, outer)
        target += offset_in(args + 8 * NEST, 1, outer)
        rows = min(j_block, load_i64(args + 8 * J) - j_first)
        columns = min(k_block, load_i64(args + 8 * K) - k_first)
        _block(args, target, source, rows, columns)

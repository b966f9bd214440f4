"""Matrix products: C = epilogue(A · B + bias), for one pair or a batch.

A is row-major or transposed. B is a packed constant (`packing.pack_columns`) or an activation,
row-major or transposed, which each thread packs for itself, block by block.

Loops, from the outside: k blocks, so that a tile's rows of A stay in the first-level cache;
panel blocks, so that B's block stays in the second; row tiles; panels.
Source: Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication", ACM
TOMS 34(3); the roles of A and B are exchanged, because here B is the one that is packed.
"""

from typing import Final

from trtlab.devices.cpu.kernel import kernel, routine
from trtlab.devices.cpu.native import copy_bytes, load_f32, load_i64, store_f32, store_i64
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.vectors import vfill, vload, vload_first, vstore
from trtlab.kernels.cpu.finish import (
    BIAS_AT,
    CLIP_AT,
    FIRST_FREE,
    HIGH_AT,
    LOW_AT,
    OUTPUT_AT,
    OUTPUT_PITCH_AT,
    RESIDUAL_AT,
    RESIDUAL_PITCH_AT,
    TILE_AT,
    run_epilogue,
    run_tile,
)
from trtlab.kernels.cpu.machine import SCRATCH_BYTES, stack_scratch, transpose_tile
from trtlab.kernels.cpu.microkernel import (
    BIAS,
    CLIP,
    HIGH,
    INNER,
    LOW,
    PANEL,
    PITCH,
    RESIDUAL,
    RESIDUAL_PITCH,
    ROWS,
    STEP,
    TABLE,
    TAPS,
    TARGET,
    TILE_COLUMNS,
    TILE_ROWS,
)
from trtlab.kernels.cpu.sharing import leave, take_part

# How B lies.
PACKED, ROW_MAJOR, TRANSPOSED = range(3)

# Fields of the argument block, after those of `finish` (bytes).
(
    A_AT,
    A_PITCH_AT,  # bytes between rows as A lies in memory
    A_COPY_AT,  # 0: read in place; 1: copy each tile's rows; 2: A is transposed
    M_AT,
    K_AT,
    N_AT,
    B_AT,
    B_MODE_AT,  # PACKED, ROW_MAJOR or TRANSPOSED
    B_PITCH_AT,  # bytes between rows of B; unused when packed
    ALPHA_AT,  # float32 that multiplies B where it is packed here
    K_BLOCK_AT,
    PANEL_BLOCK_AT,
    BATCHES_AT,
    INNER_BATCHES_AT,  # batches = outer × inner
    A_OUTER_AT,
    A_INNER_AT,
    B_OUTER_AT,
    B_INNER_AT,
    OUTPUT_OUTER_AT,
    OUTPUT_INNER_AT,
    RESIDUAL_OUTER_AT,
    RESIDUAL_INNER_AT,
    COUNTER_AT,  # address of a `sharing` counter
    PARTS_AT,  # parts a thread
) = (8 * (FIRST_FREE + field) for field in range(24))
BLOCK_FIELDS: Final = FIRST_FREE + 24

# Layout of a thread's scratch (bytes): the tile's block at 0, then these.
_B_FIRST, _B_PANEL, _B_SKIP, _B_STEP, _B_DIRECT, _FIRST_PANEL = range(128, 128 + 48, 8)
_VALUES, _TABLE, _ZEROS, _TAIL, _ROWS_COPY = 256, 512, 1024, 2048, 8192
_ROW_BYTES: Final = (SCRATCH_BYTES - _ROWS_COPY) // TILE_ROWS // 64 * 64
MAX_COPIED_K: Final = _ROW_BYTES // 4 - 16
"""Longest k block whose rows of A can be copied. Rows in the copy are 64 bytes apart modulo
the size of a cache way, so that they do not evict each other."""
PACK_ROOM: Final = SCRATCH_BYTES // (4 * TILE_COLUMNS)
"""k block × panel block must not exceed this where B is packed here."""

_DIRECT_TILES: Final = 2
"""With so few row tiles, packing an activation B costs more than its large step does."""

_SLOW_ROWS: Final = 6
"""A tile with fewer rows is no faster: B's loads and the latency of the sums bound it."""


@routine
def threads_along_rows(rows: int, panels: int, k: int, threads: int) -> int:
    """How many of the threads divide the rows; the others divide the panels.

    Compares the work of the busiest thread: multiplications, and bytes of A and B to fetch.
    """
    best, least = 1, 0
    for along in range(1, threads + 1):
        if threads % along != 0:
            continue
        across = threads // along
        m = (rows + along - 1) // along
        p = (panels + across - 1) // across
        tiles = (m + TILE_ROWS - 1) // TILE_ROWS
        work = p * max(m, _SLOW_ROWS * tiles) * k
        fetched = (m + p * TILE_COLUMNS) * k // 4
        if least == 0 or work + fetched < least:
            best, least = along, work + fetched
    return best


@routine
def pack_row_major(
    target: int, source: int, pitch: int, k: int, columns: int, alpha: float
) -> None:
    """Copy k rows of ``columns`` values, times alpha, into a panel of whole vectors."""
    width = (columns + LANES - 1) // LANES * LANES
    factor = vfill(alpha)
    for _row in range(k):
        for v in range(0, width, LANES):
            count = columns - v
            if count >= LANES:
                value = vload(source + 4 * v)
            else:
                value = vload_first(source + 4 * v, count)
            vstore(target + 4 * v, value * factor)
        target += 4 * width
        source += pitch


@routine
def pack_transposed(
    target: int, source: int, pitch: int, k: int, columns: int, alpha: float
) -> None:
    """The same from a source whose rows are the panel's columns, each k values long."""
    width = (columns + LANES - 1) // LANES * LANES
    whole = k // LANES * LANES
    for v in range(0, width, LANES):
        here = source + v * pitch
        if columns - v >= LANES:
            for row in range(0, whole, LANES):
                transpose_tile(
                    target + 4 * (row * width + v), 4 * width, here + 4 * row, pitch
                )
            first = whole
        else:
            first = 0
        for row in range(first, k):
            for column in range(LANES):
                place = target + 4 * (row * width + v + column)
                inside = v + column < columns
                store_f32(place, load_f32(here + column * pitch + 4 * row) if inside else 0.0)
    if alpha != 1.0:
        factor = vfill(alpha)
        for place in range(target, target + 4 * width * k, 4 * LANES):
            vstore(place, vload(place) * factor)


@routine
def _pack_panels(
    args: int, target: int, b: int, k0: int, k: int, first: int, last: int
) -> None:
    """Pack panels of an activation B; each takes k × TILE_COLUMNS values of the target."""
    pitch, alpha = load_i64(args + B_PITCH_AT), load_f32(args + ALPHA_AT)
    for panel in range(first, last):
        column = panel * TILE_COLUMNS
        columns = min(TILE_COLUMNS, load_i64(args + N_AT) - column)
        if load_i64(args + B_MODE_AT) == TRANSPOSED:
            pack_transposed(target, b + column * pitch + 4 * k0, pitch, k, columns, alpha)
        else:
            pack_row_major(target, b + k0 * pitch + 4 * column, pitch, k, columns, alpha)
        target += 4 * TILE_COLUMNS * k


@routine
def _set_rows(args: int, scratch: int, a: int, row: int, rows: int, k0: int, k: int) -> None:
    """Point the tile's table at its rows of A, copied where the block says so."""
    pitch, copy = load_i64(args + A_PITCH_AT), load_i64(args + A_COPY_AT)
    for r in range(rows):
        place = a + (row + r) * pitch + 4 * k0
        if copy != 0:
            own = scratch + _ROWS_COPY + r * _ROW_BYTES
            if copy == 1:
                copy_bytes(own, place, 4 * k)
            else:
                source = a + k0 * pitch + 4 * (row + r)
                for i in range(k):
                    store_f32(own + 4 * i, load_f32(source + i * pitch))
            place = own
        store_i64(scratch + _TABLE + 8 * r, place)
    store_i64(scratch + ROWS, rows)


@routine
def _place_panels(
    args: int, scratch: int, b: int, k0: int, k: int, first: int, last: int
) -> None:
    """Say where the panels of this block lie, after packing them where that is needed."""
    mode, pitch = load_i64(args + B_MODE_AT), load_i64(args + B_PITCH_AT)
    store_i64(scratch + _B_SKIP, 0)
    store_i64(scratch + _B_STEP, 0)
    if mode == PACKED:
        panel = 4 * TILE_COLUMNS * load_i64(args + K_AT)
        store_i64(scratch + _B_FIRST, b + first * panel)
        store_i64(scratch + _B_PANEL, panel)
        store_i64(scratch + _B_SKIP, 4 * k0)
    elif load_i64(scratch + _B_DIRECT) != 0:
        store_i64(scratch + _B_FIRST, b + k0 * pitch + 4 * TILE_COLUMNS * first)
        store_i64(scratch + _B_PANEL, 4 * TILE_COLUMNS)
        store_i64(scratch + _B_STEP, pitch)
    else:
        room = stack_scratch()
        _pack_panels(args, room, b, k0, k, first, last)
        store_i64(scratch + _B_FIRST, room)
        store_i64(scratch + _B_PANEL, 4 * TILE_COLUMNS * k)


@routine
def _tile_row(args: int, scratch: int, k0: int, c: int, residual: int, panel: int) -> None:
    """One tile: rows are set; ``c`` and ``residual`` are their addresses at column 0."""
    column = panel * TILE_COLUMNS
    columns = min(TILE_COLUMNS, load_i64(args + N_AT) - column)
    width = (columns + LANES - 1) // LANES * LANES
    number = panel - load_i64(scratch + _FIRST_PANEL)
    b = load_i64(scratch + _B_FIRST) + number * load_i64(scratch + _B_PANEL)
    store_i64(scratch + PANEL, b + width * load_i64(scratch + _B_SKIP))
    step = load_i64(scratch + _B_STEP)
    store_i64(scratch + STEP, step if step != 0 else 4 * width)
    final = k0 + load_i64(scratch + INNER) >= load_i64(args + K_AT)
    bias = load_i64(args + BIAS_AT) if final else 0
    store_i64(scratch + BIAS, bias + 4 * column if bias != 0 else scratch + _ZEROS)
    store_i64(scratch + CLIP, load_i64(args + CLIP_AT) if final else 0)
    store_i64(scratch + TARGET, c + 4 * column)
    # Later k blocks add to what the earlier ones left in C.
    if k0 > 0:
        store_i64(scratch + RESIDUAL, c + 4 * column)
        store_i64(scratch + RESIDUAL_PITCH, load_i64(args + OUTPUT_PITCH_AT))
    else:
        store_i64(scratch + RESIDUAL, residual + 4 * column if residual != 0 else 0)
        store_i64(scratch + RESIDUAL_PITCH, load_i64(args + RESIDUAL_PITCH_AT))
    run_tile(load_i64(args + TILE_AT), scratch, columns, scratch + _TAIL)


@routine
def _product(
    args: int, scratch: int, batch: int, row: int, end_row: int, panel: int, end_panel: int
) -> None:
    """Rows and panels of one matrix of the batch."""
    inner = batch % load_i64(args + INNER_BATCHES_AT)
    outer = batch // load_i64(args + INNER_BATCHES_AT)
    a = load_i64(args + A_AT) + outer * load_i64(args + A_OUTER_AT)
    a += inner * load_i64(args + A_INNER_AT)
    b = load_i64(args + B_AT) + outer * load_i64(args + B_OUTER_AT)
    b += inner * load_i64(args + B_INNER_AT)
    c = load_i64(args + OUTPUT_AT) + outer * load_i64(args + OUTPUT_OUTER_AT)
    c += inner * load_i64(args + OUTPUT_INNER_AT)
    residual = load_i64(args + RESIDUAL_AT)
    if residual != 0:
        residual += outer * load_i64(args + RESIDUAL_OUTER_AT)
        residual += inner * load_i64(args + RESIDUAL_INNER_AT)
    k_all, k_block = load_i64(args + K_AT), load_i64(args + K_BLOCK_AT)
    panel_block, n = load_i64(args + PANEL_BLOCK_AT), load_i64(args + N_AT)
    tiles = (end_row - row + TILE_ROWS - 1) // TILE_ROWS
    direct = tiles <= _DIRECT_TILES and n % LANES == 0 and load_f32(args + ALPHA_AT) == 1.0
    row_major = load_i64(args + B_MODE_AT) == ROW_MAJOR
    store_i64(scratch + _B_DIRECT, 1 if direct and row_major else 0)
    for k0 in range(0, max(k_all, 1), k_block):
        k = min(k_block, k_all - k0)
        store_i64(scratch + INNER, k)
        for first in range(panel, end_panel, panel_block):
            last = min(first + panel_block, end_panel)
            store_i64(scratch + _FIRST_PANEL, first)
            _place_panels(args, scratch, b, k0, k, first, last)
            for tile in range(tiles):
                start = row + (end_row - row) * tile // tiles
                rows = row + (end_row - row) * (tile + 1) // tiles - start
                _set_rows(args, scratch, a, start, rows, k0, k)
                c_row = c + start * load_i64(args + OUTPUT_PITCH_AT)
                r_row = residual
                if residual != 0:
                    r_row += start * load_i64(args + RESIDUAL_PITCH_AT)
                for p in range(first, last):
                    _tile_row(args, scratch, k0, c_row, r_row, p)
                if k0 + k >= k_all:
                    store_i64(scratch + _VALUES, start)
                    store_i64(scratch + _VALUES + 8, rows)
                    store_i64(scratch + _VALUES + 16, first * TILE_COLUMNS)
                    columns = min(last * TILE_COLUMNS, n) - first * TILE_COLUMNS
                    store_i64(scratch + _VALUES + 24, columns)
                    done = c_row + 4 * TILE_COLUMNS * first
                    run_epilogue(args, scratch + _VALUES, done, outer, inner)


@routine
def _part(args: int, scratch: int, part: int, parts: int, along: int) -> None:
    """One part of the product, or of the batch of products."""
    m, n = load_i64(args + M_AT), load_i64(args + N_AT)
    batches = load_i64(args + BATCHES_AT)
    panels = (n + TILE_COLUMNS - 1) // TILE_COLUMNS
    if batches == 1:
        across = parts // along
        i, j = part // across, part % across
        rows, end_row = m * i // along, m * (i + 1) // along
        panel, end_panel = panels * j // across, panels * (j + 1) // across
        if rows < end_row and panel < end_panel:
            _product(args, scratch, 0, rows, end_row, panel, end_panel)
        return
    tiles = (m + TILE_ROWS - 1) // TILE_ROWS
    unit, end = batches * tiles * part // parts, batches * tiles * (part + 1) // parts
    while unit < end:
        batch, tile = unit // tiles, unit % tiles
        last = min(tiles, tile + end - unit)
        _product(args, scratch, batch, m * tile // tiles, m * last // tiles, 0, panels)
        unit += last - tile


@kernel
def gemm(args: int, thread: int, threads: int) -> None:  # noqa: ARG001  (parts are taken)
    """Parts of a product, or of a batch of products, until there are no more."""
    scratch = stack_scratch()
    for v in range(0, 4 * TILE_COLUMNS, 4 * LANES):
        vstore(scratch + _ZEROS + v, vfill(0.0))
    store_i64(scratch + TABLE, scratch + _TABLE)
    store_i64(scratch + TAPS, 1)
    store_i64(scratch + PITCH, load_i64(args + OUTPUT_PITCH_AT))
    store_f32(scratch + LOW, load_f32(args + LOW_AT))
    store_f32(scratch + HIGH, load_f32(args + HIGH_AT))
    m, n, k = load_i64(args + M_AT), load_i64(args + N_AT), load_i64(args + K_AT)
    parts = threads * load_i64(args + PARTS_AT)
    along = threads_along_rows(m, (n + TILE_COLUMNS - 1) // TILE_COLUMNS, k, parts)
    counter = load_i64(args + COUNTER_AT)
    part = take_part(counter)
    while part < parts:
        _part(args, scratch, part, parts, along)
        part = take_part(counter)
    leave(counter, threads)

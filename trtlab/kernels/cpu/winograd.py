"""Convolution 3 × 3 with stride 1 by Winograd's method, channels last.

Three steps: transform tiles of the input; one matrix product [tiles, channels] × [channels,
maps] for each of the (m + 2)² coefficients; transform back. Two ways to go through them:

* fused: each thread takes blocks of tiles through all three, in its own part of the
  workspace, which stays in the second-level cache. For large images with few channels.
* in phases: all threads meet between the steps, which then cover all tiles; the filters are
  read only once. For small images with many channels.
"""

from typing import Final

from trtlab.devices.cpu.kernel import kernel, routine
from trtlab.devices.cpu.native import call_kernel, load_f32, load_i64, store_i64
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.vectors import (
    vfill,
    vload,
    vload_first,
    vmax,
    vmin,
    vstore,
    vstore_first,
)
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
)
from trtlab.kernels.cpu.machine import stack_scratch
from trtlab.kernels.cpu.microkernel import (
    BIAS,
    CLIP,
    INNER,
    PANEL,
    PITCH,
    RESIDUAL,
    ROWS,
    STEP,
    TABLE,
    TAPS,
    TARGET,
    TILE_COLUMNS,
    TILE_ROWS,
    VECTORS,
)
from trtlab.kernels.cpu.winograd_transform import (
    VECTOR_BYTES,
    transform_input_2,
    transform_input_4,
    transform_output_2,
    transform_output_4,
)

FUSED, TRANSFORM, MULTIPLY, TRANSFORM_BACK = range(4)

# Fields of the argument block, after those of `finish` (bytes).
(
    PHASE_AT,
    M_AT,  # 2 or 4: side of an output tile
    INPUT_AT,
    INPUT_PITCH_AT,  # bytes between pixels
    IMAGES_AT,
    HEIGHT_AT,
    WIDTH_AT,
    OUT_HEIGHT_AT,
    OUT_WIDTH_AT,
    PAD_TOP_AT,
    PAD_LEFT_AT,
    CHANNELS_AT,
    MAPS_AT,
    FILTERS_AT,
    ZEROS_AT,
    WORKSPACE_AT,
    SLOTS_AT,  # threads that have a part of the workspace (fused)
    SLOT_BYTES_AT,
    BLOCK_AT,  # tiles of a block (fused) or of all images (phases)
    MAP_BLOCK_AT,  # maps of a block (fused) or all; a multiple of TILE_COLUMNS
    SOURCE_PITCH_AT,  # bytes between tiles in the transformed input
    PRODUCT_PITCH_AT,  # bytes between tiles in the products
    PRODUCT_AT,  # bytes from the transformed input to the products
) = (8 * (FIRST_FREE + field) for field in range(23))
BLOCK_FIELDS: Final = FIRST_FREE + 23

# Layout of a thread's scratch (bytes): the tile's block at 0, then these.
_VALUES, _ZEROS, _TABLE, _ROWS_TABLE, _PATCH, _RESULT = 256, 512, 1024, 2048, 4096, 8192


@routine
def _tiles_wide(args: int) -> int:
    m = load_i64(args + M_AT)
    return (load_i64(args + OUT_WIDTH_AT) + m - 1) // m


@routine
def _tiles_high(args: int) -> int:
    m = load_i64(args + M_AT)
    return (load_i64(args + OUT_HEIGHT_AT) + m - 1) // m


@routine
def _point_tile(args: int, table: int, tile: int) -> None:
    """Addresses of a tile's input pixels."""
    m, wide, high = load_i64(args + M_AT), _tiles_wide(args), _tiles_high(args)
    width, height = load_i64(args + WIDTH_AT), load_i64(args + HEIGHT_AT)
    pitch, zeros = load_i64(args + INPUT_PITCH_AT), load_i64(args + ZEROS_AT)
    image = tile // (wide * high)
    top = tile // wide % high * m - load_i64(args + PAD_TOP_AT)
    left = tile % wide * m - load_i64(args + PAD_LEFT_AT)
    place = table
    for h in range(top, top + m + 2):
        line = load_i64(args + INPUT_AT) + (image * height + h) * width * pitch
        inside = 0 <= h < height
        for w in range(left, left + m + 2):
            store_i64(place, line + w * pitch if inside and 0 <= w < width else zeros)
            place += 8


@routine
def _transform(args: int, scratch: int, source: int, first: int, start: int, end: int) -> None:
    """Transform input tiles ``start`` … ``end``; tile ``first`` comes first in ``source``."""
    m, channels = load_i64(args + M_AT), load_i64(args + CHANNELS_AT)
    pitch = load_i64(args + SOURCE_PITCH_AT)
    step = pitch * load_i64(args + BLOCK_AT)
    table, patch = scratch + _TABLE, scratch + _PATCH
    for tile in range(start, end):
        _point_tile(args, table, tile)
        target = source + (tile - first) * pitch
        for c in range(0, channels, LANES):
            offset, here = 4 * c, table
            if channels - c < LANES:
                # the last channels: staged, so that nothing beyond a pixel is read
                for i in range((m + 2) * (m + 2)):
                    own = patch + VECTOR_BYTES * i
                    vstore(own, vload_first(load_i64(table + 8 * i) + offset, channels - c))
                    store_i64(scratch + _ROWS_TABLE + 8 * i, own)
                offset, here = 0, scratch + _ROWS_TABLE
            if m == 4:
                transform_input_4(here, offset, target + 4 * c, step)
            else:
                transform_input_2(here, offset, target + 4 * c, step)


@routine
def _multiply(
    args: int,
    scratch: int,
    source: int,
    products: int,
    coefficient: int,
    tiles: int,
    first: int,
    last: int,
) -> None:
    """Panels ``first`` … ``last`` of one coefficient's matrix product, over all tiles."""
    channels, maps = load_i64(args + CHANNELS_AT), load_i64(args + MAPS_AT)
    block, tile_kernel = load_i64(args + BLOCK_AT), load_i64(args + TILE_AT)
    source_pitch = load_i64(args + SOURCE_PITCH_AT)
    product_pitch = load_i64(args + PRODUCT_PITCH_AT)
    filled = (maps + LANES - 1) // LANES * LANES
    filters = load_i64(args + FILTERS_AT) + 4 * coefficient * channels * filled
    source += coefficient * block * source_pitch
    products += coefficient * block * product_pitch
    groups = (tiles + TILE_ROWS - 1) // TILE_ROWS
    for group in range(groups):
        start = tiles * group // groups
        rows = tiles * (group + 1) // groups - start
        store_i64(scratch + ROWS, rows)
        for r in range(rows):
            store_i64(scratch + _ROWS_TABLE + 8 * r, source + (start + r) * source_pitch)
        for panel in range(first, last):
            column = panel * TILE_COLUMNS
            vectors = min(TILE_COLUMNS, filled - column) // LANES
            store_i64(scratch + VECTORS, vectors)
            store_i64(scratch + STEP, VECTOR_BYTES * vectors)
            store_i64(scratch + PANEL, filters + 4 * channels * column)
            target = products + start * product_pitch + 4 * (column - first * TILE_COLUMNS)
            store_i64(scratch + TARGET, target)
            call_kernel(tile_kernel, scratch, 0, 0)


@routine
def _finish_pixels(
    args: int, result: int, pixel: int, pixels: int, column: int, count: int
) -> None:
    """Residual, clip and store for up to LANES channels of neighbouring pixels."""
    residual, clip = load_i64(args + RESIDUAL_AT), load_i64(args + CLIP_AT)
    low, high = vfill(load_f32(args + LOW_AT)), vfill(load_f32(args + HIGH_AT))
    pitch, residual_pitch = (
        load_i64(args + OUTPUT_PITCH_AT),
        load_i64(args + RESIDUAL_PITCH_AT),
    )
    target = load_i64(args + OUTPUT_AT) + pixel * pitch + 4 * column
    residual_at = residual + pixel * residual_pitch + 4 * column
    for i in range(pixels):
        value = vload(result + VECTOR_BYTES * i)
        if residual != 0:
            if count >= LANES:
                value = value + vload(residual_at)
            else:
                value = value + vload_first(residual_at, count)
            residual_at += residual_pitch
        if clip != 0:
            value = vmin(vmax(value, low), high)
        if count >= LANES:
            vstore(target, value)
        else:
            vstore_first(target, value, count)
        target += pitch


@routine
def _transform_back(
    args: int,
    scratch: int,
    products: int,
    first: int,
    start: int,
    end: int,
    column: int,
    columns: int,
) -> None:
    """Output tiles ``start`` … ``end``, some channels; ``products`` begin at ``first``."""
    m, wide, high = load_i64(args + M_AT), _tiles_wide(args), _tiles_high(args)
    width, height = load_i64(args + OUT_WIDTH_AT), load_i64(args + OUT_HEIGHT_AT)
    pitch, bias = load_i64(args + PRODUCT_PITCH_AT), load_i64(args + BIAS_AT)
    step = pitch * load_i64(args + BLOCK_AT)
    result = scratch + _RESULT
    for tile in range(start, end):
        top, left = tile // wide % high * m, tile % wide * m
        pixels = min(m, width - left)
        corner = (tile // (wide * high) * height + top) * width + left
        for c in range(0, columns, LANES):
            source = products + (tile - first) * pitch + 4 * c
            own_bias = bias + 4 * (column + c) if bias != 0 else scratch + _ZEROS
            if m == 4:
                transform_output_4(source, step, own_bias, result)
            else:
                transform_output_2(source, step, own_bias, result)
            for h in range(min(m, height - top)):
                line = result + VECTOR_BYTES * m * h
                count = min(LANES, columns - c)
                _finish_pixels(args, line, corner + h * width, pixels, column + c, count)
        for h in range(min(m, height - top)):
            pixel = corner + h * width
            store_i64(scratch + _VALUES, pixel)
            store_i64(scratch + _VALUES + 8, pixels)
            store_i64(scratch + _VALUES + 16, column)
            store_i64(scratch + _VALUES + 24, columns)
            output = load_i64(args + OUTPUT_AT) + pixel * load_i64(args + OUTPUT_PITCH_AT)
            run_epilogue(args, scratch + _VALUES, output + 4 * column, 0, 0)


@routine
def _fused(args: int, scratch: int, source: int, start: int, end: int) -> None:
    """All three steps for blocks of tiles."""
    block, map_block = load_i64(args + BLOCK_AT), load_i64(args + MAP_BLOCK_AT)
    maps, m = load_i64(args + MAPS_AT), load_i64(args + M_AT)
    products = source + load_i64(args + PRODUCT_AT)
    blocks = (end - start + block - 1) // block
    for number in range(blocks):
        first = start + (end - start) * number // blocks
        last = start + (end - start) * (number + 1) // blocks
        _transform(args, scratch, source, first, first, last)
        for column in range(0, maps, map_block):
            columns = min(map_block, maps - column)
            panel = column // TILE_COLUMNS
            panels = (columns + TILE_COLUMNS - 1) // TILE_COLUMNS
            for i in range((m + 2) * (m + 2)):
                _multiply(
                    args, scratch, source, products, i, last - first, panel, panel + panels
                )
            _transform_back(args, scratch, products, first, first, last, column, columns)


@routine
def _phase(args: int, scratch: int, tiles: int, thread: int, threads: int) -> None:
    """This thread's share of one step over all tiles."""
    source, m = load_i64(args + WORKSPACE_AT), load_i64(args + M_AT)
    products = source + load_i64(args + PRODUCT_AT)
    maps, phase = load_i64(args + MAPS_AT), load_i64(args + PHASE_AT)
    if phase == MULTIPLY:
        panels = (maps + TILE_COLUMNS - 1) // TILE_COLUMNS
        units = (m + 2) * (m + 2) * panels
        unit, end = units * thread // threads, units * (thread + 1) // threads
        while unit < end:
            coefficient, panel = unit // panels, unit % panels
            last = min(panels, panel + end - unit)
            target = products + 4 * TILE_COLUMNS * panel
            _multiply(args, scratch, source, target, coefficient, tiles, panel, last)
            unit += last - panel
        return
    start, end = tiles * thread // threads, tiles * (thread + 1) // threads
    if phase == TRANSFORM:
        _transform(args, scratch, source, 0, start, end)
    else:
        _transform_back(args, scratch, products, 0, start, end, 0, maps)


@kernel
def winograd(args: int, thread: int, threads: int) -> None:
    """This thread's share of one phase, or of all."""
    scratch = stack_scratch()
    for v in range(0, 4 * TILE_COLUMNS, VECTOR_BYTES):
        vstore(scratch + _ZEROS + v, vfill(0.0))
    store_i64(scratch + TABLE, scratch + _ROWS_TABLE)
    store_i64(scratch + TAPS, 1)
    store_i64(scratch + INNER, load_i64(args + CHANNELS_AT))
    store_i64(scratch + PITCH, load_i64(args + PRODUCT_PITCH_AT))
    store_i64(scratch + BIAS, scratch + _ZEROS)
    store_i64(scratch + RESIDUAL, 0)
    store_i64(scratch + CLIP, 0)
    tiles = _tiles_wide(args) * _tiles_high(args) * load_i64(args + IMAGES_AT)
    if load_i64(args + PHASE_AT) != FUSED:
        _phase(args, scratch, tiles, thread, threads)
        return
    workers = min(threads, load_i64(args + SLOTS_AT))
    if thread < workers:
        own = load_i64(args + WORKSPACE_AT) + thread * load_i64(args + SLOT_BYTES_AT)
        start, end = tiles * thread // workers, tiles * (thread + 1) // workers
        _fused(args, scratch, own, start, end)

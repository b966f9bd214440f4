"""Convolution of channels-last images, with groups, in up to three spatial dimensions.

Each output pixel is a row of a matrix product whose k runs over taps and channels. The tile
reads the pixels in place through a table of pointers, one a tap and row; taps in the padding
point at zeros. Nothing is copied.

Source: Dukhan 2019, "The Indirect Convolution Algorithm", arXiv:1907.02129. The table is made
for one tile at a time, on the stack, so that it costs no memory.
"""

from typing import Final

from trtlab.devices.cpu.kernel import kernel, routine
from trtlab.devices.cpu.native import load_f32, load_i64, store_f32, store_i64
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.vectors import vfill, vstore
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
from trtlab.kernels.cpu.gemm import threads_along_rows
from trtlab.kernels.cpu.machine import SCRATCH_BYTES, stack_scratch
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

# Fields of the argument block, after those of `finish` (bytes). Triples are depth, height,
# width; steps are bytes.
(
    INPUT_AT,
    IMAGE_STEP_AT,
    STEPS_AT,
    SIZES_AT,
    OUT_SIZES_AT,
    TAPS_AT,
    STRIDES_AT,
    PADS_AT,
    DILATIONS_AT,
    IMAGES_AT,
    GROUPS_AT,
    CHANNELS_AT,
    MAPS_AT,
    WEIGHTS_AT,
    ZEROS_AT,
    PANEL_BLOCK_AT,
    GROUPS_TOGETHER_AT,  # 1: all groups of a tile before the next tile
    COUNTER_AT,  # address of a `sharing` counter
    PARTS_AT,  # parts a thread
) = (8 * (FIRST_FREE + field) for field in (0, 1, 2, 5, 8, 11, 14, 17, 20, *range(23, 33)))
BLOCK_FIELDS: Final = FIRST_FREE + 33

_VALUES, _ZERO_BIAS, _TAIL, _TABLE = 256, 512, 1024, 4096
MAX_TAPS: Final = (SCRATCH_BYTES - _TABLE) // (8 * TILE_ROWS)
"""Taps whose pointers fit in a thread's scratch."""


@routine
def _point_row(args: int, table: int, first: int, depth: int, height: int, width: int) -> None:
    """Fill one row's column of the table.

    Args:
        args: The argument block.
        table: Address of the row's first entry.
        first: Address of the group's first channel in the image.
        depth: Input coordinate of the first tap; may lie in the padding. So may the next two.
        height: As ``depth``.
        width: As ``depth``.
    """
    zeros = load_i64(args + ZEROS_AT)
    taps_h, taps_w = load_i64(args + TAPS_AT + 8), load_i64(args + TAPS_AT + 16)
    step_h, step_w = load_i64(args + STEPS_AT + 8), load_i64(args + STEPS_AT + 16)
    size_h, size_w = load_i64(args + SIZES_AT + 8), load_i64(args + SIZES_AT + 16)
    dilation_h = load_i64(args + DILATIONS_AT + 8)
    dilation_w = load_i64(args + DILATIONS_AT + 16)
    place = table
    for i in range(load_i64(args + TAPS_AT)):
        d = depth + i * load_i64(args + DILATIONS_AT)
        slab = first + d * load_i64(args + STEPS_AT)
        inside_d = 0 <= d < load_i64(args + SIZES_AT)
        for j in range(taps_h):
            h = height + j * dilation_h
            line = slab + h * step_h
            if inside_d and 0 <= h < size_h:
                for k in range(taps_w):
                    w = width + k * dilation_w
                    store_i64(place, line + w * step_w if 0 <= w < size_w else zeros)
                    place += 8 * TILE_ROWS
            else:
                for _ in range(taps_w):
                    store_i64(place, zeros)
                    place += 8 * TILE_ROWS


@routine
def _point_rows(args: int, table: int, group: int, pixel: int, rows: int) -> None:
    """Fill the table for ``rows`` output pixels from number ``pixel`` on."""
    out_d, out_h = load_i64(args + OUT_SIZES_AT), load_i64(args + OUT_SIZES_AT + 8)
    out_w = load_i64(args + OUT_SIZES_AT + 16)
    w, rest = pixel % out_w, pixel // out_w
    h, rest = rest % out_h, rest // out_h
    d, image = rest % out_d, rest // out_d
    start = load_i64(args + INPUT_AT) + 4 * group * load_i64(args + CHANNELS_AT)
    for r in range(rows):
        _point_row(
            args,
            table + 8 * r,
            start + image * load_i64(args + IMAGE_STEP_AT),
            d * load_i64(args + STRIDES_AT) - load_i64(args + PADS_AT),
            h * load_i64(args + STRIDES_AT + 8) - load_i64(args + PADS_AT + 8),
            w * load_i64(args + STRIDES_AT + 16) - load_i64(args + PADS_AT + 16),
        )
        w += 1
        if w == out_w:
            w = 0
            h += 1
            if h == out_h:
                h = 0
                d += 1
                if d == out_d:
                    d = 0
                    image += 1


@routine
def _tiles(args: int, scratch: int, group: int, pixel: int, first: int, last: int) -> None:
    """The tiles of some pixels and of panels ``first`` … ``last`` of a group."""
    maps = load_i64(args + MAPS_AT)
    rows = load_i64(scratch + ROWS)
    pitch, residual_pitch = (
        load_i64(args + OUTPUT_PITCH_AT),
        load_i64(args + RESIDUAL_PITCH_AT),
    )
    k = load_i64(scratch + TAPS) * load_i64(scratch + INNER)
    bias, residual = load_i64(args + BIAS_AT), load_i64(args + RESIDUAL_AT)
    filled = (maps + LANES - 1) // LANES * LANES  # columns of a group's packed weights
    weights = load_i64(args + WEIGHTS_AT) + 4 * k * filled * group
    output = load_i64(args + OUTPUT_AT) + pixel * pitch
    for panel in range(first, last):
        column = panel * TILE_COLUMNS
        columns = min(TILE_COLUMNS, maps - column)
        width = (columns + LANES - 1) // LANES * LANES
        store_i64(scratch + PANEL, weights + 4 * k * column)
        store_i64(scratch + STEP, 4 * width)
        store_i64(scratch + TARGET, output + 4 * (group * maps + column))
        own_bias = bias + 4 * (group * filled + column)
        store_i64(scratch + BIAS, own_bias if bias != 0 else scratch + _ZERO_BIAS)
        if residual != 0:
            place = residual + pixel * residual_pitch + 4 * (group * maps + column)
            store_i64(scratch + RESIDUAL, place)
        run_tile(load_i64(args + TILE_AT), scratch, columns, scratch + _TAIL)
    begin = group * maps + first * TILE_COLUMNS
    store_i64(scratch + _VALUES, pixel)
    store_i64(scratch + _VALUES + 8, rows)
    store_i64(scratch + _VALUES + 16, begin)
    store_i64(scratch + _VALUES + 24, min(maps, last * TILE_COLUMNS) - first * TILE_COLUMNS)
    run_epilogue(args, scratch + _VALUES, output + 4 * begin, 0, 0)


@routine
def _all_groups(args: int, scratch: int, pixel: int, end: int) -> None:
    """Pixels tile by tile, all groups of each: for small weights, which stay in the cache."""
    groups, channels = load_i64(args + GROUPS_AT), load_i64(args + CHANNELS_AT)
    panels = (load_i64(args + MAPS_AT) + TILE_COLUMNS - 1) // TILE_COLUMNS
    tiles = (end - pixel + TILE_ROWS - 1) // TILE_ROWS
    entries = load_i64(scratch + TAPS) * TILE_ROWS
    for tile in range(tiles):
        start = pixel + (end - pixel) * tile // tiles
        rows = pixel + (end - pixel) * (tile + 1) // tiles - start
        store_i64(scratch + ROWS, rows)
        _point_rows(args, scratch + _TABLE, 0, start, rows)
        for group in range(groups):
            _tiles(args, scratch, group, start, 0, panels)
            # the next group's channels; the zeros are as long as a whole pixel
            for place in range(scratch + _TABLE, scratch + _TABLE + 8 * entries, 8):
                store_i64(place, load_i64(place) + 4 * channels)


@routine
def _share(
    args: int, scratch: int, group: int, pixel: int, end: int, panel: int, end_panel: int
) -> None:
    """Pixels and panels of one group."""
    block = load_i64(args + PANEL_BLOCK_AT)
    tiles = (end - pixel + TILE_ROWS - 1) // TILE_ROWS
    for first in range(panel, end_panel, block):
        for tile in range(tiles):
            start = pixel + (end - pixel) * tile // tiles
            rows = pixel + (end - pixel) * (tile + 1) // tiles - start
            store_i64(scratch + ROWS, rows)
            _point_rows(args, scratch + _TABLE, group, start, rows)
            _tiles(args, scratch, group, start, first, min(first + block, end_panel))


@routine
def _part(args: int, scratch: int, pixels: int, part: int, parts: int, along: int) -> None:
    """One part of the pixels and panels, or of the groups."""
    panels = (load_i64(args + MAPS_AT) + TILE_COLUMNS - 1) // TILE_COLUMNS
    groups = load_i64(args + GROUPS_AT)
    if groups == 1:
        across = parts // along
        i, j = part // across, part % across
        first, last = pixels * i // along, pixels * (i + 1) // along
        _share(args, scratch, 0, first, last, panels * j // across, panels * (j + 1) // across)
        return
    if load_i64(args + GROUPS_TOGETHER_AT) != 0:
        _all_groups(args, scratch, pixels * part // parts, pixels * (part + 1) // parts)
        return
    tiles = (pixels + TILE_ROWS - 1) // TILE_ROWS
    unit, end = groups * tiles * part // parts, groups * tiles * (part + 1) // parts
    while unit < end:
        group, tile = unit // tiles, unit % tiles
        last = min(tiles, tile + end - unit)
        _share(args, scratch, group, pixels * tile // tiles, pixels * last // tiles, 0, panels)
        unit += last - tile


@kernel
def convolve(args: int, thread: int, threads: int) -> None:  # noqa: ARG001  (parts are taken)
    """Parts of a convolution, until there are no more."""
    scratch = stack_scratch()
    for v in range(0, 4 * TILE_COLUMNS, 4 * LANES):
        vstore(scratch + _ZERO_BIAS + v, vfill(0.0))
    taps = load_i64(args + TAPS_AT) * load_i64(args + TAPS_AT + 8)
    taps *= load_i64(args + TAPS_AT + 16)
    pixels = load_i64(args + IMAGES_AT)
    for axis in range(3):
        pixels *= load_i64(args + OUT_SIZES_AT + 8 * axis)
    store_i64(scratch + TABLE, scratch + _TABLE)
    store_i64(scratch + TAPS, taps)
    store_i64(scratch + INNER, load_i64(args + CHANNELS_AT))
    store_i64(scratch + PITCH, load_i64(args + OUTPUT_PITCH_AT))
    store_i64(scratch + RESIDUAL, 0)
    store_i64(scratch + RESIDUAL_PITCH, load_i64(args + RESIDUAL_PITCH_AT))
    store_i64(scratch + CLIP, load_i64(args + CLIP_AT))
    store_f32(scratch + LOW, load_f32(args + LOW_AT))
    store_f32(scratch + HIGH, load_f32(args + HIGH_AT))
    panels = (load_i64(args + MAPS_AT) + TILE_COLUMNS - 1) // TILE_COLUMNS
    parts = threads * load_i64(args + PARTS_AT)
    along = threads_along_rows(pixels, panels, taps * load_i64(args + CHANNELS_AT), parts)
    counter = load_i64(args + COUNTER_AT)
    part = take_part(counter)
    while part < parts:
        _part(args, scratch, pixels, part, parts, along)
        part = take_part(counter)
    leave(counter, threads)

# ruff: noqa: ANN401, ARG001  (llvmlite's values carry no types; declarations without bodies)
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUnknownLambdaType=false
"""Depthwise convolution of channels-last images: a filter for each channel.

A tile is ``PIXELS`` output pixels of a line times up to ``WIDE`` vectors of channels, whose sums
stay in registers. Input pixels are found through a table of pointers, one a tap and pixel,
which serves all channels of the tile; taps in the padding point at zeros.
"""

from typing import Any, Final

import llvmlite.ir as ir

from trtlab.devices.cpu.kernel import kernel, routine
from trtlab.devices.cpu.native import load_f32, load_i64, pointer, store_f32, store_i64
from trtlab.devices.cpu.operation import (
    F32,
    I64,
    INT,
    LANES,
    VECTOR_IR,
    VOID,
    KernelOnly,
    operation,
)
from trtlab.devices.cpu.vectors import (
    broadcast,
    fused_multiply_add,
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
    run_epilogue,
)
from trtlab.kernels.cpu.machine import SCRATCH_BYTES, stack_scratch

PIXELS: Final = 4
WIDE: Final = 4 if LANES > 8 else 2
_VECTOR: Final = 4 * LANES

# Fields of the argument block, after those of `finish` (bytes). Pairs are height, width.
(
    INPUT_AT,
    INPUT_PITCH_AT,  # bytes between pixels
    IMAGES_AT,
    SIZES_AT,
    OUT_SIZES_AT,
    TAPS_AT,
    STRIDES_AT,
    PADS_AT,
    DILATIONS_AT,
    CHANNELS_AT,
    FILTERS_AT,  # [taps, channels filled up to vectors]
    ZEROS_AT,
) = (8 * (FIRST_FREE + field) for field in (0, 1, 2, 3, 5, 7, 9, 11, 13, 15, 16, 17))
BLOCK_FIELDS: Final = FIRST_FREE + 18

# A tile's block, at the beginning of a thread's scratch (bytes).
(
    _TABLE,  # address of int64 [taps, PIXELS]
    _TAPS,
    _OFFSET,  # bytes from a pixel to the channels wanted
    _WEIGHTS,  # address of the first tap's vectors
    _WEIGHTS_STEP,  # bytes between taps
    _BIAS,
    _LOW,
    _HIGH,
    _TARGETS,  # PIXELS addresses
) = (8 * field for field in range(9))
_VALUES, _ZERO_BIAS, _RESULT, _STAGE_TABLE, _STAGE = 256, 512, 1024, 4096, 12288
MAX_TAPS: Final = min(
    (_STAGE - _STAGE_TABLE) // (8 * PIXELS), (SCRATCH_BYTES - _STAGE) // (PIXELS * _VECTOR)
)
"""Taps whose pointers, and whose last channels, fit in a thread's scratch."""

_NEAR_BYTES: Final = 40960
"""The lines under a filter, in the channels of one tile: up to here they stay in the first
cache from tile to tile, and all channels of a tile follow each other otherwise. Measured on a
core with 32 KiB of first-level cache."""


class _Tile:
    """Instructions of one tile."""

    def __init__(self, build: Any, block: Any, vectors: int) -> None:
        self.build = build
        self.block = block
        self.vectors = vectors

    def field(self, offset: int) -> Any:
        place = self.build.add(self.block, ir.Constant(I64, offset))
        return self.build.load(pointer(self.build, place, I64), align=8)

    def float_vector(self, offset: int) -> Any:
        place = self.build.add(self.block, ir.Constant(I64, offset))
        value = self.build.load(pointer(self.build, place, F32), align=4)
        return broadcast(self.build, value)

    def load_vectors(self, address: Any) -> list[Any]:
        build = self.build
        places = [
            build.add(address, ir.Constant(I64, _VECTOR * v)) for v in range(self.vectors)
        ]
        return [build.load(pointer(build, place, VECTOR_IR), align=4) for place in places]

    def emit(self) -> None:
        build = self.build
        table, taps, offset = self.field(_TABLE), self.field(_TAPS), self.field(_OFFSET)
        weights, step = self.field(_WEIGHTS), self.field(_WEIGHTS_STEP)
        bias = self.load_vectors(self.field(_BIAS))
        before = build.block
        loop, after = build.append_basic_block("tap"), build.append_basic_block("end")
        build.branch(loop)
        build.position_at_end(loop)
        tap, at, weight_at = build.phi(I64), build.phi(I64), build.phi(I64)
        sums = [build.phi(VECTOR_IR) for _ in range(PIXELS * self.vectors)]
        factors = self.load_vectors(weight_at)
        totals: list[Any] = []
        for p in range(PIXELS):
            place = build.add(at, ir.Constant(I64, 8 * p))
            pixel = build.load(pointer(build, place, I64), align=8)
            values = self.load_vectors(build.add(pixel, offset))
            own = sums[p * self.vectors : (p + 1) * self.vectors]
            totals += [
                fused_multiply_add(build, x, w, s)
                for x, w, s in zip(values, factors, own, strict=True)
            ]
        following = (
            build.add(tap, ir.Constant(I64, 1)),
            build.add(at, ir.Constant(I64, 8 * PIXELS)),
            build.add(weight_at, step),
        )
        build.cbranch(build.icmp_signed("<", following[0], taps), loop, after)
        starts = (ir.Constant(I64, 0), table, weights, *(bias * PIXELS))
        for phi, first, later in zip(
            (tap, at, weight_at, *sums), starts, (*following, *totals), strict=True
        ):
            phi.add_incoming(first, before)
            phi.add_incoming(later, loop)
        build.position_at_end(after)
        self.store(totals)

    def store(self, totals: list[Any]) -> None:
        build = self.build
        low, high = self.float_vector(_LOW), self.float_vector(_HIGH)
        for p in range(PIXELS):
            target = self.field(_TARGETS + 8 * p)
            for v in range(self.vectors):
                value = totals[p * self.vectors + v]
                # infinite bounds leave everything as it is, NaN too
                value = build.select(build.fcmp_ordered(">", low, value), low, value)
                value = build.select(build.fcmp_ordered("<", high, value), high, value)
                place = build.add(target, ir.Constant(I64, _VECTOR * v))
                build.store(value, pointer(build, place, VECTOR_IR), align=4)


@operation(VOID, (INT,), lambda build, block: _Tile(build, block, WIDE).emit())
def _wide_tile(block: int) -> None:
    """``PIXELS`` pixels, ``WIDE`` vectors of channels."""
    raise KernelOnly


@operation(VOID, (INT,), lambda build, block: _Tile(build, block, WIDE // 2).emit())
def _half_tile(block: int) -> None:
    """``PIXELS`` pixels, half of ``WIDE`` vectors of channels."""
    raise KernelOnly


@operation(VOID, (INT,), lambda build, block: _Tile(build, block, 1).emit())
def _narrow_tile(block: int) -> None:
    """``PIXELS`` pixels, one vector of channels."""
    raise KernelOnly


@routine
def _point(args: int, table: int, image: int, line: int, column: int, pixels: int) -> None:
    """Fill the table for output pixels of a line; missing ones repeat the last."""
    height, width = load_i64(args + SIZES_AT), load_i64(args + SIZES_AT + 8)
    pitch, zeros = load_i64(args + INPUT_PITCH_AT), load_i64(args + ZEROS_AT)
    stride, dilation = load_i64(args + STRIDES_AT + 8), load_i64(args + DILATIONS_AT + 8)
    top = line * load_i64(args + STRIDES_AT) - load_i64(args + PADS_AT)
    left = column * stride - load_i64(args + PADS_AT + 8)
    first = load_i64(args + INPUT_AT) + image * height * width * pitch
    for i in range(load_i64(args + TAPS_AT)):
        h = top + i * load_i64(args + DILATIONS_AT)
        inside = 0 <= h < height
        for j in range(load_i64(args + TAPS_AT + 8)):
            for p in range(PIXELS):
                w = left + min(p, pixels - 1) * stride + j * dilation
                place = first + (h * width + w) * pitch
                store_i64(table + 8 * p, place if inside and 0 <= w < width else zeros)
            table += 8 * PIXELS


@routine
def _last_channels(scratch: int, count: int) -> None:
    """Stage channels that do not fill a vector, so that nothing beyond a pixel is read."""
    offset, table = load_i64(scratch + _OFFSET), load_i64(scratch + _TABLE)
    for i in range(load_i64(scratch + _TAPS) * PIXELS):
        own = scratch + _STAGE + _VECTOR * i
        vstore(own, vload_first(load_i64(table + 8 * i) + offset, count))
        store_i64(scratch + _STAGE_TABLE + 8 * i, own)
    store_i64(scratch + _TABLE, scratch + _STAGE_TABLE)
    store_i64(scratch + _OFFSET, 0)


@routine
def _finish(
    args: int, scratch: int, pixel: int, pixels: int, channel: int, count: int
) -> None:
    """Residual, clip and store of staged results."""
    residual, clip = load_i64(args + RESIDUAL_AT), load_i64(args + CLIP_AT)
    low, high = vfill(load_f32(args + LOW_AT)), vfill(load_f32(args + HIGH_AT))
    for p in range(pixels):
        for c in range(0, count, LANES):
            left = min(LANES, count - c)
            value = vload(scratch + _RESULT + _VECTOR * WIDE * p + 4 * c)
            if residual != 0:
                at = residual + (pixel + p) * load_i64(args + RESIDUAL_PITCH_AT)
                value = value + vload_first(at + 4 * (channel + c), left)
            if clip != 0:
                value = vmin(vmax(value, low), high)
            target = load_i64(args + OUTPUT_AT) + (pixel + p) * load_i64(
                args + OUTPUT_PITCH_AT
            )
            vstore_first(target + 4 * (channel + c), value, left)


@routine
def _choose_channels(args: int, scratch: int, channel: int, staged: bool) -> None:  # noqa: FBT001
    """Set what all tiles of some channels share."""
    bias = load_i64(args + BIAS_AT)
    store_i64(scratch + _WEIGHTS, load_i64(args + FILTERS_AT) + 4 * channel)
    store_i64(scratch + _BIAS, bias + 4 * channel if bias != 0 else scratch + _ZERO_BIAS)
    limited = load_i64(args + CLIP_AT) != 0 and not staged
    store_f32(scratch + _LOW, load_f32(args + LOW_AT) if limited else -float("inf"))
    store_f32(scratch + _HIGH, load_f32(args + HIGH_AT) if limited else float("inf"))


@routine
def _pixels(
    args: int, scratch: int, table: int, pixel: int, pixels: int, channel: int, count: int
) -> None:
    """Some channels of neighbouring output pixels."""
    pitch = load_i64(args + OUTPUT_PITCH_AT)
    output = load_i64(args + OUTPUT_AT) + pixel * pitch + 4 * channel
    staged = load_i64(args + RESIDUAL_AT) != 0 or count < LANES
    store_i64(scratch + _OFFSET, 4 * channel)
    store_i64(scratch + _TABLE, table)
    for p in range(PIXELS):
        result = scratch + _RESULT + _VECTOR * WIDE * p
        direct = output + p * pitch
        store_i64(scratch + _TARGETS + 8 * p, result if staged or p >= pixels else direct)
    if count < LANES:
        _last_channels(scratch, count)
    if count == WIDE * LANES:
        _wide_tile(scratch)
    elif count == WIDE // 2 * LANES and WIDE > 2:
        _half_tile(scratch)
    else:
        _narrow_tile(scratch)
    if staged:
        _finish(args, scratch, pixel, pixels, channel, count)


@routine
def _point_all(args: int, tables: int, table_bytes: int, unit: int, end: int) -> None:
    """Fill the tables of tiles ``unit`` … ``end``; inside an image each follows the last."""
    high, wide = load_i64(args + OUT_SIZES_AT), load_i64(args + OUT_SIZES_AT + 8)
    parts = (wide + PIXELS - 1) // PIXELS
    stride, dilation = load_i64(args + STRIDES_AT + 8), load_i64(args + DILATIONS_AT + 8)
    reach = dilation * (load_i64(args + TAPS_AT + 8) - 1)
    below = load_i64(args + DILATIONS_AT) * (load_i64(args + TAPS_AT) - 1)
    step = PIXELS * stride * load_i64(args + INPUT_PITCH_AT)
    was_inside = False
    for i in range(unit, end):
        line, column = i // parts, i % parts * PIXELS
        pixels = min(PIXELS, wide - column)
        top = line % high * load_i64(args + STRIDES_AT) - load_i64(args + PADS_AT)
        left = column * stride - load_i64(args + PADS_AT + 8)
        inside = left >= 0 and left + (PIXELS - 1) * stride + reach < load_i64(
            args + SIZES_AT + 8
        )
        inside = inside and top >= 0 and top + below < load_i64(args + SIZES_AT)
        inside = inside and pixels == PIXELS
        table = tables + (i - unit) * table_bytes
        if inside and was_inside and column > 0:
            for place in range(table, table + table_bytes, 8):
                store_i64(place, load_i64(place - table_bytes) + step)
        else:
            _point(args, table, line // high, line % high, column, pixels)
        was_inside = inside


@routine
def _channels_at(args: int, channel: int) -> int:
    """How many channels the next tile takes."""
    left = load_i64(args + CHANNELS_AT) - channel
    if left >= WIDE * LANES:
        return WIDE * LANES
    if left >= WIDE // 2 * LANES:
        return WIDE // 2 * LANES
    return min(LANES, left)


@routine
def _block(args: int, scratch: int, unit: int, end: int, near: bool) -> None:  # noqa: FBT001
    """Tiles ``unit`` … ``end``; ``near``: all tiles of some channels, then the next channels."""
    channels, tables = load_i64(args + CHANNELS_AT), stack_scratch()
    table_bytes = 8 * PIXELS * load_i64(scratch + _TAPS)
    _point_all(args, tables, table_bytes, unit, end)
    wide = load_i64(args + OUT_SIZES_AT + 8)
    parts = (wide + PIXELS - 1) // PIXELS
    rounds = 1 if near else end - unit
    for turn in range(rounds):
        first = unit if near else unit + turn
        last = end if near else first + 1
        channel = 0
        while channel < channels:
            count = _channels_at(args, channel)
            staged = load_i64(args + RESIDUAL_AT) != 0 or count < LANES
            _choose_channels(args, scratch, channel, staged)
            for i in range(first, last):
                column = i % parts * PIXELS
                pixel, table = i // parts * wide + column, tables + (i - unit) * table_bytes
                _pixels(
                    args, scratch, table, pixel, min(PIXELS, wide - column), channel, count
                )
            channel += count
    begin = unit // parts * wide + unit % parts * PIXELS
    finish = end // parts * wide + min(end % parts * PIXELS, wide)
    store_i64(scratch + _VALUES, begin)
    store_i64(scratch + _VALUES + 8, finish - begin)
    store_i64(scratch + _VALUES + 16, 0)
    store_i64(scratch + _VALUES + 24, channels)
    output = load_i64(args + OUTPUT_AT) + begin * load_i64(args + OUTPUT_PITCH_AT)
    run_epilogue(args, scratch + _VALUES, output, 0, 0)


@kernel
def depthwise(args: int, thread: int, threads: int) -> None:
    """This thread's share of a depthwise convolution."""
    scratch = stack_scratch()
    for v in range(WIDE):
        vstore(scratch + _ZERO_BIAS + _VECTOR * v, vfill(0.0))
    channels = load_i64(args + CHANNELS_AT)
    taps = load_i64(args + TAPS_AT) * load_i64(args + TAPS_AT + 8)
    store_i64(scratch + _TAPS, taps)
    store_i64(scratch + _WEIGHTS_STEP, 4 * ((channels + LANES - 1) // LANES * LANES))
    parts = (load_i64(args + OUT_SIZES_AT + 8) + PIXELS - 1) // PIXELS
    units = load_i64(args + IMAGES_AT) * load_i64(args + OUT_SIZES_AT) * parts
    unit, end = units * thread // threads, units * (thread + 1) // threads
    lines_bytes = load_i64(args + TAPS_AT) * load_i64(args + SIZES_AT + 8) * _VECTOR * WIDE
    most = SCRATCH_BYTES // (8 * PIXELS * taps)
    while unit < end:
        last = min(unit + most, end)
        _block(args, scratch, unit, last, lines_bytes <= _NEAR_BYTES)
        unit = last

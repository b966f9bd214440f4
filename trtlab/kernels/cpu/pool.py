"""Maximum and average under a window of up to three spatial axes, in HWC and in LINEAR.

HWC: vectors run along channels. LINEAR: vectors run along a row; the rows under a window are
first combined into one row on the stack, which is then combined along itself.

The maximum passes over NaN: to keep it costs up to 18 % (5 × 5 windows in HWC).
"""

from typing import Final

from trtlab.devices.cpu.kernel import inlined, kernel
from trtlab.devices.cpu.native import load_f32, load_i64
from trtlab.devices.cpu.operation import LANES, Vector
from trtlab.devices.cpu.vectors import (
    vfill,
    vgather,
    vload,
    vload_first,
    vmax,
    vstore,
    vstore_first,
)
from trtlab.kernels.cpu.loops import share
from trtlab.kernels.cpu.machine import (
    SCRATCH_BYTES,
    stack_scratch,
    vload_every_second,
    vload_or,
)

_VECTOR_BYTES = 4 * LANES
LOWEST: Final = float("-inf")
MAX, MEAN = range(2)
WIDE: Final = 4 * LANES
"""Channels that one unit of work takes in HWC."""

# Argument places; steps are bytes
(
    X,
    Y,
    OPERATION,
    IMAGES,
    X_IMAGE,
    Y_IMAGE,
    CHANNELS,
    X_CHANNEL,
    Y_CHANNEL,
    BLOCKS,  # groups of channels (HWC)
    UNITS,
    WIDTH,  # input elements of a row (LINEAR)
    LEFT,  # padding before a row (LINEAR)
    SPAN,  # elements of a padded row that any window reaches (LINEAR)
    SLACK,  # elements behind them that whole vectors read too (LINEAR)
    INVERSES,  # address of 1 / counted taps along a row, float32
) = range(16)
# Then one record for each of depth, height and width
AXES: Final = 16
OUT, STRIDE, TAPS, DILATION, X_STEP, Y_STEP, TABLE = range(7)
RECORD: Final = 7
LENGTH: Final = AXES + 3 * RECORD
# A table holds three int64 for each output position: first input index, taps inside the
# input, and 1 / counted taps as float32.
POSITION: Final = 3

MAX_ROW: Final = SCRATCH_BYTES // 4 - 2 * LANES
"""Elements of the longest padded row that fits the stack."""


@inlined
def _combine(operation: int, a: Vector, b: Vector) -> Vector:
    return vmax(a, b) if operation == MAX else a + b


@inlined
def _neutral(operation: int) -> float:
    return LOWEST if operation == MAX else 0.0


@inlined
def _field(args: int, axis: int, field: int) -> int:
    return load_i64(args + 8 * (AXES + RECORD * axis + field))


@inlined
def _entry(args: int, axis: int, position: int) -> int:
    """Address of an output position's entry."""
    return _field(args, axis, TABLE) + 8 * POSITION * position


@inlined
def _mean_factor(operation: int, depth: int, height: int, width: int) -> float:
    if operation == MAX:
        return 1.0
    return load_f32(depth + 16) * load_f32(height + 16) * load_f32(width + 16)


@inlined
def _wide_pixel(
    operation: int, args: int, target: int, source: int, entries: tuple[int, int, int]
) -> None:
    """One output pixel: WIDE channels."""
    depth, height, width = entries
    step_d = _field(args, 0, X_STEP) * _field(args, 0, DILATION)
    step_h = _field(args, 1, X_STEP) * _field(args, 1, DILATION)
    step_w = _field(args, 2, X_STEP) * _field(args, 2, DILATION)
    taps_h, taps_w = load_i64(height + 8), load_i64(width + 8)
    empty = vfill(_neutral(operation))
    a, b, c, d = empty, empty, empty, empty
    for i in range(load_i64(depth + 8)):
        for j in range(taps_h):
            place = source + i * step_d + j * step_h
            for _k in range(taps_w):
                a = _combine(operation, a, vload(place))
                b = _combine(operation, b, vload(place + _VECTOR_BYTES))
                c = _combine(operation, c, vload(place + 2 * _VECTOR_BYTES))
                d = _combine(operation, d, vload(place + 3 * _VECTOR_BYTES))
                place += step_w
    factor = vfill(_mean_factor(operation, depth, height, width))
    vstore(target, a * factor)
    vstore(target + _VECTOR_BYTES, b * factor)
    vstore(target + 2 * _VECTOR_BYTES, c * factor)
    vstore(target + 3 * _VECTOR_BYTES, d * factor)


@inlined
def _narrow_pixel(
    operation: int,
    args: int,
    target: int,
    source: int,
    entries: tuple[int, int, int],
    columns: int,
) -> None:
    """One output pixel: fewer channels."""
    depth, height, width = entries
    step_d = _field(args, 0, X_STEP) * _field(args, 0, DILATION)
    step_h = _field(args, 1, X_STEP) * _field(args, 1, DILATION)
    step_w = _field(args, 2, X_STEP) * _field(args, 2, DILATION)
    taps_h, taps_w = load_i64(height + 8), load_i64(width + 8)
    factor = vfill(_mean_factor(operation, depth, height, width))
    for first in range(0, columns, LANES):
        left = columns - first
        total = vfill(_neutral(operation))
        for i in range(load_i64(depth + 8)):
            for j in range(taps_h):
                place = source + 4 * first + i * step_d + j * step_h
                for _k in range(taps_w):
                    total = _combine(operation, total, vload_first(place, left))
                    place += step_w
        vstore_first(target + 4 * first, total * factor, left)


@inlined
def _pixels(operation: int, args: int, unit: int) -> None:
    """A row of output pixels, a group of channels."""
    blocks = load_i64(args + 8 * BLOCKS)
    rows, planes = _field(args, 1, OUT), _field(args, 0, OUT)
    channel = unit % blocks * WIDE
    row = unit // blocks % rows
    plane = unit // blocks // rows % planes
    image = unit // blocks // rows // planes
    columns = min(WIDE, load_i64(args + 8 * CHANNELS) - channel)
    depth, height = _entry(args, 0, plane), _entry(args, 1, row)
    source = load_i64(args + 8 * X) + image * load_i64(args + 8 * X_IMAGE) + 4 * channel
    source += load_i64(depth) * _field(args, 0, X_STEP) + load_i64(height) * _field(
        args, 1, X_STEP
    )
    target = load_i64(args + 8 * Y) + image * load_i64(args + 8 * Y_IMAGE) + 4 * channel
    target += plane * _field(args, 0, Y_STEP) + row * _field(args, 1, Y_STEP)
    for position in range(_field(args, 2, OUT)):
        width = _entry(args, 2, position)
        begin = source + load_i64(width) * _field(args, 2, X_STEP)
        end = target + position * _field(args, 2, Y_STEP)
        entries = (depth, height, width)
        if columns == WIDE:
            _wide_pixel(operation, args, end, begin, entries)
        else:
            _narrow_pixel(operation, args, end, begin, entries, columns)


@kernel
def pool_pixels(args: int, thread: int, threads: int) -> None:
    """Pooling in HWC."""
    first, last = share(load_i64(args + 8 * UNITS), thread, threads)
    for unit in range(first, last):
        if load_i64(args + 8 * OPERATION) == MAX:
            _pixels(MAX, args, unit)
        else:
            _pixels(MEAN, args, unit)


@inlined
def _clear(operation: int, args: int, buffer: int) -> None:
    """Neutral values where no input goes: padding, and what whole vectors read behind it."""
    empty = vfill(_neutral(operation))
    for i in range(0, load_i64(args + 8 * SPAN) + load_i64(args + 8 * SLACK), LANES):
        vstore(buffer + 4 * i, empty)


@inlined
def _merge_rows(
    operation: int, args: int, buffer: int, source: int, depth: int, height: int
) -> None:
    """The rows under a window, combined into one padded row at ``buffer``."""
    step_d = _field(args, 0, X_STEP) * _field(args, 0, DILATION)
    step_h = _field(args, 1, X_STEP) * _field(args, 1, DILATION)
    left, planes, rows = load_i64(args + 8 * LEFT), load_i64(depth + 8), load_i64(height + 8)
    width = min(load_i64(args + 8 * WIDTH), load_i64(args + 8 * SPAN) - left)
    for k in range(0, width, LANES):
        total = vfill(_neutral(operation))
        for i in range(planes):
            place = source + i * step_d + 4 * k
            for _j in range(rows):
                if width - k >= LANES:
                    value = vload(place)
                else:
                    value = vload_or(place, width - k, _neutral(operation))
                total = _combine(operation, total, value)
                place += step_h
        vstore(buffer + 4 * (left + k), total)


@inlined
def _row(operation: int, args: int, buffer: int, target: int, factor: float) -> None:
    """Windows along the merged row."""
    stride, dilation = _field(args, 2, STRIDE), _field(args, 2, DILATION)
    out, taps = _field(args, 2, OUT), _field(args, 2, TAPS)
    inverses = load_i64(args + 8 * INVERSES)
    for first in range(0, out, LANES):
        left = min(LANES, out - first)
        total = vfill(_neutral(operation))
        for tap in range(taps):
            place = buffer + 4 * (first * stride + tap * dilation)
            if stride == 1:
                value = vload(place)
            elif stride == 2:
                value = vload_every_second(place)
            else:
                value = vgather(place, 4 * stride)
            total = _combine(operation, total, value)
        if operation == MEAN:
            total = total * vload_first(inverses + 4 * first, left) * vfill(factor)
        vstore_first(target + 4 * first, total, left)


@inlined
def _plane(operation: int, args: int, buffer: int, unit: int) -> None:
    """All rows of an output plane."""
    rows, planes = _field(args, 1, OUT), _field(args, 0, OUT)
    channels = load_i64(args + 8 * CHANNELS)
    plane = unit % planes
    channel = unit // planes % channels
    image = unit // planes // channels
    depth = _entry(args, 0, plane)
    source = load_i64(args + 8 * X) + image * load_i64(args + 8 * X_IMAGE)
    source += channel * load_i64(args + 8 * X_CHANNEL)
    source += load_i64(depth) * _field(args, 0, X_STEP)
    target = load_i64(args + 8 * Y) + image * load_i64(args + 8 * Y_IMAGE)
    target += channel * load_i64(args + 8 * Y_CHANNEL) + plane * _field(args, 0, Y_STEP)
    for row in range(rows):
        height = _entry(args, 1, row)
        begin = source + load_i64(height) * _field(args, 1, X_STEP)
        _merge_rows(operation, args, buffer, begin, depth, height)
        factor = load_f32(depth + 16) * load_f32(height + 16)
        _row(operation, args, buffer, target + row * _field(args, 1, Y_STEP), factor)


@kernel
def pool_rows(args: int, thread: int, threads: int) -> None:
    """Pooling in LINEAR: one unit is a plane."""
    buffer = stack_scratch()
    operation = load_i64(args + 8 * OPERATION)
    if operation == MAX:
        _clear(MAX, args, buffer)
    else:
        _clear(MEAN, args, buffer)
    first, last = share(load_i64(args + 8 * UNITS), thread, threads)
    for unit in range(first, last):
        if operation == MAX:
            _plane(MAX, args, buffer, unit)
        else:
            _plane(MEAN, args, buffer, unit)

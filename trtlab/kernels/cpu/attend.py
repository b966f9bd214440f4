"""Fused attention: scores, softmax and weighted values of a few rows stay in the cache.

A first command packs keys (transposed, scaled) and values of every head into panels for the
matrix tile. A second goes through tiles of query rows: scores into the stack, masked softmax
in place, product with the values.
"""

from typing import Final

from trtlab.devices.cpu.kernel import kernel, routine
from trtlab.devices.cpu.native import (
    call_kernel,
    load_f32,
    load_i64,
    load_u8,
    store_f32,
    store_i64,
)
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.vectors import (
    vfill,
    vfma,
    vlargest,
    vload,
    vload_first,
    vmax,
    vstore,
    vstore_first,
    vsum,
)
from trtlab.kernels.cpu.finish import run_tile
from trtlab.kernels.cpu.gemm import pack_row_major, pack_transposed
from trtlab.kernels.cpu.loops import share
from trtlab.kernels.cpu.machine import SCRATCH_BYTES, stack_scratch, vload_or
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
from trtlab.kernels.cpu.vector_math import vexp_bounded

_LOWEST: Final = -3.4028234663852886e38
NO_MASK, ADDED, TRUTH = range(3)
# Argument places; steps are bytes
(
    TILE_CODE,
    BATCHES,
    HEADS,
    GROUPS,
    QUERIES,
    KEYS,
    FEATURES,
    WIDTH,  # features of a value
    SCALE,
    CAUSAL,
    TRANSPOSED,
    MASK_KIND,
    PACKED_KEYS,
    PACKED_VALUES,
    TILES,
    SCORE_PITCH,
    Q,
    K,
    V,
    Y,
    MASK,
) = range(21)
STEPS: Final = 21
"""For q, k, v, y and mask: bytes from batch to batch, head to head, row to row."""
LENGTH: Final = STEPS + 15

_TABLE, _ZEROS, _TAIL = 256, 1024, 2048
MAX_PITCH: Final = SCRATCH_BYTES
"""A row of scores must fit the stack."""


@routine
def _place(args: int, tensor: int, batch: int, head: int, row: int) -> int:
    steps = args + 8 * (STEPS + 3 * (tensor - Q))
    place = load_i64(args + 8 * tensor) + batch * load_i64(steps)
    return place + head * load_i64(steps + 8) + row * load_i64(steps + 16)


@routine
def _padded(columns: int) -> int:
    return (columns + LANES - 1) // LANES * LANES


@kernel
def pack_heads(args: int, thread: int, threads: int) -> None:
    """Panels of keys and values, one unit a key head."""
    groups, keys = load_i64(args + 8 * GROUPS), load_i64(args + 8 * KEYS)
    features, width = load_i64(args + 8 * FEATURES), load_i64(args + 8 * WIDTH)
    scale = load_f32(args + 8 * SCALE)
    first, last = share(load_i64(args + 8 * BATCHES) * groups, thread, threads)
    for unit in range(first, last):
        batch, head = unit // groups, unit % groups
        source = _place(args, K, batch, head, 0)
        pitch = load_i64(args + 8 * (STEPS + 3 * (K - Q) + 2))
        target = load_i64(args + 8 * PACKED_KEYS) + 4 * unit * features * _padded(keys)
        for column in range(0, keys, TILE_COLUMNS):
            columns = min(TILE_COLUMNS, keys - column)
            if load_i64(args + 8 * TRANSPOSED) != 0:
                pack_row_major(target, source + 4 * column, pitch, features, columns, scale)
            else:
                pack_transposed(
                    target, source + column * pitch, pitch, features, columns, scale
                )
            target += 4 * features * TILE_COLUMNS
        source = _place(args, V, batch, head, 0)
        pitch = load_i64(args + 8 * (STEPS + 3 * (V - Q) + 2))
        target = load_i64(args + 8 * PACKED_VALUES) + 4 * unit * keys * _padded(width)
        for column in range(0, width, TILE_COLUMNS):
            columns = min(TILE_COLUMNS, width - column)
            pack_row_major(target, source + 4 * column, pitch, keys, columns, 1.0)
            target += 4 * keys * TILE_COLUMNS


@routine
def _masked(row: int, mask: int, kind: int, count: int) -> None:
    """Add the mask to a row of scores, or hide where it is false."""
    if kind == ADDED:
        for i in range(0, count, LANES):
            value = vload(row + 4 * i) + vload_or(mask + 4 * i, count - i, 0.0)
            vstore(row + 4 * i, value)
    else:
        for i in range(count):
            if load_u8(mask + i) == 0:
                store_f32(row + 4 * i, float("-inf"))


@routine
def _softmax(row: int, count: int, padded: int) -> None:
    """Softmax of ``count`` values in place; zeros up to ``padded``, whole vectors."""
    whole = count // LANES * LANES
    top = vfill(_LOWEST)
    for i in range(0, whole, LANES):
        top = vmax(top, vload(row + 4 * i))
    lost = float("-inf")
    if whole < count:
        vstore(row + 4 * whole, vload_or(row + 4 * whole, count - whole, lost))
        top = vmax(top, vload(row + 4 * whole))
    largest, total = vfill(vlargest(top)), vfill(0.0)
    end = (count + LANES - 1) // LANES * LANES
    for i in range(0, end, LANES):
        power = vexp_bounded(vload(row + 4 * i) - largest)
        vstore(row + 4 * i, power)
        total = total + power
    factor = vfill(1.0) / vfill(vsum(total))
    for i in range(0, end, LANES):
        vstore(row + 4 * i, vload(row + 4 * i) * factor)
    for i in range(end, padded, LANES):
        vstore(row + 4 * i, vfill(0.0))


@routine
def _scores(args: int, block: int, scores: int, packed: int, visible: int) -> None:
    """Products q kᵀ of the tile's rows for the first ``visible`` keys, in whole vectors."""
    features, keys = load_i64(args + 8 * FEATURES), load_i64(args + 8 * KEYS)
    store_i64(block + INNER, features)
    store_i64(block + PITCH, load_i64(args + 8 * SCORE_PITCH))
    for column in range(0, visible, TILE_COLUMNS):
        # The panel's own width counts, even where fewer of its columns are wanted.
        width = _padded(min(TILE_COLUMNS, keys - column))
        store_i64(block + VECTORS, _padded(min(TILE_COLUMNS, visible - column)) // LANES)
        store_i64(block + PANEL, packed + 4 * features * column)
        store_i64(block + STEP, 4 * width)
        store_i64(block + TARGET, scores + 4 * column)
        call_kernel(load_i64(args + 8 * TILE_CODE), block, 0, 0)


@routine
def _values(args: int, block: int, target: int, packed: int, visible: int) -> None:
    """The product of the weights and the first ``visible`` values."""
    width, keys = load_i64(args + 8 * WIDTH), load_i64(args + 8 * KEYS)
    store_i64(block + INNER, visible)
    store_i64(block + PITCH, load_i64(args + 8 * (STEPS + 3 * (Y - Q) + 2)))
    for column in range(0, width, TILE_COLUMNS):
        columns = min(TILE_COLUMNS, width - column)
        store_i64(block + PANEL, packed + 4 * keys * column)
        store_i64(block + STEP, 4 * _padded(columns))
        store_i64(block + TARGET, target + 4 * column)
        run_tile(load_i64(args + 8 * TILE_CODE), block, columns, block + _TAIL)


@routine
def _tile(args: int, block: int, scores: int, unit: int) -> None:
    """One tile of query rows of one head."""
    tiles, heads = load_i64(args + 8 * TILES), load_i64(args + 8 * HEADS)
    queries, keys = load_i64(args + 8 * QUERIES), load_i64(args + 8 * KEYS)
    groups, pitch = load_i64(args + 8 * GROUPS), load_i64(args + 8 * SCORE_PITCH)
    tile, head, batch = unit % tiles, unit // tiles % heads, unit // tiles // heads
    first, last = share(queries, tile, tiles)
    causal, kind = load_i64(args + 8 * CAUSAL), load_i64(args + 8 * MASK_KIND)
    visible = min(keys, last) if causal != 0 else keys
    group = batch * groups + head // (heads // groups)
    store_i64(block + ROWS, last - first)
    for row in range(last - first):
        store_i64(block + _TABLE + 8 * row, _place(args, Q, batch, head, first + row))
    packed = load_i64(args + 8 * PACKED_KEYS)
    packed += 4 * group * load_i64(args + 8 * FEATURES) * _padded(keys)
    _scores(args, block, scores, packed, visible)
    for row in range(last - first):
        own = scores + row * pitch
        count = min(keys, first + row + 1) if causal != 0 else keys
        if kind != NO_MASK:
            _masked(own, _place(args, MASK, batch, head, first + row), kind, count)
        _softmax(own, count, _padded(visible))
        store_i64(block + _TABLE + 8 * row, own)
    packed = load_i64(args + 8 * PACKED_VALUES)
    packed += 4 * group * keys * _padded(load_i64(args + 8 * WIDTH))
    _values(args, block, _place(args, Y, batch, head, first), packed, visible)


@kernel
def attend(args: int, thread: int, threads: int) -> None:
    """All tiles of query rows; keys and values are packed."""
    block, scores = stack_scratch(), stack_scratch()
    for i in range(0, TILE_COLUMNS, LANES):
        vstore(block + _ZEROS + 4 * i, vfill(0.0))
    store_i64(block + TABLE, block + _TABLE)
    store_i64(block + TAPS, 1)
    store_i64(block + BIAS, block + _ZEROS)
    store_i64(block + RESIDUAL, 0)
    store_i64(block + CLIP, 0)
    units = (
        load_i64(args + 8 * BATCHES) * load_i64(args + 8 * HEADS) * load_i64(args + 8 * TILES)
    )
    first, last = share(units, thread, threads)
    for unit in range(first, last):
        _tile(args, block, scores, unit)


@routine
def _dot_rows(args: int, scores: int, query: int, source: int) -> None:
    """Scaled q kᵀ for one query; keys are rows, taken four at a time."""
    keys, features = load_i64(args + 8 * KEYS), load_i64(args + 8 * FEATURES)
    pitch = load_i64(args + 8 * (STEPS + 3 * (K - Q) + 2))
    scale = load_f32(args + 8 * SCALE)
    for key in range(0, keys, 4):
        a, b, c, d = vfill(0.0), vfill(0.0), vfill(0.0), vfill(0.0)
        place = source + key * pitch
        second = place + pitch * min(1, keys - 1 - key)
        third = place + pitch * min(2, keys - 1 - key)
        fourth = place + pitch * min(3, keys - 1 - key)
        for i in range(0, features, LANES):
            left = features - i
            value = vload_first(query + 4 * i, left)
            a = vfma(value, vload_first(place + 4 * i, left), a)
            b = vfma(value, vload_first(second + 4 * i, left), b)
            c = vfma(value, vload_first(third + 4 * i, left), c)
            d = vfma(value, vload_first(fourth + 4 * i, left), d)
        store_f32(scores + 4 * key, vsum(a) * scale)  # beyond the last key: room of a vector
        store_f32(scores + 4 * key + 4, vsum(b) * scale)
        store_f32(scores + 4 * key + 8, vsum(c) * scale)
        store_f32(scores + 4 * key + 12, vsum(d) * scale)


@routine
def _dot_columns(args: int, scores: int, query: int, source: int) -> None:
    """The same where keys are columns."""
    keys, features = load_i64(args + 8 * KEYS), load_i64(args + 8 * FEATURES)
    pitch = load_i64(args + 8 * (STEPS + 3 * (K - Q) + 2))
    scale = vfill(load_f32(args + 8 * SCALE))
    for key in range(0, keys, LANES):
        total = vfill(0.0)
        place = source + 4 * key
        for i in range(features):
            value = vload_first(place, keys - key)
            total = vfma(value, vfill(load_f32(query + 4 * i)), total)
            place += pitch
        vstore(scores + 4 * key, total * scale)


@routine
def _weighted_rows(args: int, scores: int, target: int, source: int, visible: int) -> None:
    """Σ weight · value for one query."""
    width, pitch = load_i64(args + 8 * WIDTH), load_i64(args + 8 * (STEPS + 3 * (V - Q) + 2))
    for column in range(0, width, 2 * LANES):
        left = width - column
        a, b = vfill(0.0), vfill(0.0)
        place = source + 4 * column
        for key in range(visible):
            weight = vfill(load_f32(scores + 4 * key))
            a = vfma(weight, vload_first(place, left), a)
            b = vfma(weight, vload_first(place + 4 * LANES, left - LANES), b)
            place += pitch
        vstore_first(target + 4 * column, a, left)
        vstore_first(target + 4 * column + 4 * LANES, b, left - LANES)


@kernel
def attend_rows(args: int, thread: int, threads: int) -> None:
    """Few queries: every one reads keys and values where they lie."""
    scores = stack_scratch()
    queries, heads = load_i64(args + 8 * QUERIES), load_i64(args + 8 * HEADS)
    keys, kind = load_i64(args + 8 * KEYS), load_i64(args + 8 * MASK_KIND)
    each = heads // load_i64(args + 8 * GROUPS)
    first, last = share(load_i64(args + 8 * BATCHES) * heads * queries, thread, threads)
    for unit in range(first, last):
        row, head, batch = unit % queries, unit // queries % heads, unit // queries // heads
        query = _place(args, Q, batch, head, row)
        source = _place(args, K, batch, head // each, 0)
        if load_i64(args + 8 * TRANSPOSED) != 0:
            _dot_columns(args, scores, query, source)
        else:
            _dot_rows(args, scores, query, source)
        visible = min(keys, row + 1) if load_i64(args + 8 * CAUSAL) != 0 else keys
        if kind != NO_MASK:
            _masked(scores, _place(args, MASK, batch, head, row), kind, visible)
        _softmax(scores, visible, visible)
        target = _place(args, Y, batch, head, row)
        source = _place(args, V, batch, head // each, 0)
        _weighted_rows(args, scores, target, source, visible)


def rows_of_tile(pitch_bytes: int) -> int:
    """Query rows whose scores fit the stack at that distance; 0 when none do."""
    return min(TILE_ROWS, SCRATCH_BYTES // pitch_bytes)

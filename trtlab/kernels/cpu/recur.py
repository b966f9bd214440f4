"""The recurrent part of LSTM, GRU and plain cells: all time steps in one command.

The products of the inputs and their weights were made before, for all steps at once. Here
each thread owns blocks of LANES hidden units; after each step the threads meet, because the
next one reads the whole hidden state.
"""

from typing import Final

from trtlab.devices.cpu.kernel import inlined, kernel, routine
from trtlab.devices.cpu.native import (
    atomic_add,
    call_kernel,
    load_f32,
    load_i32,
    load_i64,
    store_i64,
)
from trtlab.devices.cpu.operation import LANES, Vector
from trtlab.devices.cpu.team import wait_until
from trtlab.devices.cpu.vectors import (
    vfill,
    vfma,
    vload,
    vload_first,
    vmax,
    vstore,
    vstore_first,
)
from trtlab.kernels.cpu.loops import share
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
    TILE_VECTORS,
    VECTORS,
)
from trtlab.kernels.cpu.vector_math import vsigmoid, vtanh

_VECTOR_BYTES = 4 * LANES
LSTM, GRU, GRU_LINEAR, RELU, TANH = range(5)
# Argument places; steps are bytes
(
    CELL,
    TIME,
    BATCH,
    HIDDEN,
    DIRECTIONS,
    FIRST_BACKWARD,  # directions from this one on run backwards
    BLOCKS,  # vectors of hidden units
    WEIGHTS,  # packed [directions, blocks, hidden, gates, LANES]
    EXTRA,  # [directions, blocks·LANES]: recurrent bias of GRU_LINEAR's candidate
    PEEPHOLE,  # [directions, 3, blocks·LANES], or 0
    GATES,  # products of the inputs: [time·batch rows, directions, gates, blocks·LANES]
    GATES_TIME,
    GATES_BATCH,
    STATE,  # [2, directions, batch, blocks·LANES]: h before and after a step
    CELLS,  # [directions, batch, blocks·LANES]: c of LSTM; r·h of GRU
    UPDATE,  # [directions, batch, blocks·LANES]: z of GRU
    COUNTER,  # address of the meetings' counter
    LENGTHS,  # or 0
    LENGTHS_WIDE,  # 1: int64
    H0,
    C0,
    H0_DIRECTION,
    H0_BATCH,
    Y,
    Y_TIME,
    Y_DIRECTION,
    Y_BATCH,
    H_LAST,
    C_LAST,
    LAST_DIRECTION,
    LAST_BATCH,
    GATE_COUNT,
    TILE_CODE,  # address of `microkernel.tile`
    MEMBERS,  # threads that share a step: for little work, meeting costs more than it saves
) = range(34)
LENGTH: Final = 34

# The scratch: the tile's block, its table of rows, a vector of zeros, sums of all rows.
_TABLE, _ZEROS, _SUMS = 256, 1024, 2048


@routine
def _padded_row(args: int, base: int, direction: int, batch: int) -> int:
    """Address of a row of a padded state."""
    row = direction * load_i64(args + 8 * BATCH) + batch
    return base + row * load_i64(args + 8 * BLOCKS) * _VECTOR_BYTES


@routine
def _state(args: int, step: int) -> int:
    """The hidden states from which a step starts."""
    rows = load_i64(args + 8 * DIRECTIONS) * load_i64(args + 8 * BATCH)
    half = rows * load_i64(args + 8 * BLOCKS) * _VECTOR_BYTES
    return load_i64(args + 8 * STATE) + half * (step % 2)


@routine
def _start_row(args: int, target: int, source: int) -> None:
    """A row of an initial state, zeros behind it or where there is none."""
    hidden, blocks = load_i64(args + 8 * HIDDEN), load_i64(args + 8 * BLOCKS)
    for i in range(0, blocks * LANES, LANES):
        value = vfill(0.0)
        if source != 0:
            value = vload_first(source + 4 * i, hidden - i)
        vstore(target + 4 * i, value)


@kernel
def start_states(args: int, thread: int, threads: int) -> None:  # noqa: ARG001  (one is enough)
    """Initial h and c; the counter at 0."""
    if thread > 0:
        return
    store_i64(load_i64(args + 8 * COUNTER), 0)
    h0, c0 = load_i64(args + 8 * H0), load_i64(args + 8 * C0)
    for direction in range(load_i64(args + 8 * DIRECTIONS)):
        for batch in range(load_i64(args + 8 * BATCH)):
            offset = direction * load_i64(args + 8 * H0_DIRECTION)
            offset += batch * load_i64(args + 8 * H0_BATCH)
            row = _padded_row(args, load_i64(args + 8 * STATE), direction, batch)
            _start_row(args, row, h0 + offset if h0 != 0 else 0)
            row = _padded_row(args, load_i64(args + 8 * CELLS), direction, batch)
            _start_row(args, row, c0 + offset if c0 != 0 else 0)


@inlined
def _dot4(weights: int, h: int, count: int) -> tuple[Vector, Vector, Vector, Vector]:
    a, b, c, d = vfill(0.0), vfill(0.0), vfill(0.0), vfill(0.0)
    for k in range(count):
        x = vfill(load_f32(h + 4 * k))
        a = vfma(x, vload(weights), a)
        b = vfma(x, vload(weights + _VECTOR_BYTES), b)
        c = vfma(x, vload(weights + 2 * _VECTOR_BYTES), c)
        d = vfma(x, vload(weights + 3 * _VECTOR_BYTES), d)
        weights += 4 * _VECTOR_BYTES
    return a, b, c, d


@inlined
def _dot3(weights: int, h: int, count: int) -> tuple[Vector, Vector, Vector]:
    a, b, c = vfill(0.0), vfill(0.0), vfill(0.0)
    for k in range(count):
        x = vfill(load_f32(h + 4 * k))
        a = vfma(x, vload(weights), a)
        b = vfma(x, vload(weights + _VECTOR_BYTES), b)
        c = vfma(x, vload(weights + 2 * _VECTOR_BYTES), c)
        weights += 3 * _VECTOR_BYTES
    return a, b, c


@inlined
def _dot1(weights: int, h: int, count: int, step: int) -> Vector:
    """One gate; its vectors lie ``step`` bytes apart. Two sums hide the latency."""
    a, b = vfill(0.0), vfill(0.0)
    for k in range(0, count - 1, 2):
        a = vfma(vfill(load_f32(h + 4 * k)), vload(weights), a)
        b = vfma(vfill(load_f32(h + 4 * k + 4)), vload(weights + step), b)
        weights += 2 * step
    if count % 2 == 1:
        a = vfma(vfill(load_f32(h + 4 * count - 4)), vload(weights), a)
    return a + b


@routine
def _own_sums(args: int, sums: int, weights: int, h: int, first: int, count: int) -> None:
    """Gates ``first`` to ``first + count − 1`` of one sequence: h · R, a vector a gate."""
    hidden, gates = load_i64(args + 8 * HIDDEN), load_i64(args + 8 * GATE_COUNT)
    step = gates * _VECTOR_BYTES
    if count == 4:
        i, o, f, g = _dot4(weights, h, hidden)
        vstore(sums, i)
        vstore(sums + _VECTOR_BYTES, o)
        vstore(sums + 2 * _VECTOR_BYTES, f)
        vstore(sums + 3 * _VECTOR_BYTES, g)
    elif count == 3:
        z, r, g = _dot3(weights, h, hidden)
        vstore(sums, z)
        vstore(sums + _VECTOR_BYTES, r)
        vstore(sums + 2 * _VECTOR_BYTES, g)
    else:
        for gate in range(first, first + count):
            at = gate * _VECTOR_BYTES
            vstore(sums + at, _dot1(weights + at, h, hidden, step))


@routine
def _tile_sums(args: int, block: int, weights: int, first: int, count: int) -> None:
    """The same for the sequences whose rows are in the tile's table."""
    gates = load_i64(args + 8 * GATE_COUNT)
    sums = block + _SUMS
    for gate in range(first, first + count, TILE_VECTORS):
        store_i64(block + VECTORS, min(TILE_VECTORS, first + count - gate))
        store_i64(block + PANEL, weights + gate * _VECTOR_BYTES)
        store_i64(block + STEP, gates * _VECTOR_BYTES)
        store_i64(block + TARGET, sums + gate * _VECTOR_BYTES)
        store_i64(block + PITCH, gates * _VECTOR_BYTES)
        call_kernel(load_i64(args + 8 * TILE_CODE), block, 0, 0)


@routine
def _sums(
    args: int, block: int, unit: int, batch: int, rows: int, step: int, half: int
) -> None:
    """Products of the hidden state and the recurrence weights for some sequences."""
    blocks, gates = load_i64(args + 8 * BLOCKS), load_i64(args + 8 * GATE_COUNT)
    hidden, cell = load_i64(args + 8 * HIDDEN), load_i64(args + 8 * CELL)
    weights = load_i64(args + 8 * WEIGHTS) + unit * hidden * gates * _VECTOR_BYTES
    first = 2 if cell == GRU and half == 1 else 0
    count = 2 - first // 2 if cell == GRU else gates
    source = _state(args, step)
    if cell == GRU and half == 1:
        source = load_i64(args + 8 * CELLS)  # r·h
    if rows == 1:
        row = _padded_row(args, source, unit // blocks, batch)
        _own_sums(args, block + _SUMS, weights, row, first, count)
        return
    store_i64(block + ROWS, rows)
    for r in range(rows):
        row = _padded_row(args, source, unit // blocks, batch + r)
        store_i64(block + _TABLE + 8 * r, row)
    _tile_sums(args, block, weights, first, count)


@routine
def _lstm(args: int, unit: int, sums: int, gates: int, cell: int) -> Vector:
    """New h of a block; the block's c is at ``cell``."""
    blocks = load_i64(args + 8 * BLOCKS)
    wide = blocks * _VECTOR_BYTES
    i = vload(sums) + vload(gates)
    o = vload(sums + _VECTOR_BYTES) + vload(gates + wide)
    f = vload(sums + 2 * _VECTOR_BYTES) + vload(gates + 2 * wide)
    g = vload(sums + 3 * _VECTOR_BYTES) + vload(gates + 3 * wide)
    c = vload(cell)
    peephole = load_i64(args + 8 * PEEPHOLE)
    if peephole != 0:
        peephole += unit // blocks * 3 * wide + unit % blocks * _VECTOR_BYTES
        i = vfma(vload(peephole), c, i)
        f = vfma(vload(peephole + 2 * wide), c, f)
    c = vfma(vsigmoid(f), c, vsigmoid(i) * vtanh(g))
    if peephole != 0:
        o = vfma(vload(peephole + wide), c, o)
    vstore(cell, c)
    return vsigmoid(o) * vtanh(c)


@routine
def _gru_linear(args: int, unit: int, sums: int, gates: int, own: Vector) -> Vector:
    """New h of a block whose old h is ``own``; the reset acts on the finished product."""
    wide = load_i64(args + 8 * BLOCKS) * _VECTOR_BYTES
    z = vsigmoid(vload(sums) + vload(gates))
    r = vsigmoid(vload(sums + _VECTOR_BYTES) + vload(gates + wide))
    extra = vload(load_i64(args + 8 * EXTRA) + unit * _VECTOR_BYTES)
    memory = vload(sums + 2 * _VECTOR_BYTES) + extra
    new = vtanh(vfma(r, memory, vload(gates + 2 * wide)))
    return vfma(z, own - new, new)


@routine
def _gru_gates(args: int, sums: int, gates: int, own: Vector, reset: int, z_at: int) -> None:
    """First half of a step: r·h and z of a block."""
    wide = load_i64(args + 8 * BLOCKS) * _VECTOR_BYTES
    vstore(z_at, vsigmoid(vload(sums) + vload(gates)))
    r = vsigmoid(vload(sums + _VECTOR_BYTES) + vload(gates + wide))
    vstore(reset, r * own)


@routine
def _gru_candidate(args: int, sums: int, gates: int, own: Vector, z_at: int) -> Vector:
    """Second half: new h of a block."""
    wide = load_i64(args + 8 * BLOCKS) * _VECTOR_BYTES
    new = vtanh(vload(sums + 2 * _VECTOR_BYTES) + vload(gates + 2 * wide))
    return vfma(vload(z_at), own - new, new)


@routine
def _plain(args: int, sums: int, gates: int) -> Vector:
    total = vload(sums) + vload(gates)
    if load_i64(args + 8 * CELL) == RELU:
        return vmax(total, vfill(0.0))
    return vtanh(total)


@routine
def _length(args: int, batch: int) -> int:
    lengths = load_i64(args + 8 * LENGTHS)
    if lengths == 0:
        return load_i64(args + 8 * TIME)
    if load_i64(args + 8 * LENGTHS_WIDE) != 0:
        return load_i64(lengths + 8 * batch)
    return load_i32(lengths + 4 * batch)


@routine
def _time(args: int, direction: int, step: int, length: int) -> int:
    """The element of the sequence that a step works on."""
    if direction >= load_i64(args + 8 * FIRST_BACKWARD) and step < length:
        return length - 1 - step
    return step


@routine
def _finish(args: int, unit: int, batch: int, step: int, value: Vector, alive: int) -> None:
    """Write a block's new h to the state and to the outputs; dead sequences keep theirs."""
    blocks, time = load_i64(args + 8 * BLOCKS), load_i64(args + 8 * TIME)
    direction, block = unit // blocks, unit % blocks
    left = load_i64(args + 8 * HIDDEN) - block * LANES
    half = (
        load_i64(args + 8 * DIRECTIONS) * load_i64(args + 8 * BATCH) * blocks * _VECTOR_BYTES
    )
    state = load_i64(args + 8 * STATE) + block * _VECTOR_BYTES
    old = _padded_row(args, state + half * (step % 2), direction, batch)
    new = _padded_row(args, state + half * ((step + 1) % 2), direction, batch)
    place = load_i64(args + 8 * Y) + block * _VECTOR_BYTES
    place += direction * load_i64(args + 8 * Y_DIRECTION) + batch * load_i64(
        args + 8 * Y_BATCH
    )
    place += _time(args, direction, step, _length(args, batch)) * load_i64(args + 8 * Y_TIME)
    if alive != 0:
        vstore_first(place, value, left)
    else:
        value = vload(old)
        vstore_first(place, vfill(0.0), left)
    vstore(new, value)
    if step == time - 1:
        offset = direction * load_i64(args + 8 * LAST_DIRECTION) + block * _VECTOR_BYTES
        offset += batch * load_i64(args + 8 * LAST_BATCH)
        vstore_first(load_i64(args + 8 * H_LAST) + offset, value, left)
        last = load_i64(args + 8 * C_LAST)
        if last != 0:
            cell = load_i64(args + 8 * CELLS) + block * _VECTOR_BYTES
            value = vload(_padded_row(args, cell, direction, batch))
            vstore_first(last + offset, value, left)


@routine
def _block(args: int, unit: int, batch: int, step: int, half: int, sums: int) -> None:
    """One block of hidden units of one sequence, one step (or one half of it)."""
    blocks, cell_kind = load_i64(args + 8 * BLOCKS), load_i64(args + 8 * CELL)
    direction, block = unit // blocks, unit % blocks
    length, count = _length(args, batch), load_i64(args + 8 * GATE_COUNT)
    alive, inside = step < length, block * _VECTOR_BYTES
    own = vload(_padded_row(args, _state(args, step), direction, batch) + inside)
    place = _padded_row(args, load_i64(args + 8 * CELLS), direction, batch) + inside
    z_at = _padded_row(args, load_i64(args + 8 * UPDATE), direction, batch) + inside
    gates = load_i64(args + 8 * GATES) + direction * count * blocks * _VECTOR_BYTES + inside
    gates += _time(args, direction, step, length) * load_i64(args + 8 * GATES_TIME)
    gates += batch * load_i64(args + 8 * GATES_BATCH)
    if cell_kind == GRU and half == 0:
        if alive:
            _gru_gates(args, sums, gates, own, place, z_at)
        return
    value = own
    if alive and cell_kind == LSTM:
        value = _lstm(args, unit, sums, gates, place)
    elif alive and cell_kind == GRU_LINEAR:
        value = _gru_linear(args, unit, sums, gates, own)
    elif alive and cell_kind == GRU:
        value = _gru_candidate(args, sums, gates, own, z_at)
    elif alive:
        value = _plain(args, sums, gates)
    _finish(args, unit, batch, step, value, 1 if alive else 0)


@routine
def _half_step(args: int, block: int, unit: int, step: int, half: int) -> None:
    """One block of hidden units of all sequences."""
    batches, gates = load_i64(args + 8 * BATCH), load_i64(args + 8 * GATE_COUNT)
    for batch in range(0, batches, TILE_ROWS):
        rows = min(TILE_ROWS, batches - batch)
        _sums(args, block, unit, batch, rows, step, half)
        for r in range(rows):
            sums = block + _SUMS + r * gates * _VECTOR_BYTES
            _block(args, unit, batch + r, step, half, sums)


@kernel
def recur(args: int, thread: int, threads: int) -> None:
    """All steps; the threads meet after each (twice for the GRU whose reset comes first)."""
    members = min(threads, load_i64(args + 8 * MEMBERS))
    if thread >= members:
        return
    block = stack_scratch()
    for i in range(0, TILE_COLUMNS, LANES):
        vstore(block + _ZEROS + 4 * i, vfill(0.0))
    store_i64(block + TABLE, block + _TABLE)
    store_i64(block + TAPS, 1)
    store_i64(block + INNER, load_i64(args + 8 * HIDDEN))
    store_i64(block + BIAS, block + _ZEROS)
    store_i64(block + RESIDUAL, 0)
    store_i64(block + CLIP, 0)
    halves = 2 if load_i64(args + 8 * CELL) == GRU else 1
    counter = load_i64(args + 8 * COUNTER)
    units = load_i64(args + 8 * DIRECTIONS) * load_i64(args + 8 * BLOCKS)
    first, last = share(units, thread, members)
    for step in range(load_i64(args + 8 * TIME)):
        for half in range(halves):
            for unit in range(first, last):
                _half_step(args, block, unit, step, half)
            if members > 1:
                atomic_add(counter, 1)
                wait_until(counter, members * (step * halves + half + 1))

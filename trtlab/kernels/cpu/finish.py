"""What happens to a finished block of a matrix or convolution result, row by row.

Bias, one residual and a clip are applied in registers by the tile (see `microkernel`). Any
other epilogue runs on the rows while they are still in the cache, through the pointwise
machine. The fields below are part of the argument block of every driver that uses tiles.
"""

from typing import Final

from trtlab.devices.cpu.kernel import routine
from trtlab.devices.cpu.native import call_kernel, load_f32, load_i64, store_i64
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.vectors import (
    vfill,
    vload_first,
    vmax,
    vmin,
    vstore_first,
)
from trtlab.kernels.cpu.microkernel import (
    CLIP,
    HIGH,
    LOW,
    PITCH,
    RESIDUAL,
    RESIDUAL_PITCH,
    ROWS,
    TARGET,
    TILE_COLUMNS,
    VECTORS,
)

MAX_OPERANDS: Final = 6

# Fields of a driver's argument block (bytes).
(
    TILE_AT,  # address of `microkernel.tile`
    MACHINE_AT,  # address of the pointwise machine, or 0: no program
    PROGRAM_AT,  # address of its program
    OPERANDS_AT,  # operands of the program besides the result itself
    OUTPUT_AT,  # address of the result
    OUTPUT_PITCH_AT,  # bytes between its rows
    BIAS_AT,  # packed bias, or 0
    RESIDUAL_AT,  # address of the residual, or 0
    RESIDUAL_PITCH_AT,
    CLIP_AT,  # 1: clip to LOW … HIGH
    LOW_AT,
    HIGH_AT,
) = (8 * field for field in range(12))
OPERAND_AT: Final = 8 * 12
"""Per operand: address, then bytes between rows, columns (4, or 0 for a splat), outer and
inner batches."""
OPERAND_FIELDS: Final = 5
FIRST_FREE: Final = 12 + OPERAND_FIELDS * MAX_OPERANDS
"""The next field that a driver may use."""


@routine
def finish_tail(block: int, columns: int, scratch: int, target: int, pitch: int) -> None:
    """Residual, clip and store for a tile whose columns do not fill its vectors.

    The tile's raw sums lie in ``scratch``, ``TILE_COLUMNS`` a row.
    """
    residual = load_i64(block + RESIDUAL)
    low, high = vfill(load_f32(block + LOW)), vfill(load_f32(block + HIGH))
    clip = load_i64(block + CLIP)
    for row in range(load_i64(block + ROWS)):
        for column in range(0, columns, LANES):
            count = min(LANES, columns - column)
            value = vload_first(scratch + 4 * (row * TILE_COLUMNS + column), count)
            if residual != 0:
                at = residual + row * load_i64(block + RESIDUAL_PITCH) + 4 * column
                value = value + vload_first(at, count)
            if clip != 0:
                value = vmin(vmax(value, low), high)
            vstore_first(target + row * pitch + 4 * column, value, count)


@routine
def run_tile(tile: int, block: int, columns: int, scratch: int) -> None:
    """Compute one tile; the last columns of a matrix may leave its vectors partly filled.

    Args:
        tile: Address of `microkernel.tile`.
        block: The tile's block; its TARGET, PITCH, RESIDUAL and CLIP are final.
        columns: Columns of this tile.
        scratch: Room for TILE_ROWS × TILE_COLUMNS float32 values.
    """
    vectors = (min(columns, TILE_COLUMNS) + LANES - 1) // LANES
    store_i64(block + VECTORS, vectors)
    if columns >= vectors * LANES:
        call_kernel(tile, block, 0, 0)
        return
    target, pitch = load_i64(block + TARGET), load_i64(block + PITCH)
    residual, clip = load_i64(block + RESIDUAL), load_i64(block + CLIP)
    store_i64(block + TARGET, scratch)
    store_i64(block + PITCH, 4 * TILE_COLUMNS)
    store_i64(block + RESIDUAL, 0)
    store_i64(block + CLIP, 0)
    call_kernel(tile, block, 0, 0)
    store_i64(block + RESIDUAL, residual)
    store_i64(block + CLIP, clip)
    finish_tail(block, columns, scratch, target, pitch)
    store_i64(block + TARGET, target)
    store_i64(block + PITCH, pitch)


@routine
def _one_run(args: int, columns: int) -> bool:
    """Whether rows follow each other without gaps, in the result and in all operands."""
    together = load_i64(args + OUTPUT_PITCH_AT) == 4 * columns
    for i in range(load_i64(args + OPERANDS_AT)):
        at = args + OPERAND_AT + 8 * OPERAND_FIELDS * i
        pitch, step = load_i64(at + 8), load_i64(at + 16)
        whole = step == 4 and pitch == 4 * columns
        together = together and (whole or (step == 0 and pitch == 0))
    return together


@routine
def run_epilogue(args: int, values: int, target: int, outer: int, inner: int) -> None:
    """Run the program on finished rows, in place.

    Args:
        args: The driver's argument block.
        values: Where the caller left row, rows, column and columns; behind them is room for
            MAX_OPERANDS + 2 addresses.
        target: Address of the result's first element in those rows and columns.
        outer: Number of the outer batch.
        inner: Number of the inner batch.
    """
    machine = load_i64(args + MACHINE_AT)
    if machine == 0:
        return
    program, operands = load_i64(args + PROGRAM_AT), load_i64(args + OPERANDS_AT)
    row, column = load_i64(values), load_i64(values + 16)
    rows, columns = load_i64(values + 8), load_i64(values + 24)
    addresses = values + 32
    if _one_run(args, columns):
        columns *= rows
        rows = min(rows, 1)
    for r in range(row, row + rows):
        store_i64(addresses, target)
        for i in range(operands):
            at = args + OPERAND_AT + 8 * OPERAND_FIELDS * i
            place = load_i64(at) + r * load_i64(at + 8) + column * load_i64(at + 16)
            place += outer * load_i64(at + 24) + inner * load_i64(at + 32)
            store_i64(addresses + 8 * (i + 1), place)
        store_i64(addresses + 8 * (operands + 1), target)
        call_kernel(machine, program, addresses, columns)
        target += load_i64(args + OUTPUT_PITCH_AT)

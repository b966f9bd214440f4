"""Commands that copy between strided tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from trtlab.core.types import StaticShape
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.program import Command
from trtlab.kernels.cpu import move as m
from trtlab.kernels.cpu.loops import LOOPS, nest_block, nest_length
from trtlab.kernels.cpu.strided import nest

_LOOPS = LOOPS + 2

_ROW_BYTES = 1 << 16
"""A unit of work copies about so many bytes of rows."""
_TILE_ROWS, _TILE_COLUMNS = 64, 256
"""A unit of a transposition: whole cache lines of the source, long runs in the target."""


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a copy.

    Attributes:
        address: Of the first element; 0 while only asking whether the copy is possible.
        steps: Bytes along each dimension; 0 repeats, negative runs backwards.
    """

    address: int
    steps: tuple[int, ...]


def obstacle(shape: StaticShape, target: Side, source: Side, size: int) -> str | None:
    """Why a copy cannot be done; None when it can."""
    loops = _plane(shape, target, source, size)
    if len(loops) > _LOOPS:
        return f"the strides need {len(loops)} loops, not {_LOOPS}"
    return None


def bind_move(
    shape: StaticShape,
    target: Side,
    source: Side,
    size: int,
    *,
    sync: bool = True,
    keep: tuple[object, ...] = (),
) -> Command:
    """The command that copies ``shape`` elements of ``size`` bytes.

    Args:
        shape: Extents of both sides.
        target: Where elements go.
        source: Where they come from.
        size: 1, 2, 4 or 8.
        sync: False where the next command does not depend on this one.
        keep: Arrays that the addresses point into.
    """
    loops = _plane(shape, target, source, size)
    loops = [(1, 0, 0)] * (2 - len(loops)) + loops
    mode, j_block, i_block = _blocks(loops[-2:], size)
    if mode == m.ELEMENTS and loops[-1][0] < LANES < loops[-2][0]:
        loops[-2:] = loops[:-3:-1]  # few elements in a row: run along the other loop
        j_block, i_block = loops[-2][0], _TILE_ROWS * LANES
    *outer, (rows, target_j, source_j), (columns, target_i, source_i) = loops
    i_blocks, j_blocks = -(-columns // i_block), -(-rows // j_block)
    args = np.zeros(m.NEST + nest_length(2), np.int64)
    args[: m.NEST] = (
        *(mode, size, source.address, target.address),
        *(rows, j_block, j_blocks, columns, i_block, i_blocks),
        *(source_j, source_i, target_j, target_i),
        i_blocks * j_blocks * prod(extent for extent, _, _ in outer) if prod(shape) else 0,
    )
    extents, target_steps, source_steps = zip(*outer, strict=True) if outer else ((), (), ())
    args[m.NEST :] = nest_block(extents, (source_steps, target_steps))
    return Command(m.move.address, args, sync=sync, keep=keep)


_Loop = tuple[int, int, int]  # extent, target step, source step


def _plane(shape: StaticShape, target: Side, source: Side, size: int) -> list[_Loop]:
    """Loops with the target's contiguous one last and the source's before it."""
    if not prod(shape):
        return []
    found = nest(shape, (target.steps, source.steps))
    loops = list(zip(found.shape, *found.strides, strict=True))
    if not loops:
        return [(1, size, size)]
    if loops[-1][2] == size:
        return loops
    for place, (_, _, source_step) in enumerate(loops[:-1]):
        if source_step == size:
            contiguous = loops.pop(place)
            loops.insert(len(loops) - 1, contiguous)
            break
    return loops


def _blocks(plane: Sequence[_Loop], size: int) -> tuple[int, int, int]:
    """Mode, block along J, block along I."""
    (rows, _, source_j), (columns, target_i, source_i) = plane
    if source_i == size and target_i == size:
        i_block = max(1, min(columns, _ROW_BYTES // size))
        return m.ROWS, max(1, min(rows, _ROW_BYTES // (i_block * size))), i_block
    if source_i == 0 and target_i == size and size == 4:
        i_block = max(1, min(columns, _ROW_BYTES // size))
        return m.FILL, max(1, min(rows, _ROW_BYTES // (i_block * size))), i_block
    tiled = size == 4 and target_i == size and source_j == size
    if tiled and rows >= LANES and columns >= LANES:
        return m.TILES, _even(rows, _TILE_ROWS), _even(columns, _TILE_COLUMNS)
    return m.ELEMENTS, min(rows, _TILE_ROWS), min(columns, _TILE_ROWS)


def _even(extent: int, block: int) -> int:
    """A block size near ``block`` whose last block is not shorter than a tile."""
    count = max(1, extent // block)
    each = -(-extent // count)
    while extent % each and extent % each < LANES:
        each += 1
    return each

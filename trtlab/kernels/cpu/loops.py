"""Nests of loops as part of a kernel's arguments: where each tensor's element lies.

A nest is a block of int64: how many loops are used, ``LOOPS`` extents, outermost first, then
for each tensor its ``LOOPS`` steps in bytes.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trtlab.devices.cpu.kernel import routine
from trtlab.devices.cpu.native import load_i64

LOOPS: Final = 5


def nest_length(tensors: int) -> int:
    """int64 values that a nest over so many tensors takes."""
    return 1 + LOOPS * (1 + tensors)


def nest_block(shape: Sequence[int], steps: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """The block of a nest.

    Args:
        shape: Extents of at most `LOOPS` loops, outermost first.
        steps: For each tensor its bytes along each loop.
    """
    rows = np.zeros((1 + len(steps), LOOPS), np.int64)
    for row, own in zip(rows, (shape, *steps), strict=True):
        row[: len(shape)] = own
    return np.concatenate([[len(shape)], rows.reshape(-1)])


@routine
def offset_in(nest: int, tensor: int, index: int) -> int:
    """Bytes from a tensor's first element to that of the flattened ``index``.

    Args:
        nest: Address of the block.
        tensor: Which tensor's steps.
        index: Turn of the whole nest, counted from 0.
    """
    extents = nest + 8
    steps = extents + 8 * LOOPS * (1 + tensor)
    total = 0
    for loop in range(load_i64(nest) - 1, 0, -1):
        extent = load_i64(extents + 8 * loop)
        outer = index // extent
        total += (index - outer * extent) * load_i64(steps + 8 * loop)
        index = outer
    return total + index * load_i64(steps)  # the outermost loop needs no (slow) division


@routine
def share(count: int, thread: int, threads: int) -> tuple[int, int]:
    """First and last + 1 of the units that a thread does."""
    return count * thread // threads, count * (thread + 1) // threads

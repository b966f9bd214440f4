"""Offsets in one arena so that no two live blocks overlap.

Greedy by size: the largest block first, each into the lowest gap that fits among the blocks
whose lifetimes meet its own.
Source: Pisarchyk and Lee 2020, arXiv:2001.03288.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trtlab.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Block:
    """Memory that is needed from one step to another, both inclusive."""

    name: str
    size_bytes: int
    first_step: int
    last_step: int


def place(blocks: Sequence[Block], *, align_bytes: int = 64) -> tuple[list[int], int]:
    """Offsets of the blocks, and the bytes of the whole arena.

    Args:
        blocks: In any order.
        align_bytes: Power of two; 64 is a cache line and an AVX-512 vector.

    Raises:
        UsageError: ``align_bytes`` is not a power of two.
    """
    if align_bytes < 1 or align_bytes & (align_bytes - 1):
        raise UsageError(f"alignment {align_bytes} is not a power of two")
    offsets = [0] * len(blocks)
    placed: list[int] = []
    arena_bytes = 0
    by_size = sorted(range(len(blocks)), key=lambda i: (-blocks[i].size_bytes, i))
    for index in by_size:
        block = blocks[index]
        size = _align(block.size_bytes, align_bytes)
        busy = sorted(
            (offsets[other], offsets[other] + _align(blocks[other].size_bytes, align_bytes))
            for other in placed
            if _meet(blocks[other], block)
        )
        offsets[index] = _lowest_gap(busy, size)
        arena_bytes = max(arena_bytes, offsets[index] + size)
        placed.append(index)
    return offsets, arena_bytes


def _lowest_gap(busy: Sequence[tuple[int, int]], size: int) -> int:
    start = 0
    for begin, end in busy:
        if begin - start >= size:
            return start
        start = max(start, end)
    return start


def _meet(a: Block, b: Block) -> bool:
    return a.first_step <= b.last_step and b.first_step <= a.last_step


def _align(size: int, align_bytes: int) -> int:
    return -(-max(size, 1) // align_bytes) * align_bytes

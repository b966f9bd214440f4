"""Offsets in one arena so that no two live blocks overlap.

Greedy: each block goes into the lowest gap that fits among the blocks whose lifetimes meet its
own. No order of the blocks is always best: several are tried until one needs no more than the
bytes that are alive at once.
Source of the orders: Pisarchyk and Lee 2020, arXiv:2001.03288.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

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
    least = live_bytes(blocks, align_bytes=align_bytes)
    best: tuple[list[int], int] | None = None
    for order in _orders(blocks):
        found = _place(blocks, order, align_bytes)
        if best is None or found[1] < best[1]:
            best = found
        if best[1] == least:
            break
    return best or ([], 0)


def live_bytes(blocks: Sequence[Block], *, align_bytes: int = 64) -> int:
    """The most bytes that are alive at once: no arena can be smaller."""
    changes: dict[int, int] = {}
    for block in blocks:
        size = _align(block.size_bytes, align_bytes)
        changes[block.first_step] = changes.get(block.first_step, 0) + size
        changes[block.last_step + 1] = changes.get(block.last_step + 1, 0) - size
    return max(accumulate(changes[step] for step in sorted(changes)), default=0)


def _orders(blocks: Sequence[Block]) -> Iterator[list[int]]:
    """Largest first; then those alive when most is alive first; then largest times longest."""
    by_size = sorted(range(len(blocks)), key=lambda i: (-blocks[i].size_bytes, i))
    yield by_size
    yield _by_breadth(blocks, by_size)
    areas = [b.size_bytes * (b.last_step - b.first_step + 1) for b in blocks]
    yield sorted(range(len(blocks)), key=lambda i: (-areas[i], i))


def _by_breadth(blocks: Sequence[Block], by_size: Sequence[int]) -> list[int]:
    alive: dict[int, list[int]] = {}
    for index in by_size:
        for step in range(blocks[index].first_step, blocks[index].last_step + 1):
            alive.setdefault(step, []).append(index)
    breadth = {s: sum(blocks[i].size_bytes for i in live) for s, live in alive.items()}
    steps = sorted(alive, key=lambda step: (-breadth[step], step))
    return list(dict.fromkeys(index for step in steps for index in alive[step]))


def _place(
    blocks: Sequence[Block], order: Sequence[int], align_bytes: int
) -> tuple[list[int], int]:
    offsets = [0] * len(blocks)
    placed: list[int] = []
    arena_bytes = 0
    for index in order:
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

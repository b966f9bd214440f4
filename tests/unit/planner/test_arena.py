import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtlab.core.errors import UsageError
from trtlab.planner.arena import Block, live_bytes, place

lifetimes = st.tuples(st.integers(0, 30), st.integers(0, 12), st.integers(0, 5000))


@given(st.lists(lifetimes, max_size=40), st.sampled_from([1, 16, 64, 256]))
def test_no_two_live_blocks_overlap(spans, align_bytes):
    blocks = [Block(str(i), size, a, a + n) for i, (a, n, size) in enumerate(spans)]
    offsets, arena_bytes = place(blocks, align_bytes=align_bytes)
    for i, a in enumerate(blocks):
        assert offsets[i] % align_bytes == 0
        assert offsets[i] + a.size_bytes <= arena_bytes
        for j, b in enumerate(blocks[:i]):
            # Stated anew, step by step, so that a mistake in the planner cannot repeat here.
            alive_a = set(range(a.first_step, a.last_step + 1))
            alive_b = set(range(b.first_step, b.last_step + 1))
            if alive_a & alive_b and a.size_bytes and b.size_bytes:
                apart = (
                    offsets[i] + a.size_bytes <= offsets[j]
                    or offsets[j] + b.size_bytes <= offsets[i]
                )
                assert apart, (a, offsets[i], b, offsets[j])


def test_blocks_that_are_never_alive_together_share_memory():
    blocks = [Block(str(i), 1000, 2 * i, 2 * i + 1) for i in range(10)]
    assert place(blocks) == ([0] * 10, 1024)


@given(st.lists(lifetimes, max_size=40))
def test_the_live_bytes_are_a_lower_bound(spans):
    blocks = [Block(str(i), size, a, a + n) for i, (a, n, size) in enumerate(spans)]
    least = live_bytes(blocks)
    at_once = [
        sum(
            -(-max(b.size_bytes, 1) // 64) * 64
            for b in blocks
            if b.first_step <= s <= b.last_step
        )
        for s in range(50)
    ]
    assert least == max(at_once)
    assert place(blocks)[1] >= least


def test_a_residual_beside_growing_branches_needs_no_more_than_is_alive():
    # Largest first puts "small" between "wide" and "stays", and leaves a hole behind it.
    blocks = [
        Block("stays", 3, 0, 4),
        Block("normed", 3, 1, 2),
        Block("wide", 12, 2, 3),
        Block("product", 9, 1, 1),
        Block("scores", 5, 0, 1),
    ]
    scaled = [Block(b.name, 64 * b.size_bytes, b.first_step, b.last_step) for b in blocks]
    assert place(scaled)[1] == live_bytes(scaled) == 64 * 20


def test_refuses_an_alignment_that_is_no_power_of_two():
    with pytest.raises(UsageError, match="48 is not a power of two"):
        place([], align_bytes=48)

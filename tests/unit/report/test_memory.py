"""The arena and what it would be without reuse count the same things."""

from dataclasses import replace

from small_report import REPORT

from trtlab.report.records import AllocationRecord


def test_scratch_counts_on_both_sides():
    allocations = (
        AllocationRecord("a", 0, 400, 0, 1),
        AllocationRecord("conv workspace", 512, 900, 0, 0),
    )
    memory = replace(
        REPORT.memory, arena_bytes=1412, unshared_bytes=400, allocations=allocations
    )
    assert memory.without_reuse_bytes == 1300  # 400 would be less than the arena
    assert replace(memory, allocations=()).without_reuse_bytes == 400

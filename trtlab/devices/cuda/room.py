"""Which kernels may be set up while the one before them runs.

A kernel that is set up early costs no time to launch. But its blocks go where there is room: when
the kernel before holds some multiprocessors and leaves others, they are stacked on those, and run
longer than launching them would have taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.devices.protocol import Scheduled

_RESERVED = 1024  # bytes of shared memory that every block takes besides its own


@dataclass(frozen=True, slots=True)
class Multiprocessors:
    """What limits how many blocks run at once.

    Attributes:
        count: Of the GPU.
        threads: Of one.
        shared_bytes: Of one.
    """

    count: int
    threads: int
    shared_bytes: int

    def most(self, kernel: Kernel) -> int:
        """Blocks of a kernel that one can hold; registers are left out."""
        by_threads = self.threads // prod(kernel.block)
        return max(1, min(by_threads, self.shared_bytes // (kernel.shared_bytes + _RESERVED)))

    def each(self, kernel: Kernel) -> int:
        """Blocks of a kernel that one holds when they are spread evenly."""
        return min(self.most(kernel), -(-prod(kernel.grid) // self.count))


def mark_crowded(steps: Sequence[Scheduled], gpu: Multiprocessors) -> None:
    """Tell launches on the main stream whether the next one finds room beside them.

    Args:
        steps: In the order of their launches; changed in place.
        gpu: Where they run.
    """
    before: KernelLaunch | None = None
    for step in steps:
        for launch in step.launches:
            now = launch if isinstance(launch, KernelLaunch) and step.region < 0 else None
            if before is not None and now is not None:
                before.crowded = is_crowded(before.kernel, now.kernel, gpu)
            before = now


def is_crowded(before: Kernel, after: Kernel, gpu: Multiprocessors) -> bool:
    """Whether blocks of the second kernel would be stacked where the first leaves room."""
    even = gpu.each(after)
    if prod(after.grid) > gpu.count * gpu.most(after) or even == gpu.most(after):
        return False  # it fills what it finds, or nothing can be stacked
    threads = gpu.each(before) * prod(before.block) + even * prod(after.block)
    shared = gpu.each(before) * (before.shared_bytes + _RESERVED)
    shared += even * (after.shared_bytes + _RESERVED)
    return threads > gpu.threads or shared > gpu.shared_bytes

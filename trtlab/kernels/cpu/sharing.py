"""Parts of a kernel's work that threads take as they become free.

Equal shares would let a thread that another program disturbs hold up all the others. The parts
are the same whoever computes them, so results do not depend on who was faster.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from trtlab.devices.cpu.kernel import routine
from trtlab.devices.cpu.native import atomic_add, atomic_store

_PART_FLOPS: Final = 4_000_000
"""About 40 µs on one core: a hundred times what taking a part costs."""
_MOST_PARTS: Final = 4


def parts_a_thread(flops: int, threads: int) -> int:
    """Into how many parts each thread's share is divided.

    Args:
        flops: Of the whole work.
        threads: About how many will share it.
    """
    return max(1, min(_MOST_PARTS, flops // (_PART_FLOPS * max(threads, 1))))


def new_counter() -> NDArray[np.int64]:
    """The counter of a command, in a cache line of its own."""
    return np.zeros(16, np.int64)


@routine
def take_part(counter: int) -> int:
    """The number of the next part; the caller stops when there are no more."""
    return atomic_add(counter, 1)


@routine
def leave(counter: int, threads: int) -> None:
    """To be called once by each thread at its end; the last one prepares the next run."""
    if atomic_add(counter + 8, 1) == threads - 1:
        atomic_store(counter + 8, 0)
        atomic_store(counter, 0)

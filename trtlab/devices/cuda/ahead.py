"""Weights are asked into the L2 cache one step before they are read.

A network of small batches waits for its weights: each product reads its own for the first time
since the last run, while the memory was idle during the kernel before. So every kernel that can
names the weights of the steps that follow, up to the next step with such a kernel.
"""

from collections.abc import Sequence

from trtlab.devices.cuda.kernel import KernelLaunch
from trtlab.devices.cuda.neighbours import MOST_AHEAD
from trtlab.devices.protocol import Scheduled

_MOST_BYTES = 16 << 20  # beyond, a table of which few rows are read
_LEAST_BYTES = 4096
_ALIGN = 16


def look_ahead(steps: Sequence[Scheduled]) -> None:
    """Tell launches what the steps after them read.

    Args:
        steps: In the order of their launches; changed in place.
    """
    able = [_first(step) for step in steps]
    places = [number for number, launch in enumerate(able) if launch is not None]
    for number, place in enumerate(places):
        until = places[number + 1] if number + 1 < len(places) else len(steps)
        launch = able[place]
        assert launch is not None
        launch.ahead = _wanted(steps[place + 1 : until + 1])


def _first(step: Scheduled) -> KernelLaunch | None:
    """The step's first launch that can ask for weights."""
    launches = (x for x in step.launches if isinstance(x, KernelLaunch) and x.kernel.fetches)
    return next(launches, None)


def _wanted(steps: Sequence[Scheduled]) -> tuple[tuple[int, int], ...]:
    """The first constants of some steps that are worth asking for."""
    found = {at: size // _ALIGN * _ALIGN for step in steps for at, size in step.weights}
    fitting = [
        (at, size)
        for at, size in found.items()
        if at % _ALIGN == 0 and _LEAST_BYTES <= size <= _MOST_BYTES
    ]
    return tuple(fitting[:MOST_AHEAD])

"""The arena that serves every shape of a profile, not only its smallest and its largest.

Most tensors grow with the inputs: then the largest shapes need the most. Where one may be larger
in between, the network is also planned where it is, and each tensor's memory is counted with the
most that the profile allows, in every such plan.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from trtlab.core.errors import InvalidNetworkError, NoTacticError
from trtlab.core.types import Dim, Shape, StaticShape
from trtlab.network.graph import Network
from trtlab.planner.arena import Block, place
from trtlab.planner.peaks import Peak, Range, peak
from trtlab.planner.plan import LayerChoice, Plan, plan
from trtlab.tactics.problem import Operand
from trtlab.tactics.registry import TacticRegistry

Ranges = Mapping[str, tuple[StaticShape, StaticShape, StaticShape]]  # min, opt, max by input
_Shapes = dict[str, StaticShape]
_MOST_BETWEEN = 8  # plans between the profile's own shapes


def arena_bound(
    network: Network,
    choices: Mapping[str, LayerChoice],
    ranges: Ranges,
    registry: TacticRegistry,
    *,
    streams: int = 1,
) -> int:
    """Arena bytes for the shapes of a profile; also proves that the tactics accept its own.

    No tensor is larger at any shape than it is counted here. Which tensors share memory, and the
    tactics' scratch, are those of the planned shapes: others may differ, and the placement is
    greedy, so that a shape in between can still need more.

    Args:
        network: Optimized, with reformats in place.
        choices: By layer name.
        ranges: The profile.
        registry: The device's tactics.
        streams: Streams to use, the main one included.

    Raises:
        NoTacticError: A chosen tactic refuses min, opt or max.
    """

    def planned(shapes: _Shapes) -> Plan:
        return plan(network, choices, shapes, registry, streams=streams)

    own = _distinct({n: r[which] for n, r in ranges.items()} for which in (0, 1, 2))
    plans = [planned(shapes) for shapes in own]
    named = _named(network, ranges)
    taller, sure = _taller(network, named, plans)
    if sure and not taller:
        return max(each.arena_bytes for each in plans)
    inputs = {t.name: t.shape for t in network.inputs}
    for shapes in islice(_between(inputs, named, own, taller), _MOST_BETWEEN):
        try:
            plans.append(planned(shapes))
        except (InvalidNetworkError, NoTacticError):
            continue  # dimensions of several inputs that do not go together
    sizes = {name: most for name, (most, _) in taller.items()}
    for row in (row for each in plans for row in each.allocations):
        sizes[row.tensor] = max(sizes.get(row.tensor, 0), row.size_bytes)
    return max(_placed(each, sizes) for each in plans)


def _distinct(shapes: Iterable[_Shapes]) -> list[_Shapes]:
    found: list[_Shapes] = []
    for each in shapes:
        if each not in found:
            found.append(each)
    return found


def _named(network: Network, ranges: Ranges) -> dict[str, Range]:
    """The range of every named dimension of the inputs."""
    found: dict[str, Range] = {}
    for tensor in network.inputs:
        if tensor.name not in ranges:
            continue
        low, _, high = ranges[tensor.name]
        for extent, first, last in zip(tensor.shape, low, high, strict=True):
            if isinstance(extent, Dim):
                before = found.get(extent.name, (first, last))
                found[extent.name] = (min(first, before[0]), max(last, before[1]))
    return found


def _taller(
    network: Network, named: Mapping[str, Range], plans: list[Plan]
) -> tuple[dict[str, tuple[int, Peak]], bool]:
    """Bytes of the tensors that may be larger than in any plan; whether all sizes are known."""
    peaks: dict[Shape, Peak | None] = {}
    found: dict[str, tuple[int, Peak]] = {}
    sure = True
    for tensor in network.tensors():
        if tensor.is_constant or not any(isinstance(e, Dim) for e in tensor.shape):
            continue
        if tensor.shape not in peaks:
            peaks[tensor.shape] = peak(tensor.shape, named)
        most = peaks[tensor.shape]
        if most is None:
            sure = False
            continue
        needed = Operand(tensor.dtype, (most.elements,)).nbytes
        seen = (tuple(int(str(e)) for e in each.types[tensor].shape) for each in plans)
        if needed > max(Operand(tensor.dtype, shape).nbytes for shape in seen):
            found[tensor.name] = (needed, most)
    return found, sure


def _between(
    inputs: Mapping[str, Shape],
    named: Mapping[str, Range],
    own: list[_Shapes],
    taller: Mapping[str, tuple[int, Peak]],
) -> Iterator[_Shapes]:
    """Shapes between: where tensors are the largest, the largest tensor first, then quarters."""
    first = own[0]
    largest = sorted(taller.values(), key=lambda pair: -pair[0])
    points = [dict(most.sizes) for _, most in largest]
    points += [{n: a + (b - a) * q // 4 for n, (a, b) in named.items()} for q in (2, 1, 3)]
    tried = list(own)
    for point in points:
        sizes = {n: a + (b - a) // 2 for n, (a, b) in named.items()} | point
        shapes = {
            name: tuple(
                sizes[e.name] if isinstance(e, Dim) else fixed
                for e, fixed in zip(inputs[name], shape, strict=True)
            )
            for name, shape in first.items()
        }
        if shapes not in tried:
            tried.append(shapes)
            yield shapes


def _placed(layout: Plan, sizes: Mapping[str, int]) -> int:
    """Arena bytes of a plan whose tensors and scratch have other sizes."""
    blocks = [
        Block(row.tensor, sizes[row.tensor], row.first_step, row.last_step)
        for row in layout.allocations
    ]
    return place(blocks)[1]

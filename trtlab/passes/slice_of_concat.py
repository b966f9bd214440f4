"""``concat(a, b, …)[i : j] = b[i − |a| : j − |a|]`` when the range lies inside b.

Safe because the elements are b's.
Needs extents along the axis that are known up to b, and a range that crosses no border.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from trtlab.core.enums import SampleMode
from trtlab.layers.shuffle import Concatenation
from trtlab.layers.slicing import Slice
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.box import Range, ranges_of, slice_of
from trtlab.passes.edit import replace as rewrite_layer
from trtlab.passes.look import made_by


@dataclass(frozen=True)
class PartMatch(Match):
    """A slice, the part it lies in, and its ranges there."""

    part: Tensor
    ranges: tuple[Range, ...]


@dataclass(frozen=True)
class SliceOfConcat(Rule[PartMatch]):
    """Let a Slice read the one part of a Concatenation that it takes."""

    name: ClassVar[str] = "slice-of-concat"
    roots = (Slice,)

    def _match(self, network: Network, layer: Layer) -> PartMatch | Rejection | None:
        del network
        source, ranges = made_by(layer.inputs[0], Concatenation), ranges_of(layer)
        strict = isinstance(layer.op, Slice) and layer.op.mode is SampleMode.STRICT_BOUNDS
        if source is None or not ranges or not strict:
            return None
        joint, op = source
        axis = op.axis % joint.output.type.rank
        along = next((r for r in ranges if r.axis == axis), None)
        if along is None or any(r.numbers is None for r in ranges):
            return None
        found = _part(joint, axis, along)
        if found is None:
            return Rejection("the range is not inside one part", (joint.name,))
        part, start = found
        moved = tuple(replace(r, start=start) if r is along else r for r in ranges)
        whole = tuple(
            r for r in moved if (r.start, r.size, r.stride) != (0, part.shape[r.axis], 1)
        )
        return PartMatch((layer,), part, whole)

    def _rewrite(self, network: Network, match: PartMatch) -> None:
        made = slice_of(match.part, match.ranges)
        if made is not None:
            rewrite_layer(network, match.root, *made, self.name)


def _part(joint: Layer, axis: int, along: Range) -> tuple[Tensor, int] | None:
    """The part that holds a range, and the range's start in it."""
    if along.numbers is None:
        return None
    start, size, stride = along.numbers
    last = start + (size - 1) * stride
    offset = 0
    for part in joint.inputs:
        extent = None if part is None else part.shape[axis]
        if part is None or not isinstance(extent, int) or size < 1 or stride < 1:
            return None
        if offset <= start and last < offset + extent:
            return part, start - offset
        offset += extent
    return None

"""``gather(x, [i, i + 1, …, j]) = x[i : j + 1]``: neighbouring entries are a slice.

Safe because the indices are known, and rise by one.
Needs constant indices of at most one dimension; one that counts from the end needs a known
extent. Slices can be views of memory; gathers never are.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.core.enums import GatherMode
from trtlab.layers.gather import Gather
from trtlab.layers.shuffle import Squeeze
from trtlab.network.graph import Layer, Network
from trtlab.passes.base import Match, Rule
from trtlab.passes.box import Range, slice_of
from trtlab.passes.edit import replace


@dataclass(frozen=True)
class GatherMatch(Match):
    """A gather, its range, and whether the axis falls away (an index without dimensions)."""

    range: Range
    drops: bool


@dataclass(frozen=True)
class GatherToSlice(Rule[GatherMatch]):
    """Turn gathers of neighbouring entries into slices."""

    name: ClassVar[str] = "gather-to-slice"
    roots = (Gather,)

    def _match(self, network: Network, layer: Layer) -> GatherMatch | None:
        del network
        op, (x, indices, *_) = layer.op, layer.inputs
        if not isinstance(op, Gather) or x is None or indices is None:
            return None
        if op.mode is not GatherMode.DEFAULT or op.num_elementwise_dims or x.is_constant:
            return None
        if indices.data is None or indices.data.ndim > 1 or not indices.data.size:
            return None
        axis = op.axis % x.type.rank
        wanted = indices.data.reshape(-1).astype(np.int64)
        if np.any(wanted < 0):
            extent = x.shape[axis]
            if not isinstance(extent, int):
                return None
            wanted = np.where(wanted < 0, wanted + extent, wanted)
        if np.any(np.diff(wanted) != 1):
            return None
        taken = Range(axis, int(wanted[0]), wanted.size, 1)
        return GatherMatch((layer,), taken, indices.data.ndim == 0)

    def _rewrite(self, network: Network, match: GatherMatch) -> None:
        layer, x = match.root, match.root.inputs[0]
        made = None if x is None else slice_of(x, (match.range,))
        if made is None:
            return
        if not match.drops:
            replace(network, layer, *made, self.name)
            return
        part = network.add_layer(
            *made,
            name=f"{layer.name}.slice",
            origins=layer.origins,
            rules=(*layer.rules, self.name),
            before=layer,
        )
        replace(network, layer, Squeeze((match.range.axis,)), (part.output,), self.name)

"""``reshape(instance_norm(reshape(x, [n, g, −1])), shape(x)) = group_norm(x, g)``.

Safe because the reshape lays the channels of each group one behind the other, so that an
instance's statistics are those of a group.
Needs reshapes that keep the order of elements, back to the shape before, and weights that are
one a group. Exporters write group normalization so, with weights of 1 and 0.
Source: Wu and He 2018, arXiv:1803.08494.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.layers.normalization import Normalization
from trtlab.layers.shuffle import Shuffle
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import fuse
from trtlab.passes.look import made_by, shared
from trtlab.passes.reshape import move_of


@dataclass(frozen=True)
class GroupMatch(Match):
    """The three layers, the operator, what it normalizes, and scale and bias a group."""

    op: Normalization
    source: Tensor
    weights: tuple[Tensor | None, Tensor | None]


@dataclass(frozen=True)
class GroupNorm(Rule[GroupMatch]):
    """Recognize group normalization around instance normalization."""

    name: ClassVar[str] = "group-norm"
    roots = (Shuffle,)

    def _match(self, network: Network, layer: Layer) -> GroupMatch | Rejection | None:
        found, back = made_by(layer.inputs[0], Normalization), move_of(layer)
        if found is None or back is None or not back.is_reshape:
            return None
        norm, op = found
        before = made_by(norm.inputs[0], Shuffle)
        split = None if before is None else move_of(before[0])
        x = None if before is None else before[0].inputs[0]
        if before is None or split is None or x is None or not split.is_reshape:
            return None
        grouped = before[0].output.shape
        if op.rms or op.num_groups != 1 or len(grouped) != 3 or op.axes != (2,):
            return None
        groups, channels = grouped[1], x.shape[1] if x.type.rank > 2 else None
        if grouped[0] != x.shape[0] or layer.output.shape != x.shape:
            return Rejection("the reshapes do not lead back", (before[0].name,))
        if not isinstance(groups, int) or not isinstance(channels, int) or channels % groups:
            return Rejection("the channels do not divide into groups", (before[0].name,))
        scale, bias = (*norm.inputs[1:], None, None)[:2]
        if groups < 2 or not (_is_per_group(scale, groups) and _is_per_group(bias, groups)):
            return Rejection("the weights are computed, or not one a group", (norm.name,))
        for tensor, reader in ((before[0].output, norm), (norm.output, layer)):
            verdict = shared(network, tensor, reader)
            if verdict is not None:
                return verdict
        made = Normalization(tuple(range(2, x.type.rank)), op.epsilon, groups)
        return GroupMatch((before[0], norm, layer), made, x, (scale, bias))

    def _rewrite(self, network: Network, match: GroupMatch) -> None:
        channels = match.source.shape[1]
        weights: list[Tensor | None] = []
        for tensor, neutral in zip(match.weights, (1, 0), strict=True):
            if tensor is None or tensor.data is None or np.all(tensor.data == neutral):
                weights.append(None)
                continue
            groups = match.op.num_groups
            one = np.broadcast_to(tensor.data.reshape(-1), (groups,))
            spread = np.repeat(one, int(str(channels)) // groups)  # [C]
            shape = (1, -1, *(1,) * (match.source.type.rank - 2))
            weights.append(network.add_constant(tensor.name, spread.reshape(shape)))
        fuse(network, match.layers, match.op, (match.source, *weights), self.name)


def _is_per_group(weight: Tensor | None, groups: int) -> bool:
    """Whether a weight of the instance normalization is missing, or constant a group."""
    return weight is None or (weight.data is not None and weight.data.size in {1, groups})

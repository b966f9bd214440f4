"""``pool(x)`` with a window over everything ``= reduce(x, spatial axes)``.

Safe because there is one window, and nothing but the input in it. One form for both:
reductions have tactics of their own, and merge with a Flatten behind them.
Needs a window of exactly the input's size, and no padding.
"""

from dataclasses import dataclass
from typing import ClassVar

from trtlab.core.enums import PoolingType, ReduceOperation
from trtlab.layers.pooling import Pooling
from trtlab.layers.reduction import Reduce
from trtlab.network.graph import Layer, Network
from trtlab.passes.base import Match, Rule
from trtlab.passes.edit import replace

_REDUCTION = {
    PoolingType.AVERAGE: ReduceOperation.AVG,
    PoolingType.MAX: ReduceOperation.MAX,
}


@dataclass(frozen=True)
class PoolingMatch(Match):
    """A global pooling and the reduction it is."""

    op: Reduce


@dataclass(frozen=True)
class GlobalPooling(Rule[PoolingMatch]):
    """Turn global poolings into reductions."""

    name: ClassVar[str] = "global-pooling"
    roots = (Pooling,)

    def _match(self, network: Network, layer: Layer) -> PoolingMatch | None:
        del network
        op, x = layer.op, layer.inputs[0]
        if x is None or not isinstance(op, Pooling) or op.type not in _REDUCTION:
            return None
        rank = len(op.window_size_nd)
        lead = x.type.rank - rank
        if x.shape[lead:] != op.window_size_nd or any(
            op.dilation_nd[i] != 1 for i in range(len(op.dilation_nd))
        ):
            return None
        if (
            any(op.pre_padding)
            or any(op.post_padding)
            or layer.output.shape[lead:] != (1,) * rank
        ):
            return None
        axes = tuple(range(lead, x.type.rank))
        return PoolingMatch((layer,), Reduce(_REDUCTION[op.type], axes, keep_dims=True))

    def _rewrite(self, network: Network, match: PoolingMatch) -> None:
        replace(network, match.root, match.op, match.root.inputs[:1], self.name)

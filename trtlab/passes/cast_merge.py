"""``cast(cast(x, A), B) = cast(x, B)`` when A holds every value of x.

Safe because a conversion into a type that holds all values changes none.
Needs A to be a wider type than x's, such as FLOAT after HALF; or a float type between integers
and a float. A detour over a narrower type rounds, and stays.
"""

from dataclasses import dataclass
from typing import ClassVar

from trtlab.core.types import DataType
from trtlab.layers.scale import Cast
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rule
from trtlab.passes.edit import fuse
from trtlab.passes.look import made_by

_INTEGERS = {DataType.INT8, DataType.UINT8, DataType.INT32, DataType.INT64, DataType.BOOL}
_NARROW = {DataType.HALF, DataType.BF16}


@dataclass(frozen=True)
class CastMatch(Match):
    """Two casts, and what the first one reads."""

    source: Tensor


@dataclass(frozen=True)
class CastMerge(Rule[CastMatch]):
    """Let a Cast read what the Cast before it read."""

    name: ClassVar[str] = "cast-merge"
    roots = (Cast,)

    def _match(self, network: Network, layer: Layer) -> CastMatch | None:
        del network
        found, op = made_by(layer.inputs[0], Cast), layer.op
        source = None if found is None else found[0].inputs[0]
        if found is None or source is None or not isinstance(op, Cast):
            return None
        between = found[1].to_type
        widens = source.dtype in _NARROW and between is DataType.FLOAT
        from_integers = source.dtype in _INTEGERS and between is DataType.FLOAT
        if not widens and not (from_integers and op.to_type in _NARROW):
            return None
        return CastMatch((found[0], layer), source)

    def _rewrite(self, network: Network, match: CastMatch) -> None:
        layer = match.root
        fuse(network, match.layers, layer.op, (match.source,), self.name, name=layer.name)

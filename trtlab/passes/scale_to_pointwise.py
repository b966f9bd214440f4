"""``scale(x, s, t, p) = (x · s + t)^p`` as a pointwise program.

Safe because it is the definition; weights a channel get the shape that broadcasts so.
Needs constant weights, unless they broadcast as they are. What `ScaleFold` could not draw into
weights can then join the pointwise layers around it.
"""

from dataclasses import dataclass
from typing import ClassVar

from trtlab.core.enums import ScaleMode
from trtlab.layers.pointwise import Pointwise
from trtlab.layers.scale import Scale
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import replace
from trtlab.passes.program import Builder, scalar_parameters

_FUNCTIONS = ("mul", "add", "pow")


@dataclass(frozen=True)
class ScaleToPointwise(Rule[Match]):
    """Write Scale layers as Pointwise layers."""

    name: ClassVar[str] = "scale-to-pointwise"
    roots = (Scale,)

    def _match(self, network: Network, layer: Layer) -> Match | Rejection | None:
        del network
        op, x, weights = layer.op, layer.inputs[0], layer.inputs[1:]
        if x is None or not isinstance(op, Scale) or not x.dtype.is_float or not any(weights):
            return None
        if op.mode is not ScaleMode.ELEMENTWISE and any(t and t.data is None for t in weights):
            return Rejection("the weights are computed while running")
        return Match((layer,))

    def _rewrite(self, network: Network, match: Match) -> None:
        layer, x, op = match.root, match.root.inputs[0], match.root.op
        if x is None or not isinstance(op, Scale):
            return
        shift, scale, power = (*layer.inputs[1:], None, None, None)[:3]
        builder = Builder(scalar_parameters)
        value = builder.operand(x)
        for function, tensor in zip(_FUNCTIONS, (scale, shift, power), strict=True):
            if tensor is not None:
                weight = builder.operand(_spread(network, tensor, op, x))
                value = builder.step(function, (value, weight))
        made = builder.finish(value)
        replace(network, layer, Pointwise(made.program), made.operands, self.name)


def _spread(network: Network, tensor: Tensor, op: Scale, x: Tensor) -> Tensor:
    """Weights in a shape that broadcasts against x."""
    if tensor.data is None or op.mode is ScaleMode.ELEMENTWISE:
        return tensor
    shape = [1] * x.type.rank
    if op.mode is ScaleMode.CHANNEL:
        shape[op.channel_axis] = tensor.data.size
    if tensor.data.shape == tuple(shape):
        return tensor
    return network.add_constant(tensor.name, tensor.data.reshape(shape))

"""``conv(cast(x), w) = conv₃₂(x, w)``: a convolution of an input image rounds it by itself.

Safe because the image is rounded to the same type, only later: while it is read.
Needs a FLOAT network input that only the convolution reads, with few channels and one group.
Such an image is copied before its convolution anyway, and that copy can round. Only where the
device has kernels that do so.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from trtlab.core.types import DataType
from trtlab.layers.convolution import Convolution
from trtlab.layers.scale import Cast
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import fuse
from trtlab.passes.look import made_by, shared
from trtlab.passes.options import Device

_RANK = 4
_MOST_CHANNELS = 7


@dataclass(frozen=True)
class InputCastMatch(Match):
    """The cast and the convolution, the image and the convolution's new options."""

    image: Tensor
    op: Convolution


@dataclass(frozen=True)
class InputCast(Rule[InputCastMatch]):
    """Let the first Convolution read what the Cast before it read.

    Attributes:
        device: What the network will run on.
    """

    name: ClassVar[str] = "input-cast"
    roots = (Convolution,)
    device: Device = "cpu"

    def _match(self, network: Network, layer: Layer) -> InputCastMatch | Rejection | None:
        found, op = made_by(layer.inputs[0], Cast), layer.op
        if self.device != "cuda" or found is None or not isinstance(op, Convolution):
            return None
        image, between, kernel = found[0].inputs[0], found[0].output, layer.inputs[1]
        if image is None or image not in network.inputs or image.dtype is not DataType.FLOAT:
            return None
        channels = image.shape[1] if len(image.shape) == _RANK else None
        if not isinstance(channels, int) or channels > _MOST_CHANNELS:
            return Rejection("the input is no image of a few channels")
        apart = any(step != 1 for step in op.dilation_nd)
        if op.num_groups != 1 or apart or kernel is None or not kernel.is_constant:
            return Rejection("only one group of constant weights, taps side by side, rounds")
        return shared(network, between, layer) or InputCastMatch(
            (found[0], layer), image, replace(op, rounds_data=True)
        )

    def _rewrite(self, network: Network, match: InputCastMatch) -> None:
        layer = match.root
        inputs = (match.image, *layer.inputs[1:])
        fuse(network, match.layers, match.op, inputs, self.name, name=layer.name)

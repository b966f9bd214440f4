"""``conv(pad(x, p), q) = conv(x, p + q)``: padding in the convolution itself.

Safe because a convolution pads with zeros, too.
Needs padding of spatial axes only, with zeros, by nothing negative, and a convolution whose
own padding is given as numbers.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from trtlab.core.enums import PaddingMode, SampleMode
from trtlab.layers.convolution import Convolution
from trtlab.layers.slicing import Padding
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import fuse
from trtlab.passes.look import made_by, scalar


@dataclass(frozen=True)
class PadMatch(Match):
    """A padding and a convolution, and the convolution with all of the padding."""

    op: Convolution
    source: Tensor


@dataclass(frozen=True)
class PadFold(Rule[PadMatch]):
    """Draw zero padding into convolutions."""

    name: ClassVar[str] = "pad-fold"
    roots = (Convolution,)

    def _match(self, network: Network, layer: Layer) -> PadMatch | Rejection | None:
        del network
        found, op = made_by(layer.inputs[0], Padding), layer.op
        if found is None or not isinstance(op, Convolution):
            return None
        before, padding = found
        source, dynamic, value = (*before.inputs, None, None)[:3]
        fill = padding.value if value is None else scalar(value)
        if source is None or dynamic is not None:
            return Rejection("the padding is computed while running", (before.name,))
        if padding.mode is not SampleMode.FILL or fill != 0:
            return Rejection("the padding is not with zeros", (before.name,))
        if op.padding_mode is not PaddingMode.EXPLICIT_ROUND_DOWN:
            return Rejection("the convolution computes its own padding")
        rank = source.type.rank
        pre = padding.pre_padding or (0,) * rank
        post = padding.post_padding or (0,) * rank
        if any((*pre[:2], *post[:2])) or min((*pre, *post)) < 0:
            return Rejection("the padding is not of spatial axes alone", (before.name,))
        merged = replace(
            op,
            pre_padding=_sum(pre[2:], op.pre_padding),
            post_padding=_sum(post[2:], op.post_padding),
        )
        return PadMatch((before, layer), merged, source)

    def _rewrite(self, network: Network, match: PadMatch) -> None:
        layer = match.root
        inputs = (match.source, *layer.inputs[1:])
        fuse(network, match.layers, match.op, inputs, self.name, name=layer.name)


def _sum(pads: tuple[int, ...], own: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(pads, own or (0,) * len(pads), strict=True))

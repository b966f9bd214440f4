"""``rms_norm(x − mean(x)) = layer_norm(x)``.

Safe because the variance is the mean square of what is left without the mean.
Needs both means over the same axes, and a difference that nothing but the normalization reads.
Source: Ba et al. 2016, arXiv:1607.06450.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from trtlab.core.enums import ElementWiseOperation, ReduceOperation
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.normalization import Normalization
from trtlab.layers.reduction import Reduce
from trtlab.network.graph import Layer, Network
from trtlab.passes.base import Rejection, Rule
from trtlab.passes.edit import fuse
from trtlab.passes.look import made_by, shared
from trtlab.passes.rms_norm import NormMatch


@dataclass(frozen=True)
class LayerNorm(Rule[NormMatch]):
    """Recognize layer normalization around root-mean-square normalization."""

    name: ClassVar[str] = "layer-norm"
    roots = (Normalization,)

    def _match(self, network: Network, layer: Layer) -> NormMatch | Rejection | None:
        op, centred = layer.op, layer.inputs[0]
        found = made_by(centred, ElementWise)
        if centred is None or found is None or not isinstance(op, Normalization) or not op.rms:
            return None
        difference, kind = found
        x, mean = difference.inputs
        reduced = made_by(mean, Reduce)
        if kind.op is not ElementWiseOperation.SUB or x is None or reduced is None:
            return None
        reduction, how = reduced
        if how.op is not ReduceOperation.AVG or reduction.inputs[0] is not x:
            return None
        if not how.keep_dims or how.reduced_axes(x.type.rank) != op.axes:
            return Rejection(
                "the mean is over other axes than the variance", (reduction.name,)
            )
        verdict = shared(network, centred, layer) or shared(
            network, reduction.output, difference
        )
        layers = (reduction, difference, layer)
        return verdict or NormMatch(layers, replace(op, rms=False), x)

    def _rewrite(self, network: Network, match: NormMatch) -> None:
        inputs = (match.source, *match.root.inputs[1:])
        fuse(network, match.layers, match.op, inputs, self.name)

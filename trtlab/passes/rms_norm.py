"""``x / √(mean(x²) + ε) = rms_norm(x)``.

Safe because it is the definition.
Needs the mean over trailing axes, kept as axes of one element, and a constant ε. The quotient
may be a product with the reciprocal. `LayerNorm` builds on it.
Source: Zhang and Sennrich 2019, arXiv:1910.07467.
"""

from dataclasses import dataclass
from typing import ClassVar

from trtlab.core.enums import ElementWiseOperation, ReduceOperation, UnaryOperation
from trtlab.layers.activation import Unary
from trtlab.layers.base import Op
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.normalization import Normalization
from trtlab.layers.reduction import Reduce
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import fuse
from trtlab.passes.look import is_private, made_by, other_input, scalar


@dataclass(frozen=True)
class NormMatch(Match):
    """The layers of a normalization, the operator, and what it normalizes."""

    op: Op
    source: Tensor


@dataclass(frozen=True)
class RmsNorm(Rule[NormMatch]):
    """Recognize root-mean-square normalization."""

    name: ClassVar[str] = "rms-norm"
    roots = (ElementWise,)

    def _match(self, network: Network, layer: Layer) -> NormMatch | Rejection | None:
        for x in layer.inputs:
            root = None if x is None else _root_mean_square(layer, x)
            if x is None or root is None:
                continue
            layers, axes, epsilon = root
            rank = x.type.rank
            if axes != tuple(range(rank - len(axes), rank)):
                return Rejection("the mean is not over trailing axes", (layers[0].name,))
            for inner in layers[:-1]:
                readers = [la for la in layers if inner.output in la.inputs]
                if not is_private(network, inner.output, *readers):
                    return Rejection("a value inside has other readers", (inner.output.name,))
            op = Normalization(axes=axes, epsilon=epsilon, rms=True)
            return NormMatch(layers, op, x)
        return None

    def _rewrite(self, network: Network, match: NormMatch) -> None:
        fuse(network, match.layers, match.op, (match.source, None, None), self.name)


Found = tuple[tuple[Layer, ...], tuple[int, ...], float]


def _root_mean_square(layer: Layer, x: Tensor) -> Found | None:
    """The layers of ``x / √(mean(x²) + ε)``, its axes and ε."""
    op, other = layer.op, other_input(layer, x)
    if not isinstance(op, ElementWise) or other is None or layer.output.type != x.type:
        return None
    chain: list[Layer] = []
    if op.op is ElementWiseOperation.PROD:
        root = _inverse_root(other, chain)
    elif op.op is ElementWiseOperation.DIV and layer.inputs[0] is x:
        root = _square_root(other, chain)
    else:
        return None
    total = None if root is None else made_by(root, ElementWise)
    if total is None or total[1].op is not ElementWiseOperation.SUM:
        return None
    mean, epsilon = _split(total[0])
    reduced = made_by(mean, Reduce)
    if epsilon is None or reduced is None or reduced[1].op is not ReduceOperation.AVG:
        return None
    square = reduced[0].inputs[0]
    squared = None if square is None else square.producer
    if squared is None or not reduced[1].keep_dims or not _is_square(squared, x):
        return None
    layers = (squared, reduced[0], total[0], *reversed(chain), layer)
    return layers, reduced[1].reduced_axes(x.type.rank), epsilon


def _split(total: Layer) -> tuple[Tensor | None, float | None]:
    """The mean and ε of their sum."""
    first, second = total.inputs
    if scalar(second) is not None:
        return first, scalar(second)
    return second, scalar(first)


def _square_root(tensor: Tensor, chain: list[Layer]) -> Tensor | None:
    """What a tensor is the square root of."""
    unary, power = made_by(tensor, Unary), made_by(tensor, ElementWise)
    if unary is not None and unary[1].op is UnaryOperation.SQRT:
        chain.append(unary[0])
        return unary[0].inputs[0]
    if power is not None and _is_power(power[0], 0.5):
        chain.append(power[0])
        return power[0].inputs[0]
    return None


def _inverse_root(tensor: Tensor, chain: list[Layer]) -> Tensor | None:
    """What a tensor is the inverse square root of."""
    unary, pair = made_by(tensor, Unary), made_by(tensor, ElementWise)
    below: Tensor | None = None
    if unary is not None and unary[1].op is UnaryOperation.RECIP:
        chain.append(unary[0])
        below = unary[0].inputs[0]
    elif pair is not None and pair[1].op is ElementWiseOperation.DIV:
        if scalar(pair[0].inputs[0]) == 1:
            chain.append(pair[0])
            below = pair[0].inputs[1]
    elif pair is not None and _is_power(pair[0], -0.5):
        chain.append(pair[0])
        return pair[0].inputs[0]
    return None if below is None else _square_root(below, chain)


def _is_power(layer: Layer, exponent: float) -> bool:
    op = layer.op
    powers = isinstance(op, ElementWise) and op.op is ElementWiseOperation.POW
    return powers and scalar(layer.inputs[1]) == exponent


def _is_square(layer: Layer, x: Tensor) -> bool:
    op = layer.op
    if not isinstance(op, ElementWise) or layer.inputs[0] is not x:
        return False
    product = op.op is ElementWiseOperation.PROD and layer.inputs[1] is x
    return product or _is_power(layer, 2)

"""``g(f(x), y) = (g ∘ f)(x, y)``: neighbouring scalar functions in one layer.

Safe because every element of the result depends on the same element of each operand.
Needs the value between to have no other reader, floats throughout, and a program that stays
within `MOST_OPERANDS` and `MOST_STEPS`. A value that broadcasts is only drawn in when computing
it once an element costs next to nothing, and nothing before it could compute it for free.
"""

from dataclasses import dataclass
from typing import ClassVar

from trtlab.core.errors import InvalidNetworkError
from trtlab.core.types import Shape
from trtlab.layers.base import broadcast
from trtlab.layers.pointwise import Pointwise, program_flops
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import fuse, pointwise_name
from trtlab.passes.look import producer, shared
from trtlab.passes.program import (
    Accumulating,
    Builder,
    Expression,
    PointwiseLike,
    expression_of,
    scalar_parameters,
)

CHEAP_FLOPS = 2  # per element; recomputing this much costs less than a layer of its own


@dataclass(frozen=True)
class PointwiseMatch(Match):
    """A producer and its reader, and what they compute together."""

    expression: Expression


@dataclass(frozen=True)
class PointwiseFusion(Rule[PointwiseMatch]):
    """Join a pointwise layer with the pointwise layers before it, one by one."""

    name: ClassVar[str] = "pointwise-fusion"
    roots = PointwiseLike

    def _match(self, network: Network, layer: Layer) -> PointwiseMatch | Rejection | None:
        outer = expression_of(layer)
        if outer is None:
            return None
        refused: Rejection | None = None
        for tensor in reversed(outer.operands):  # the latest first keeps names in order
            before = producer(tensor, *PointwiseLike)
            inner = None if before is None else expression_of(before)
            if before is None or inner is None:
                continue
            verdict = shared(network, tensor, layer) or _wasteful(tensor, inner, layer)
            joined = _join(outer, tensor, inner, layer)
            if verdict is None and joined is not None:
                return PointwiseMatch((before, layer), joined)
            refused = refused or verdict or Rejection("the program would grow too long")
        return refused

    def _rewrite(self, network: Network, match: PointwiseMatch) -> None:
        joined = match.expression
        name = pointwise_name([layer.name for layer in match.layers])
        op = Pointwise(joined.program)
        fuse(network, match.layers, op, joined.operands, self.name, name=name)


def _wasteful(tensor: Tensor, inner: Expression, layer: Layer) -> Rejection | None:
    """A small value that a larger result would compute many times over."""
    if tensor.shape == layer.output.shape:
        return None
    if program_flops(inner.program) > CHEAP_FLOPS:
        return Rejection(
            "a value that broadcasts would be computed many times", (tensor.name,)
        )
    for operand in inner.operands:
        source = producer(operand, *Accumulating)
        if source is not None:
            return Rejection("the value fits the end of an earlier layer", (source.name,))
    return None


def _join(
    outer: Expression, tensor: Tensor, inner: Expression, layer: Layer
) -> Expression | None:
    """Both expressions as one; None when it does not fit into one layer."""
    for peephole in (scalar_parameters, None):
        builder = Builder(peephole)
        value = builder.inline(inner.program, [builder.operand(t) for t in inner.operands])
        values = [value if t is tensor else builder.operand(t) for t in outer.operands]
        joined = builder.finish(builder.inline(outer.program, values))
        # A number that raises the result's rank must stay an operand.
        if joined.operands and _shape(joined) == layer.output.shape:
            return joined if joined.fits else None
    return None


def _shape(expression: Expression) -> Shape | None:
    try:
        return broadcast([t.shape for t in expression.operands])
    except InvalidNetworkError:
        return None

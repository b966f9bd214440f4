"""``g(conv(x, w), r)``: scalar functions computed on a result before it is written.

Safe because g depends on the same element of the result and of each operand. The layer moves
to where g stood, so everything that g reads exists by then.
Needs a result that has no other reader and the shape of g's result. Of several layers that
could take g, the last in order does.
"""

from dataclasses import dataclass
from typing import ClassVar

from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import fuse
from trtlab.passes.look import producer, shared
from trtlab.passes.program import (
    Accumulating,
    Builder,
    Expression,
    PointwiseLike,
    expression_of,
    held_expression,
    with_epilogue,
)


@dataclass(frozen=True)
class EpilogueMatch(Match):
    """An accumulating layer and a pointwise one, and the epilogue that results.

    In the epilogue, the accumulating layer's output stands for its main result.
    """

    epilogue: Expression


@dataclass(frozen=True)
class Epilogue(Rule[EpilogueMatch]):
    """Draw pointwise layers into convolutions, deconvolutions and matrix products."""

    name: ClassVar[str] = "epilogue"
    roots = PointwiseLike

    def _match(self, network: Network, layer: Layer) -> EpilogueMatch | Rejection | None:
        expression = expression_of(layer)
        if expression is None:
            return None
        fitting: list[EpilogueMatch] = []
        refused: Rejection | None = None
        for tensor in expression.operands:
            source = producer(tensor, *Accumulating)
            if source is None:
                continue
            verdict = shared(network, tensor, layer) or _misfit(tensor, layer)
            joined = _join(source, expression)
            if verdict is None and joined.fits:
                fitting.append(EpilogueMatch((source, layer), joined))
            refused = refused or verdict
        return _latest(network, fitting) or refused

    def _rewrite(self, network: Network, match: EpilogueMatch) -> None:
        source, _ = match.layers
        op, inputs = with_epilogue(source, match.epilogue, source.output)
        fuse(network, match.layers, op, inputs, self.name)


def _misfit(tensor: Tensor, layer: Layer) -> Rejection | None:
    if tensor.type == layer.output.type:
        return None
    return Rejection("the result broadcasts against another operand", (tensor.name,))


def _join(source: Layer, expression: Expression) -> Expression:
    """The source's epilogue so far, then the expression; the source's output is the start."""
    builder = Builder()
    result = builder.operand(source.output)
    held = held_expression(source)
    if held is not None:
        values = [builder.operand(t) for t in held.operands]
        result = builder.inline(held.program, values)
    values = [
        result if t is source.output else builder.operand(t) for t in expression.operands
    ]
    return builder.finish(builder.inline(expression.program, values))


def _latest(network: Network, fitting: list[EpilogueMatch]) -> EpilogueMatch | None:
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    position = {layer: index for index, layer in enumerate(network)}
    return max(fitting, key=lambda match: position[match.layers[0]])

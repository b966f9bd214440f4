"""``g(f(x), y) = (g ∘ f)(x, y)``: neighbouring scalar functions in one layer.

Safe because every element of the result depends on the same element of each operand.
Needs values between that nobody else reads, floats throughout, and a program that stays within
`MOST_OPERANDS` and `MOST_STEPS`. A value that broadcasts is only drawn in when computing it
once an element costs next to nothing, and nothing before it could compute it for free.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from trtlab.core.errors import InvalidNetworkError
from trtlab.core.types import Shape
from trtlab.layers.base import broadcast
from trtlab.layers.pointwise import Pointwise, program_flops
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import fuse, pointwise_name
from trtlab.passes.look import producer
from trtlab.passes.program import (
    MOST_OPERANDS,
    MOST_STEPS,
    Accumulating,
    Builder,
    Expression,
    PointwiseLike,
    Ref,
    StepMaker,
    expression_of,
    scalar_parameters,
)

CHEAP_FLOPS = 2  # per element; recomputing this much costs less than a layer of its own


@dataclass(frozen=True)
class PointwiseMatch(Match):
    """Pointwise layers and what they compute together."""

    expression: Expression


@dataclass(frozen=True)
class PointwiseFusion(Rule[PointwiseMatch]):
    """Draw into each pointwise layer, from the last one on, all that it can take."""

    name: ClassVar[str] = "pointwise-fusion"
    roots = PointwiseLike
    backwards: ClassVar[bool] = True

    def _match(self, network: Network, layer: Layer) -> PointwiseMatch | Rejection | None:
        expression = expression_of(layer)
        if expression is None:
            return None
        group = _Group(layer, expression)
        refused: Rejection | None = None
        grown = True
        while grown:
            grown = False
            for tensor in tuple(group.operands):
                verdict = group.take(network, tensor)
                grown = grown or verdict is None
                refused = verdict if isinstance(verdict, Rejection) else refused
        if len(group.members) == 1:
            return refused
        joined = group.joined()
        return None if joined is None else PointwiseMatch(group.ordered(), joined)

    def _rewrite(self, network: Network, match: PointwiseMatch) -> None:
        name = pointwise_name([layer.name for layer in match.layers])
        op = Pointwise(match.expression.program)
        fuse(network, match.layers, op, match.expression.operands, self.name, name=name)


@dataclass
class _Group:
    """A growing set of layers that shall become one.

    Attributes:
        root: Gives the result.
        expression: The root's.
        members: Expressions by layer.
        operands: What is read from outside.
        steps: In all expressions.
        small_flops: Per element, of members whose values broadcast.
    """

    root: Layer
    expression: Expression
    members: dict[Layer, Expression] = field(default_factory=dict["Layer", "Expression"])
    operands: dict[Tensor, None] = field(default_factory=dict["Tensor", None])
    steps: int = 0
    small_flops: int = 0

    def __post_init__(self) -> None:
        self._add(self.root, self.expression)

    def _add(self, layer: Layer, expression: Expression) -> None:
        self.members[layer] = expression
        self.steps += len(expression.program)
        self.operands.update(dict.fromkeys(expression.operands))

    def take(self, network: Network, tensor: Tensor) -> Rejection | bool | None:
        """Draw in the layer that makes an operand.

        Returns:
            None when it is in; else why it is not, or false when there is nothing to say.
        """
        before = producer(tensor, *PointwiseLike)
        inner = None if before is None else expression_of(before)
        if before is None or inner is None:
            return False
        others = tuple(c.name for c in tensor.consumers if c not in self.members)
        if tensor in network.outputs:
            return Rejection("the value between is an output of the network", (tensor.name,))
        if others:
            return Rejection("the value between has other readers", others[:4])
        if before.precision is not self.root.precision:
            return Rejection("the layers ask for different precisions", (before.name,))
        if any(before.output_types):
            return Rejection("a type is asked for between the layers", (before.name,))
        outside = {*self.operands, *inner.operands} - {tensor}
        if self.steps + len(inner.program) > MOST_STEPS or len(outside) > MOST_OPERANDS:
            return Rejection("the program would grow too long", (before.name,))
        if tensor.shape != self.root.output.shape:
            verdict = self._small(tensor, inner)
            if verdict is not None:
                return verdict
            self.small_flops += program_flops(inner.program)
        del self.operands[tensor]
        self._add(before, inner)
        return None

    def _small(self, tensor: Tensor, inner: Expression) -> Rejection | None:
        """Why a value that the result repeats should be computed once."""
        if self.small_flops + program_flops(inner.program) > CHEAP_FLOPS:
            return Rejection(
                "a value that broadcasts would be computed many times", (tensor.name,)
            )
        for operand in inner.operands:
            source = producer(operand, *Accumulating)
            if source is not None:
                return Rejection("the value fits the end of an earlier layer", (source.name,))
        return None

    def ordered(self) -> tuple[Layer, ...]:
        """The members, producers first."""
        order: dict[Layer, None] = {}
        waiting = [(self.root, False)]
        while waiting:
            layer, expanded = waiting.pop()
            if layer in order:
                continue
            if expanded:
                order[layer] = None
                continue
            waiting.append((layer, True))
            sources = [t.producer for t in reversed(self.members[layer].operands)]
            waiting += [(s, False) for s in sources if s is not None and s in self.members]
        return tuple(order)

    def joined(self) -> Expression | None:
        """One expression for all members.

        A number that alone gives the result its rank must stay an operand.
        """
        makers: tuple[StepMaker | None, ...] = (scalar_parameters, None)
        for maker in makers:
            builder = Builder(maker)
            values: dict[Tensor, Ref] = {}
            for layer in self.ordered():
                inner = self.members[layer]
                refs = [
                    values[t] if t in values else builder.operand(t) for t in inner.operands
                ]
                values[layer.output] = builder.inline(inner.program, refs)
            joined = builder.finish(values[self.root.output])
            if joined.operands and _shape(joined) == self.root.output.shape:
                return joined if joined.fits else None
        return None


def _shape(expression: Expression) -> Shape | None:
    try:
        return broadcast([t.shape for t in expression.operands])
    except InvalidNetworkError:
        return None

"""Patterns in programs, and the rule that replaces what they match by one function.

A pattern is written as the expression itself: ``mul("x", fn("sigmoid", "x"))``. Operands of
``add`` and ``mul`` match in either order; parameters match within a rounding of float16.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isclose
from typing import ClassVar

from trtlab.layers.pointwise import Pointwise, Program
from trtlab.network.graph import Layer, Network
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import replace
from trtlab.passes.pointwise_simplify import algebra_step
from trtlab.passes.program import (
    Accumulating,
    Builder,
    Expression,
    held_expression,
    with_expression,
)

# Constants that went through float16 on their way into the model are off by up to 2⁻¹¹.
PARAMETER_TOLERANCE = 5e-4

Bindings = dict[str, int]


@dataclass(frozen=True, slots=True)
class Node:
    """A function applied to patterns; a string stands for any one value."""

    function: str
    operands: tuple["Node | str", ...]
    params: tuple[float, ...] = ()


def fn(function: str, *operands: Node | str, params: tuple[float, ...] = ()) -> Node:
    """A function of patterns."""
    return Node(function, operands, params)


def affine(x: Node | str, factor: float, offset: float = 0.0) -> Node:
    """``factor · x + offset``."""
    return Node("affine", (x,), (factor, offset))


def add(a: Node | str, b: Node | str) -> Node:
    """``a + b``, in either order."""
    return Node("add", (a, b))


def mul(a: Node | str, b: Node | str) -> Node:
    """``a · b``, in either order."""
    return Node("mul", (a, b))


def matches(
    pattern: Node | str, program: Program, operands: int, value: int, bound: Bindings
) -> Iterator[Bindings]:
    """Every way in which a value of a program fits a pattern."""
    if isinstance(pattern, str):
        if bound.get(pattern, value) == value:
            yield bound | {pattern: value}
        return
    if value < operands:
        return
    step = program[value - operands]
    if step.function != pattern.function or not _close(step.params, pattern.params):
        return
    orders = [step.operands]
    if step.function in {"add", "mul"}:
        orders.append(step.operands[::-1])
    for order in orders:
        found = [bound]
        for inner, at in zip(pattern.operands, order, strict=True):
            found = [b for f in found for b in matches(inner, program, operands, at, f)]
        yield from found


def _close(actual: tuple[float, ...], wanted: tuple[float, ...]) -> bool:
    return len(actual) == len(wanted) and all(
        isclose(a, w, rel_tol=PARAMETER_TOLERANCE, abs_tol=1e-7)
        for a, w in zip(actual, wanted, strict=True)
    )


@dataclass(frozen=True)
class ProgramMatch(Match):
    """A layer and the expression that it shall hold."""

    expression: Expression


@dataclass(frozen=True)
class PatternRule(Rule[ProgramMatch]):
    """Replace a pattern over one value ``x`` by one function of it, wherever a program has it.

    Attributes:
        patterns: Ways to write a multiple of the function, after `PointwiseSimplify`, each
            with the multiple's factor.
        result: The function's name.
        sign: A function without which there is no match; where it is there but nothing
            matches, the rule says so.
    """

    roots = (Pointwise, *Accumulating)
    patterns: ClassVar[tuple[tuple[Node, float], ...]]
    result: ClassVar[str]
    sign: ClassVar[str] = ""

    def _match(self, network: Network, layer: Layer) -> ProgramMatch | Rejection | None:
        del network
        held = held_expression(layer)
        if held is None:
            return None
        count = len(held.operands)
        for number in range(len(held.program)):
            found = self._find(held.program, count, count + number)
            if found is not None:
                return ProgramMatch((layer,), self._exchanged(held, number, *found))
        if self.sign and any(step.function == self.sign for step in held.program):
            return Rejection(f"{self.sign} is there, but not in the form of {self.name}")
        return None

    def _rewrite(self, network: Network, match: ProgramMatch) -> None:
        op, inputs = with_expression(match.root, match.expression)
        replace(network, match.root, op, inputs, self.name)

    def _find(self, program: Program, operands: int, value: int) -> tuple[int, float] | None:
        for pattern, factor in self.patterns:
            for bound in matches(pattern, program, operands, value, {}):
                return bound["x"], factor
        return None

    def _exchanged(self, held: Expression, number: int, x: int, factor: float) -> Expression:
        """The expression with one step's value computed from ``x`` at once."""
        builder = Builder(algebra_step)
        values = [builder.operand(t) for t in held.operands]
        for index, step in enumerate(held.program):
            if index == number:
                made = builder.step(self.result, (values[x],))
                values.append(builder.step("affine", (made,), (factor, 0.0)))
            else:
                refs = tuple(values[i] for i in step.operands)
                values.append(builder.step(step.function, refs, step.params))
        return builder.finish(values[-1])

"""``c·(a·x + b) + d = (ca)·x + (cb + d)``, and likewise: expressions of scalars made shorter.

Safe because each identity holds for all real numbers; in floating point it changes rounding
only, and a parameter that would leave float32's range stops it.
Needs a program: a Pointwise layer, or an epilogue.

The result is a normal form that the activation rules rely on: scalar factors stand outside of
products, ``x³`` is ``x · x²``, an operation with a one-element constant has one operand.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.layers.pointwise import Pointwise
from trtlab.network.graph import Layer, Network
from trtlab.passes.base import Match, Rule
from trtlab.passes.edit import replace
from trtlab.passes.program import (
    Accumulating,
    Builder,
    Expression,
    Ref,
    held_expression,
    scalar_parameters,
    with_expression,
)

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class SimplerMatch(Match):
    """A layer and the shorter expression that it shall hold."""

    expression: Expression


@dataclass(frozen=True)
class PointwiseSimplify(Rule[SimplerMatch]):
    """Apply the identities until none fits."""

    name: ClassVar[str] = "pointwise-simplify"
    roots = (Pointwise, *Accumulating)

    def _match(self, network: Network, layer: Layer) -> SimplerMatch | None:
        del network
        held = held_expression(layer)
        if held is None or not layer.output.dtype.is_float:
            return None
        simpler = simplified(held, layer)
        return None if simpler == held else SimplerMatch((layer,), simpler)

    def _rewrite(self, network: Network, match: SimplerMatch) -> None:
        op, inputs = with_expression(match.root, match.expression)
        replace(network, match.root, op, inputs, self.name)


def simplified(held: Expression, layer: Layer) -> Expression:
    """The normal form of an expression that a layer holds."""
    # The operands that stay must still give the result its shape.
    rank = layer.output.type.rank
    lasting = isinstance(layer.op, Accumulating) or any(
        t.type.rank == rank and not (t.is_constant and t.type.shape == (1,) * rank)
        for t in held.operands
    )
    builder = Builder(simpler_step if lasting else algebra_step)
    result = builder.inline(held.program, [builder.operand(t) for t in held.operands])
    return builder.finish(result)


def simpler_step(
    builder: Builder, function: str, refs: tuple[Ref, ...], params: tuple[float, ...]
) -> Ref | None:
    """A simpler way to the same value, if one of the identities fits."""
    made = scalar_parameters(builder, function, refs, params)
    return algebra_step(builder, function, refs, params) if made is None else made


def algebra_step(
    builder: Builder, function: str, refs: tuple[Ref, ...], params: tuple[float, ...]
) -> Ref | None:
    """As `simpler_step`, but every operand stays."""
    if function == "identity":
        return refs[0]
    if function == "affine":
        return _affine(builder, refs[0], params)
    if function in {"mul", "div"}:
        return _product(builder, function, refs)
    if function == "neg":
        return builder.step("affine", refs, (-1.0, 0.0))
    if function == "pow_scalar":
        return _power(builder, refs[0], params[0])
    return _bounded(builder, function, refs, params)


def _affine(builder: Builder, x: Ref, params: tuple[float, ...]) -> Ref | None:
    """Merge with an affine step below; drop ``1·x + 0``."""
    if params == (1.0, 0.0):
        return x
    below = builder.made(x)
    if below is None or below.function != "affine":
        return None
    (a, b), (c, d) = below.params, params
    merged = (c * a, c * b + d)
    if any(abs(p) > _LARGEST for p in merged):
        return None
    return builder.step("affine", below.operands, merged)


def _product(builder: Builder, function: str, refs: tuple[Ref, ...]) -> Ref | None:
    """``x · x = x²``; ``(a·x) · y = a · (x·y)``; ``(a·x) / y = a · (x/y)``."""
    left, right = refs
    if function == "mul" and left == right:
        return builder.step("square", (left,))
    below = builder.made(left)
    if below is not None and _is_factor(builder, left):
        inner = builder.step(function, (below.operands[0], right))
        return builder.step("affine", (inner,), below.params)
    below = builder.made(right)
    if function == "mul" and below is not None and _is_factor(builder, right):
        inner = builder.step(function, (left, below.operands[0]))
        return builder.step("affine", (inner,), below.params)
    return None


def _is_factor(builder: Builder, ref: Ref) -> bool:
    below = builder.made(ref)
    return below is not None and below.function == "affine" and below.params[1] == 0


def _power(builder: Builder, x: Ref, exponent: float) -> Ref | None:
    """Small powers are products; a power function costs many times as much."""
    simple = {2.0: "square", 0.5: "sqrt", -1.0: "recip", -0.5: "rsqrt", 1.0: "identity"}
    if exponent in simple:
        return builder.step(simple[exponent], (x,))
    if exponent == 3.0:
        return builder.step("mul", (x, builder.step("square", (x,))))
    return None


def _bounded(
    builder: Builder, function: str, refs: tuple[Ref, ...], params: tuple[float, ...]
) -> Ref | None:
    """Functions of a function that swallow it."""
    below = builder.made(refs[0]) if refs else None
    if below is None:
        return None
    match (function, below.function):
        case ("relu", "relu" | "sigmoid" | "square" | "abs" | "exp" | "sqrt"):
            return refs[0]
        case ("abs", "abs" | "relu"):
            return refs[0]
        case ("square", "abs"):
            return builder.step("square", below.operands)
        case ("recip", "sqrt"):
            return builder.step("rsqrt", below.operands)
        case ("clip", "relu") if params[1] >= 0:
            return builder.step("clip", below.operands, (max(params[0], 0.0), params[1]))
        case ("clip", "clip") if max(params[0], below.params[0]) <= min(
            params[1], below.params[1]
        ):
            bounds = max(params[0], below.params[0]), min(params[1], below.params[1])
            return builder.step("clip", below.operands, bounds)
        case ("clip", "affine") if params == (0.0, 1.0):
            return builder.step("hard_sigmoid", below.operands, below.params)
        case _:
            return None

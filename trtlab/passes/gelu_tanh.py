"""``x · (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2 = gelu_tanh(x)``.

Safe because it is the definition of GELU's tanh form; it is not taken for the exact one.
Needs the constants within float16's rounding, and everything in one program.
Source: Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2.
"""

from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar

from trtlab.passes.pattern import Node, PatternRule, add, affine, fn, mul

_SQUARE = fn("square", "x")
_CUBIC = 0.044715
_INNER = (
    add("x", affine(mul("x", _SQUARE), _CUBIC)),
    mul("x", affine(_SQUARE, _CUBIC, 1.0)),
)


def _tanh(inner: Node) -> Node:
    return fn("tanh", affine(inner, sqrt(2 / pi)))


@dataclass(frozen=True)
class GeluTanh(PatternRule):
    """Recognize GELU written with the hyperbolic tangent."""

    name: ClassVar[str] = "gelu-tanh"
    result: ClassVar[str] = "gelu_tanh"
    patterns = tuple(
        (mul("x", affine(_tanh(inner), scale, scale)), 2 * scale)
        for inner in _INNER
        for scale in (1.0, 0.5)
    )

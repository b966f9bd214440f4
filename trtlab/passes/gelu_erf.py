"""``x · (1 + erf(x / √2)) / 2 = gelu(x)``.

Safe because it is the definition.
Needs √2 within float16's rounding, and everything in one program.
Source: Hendrycks and Gimpel 2016, arXiv:1606.08415.
"""

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

from trtlab.passes.pattern import PatternRule, affine, fn, mul

_ERF = fn("erf", affine("x", sqrt(0.5)))


@dataclass(frozen=True)
class GeluErf(PatternRule):
    """Recognize GELU written with the error function."""

    name: ClassVar[str] = "gelu-erf"
    result: ClassVar[str] = "gelu_erf"
    sign: ClassVar[str] = "erf"
    patterns = (
        (mul("x", affine(_ERF, 1.0, 1.0)), 2.0),
        (mul("x", affine(_ERF, 0.5, 0.5)), 1.0),
    )

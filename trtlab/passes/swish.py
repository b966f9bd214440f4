"""``x · sigmoid(x) = swish(x)``, also named SiLU.

Safe because it is the definition.
Needs both factors to be of the same value, in one program.
Source: Ramachandran et al. 2017, arXiv:1710.05941.
"""

from dataclasses import dataclass
from typing import ClassVar

from trtlab.passes.pattern import PatternRule, affine, fn, mul


@dataclass(frozen=True)
class Swish(PatternRule):
    """Recognize Swish."""

    name: ClassVar[str] = "swish"
    result: ClassVar[str] = "swish"
    patterns = (
        (mul("x", fn("sigmoid", "x")), 1.0),
        (fn("div", "x", affine(fn("exp", affine("x", -1.0)), 1.0, 1.0)), 1.0),
    )

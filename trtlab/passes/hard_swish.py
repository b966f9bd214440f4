"""``x · clip(x + 3, 0, 6) / 6 = hard_swish(x)``.

Safe because it is the definition.
Needs both factors to be of the same value, in one program.
Source: Howard et al. 2019, arXiv:1905.02244.
"""

from dataclasses import dataclass
from typing import ClassVar

from trtlab.passes.pattern import PatternRule, affine, fn, mul


@dataclass(frozen=True)
class HardSwish(PatternRule):
    """Recognize hard Swish."""

    name: ClassVar[str] = "hard-swish"
    result: ClassVar[str] = "hard_swish"
    patterns = (
        (mul("x", fn("hard_sigmoid", "x", params=(1 / 6, 0.5))), 1.0),
        (mul("x", fn("clip", affine("x", 1.0, 3.0), params=(0.0, 6.0))), 6.0),
    )

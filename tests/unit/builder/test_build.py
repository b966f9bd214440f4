"""The drawing at the head of `build.py`, which newcomers read first, shows every step."""

import re

from trtlab.builder import build

_STEPS = {
    "passes": build.OPTIMIZE,
    "compile": build.COMPILE,
    "prove": build.PROVE,
    "select": build.SELECT,
    "pack": build.PACK,
    "carry": build.CARRY,
    "plan": build.PLAN,
}
_WITHIN_SELECT = ["reformats", "rerank"]  # steps without a phase of their own


def test_every_phase_of_a_build_is_drawn_in_order():
    drawn = re.findall(r"─ (\w+)\*? ─►", build.__doc__ or "")
    phases = [
        text for name, text in vars(build).items() if name.isupper() and isinstance(text, str)
    ]
    assert [_STEPS[word] for word in drawn if word in _STEPS] == phases
    after = drawn.index("select") + 1
    assert drawn[after : after + 2] == _WITHIN_SELECT
    assert len(drawn) == len(_STEPS) + len(_WITHIN_SELECT)

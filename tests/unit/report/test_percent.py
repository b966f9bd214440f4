import math

import pytest

from trtlab.report.percent import percent


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.264, "26 %"),
        (0.0264, "2.6 %"),
        (1.3, "130 %"),
        (-0.256, "-26 %"),
        (0.0, "0.0 %"),
        (0.0004, "<0.1 %"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_shares_are_written_in_one_way(share: float | None, written: str) -> None:
    assert percent(share) == written


def test_changes_have_a_sign() -> None:
    assert (percent(0.264, signed=True), percent(-0.03, signed=True)) == ("+26 %", "-3.0 %")

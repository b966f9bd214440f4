import math

import pytest

from trtlab.report.percent import MINUS, increase, percent


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.264, "26 %"),
        (0.0264, "2.6 %"),
        (1.3, "130 %"),
        (-0.256, f"{MINUS}26 %"),
        (0.0, "0.0 %"),
        (0.0004, "<0.1 %"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_shares_are_written_in_one_way(share: float | None, written: str) -> None:
    assert percent(share) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.264, "+26 %"),
        (-0.03, f"{MINUS}3.0 %"),
        (0.0, "0.0 %"),
        (0.0004, "<0.1 %"),
        (1.0, "+100 %"),
        (1.21, "2.2 times"),
        (8.9, "9.9 times"),
        (8.99, "10 times"),
        (45.0, "46 times"),
        (1233.6, "1,235 times"),
    ],
)
def test_changes_have_a_sign_and_great_ones_are_multiples(share: float, written: str) -> None:
    assert increase(share) == written

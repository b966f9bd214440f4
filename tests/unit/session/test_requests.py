"""What a request refuses before anybody works on it."""

import math

import pytest

from trtlab.core.errors import UsageError
from trtlab.session.requests import RunRequest


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 1e300])
@pytest.mark.parametrize("name", ["duration_s", "warmup_ms", "idle_ms", "iterations"])
def test_measurements_that_never_end_or_never_were(name, value):
    with pytest.raises(UsageError, match=r"nothing can be measured so") as caught:
        RunRequest(**{name: value})
    assert str(value) in caught.value.what
    assert "no negative times, inf or nan" in caught.value.hint


def test_no_time_is_a_time():
    request = RunRequest(duration_s=0, warmup_ms=0, idle_ms=0, iterations=1)
    assert request.duration_s == 0

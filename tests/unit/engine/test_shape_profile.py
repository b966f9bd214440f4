"""Optimization profiles: what is refused, and what is said to do instead."""

import pytest

from tests.support.tiny_models import mlp
from trtlab.core.errors import UsageError
from trtlab.engine.engine import ShapeProfile, check_profile
from trtlab.session.sources import open_source


def checked(*shapes):
    network = open_source(mlp()).network
    (x,) = network.inputs
    low, opt, high = [(n, *x.shape[1:]) for n in shapes]
    return check_profile(network, ShapeProfile({x.name: (low, opt, high)}))


def test_a_range_is_kept():
    ((low, opt, high),) = checked(1, 2, 8).inputs.values()
    assert [shape[0] for shape in (low, opt, high)] == [1, 2, 8]


@pytest.mark.parametrize(
    ("shapes", "said"),
    [((0, 1, 2), "min shape 0x"), ((0, 0, 0), "shape 0x"), ((0, 0, 4), "min shape 0x")],
)
def test_an_empty_shape_says_that_it_is_empty(shapes, said):
    with pytest.raises(UsageError, match="an extent of 0 leaves no elements") as caught:
        checked(*shapes)
    assert caught.value.what.startswith(said)
    assert "TensorRT takes 0 here, trtlab does not" in caught.value.hint


def test_below_zero_is_no_extent():
    with pytest.raises(UsageError, match="does not fit input") as caught:
        checked(-1, 1, 2)
    assert "at least 1" in caught.value.hint


@pytest.mark.parametrize(
    ("batch", "hint"), [(0, "cache that begins empty"), (9, "build with a wider profile")]
)
def test_a_run_outside_is_told_what_to_do(batch, hint):
    profile = checked(1, 2, 8)
    ((name, (low, _, _)),) = profile.inputs.items()
    with pytest.raises(UsageError, match="outside the optimization profile") as caught:
        profile.check({name: (batch, *low[1:])})
    assert hint in caught.value.hint

"""Shapes and ranges as people give them: each mistake is answered with what would do."""

import numpy as np
import pytest

import trtlab
from tests.support.tiny_models import mlp
from trtlab.core.errors import UsageError
from trtlab.session.given_shapes import exact_shapes, ranges_of
from trtlab.session.sources import open_source

RANGE = ((1, 4), (2, 4), (8, 4))


def test_shapes_and_ranges_become_plain():
    given = {"x": np.array([2, 4]), "scalar": ()}
    assert exact_shapes(given, measured=True) == {"x": (2, 4), "scalar": ()}
    found = ranges_of({"x": [[1, 4], np.array([2, 4]), (np.int64(8), 4)]})
    assert found == {"x": RANGE}
    assert {type(extent) for shape in found["x"] for extent in shape} == {int}


def test_a_build_tells_where_a_range_goes():
    name = open_source(mlp()).network.inputs[0].name
    with pytest.raises(UsageError, match="has 3 shapes where one is wanted: 1x4") as caught:
        trtlab.build(mlp(), shapes={name: RANGE})
    assert caught.value.hint == (
        f'a range goes into profiles={{"{name}": ((1, 4), (2, 4), (8, 4))}}'
    )


def test_a_profile_asks_for_one_shape_and_tells_how_to_have_a_range():
    with pytest.raises(UsageError, match="has 3 shapes where one is wanted") as caught:
        trtlab.profile(mlp(), shapes={"x": [np.array(shape) for shape in RANGE]})
    assert 'shapes={"x": (2, 4)}' in caught.value.hint
    built = 'trtlab.build(model, profiles={"x": ((1, 4), (2, 4), (8, 4))})'
    assert built in caught.value.hint


def test_two_shapes_are_no_range_either():
    with pytest.raises(UsageError, match="has 2 shapes where one is wanted") as caught:
        exact_shapes({"x": ((1, 4), (2, 4))}, measured=False)
    assert caught.value.hint == 'a range goes into profiles={"x": (min, opt, max)}'


@pytest.mark.parametrize("shape", ["2x4", 5, (1.5, 4), (2, (3, 4)), None])
def test_what_is_no_shape_is_answered_with_one(shape):
    with pytest.raises(UsageError, match="not made of whole numbers") as caught:
        exact_shapes({"x": shape}, measured=True)
    assert "shapes=" in caught.value.hint


@pytest.mark.parametrize("given", [(1, 4), RANGE[:2], (*RANGE, (9, 4)), "1x4", 3, ()])
def test_a_profile_of_something_else_than_three_shapes(given):
    name = open_source(mlp()).network.inputs[0].name
    with pytest.raises(UsageError, match="is not three shapes") as caught:
        trtlab.build(mlp(), profiles={name: given})
    assert "min, opt and max" in caught.value.hint
    assert "a single shape goes into shapes=" in caught.value.hint

"""The way back from plain attributes to operators."""

import json

import pytest

from trtlab.core.enums import PoolingType
from trtlab.core.errors import InvalidNetworkError
from trtlab.core.types import DataType
from trtlab.layers.catalog import OPS, from_attributes, parse_step
from trtlab.layers.convolution import Convolution
from trtlab.layers.pointwise import FUNCTIONS, Pointwise, Step
from trtlab.layers.pooling import Pooling
from trtlab.layers.scale import Identity
from trtlab.layers.slicing import Slice


@pytest.mark.parametrize("kind", OPS)
def test_defaults_survive_json(kind):
    op = OPS[kind]()
    assert from_attributes(kind, json.loads(json.dumps(op.attributes()))) == op


@pytest.mark.parametrize("kind", OPS)
def test_first_docstring_line_says_what_it_computes(kind):
    first = (OPS[kind].__doc__ or "").splitlines()[0]
    assert first.endswith((".", ";", ":"))
    assert len(first) > 20


def test_nested_values_survive_json():
    op = Slice((1,), axes=(2,), stop=(None,))
    plain = json.loads(json.dumps(op.attributes()))
    assert plain["stop"] == [None]
    assert plain["mode"] == "strict_bounds"
    assert from_attributes("SLICE", plain) == op


@pytest.mark.parametrize("value", [0.1, 1e-45, 1 / 3, -0.0, 1e300, float("inf"), 6.0])
def test_parameters_of_steps_are_exact(value):
    op = Convolution(epilogue=(Step("add", (0, 1)), Step("clip", (2,), (-value, value))))
    again = from_attributes("CONVOLUTION", op.attributes())
    assert again == op
    assert repr(again) == repr(op)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_round_trips_as_text(name):
    function = FUNCTIONS[name]
    params = tuple(0.1 * (i + 1) for i in range(function.params))
    step = Step(name, tuple(range(3, 3 + function.arity)), params)
    assert parse_step(str(step)) == step
    assert from_attributes("POINTWISE", {"program": [str(step)]}) == Pointwise((step,))


@pytest.mark.parametrize(
    "text",
    ["", "add", "add(v0", "nope(v0)", "add(v0, x)", "add(0x1)", "clip(1.0, v0)", 3, None],
)
def test_other_texts_are_no_steps(text):
    with pytest.raises(InvalidNetworkError):
        from_attributes("POINTWISE", {"program": [text]})


def test_absent_attributes_take_their_defaults():
    assert from_attributes("POOLING", {"type": "average"}) == Pooling(PoolingType.AVERAGE)
    assert from_attributes("IDENTITY", {"to_type": "fp16"}) == Identity(DataType.HALF)
    assert from_attributes("LRN", {"alpha": 1}).attributes()["alpha"] == 1.0


@pytest.mark.parametrize(
    ("kind", "attributes", "message"),
    [
        ("CONV", {}, "there is no layer kind 'CONV'"),
        ("CONVOLUTION", {"stride": [1]}, "CONVOLUTION has no attribute 'stride'"),
        ("CONVOLUTION", {"stride_nd": 1}, "stride_nd of CONVOLUTION is 1, not a list"),
        ("CONVOLUTION", {"stride_nd": [1.5]}, "is [1.5], not an integer"),
        ("CONVOLUTION", {"num_groups": True}, "is True, not an integer"),
        ("CONVOLUTION", {"num_groups": None}, "is None, not an integer"),
        ("CONVOLUTION", {"padding_mode": "same"}, "is 'same', not one of explicit_round_down"),
        ("CONVOLUTION", {"padding_mode": []}, "is [], not one of"),
        ("REDUCE", {"keep_dims": 1}, "is 1, not true or false"),
        ("LRN", {"alpha": "1"}, "is '1', not a number"),
        ("EINSUM", {"equation": 5}, "is 5, not a text"),
        ("EINSUM", {"equation": ["x" * 500]}, "xxx..., not a text"),
        ("IDENTITY", {"to_type": "fp17"}, "is 'fp17', not one of fp32"),
        ("SLICE", {"stop": [None, "a"]}, "is [None, 'a'], not an integer"),
    ],
)
def test_wrong_attributes_are_refused(kind, attributes, message):
    with pytest.raises(InvalidNetworkError) as caught:
        from_attributes(kind, attributes)
    assert message in str(caught.value)

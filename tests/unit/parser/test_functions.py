"""Functions that a model defines itself are expanded."""

import numpy as np
import pytest
from onnx import helper
from onnx_models import check, model, node

from trtlab.core.errors import ParseError
from trtlab.parser.limits import LIMITS
from trtlab.parser.parse import parse

OPSETS = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]


def function(name, nodes, inputs=("a",), outputs=("b",), attributes=()):
    return helper.make_function("own", name, inputs, outputs, nodes, OPSETS, attributes)


def calling(*names, functions):
    nodes = [
        helper.make_node(name, [f"t{i}"], [f"t{i + 1}"], domain="own")
        for i, name in enumerate(names)
    ]
    made = model(nodes, {"t0": [2, 3]}, [f"t{len(names)}"])
    made.opset_import.append(OPSETS[1])
    made.functions.extend(functions)
    return made


def call(name, inputs, outputs):
    return helper.make_node(name, inputs, outputs, domain="own")


def test_bodies_take_the_place_of_calls():
    double = function("Double", [node("Add", "a a", "b")])
    fourfold = function(
        "Fourfold", [call("Double", ["a"], ["m"]), call("Double", ["m"], ["b"])]
    )
    made = calling("Fourfold", "Double", functions=[fourfold, double])
    feed = {"t0": np.arange(6, dtype=np.float32).reshape(2, 3)}
    network = check(made, feed)
    assert len(network) == 3
    assert [layer.origins[0].op_type for layer in network] == ["Add"] * 3


def test_functions_that_call_each_other_in_a_circle():
    one = function("One", [call("Two", ["a"], ["b"])])
    two = function("Two", [call("One", ["a"], ["b"])])
    with pytest.raises(ParseError, match="call each other in a circle: One, Two"):
        parse(calling("One", functions=[one, two]))


def test_functions_that_grow_without_bound():
    depth = 40
    functions = [
        function(f"F{i}", [call(f"F{i + 1}", ["a"], ["m"]), call(f"F{i + 1}", ["m"], ["b"])])
        for i in range(depth)
    ]
    functions.append(function(f"F{depth}", [node("Neg", "a", "b")]))
    with pytest.raises(ParseError, match=f"expand to {2**depth} nodes; the limit is"):
        parse(calling("F0", functions=functions))
    assert LIMITS.nodes < 2**depth

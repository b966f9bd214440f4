"""Names, order and completeness of the nodes."""

import numpy as np
import pytest
from onnx import numpy_helper
from onnx_models import model, node, value

from trtlab.core.errors import ParseError
from trtlab.parser.graph_order import ordered_nodes
from trtlab.parser.limits import LIMITS
from trtlab.parser.parse import parse


def refused(made, text):
    with pytest.raises(ParseError, match=text) as caught:
        parse(made)
    return caught.value


def names(nodes):
    return [n.name for n in ordered_nodes(model(nodes, {"x": [1]}).graph, 21, "test")]


def test_nodes_without_a_name_are_called_by_operator_and_index():
    nodes = [node("Relu", "x", "a"), node("Abs", "a", "b"), node("Relu", "b", "y")]
    assert names(nodes) == ["Relu_0", "Abs_1", "Relu_2"]


def test_made_up_names_avoid_given_ones_and_repeated_ones_get_numbers():
    nodes = [
        node("Relu", "x", "a", name="Relu_2"),
        node("Relu", "a", "b", name="Relu_2"),
        node("Relu", "b", "y"),
    ]
    assert names(nodes) == ["Relu_2", "Relu_2_1", "Relu_2_2"]


def test_nodes_are_brought_into_order():
    nodes = [node("Relu", "b", "y"), node("Abs", "a", "b"), node("Neg", "x", "a")]
    assert names(nodes) == ["Neg_2", "Abs_1", "Relu_0"]


def test_a_cycle_lists_its_nodes():
    nodes = [node("Add", "x b", "a"), node("Relu", "a", "b"), node("Abs", "b", "y")]
    error = refused(model(nodes, {"x": [1]}), "nodes form a cycle")
    assert {p.node_name for p in error.problems[1:]} == {"Add_0", "Relu_1", "Abs_2"}


def test_a_node_that_reads_its_own_result():
    refused(model(node("Add", "x y"), {"x": [1]}), "nodes form a cycle")


def test_a_missing_tensor_names_node_and_tensor():
    error = refused(
        model(node("Add", "x w", name="sum"), {"x": [1]}), "it reads 'w', which no"
    )
    assert "node 0 sum (Add, opset 21)" in str(error)


def test_a_missing_output():
    refused(
        model(node("Relu", "x"), {"x": [1]}, ["z"]), "nothing gives the graph's output 'z'"
    )


def test_no_outputs():
    refused(model(node("Relu", "x"), {"x": [1]}, []), "the graph has no outputs")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda g: g.node.append(node("Abs", "x", "y")),
            "its output 'y' is given by node Relu_0",
        ),
        (
            lambda g: g.node.append(node("Abs", "x", "x")),
            "its output 'x' is given by an input",
        ),
        (lambda g: g.input.append(value("x", [1])), "2 inputs are named 'x'"),
        (lambda g: g.output.append(g.output[0]), "2 outputs are named 'y'"),
        (
            lambda g: g.initializer.extend(
                [numpy_helper.from_array(np.ones(1, np.float32), "w")] * 2
            ),
            "2 initializers are named 'w'",
        ),
    ],
)
def test_duplicate_names(change, text):
    made = model(node("Relu", "x"), {"x": [1]})
    change(made.graph)
    refused(made, text)


def test_all_problems_are_told_together():
    nodes = [node("Add", "x a", "b"), node("Add", "b c", "y")]
    error = refused(model(nodes, {"x": [1]}), "2 problems")
    assert [p.node for p in error.problems] == [0, 1]
    assert "'a'" in str(error)
    assert "'c'" in str(error)


def test_a_long_chain_is_no_matter_of_recursion():
    nodes = [node("Neg", f"t{i}", f"t{i + 1}") for i in range(3000)]
    made = model(nodes, {"t0": [1]}, ["t3000"])
    assert len(parse(made).network) == 3000


def test_too_many_nodes(monkeypatch):
    monkeypatch.setattr(
        "trtlab.parser.graph_order.LIMITS", type(LIMITS)(nodes=1), raising=True
    )
    nodes = [node("Neg", "x", "a"), node("Neg", "a", "y")]
    refused(model(nodes, {"x": [1]}), "the graph has 2 nodes; the limit is 1")


def test_an_optional_input_left_out_is_not_missing():
    made = model(node("Clip", ["x", "", "top"]), {"x": [3]}, constants={"top": np.float32(1)})
    assert len(parse(made).network) == 1

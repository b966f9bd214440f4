"""If with a known condition: the chosen branch takes the node's place."""

import numpy as np
import pytest
from onnx import helper, numpy_helper
from onnx_models import check, model, node, value

from trtlab.core.errors import ParseError, UnsupportedError
from trtlab.parser.parse import parse

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def branch(nodes, outputs=("r",), weights=None):
    """A graph without inputs, which reads tensors around it."""
    results = [value(name, None) for name in outputs]
    made = [numpy_helper.from_array(a, n) for n, a in (weights or {}).items()]
    return helper.make_graph(nodes, "branch", [], results, initializer=made)


def choosing(condition, then, otherwise, nodes=(), shape=(2, 3), outputs=("y",)):
    chosen = node("If", "c", outputs, then_branch=then, else_branch=otherwise, name="if")
    constants = {} if condition is None else {"c": np.array(condition)}
    return model([*nodes, chosen], {"x": list(shape)}, outputs, constants)


ADD = branch([node("Add", "x one", "r")], weights={"one": np.ones(3, np.float32)})
NEGATE = branch([node("Abs", "x", "a"), node("Neg", "a", "r")])


@pytest.mark.parametrize("condition", [True, False])
def test_only_the_chosen_branch_is_converted(condition):
    network = check(choosing(condition, ADD, NEGATE), {"x": X})
    kinds = [layer.op.kind for layer in network]
    assert kinds == (
        ["ELEMENTWISE", "IDENTITY"] if condition else ["UNARY", "UNARY", "IDENTITY"]
    )
    assert network.layers[-1].origins[0].node == "if"
    assert network.layers[0].origins[0].node.startswith("if.")


def test_conditions_computed_from_shapes_are_known():
    nodes = [
        node("Shape", "x", "s", start=1),
        node("Constant", [], "one", value_ints=[3]),
        node("Equal", "s one", "same"),
        node("Squeeze", "same", "c"),
    ]
    squeezed = choosing(None, ADD, NEGATE, nodes)
    network = check(squeezed, {"x": X})
    assert "ELEMENTWISE" in [
        layer.op.kind for layer in network if layer.name.startswith("if.")
    ]


def test_names_of_a_branch_end_with_it():
    made = choosing(True, ADD, NEGATE)
    three = branch([node("Add", "y one", "r")], weights={"one": np.full(3, 3, np.float32)})
    made.graph.node.append(node("If", "c", "z", then_branch=three, else_branch=NEGATE))
    made.graph.output.append(value("z", None))
    check(made, {"x": X})


def test_branches_inside_of_branches():
    inner = branch(
        [
            node("Constant", [], "yes", value=numpy_helper.from_array(np.array(True))),
            node("If", "yes", "r", then_branch=NEGATE, else_branch=ADD),
        ]
    )
    outer = choosing(True, inner, ADD)
    check(outer, {"x": X})


def test_a_branch_may_read_what_comes_later_in_the_file():
    late = branch([node("Mul", "twice x", "r")])
    made = choosing(True, late, late)
    made.graph.node.append(node("Add", "x x", "twice"))
    network = parse(made).network
    assert [layer.op.kind for layer in network] == ["ELEMENTWISE", "ELEMENTWISE", "IDENTITY"]


def test_several_results():
    both = branch([node("Split", "x", "p q", axis=1, num_outputs=3)], ("p", "q"))
    both.node[0].output.append("unused")
    made = choosing(False, both, both, outputs=("y", "z"))
    check(made, {"x": X})


def test_conditions_on_inputs_are_refused():
    nodes = [node("ReduceMax", "x", "m", keepdims=0), node("Cast", "m", "c", to=9)]
    with pytest.raises(UnsupportedError, match="c depends on the inputs") as caught:
        parse(choosing(None, ADD, NEGATE, nodes))
    assert caught.value.problems[0].node_name == "if"


def test_unsupported_operators_inside_are_told():
    bad = branch([node("Det", "x", "r", name="inner")])
    assert len(parse(choosing(True, ADD, bad)).network) == 2
    with pytest.raises(UnsupportedError, match="operator Det is not supported") as caught:
        parse(choosing(False, ADD, bad))
    assert caught.value.problems[0].node_name == "inner"


def test_a_branch_that_reads_what_nobody_gives():
    lost = branch([node("Add", "x lost", "r")])
    with pytest.raises(ParseError, match="it reads 'lost', which no input"):
        parse(choosing(True, lost, lost))


def test_a_branch_with_too_few_results():
    with pytest.raises(ParseError, match="a branch gives 1 of 2 results"):
        parse(choosing(True, ADD, ADD, outputs=("y", "z")))


def test_a_missing_branch():
    made = choosing(True, ADD, NEGATE)
    del made.graph.node[0].attribute[:]
    with pytest.raises(ParseError, match="a branch is missing"):
        parse(made)


def wrapped(field, data):
    """A protobuf field of bytes."""
    length, size = bytearray(), len(data)
    while size >= 128:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([field << 3 | 2, *length, size]) + data


def test_deep_nesting_ends_in_an_error():
    graph = b""
    for _ in range(500):  # graph (6) of an attribute (5) of a node (1)
        graph = wrapped(1, wrapped(5, wrapped(6, graph)))
    data = choosing(True, ADD, ADD).SerializeToString() + wrapped(7, graph)
    with pytest.raises(ParseError, match="does not decode"):
        parse(data)

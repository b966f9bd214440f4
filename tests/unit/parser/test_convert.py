"""Names, origins, dimensions, inputs and outputs of converted models; refusals."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import check, model, node

from trtlab.core.errors import ParseError, UnsupportedError
from trtlab.core.types import DataType, Dim
from trtlab.network.evaluate import evaluate
from trtlab.network.graph import Origin
from trtlab.parser.errors import ErrorCode
from trtlab.parser.limits import Limits
from trtlab.parser.parse import parse

ONES = np.ones((3,), np.float32)


def refused(made, text, error=ParseError):
    with pytest.raises(error, match=text) as caught:
        parse(made)
    return caught.value


# ---- what a network keeps of the model -----------------------------------------------------


def test_layers_take_the_nodes_names_and_origins():
    made = model(
        [
            node("MatMul", "x w", "h", name="/encoder/layer.0/dense/MatMul"),
            node("Relu", "h"),
        ],
        {"x": ["batch", 3]},
        constants={"w": np.ones((3, 4), np.float32)},
    )
    first, second = parse(made).network.layers
    assert first.name == "/encoder/layer.0/dense/MatMul"
    assert first.origins == (
        Origin("/encoder/layer.0/dense/MatMul", "MatMul", "encoder/layer.0/dense"),
    )
    assert second.name == "Relu_1"
    assert second.origins == (Origin("Relu_1", "Relu", ""),)


def test_every_layer_of_a_node_has_its_origin_and_the_last_one_its_name():
    made = model(node("GreaterOrEqual", "x c", name="ge"), {"x": [3]}, constants={"c": ONES})
    network = parse(made).network
    assert [layer.name for layer in network] == ["ge.greater", "ge.equal", "ge"]
    assert {layer.origins for layer in network} == {(Origin("ge", "GreaterOrEqual"),)}


def test_module_paths_come_from_metadata_where_exporters_write_them():
    made = model(node("Relu", "x", name="node_relu"), {"x": [3]})
    scopes = "['', 'layer1', 'layer1.0', 'relu']"
    made.graph.node[0].metadata_props.add(key="pkg.torch.onnx.name_scopes", value=scopes)
    assert parse(made).network.layers[0].origins[0].scope == "layer1.0"


def test_tensors_keep_the_models_names():
    made = model([node("Split", "x", "a b", num_outputs=2), node("Add", "a b")], {"x": [2, 3]})
    network = parse(made).network
    assert {t.name for t in network.tensors()} == {"x", "a", "b", "y"}


def test_a_node_may_be_called_like_its_output():
    made = model(node("Relu", "x", "y", name="y"), {"x": [3]})
    network = parse(made).network
    assert (network.layers[0].name, network.outputs[0].name) == ("y", "y")


def test_an_output_keeps_its_name_though_an_inner_tensor_took_it():
    made = model(
        [
            node("GreaterOrEqual", "x x", "mask", name="ge"),
            node("Not", "mask", "ge.equal.out"),
        ],
        {"x": [3]},
        ["ge.equal.out"],
    )
    check(made, {"x": ONES})


def test_dimensions_keep_their_names_and_unnamed_ones_are_called_by_input_and_axis():
    made = model(
        [node("Relu", "a", "y"), node("Abs", "b", "z")],
        {"a": ["batch", 3], "b": [None, 4]},
        ["y", "z"],
    )
    network = parse(made).network
    assert network.find_tensor("y").shape == (Dim("batch"), 3)
    assert network.find_tensor("z").shape == (Dim("b.0"), 4)


def test_negative_sizes_count_as_unknown():
    made = model(node("Relu", "x"), {"x": [1, 3]})
    made.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1
    assert parse(made).network.inputs[0].shape == (Dim("x.0"), 3)


def test_shapes_computed_in_the_graph_resolve_to_names():
    made = model(
        [
            node("Shape", "x", "s"),
            node("Gather", "s zero", "n"),
            node("Unsqueeze", "n axis", "n1"),
            node("Concat", "n1 rest", "sizes", axis=0),
            node("Reshape", "x sizes", "y"),
        ],
        {"x": ["batch", 2, 6]},
        constants={
            "zero": np.int64(0),
            "axis": np.array([0]),
            "rest": np.array([3, 4]),
        },
    )
    network = check(made, {"x": np.random.default_rng(0).normal(size=(5, 2, 6)).astype("f4")})
    assert network.outputs[0].shape == (Dim("batch"), 3, 4)
    assert network.find_layer("Reshape_4").op.reshape_dims == (0, 3, 4)


def test_integer_weights_keep_their_type_and_doubles_become_floats():
    made = model(
        node("Gather", "w i"),
        {"i": ([2], np.int64)},
        constants={"w": np.arange(3, dtype=np.int64)},
    )
    assert parse(made).network.outputs[0].dtype is DataType.INT64
    made = model(node("Add", "x w"), {"x": ([3], np.float64)}, constants={"w": np.ones(3)})
    assert parse(made).network.outputs[0].dtype is DataType.FLOAT


def test_weights_listed_as_inputs_are_weights():
    made = model(node("Add", "x w"), {"x": [3], "w": [3]}, constants={"w": ONES})
    network = parse(made).network
    assert [t.name for t in network.inputs] == ["x"]
    assert network.find_tensor("w").is_constant


def test_unused_weights_are_not_read():
    made = model(node("Relu", "x"), {"x": [3]}, constants={"w": ONES})
    made.graph.initializer[0].data_type = TensorProto.STRING
    assert len(parse(made).network) == 1


def test_an_output_that_is_a_weight_is_copied():
    made = model(node("Relu", "x"), {"x": [3]}, ["y", "w"], constants={"w": ONES})
    results = evaluate(parse(made).network, {"x": ONES})
    assert np.array_equal(results["w"], ONES)


def test_an_output_without_a_node_is_refused():
    made = model(node("Relu", "x"), {"x": [3]}, ["y", "x"])
    refused(made, "input 'x' is also an output", UnsupportedError)


def test_the_record_describes_the_file(tmp_path):
    made = model(
        [node("Gemm", "x w b", "h"), node("Relu", "h")],
        {"x": ["batch", 3]},
        constants={"w": np.ones((3, 4), np.float32), "b": np.ones(4, np.float32)},
        opset=17,
    )
    made.producer_name, made.producer_version = "maker", "1.2"
    path = tmp_path / "tiny.onnx"
    onnx.save(made, path)
    record = parse(path).model_record
    assert (record.name, record.source) == ("tiny", str(path))
    assert (record.opset, record.nodes, record.parameters) == (17, 2, 16)
    assert record.producer == "maker 1.2"
    assert record.op_counts == {"Gemm": 1, "Relu": 1}
    assert (record.inputs[0].shape, record.outputs[0].shape) == (("batch", 3), ("batch", 4))
    assert len(record.digest) == 64
    assert parse(made, name="mine", label="zoo:tiny").model_record.source == "zoo:tiny"
    assert parse(made, name="mine").network.name == "mine"


# ---- what is refused -----------------------------------------------------------------------


def test_all_unsupported_operators_are_listed():
    made = model(
        [
            node("Det", "x", "d", name="first"),
            node("Relu", "d", "r"),
            node("NonMaxSuppression", "r r", "y"),
        ],
        {"x": [3, 3]},
    )
    error = refused(
        made,
        "2 problems: operators Det, NonMaxSuppression are not supported",
        UnsupportedError,
    )
    assert [p.op_type for p in error.problems] == ["Det", "NonMaxSuppression"]
    assert error.problems[0].code is ErrorCode.UNSUPPORTED_NODE
    assert "node 0 first (Det, opset 21)" in str(error)
    assert error.hint.startswith("export the model without it, ")
    assert "; end the model before it, and run it on the engine's outputs" in error.hint


@pytest.mark.parametrize(
    ("made", "step"),
    [
        (model([node("Scan", "x", "y")], {"x": [3]}), "its loops unrolled"),
        (model([node("Tile", "x x", "y")], {"x": [3]}, opset=5), "with opset 17"),
        (model([node("QuantizeLinear", "x x", "y")], {"x": [3]}), "before its quantization"),
        (model([node("FusedConv", "x", "y", domain="com.microsoft")], {"x": [3]}), "optimized"),
        (model([node("Own", "x", "y", domain="mine")], {"x": [3]}), "without operators of other"),
        (
            model([node("Resize", ["x", "", "s"], "y", antialias=1)], {"x": [3], "s": [1]}),
            "what is supported of Resize: scales constant; ",
        ),
        (model([node("Relu", "x", "y", slope=1)], {"x": [3]}), "docs/coverage.md lists"),
    ],
    ids=["loop", "opset", "quantized", "domain", "own domain", "limits", "no limits"],
)  # fmt: skip
def test_a_refusal_says_what_to_do(made, step):
    assert step in refused(made, "supported", UnsupportedError).hint


def test_the_headline_names_every_kind_of_problem_once():
    made = model(
        [
            node("Det", "x", "d"),
            node("Det", "d", "e"),
            helper.make_node("Own", ["e"], ["y"], domain="com.mine"),
        ],
        {"x": [3, 3]},
    )
    error = refused(made, "3 problems: operator Det is not supported; ", UnsupportedError)
    assert error.what.endswith("; operator Own of domain 'com.mine' is not supported")


@pytest.mark.parametrize("op", ["Loop", "Scan"])
def test_control_flow_is_named(op):
    body = helper.make_graph([node("Relu", "x", "b")], "body", [], [])
    made = model(node(op, "x", body=body), {"x": [3]})
    refused(made, f"operator {op} is not supported", UnsupportedError)


def test_other_domains_are_named():
    made = model(
        helper.make_node("FusedMatMul", ["x", "x"], ["y"], domain="com.microsoft"),
        {"x": [3, 3]},
    )
    refused(made, "operator FusedMatMul of domain 'com.microsoft'", UnsupportedError)


def test_an_operator_before_its_time():
    made = model(node("Add", "x x"), {"x": [3]}, opset=6)
    refused(made, "operator Add is supported since opset 7, not 6", UnsupportedError)


def test_an_unknown_attribute_is_never_ignored():
    made = model(node("Relu", "x", sideways=1), {"x": [3]})
    error = refused(made, "attribute sideways", UnsupportedError)
    assert error.problems[0].code is ErrorCode.UNSUPPORTED_NODE_ATTR


def test_an_attribute_of_the_wrong_type():
    made = model(node("Conv", "x w", strides=2), {"x": [1, 1, 4, 4], "w": [1, 1, 3, 3]})
    refused(made, "attribute strides is INT, not INTS")


def test_a_missing_input():
    refused(
        model(node("Add", ["x", ""]), {"x": [3]}), "it needs an input 1, which is left out"
    )


def test_layers_errors_are_told_with_the_node():
    made = model(node("Add", "a b", name="sum"), {"a": [3], "b": [4]})
    error = refused(made, "do not broadcast")
    assert error.problems[0].node_name == "sum"
    assert "node 0 sum (Add, opset 21)" in str(error)


def test_sequences_and_inputs_without_shape():
    made = model(node("Relu", "x"), {"x": [3]})
    made.graph.input[0].type.tensor_type.ClearField("shape")
    error = refused(made, "input 'x' has no shape", UnsupportedError)
    assert error.hint
    made.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = 1
    refused(made, "input 'x' is a sequence_type, not a tensor", UnsupportedError)


def test_an_input_of_a_type_that_does_not_exist_here():
    made = model(node("Relu", "x"), {"x": [3]})
    made.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING
    refused(made, "element type STRING is not among", UnsupportedError)


def test_sparse_weights():
    made = model(node("Relu", "x"), {"x": [3]})
    sparse = made.graph.sparse_initializer.add()
    sparse.values.name = "s"
    refused(made, "sparse initializers: s", UnsupportedError)


def test_an_output_nobody_can_give():
    made = model(
        node("MaxPool", "x", "y i", kernel_shape=[2, 2]), {"x": [1, 1, 4, 4]}, ["y", "i"]
    )
    refused(made, r"its output 1 \(i\) is not supported", UnsupportedError)
    made = model(node("MaxPool", "x", "y i", kernel_shape=[2, 2]), {"x": [1, 1, 4, 4]}, ["y"])
    assert len(parse(made).network) == 1


# ---- limits --------------------------------------------------------------------------------


def test_absurd_inputs_and_weights_are_refused_before_allocating():
    big = [1 << 21, 1 << 21]
    refused(
        model(node("Relu", "x"), {"x": big}), "input 'x' would have 4398046511104 elements"
    )
    made = model(node("Add", "x w"), {"x": [3]}, constants={"w": ONES})
    del made.graph.initializer[0].dims[:]
    made.graph.initializer[0].dims.extend(big)
    refused(made, "initializer 'w' would have 4398046511104 elements")


def test_absurd_results_are_refused():
    made = model(
        node("Expand", "x s"), {"x": [1]}, constants={"s": np.array([1 << 30, 1 << 30])}
    )
    refused(made, "would have 1152921504606846976 elements")


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (
            model(node("ConstantOfShape", "s"), {}, constants={"s": np.array([1 << 34])}),
            "would take 68719476736 bytes; the limit is",
        ),
        (
            model(node("ConstantOfShape", "s"), {}, constants={"s": np.array([1 << 50])}),
            "would have 1125899906842624 elements",
        ),
        (
            model(
                node("Range", "a b c"),
                {},
                constants={"a": np.int64(0), "b": np.int64(1 << 40), "c": np.int64(1)},
            ),
            "bytes; the limit is",
        ),
        (
            model(node("EyeLike", "x"), {"x": [1 << 20, 1 << 20]}),
            "bytes; the limit is",
        ),
    ],
)
def test_absurd_constants_are_refused_before_allocating(made, text):
    refused(made, text)


def test_many_large_constants_count_together(monkeypatch):
    monkeypatch.setattr("trtlab.parser.ops_creation.LIMITS", Limits(filled_bytes=100))
    nodes = [node("ConstantOfShape", "s", f"c{i}") for i in range(3)]
    made = model(nodes, {}, ["c0", "c1", "c2"], constants={"s": np.array([10])})
    error = refused(made, "would take 120 bytes; the limit is 100")
    assert error.problems[0].code is ErrorCode.MEM_ALLOC_FAILED
    assert error.problems[0].node == 2

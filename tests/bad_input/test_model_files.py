"""Models that are no models, through the whole line: what is said, and with which exit code.

The parser's own tests look at every kind of damage; these look at what a person sees.
"""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tiny_models import branches, mlp

import trtlab
from trtlab.cli.main import main
from trtlab.core.errors import ParseError, TrtlabError, UnsupportedError, UsageError

HUGE = 1 << 50


@pytest.fixture
def refused(tmp_path, capsys):
    """Profile a file on the command line: exit code and message."""

    def run(content, name="model.onnx"):
        path = tmp_path / name
        if isinstance(content, onnx.ModelProto):
            onnx.save(content, path)
        elif content is not None:
            path.write_bytes(content)
        code = main(["profile", str(path), "--duration", "0"])
        shown = capsys.readouterr()
        assert shown.err.startswith("trtlab: ")
        assert "Traceback" not in shown.err
        assert shown.out == ""
        with pytest.raises(TrtlabError):
            trtlab.profile(path, duration_s=0)
        return code, shown.err

    return run


def model(nodes, *, initializers=(), shape=(1, 4), dtype=TensorProto.FLOAT, functions=()):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", dtype, shape)],
        [helper.make_tensor_value_info("y", dtype, None)],
        list(initializers),
    )
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    made = helper.make_model(graph, opset_imports=domains, functions=list(functions))
    made.ir_version = 8
    return made


def test_a_missing_file(refused):
    code, said = refused(None, "resnet5.onnx")
    assert code == 2
    assert "there is no model" in said
    assert "resnet5.onnx" in said
    assert "trtlab zoo list" in said


def test_a_truncated_file(refused):
    whole = branches().SerializeToString()
    code, said = refused(whole[: len(whole) // 2])
    assert code == 2
    assert f"the file ({len(whole) // 2} bytes) is truncated or damaged" in said
    assert "model.onnx" in said
    assert "try: compare its size" in said


@pytest.mark.parametrize(
    ("content", "what", "hint"),
    [
        (b"", "the model file is empty", "export it again"),
        (
            b"PK\x03\x04" + bytes(60),
            "a zip archive, such as a PyTorch checkpoint",
            "torch.onnx",
        ),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "an HTML or XML page", "download the raw file"),
        (bytes(range(256)) * 4, "no ONNX model", "export"),
    ],
)
def test_a_file_of_another_kind(refused, content, what, hint):
    code, said = refused(content)
    assert code == 2
    assert what in said
    assert hint in said


def test_a_cycle_names_its_nodes(refused):
    nodes = [
        helper.make_node("Add", ["x", "b"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["b"], name="second"),
        helper.make_node("Relu", ["b"], ["y"], name="last"),
    ]
    code, said = refused(model(nodes))
    assert code == 2
    assert "cycle" in said
    assert "first" in said
    assert "second" in said


def test_wrong_types_name_the_node_and_both_types(refused):
    number = numpy_helper.from_array(np.ones(4, np.int64), "n")
    code, said = refused(
        model([helper.make_node("Add", ["x", "n"], ["y"], name="sum")], initializers=[number])
    )
    assert code == 2
    assert "sum (Add" in said
    assert "fp32" in said
    assert "int64" in said


def test_weights_that_are_shorter_than_their_shape(refused):
    weight = numpy_helper.from_array(np.ones((4, 4), np.float32), "w")
    weight.dims[0] = 400
    code, said = refused(
        model([helper.make_node("MatMul", ["x", "w"], ["y"])], initializers=[weight])
    )
    assert code == 2
    assert "'w'" in said
    assert "64" in said


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "a/../../secret.bin"])
def test_external_data_outside_of_the_folder_is_not_read(refused, tmp_path, location):
    (tmp_path.parent / "secret.bin").write_bytes(bytes(64))
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 4])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location)
    code, said = refused(
        model([helper.make_node("MatMul", ["x", "w"], ["y"])], initializers=[weight])
    )
    assert code == 2
    assert location in said
    assert "outside" in said


@pytest.mark.parametrize("shape", [(HUGE,), (1 << 30, 1 << 30)])
def test_absurd_inputs_allocate_nothing(refused, shape):
    code, said = refused(model([helper.make_node("Relu", ["x"], ["y"])], shape=shape))
    assert code == 2
    assert "x" in said
    assert "elements" in said


def test_absurd_results_allocate_nothing(refused):
    size = numpy_helper.from_array(np.array([1 << 20, 1 << 20, 4], np.int64), "size")
    code, said = refused(
        model(
            [helper.make_node("Expand", ["x", "size"], ["y"], name="grow")],
            initializers=[size],
        )
    )
    assert code == 2
    assert "grow" in said
    assert "elements" in said


def nested_ifs(depth):
    """An If inside of an If inside of …; protobuf refuses to go deeper than 100 messages."""
    inner = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["r"])],
        "leaf",
        [],
        [helper.make_tensor_value_info("r", TensorProto.FLOAT, None)],
    )
    for level in range(depth):
        out = f"r{level}"
        node = helper.make_node(
            "If", ["yes"], [out], name=f"if{level}", then_branch=inner, else_branch=inner
        )
        inner = helper.make_graph(
            [node],
            f"g{level}",
            [],
            [helper.make_tensor_value_info(out, TensorProto.FLOAT, None)],
        )
    yes = numpy_helper.from_array(np.array(True), "yes")
    return model(
        [
            helper.make_node(
                "If", ["yes"], ["y"], name="outer", then_branch=inner, else_branch=inner
            )
        ],
        initializers=[yes],
    )


def test_moderate_nesting_is_read():
    engine = trtlab.build(nested_ifs(6))
    (y,) = (
        engine.create_execution_context()
        .infer({"x": np.full((1, 4), -1, np.float32)})
        .values()
    )
    np.testing.assert_array_equal(y, np.zeros((1, 4), np.float32))


def test_nesting_without_end(refused):
    graph = b""

    def wrapped(field, data):
        length, size = bytearray(), len(data)
        while size >= 128:
            length.append(size & 127 | 128)
            size >>= 7
        return bytes([field << 3 | 2, *length, size]) + data

    for _ in range(3000):  # a graph, in an attribute, in a node
        graph = wrapped(1, wrapped(5, wrapped(6, graph)))
    code, said = refused(
        model([helper.make_node("Relu", ["x"], ["y"])]).SerializeToString() + wrapped(7, graph)
    )
    assert code == 2
    assert "does not decode" in said


def function(name, calls):
    return helper.make_function(
        "own",
        name,
        ["x"],
        ["y"],
        calls,
        [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)],
    )


def test_functions_that_call_themselves(refused):
    body = [helper.make_node("F", ["x"], ["y"], domain="own")]
    code, said = refused(
        model(
            [helper.make_node("F", ["x"], ["y"], domain="own", name="call")],
            functions=[function("F", body)],
        )
    )
    assert code == 2
    assert "call each other in a circle: F" in said


def test_functions_that_double_at_every_level(refused):
    """Forty functions, each of which calls the next one twice: 2^40 nodes."""
    functions = []
    for level in range(40):
        callee = f"F{level + 1}"
        functions.append(
            function(
                f"F{level}",
                [
                    helper.make_node(callee, ["x"], ["m"], domain="own"),
                    helper.make_node(callee, ["m"], ["y"], domain="own"),
                ],
            )
        )
    functions.append(function("F40", [helper.make_node("Relu", ["x"], ["y"])]))
    code, said = refused(
        model([helper.make_node("F0", ["x"], ["y"], domain="own")], functions=functions)
    )
    assert code == 2
    assert "nodes" in said


def test_all_unsupported_operators_are_listed(refused):
    nodes = [
        helper.make_node("Det", ["x"], ["a"], name="one"),
        helper.make_node("Sparkle", ["a"], ["y"], domain="own", name="two"),
    ]
    code, said = refused(model(nodes))
    assert code == 3
    assert "Det" in said
    assert "Sparkle" in said
    assert "one" in said
    assert "two" in said


def test_an_opset_of_the_future(refused):
    made = mlp()
    made.opset_import[0].version = 99
    code, said = refused(made)
    assert code == 3
    assert "opset 99" in said
    assert "onnx.version_converter" in said


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (b"", ParseError),
        (b"\x00" * 99, ParseError),
        ("no-such", UsageError),
        (3, UsageError),
        (None, UsageError),
    ],
)
def test_the_python_api_raises_its_own_errors(source, kind):
    with pytest.raises(kind):
        trtlab.build(source)


def test_tensorrts_parser_lists_errors_in_place_of_raising(tmp_path):
    logger = trtlab.Logger(trtlab.Logger.INTERNAL_ERROR)
    network = trtlab.Builder(logger).create_network()
    parser = trtlab.OnnxParser(network, logger)
    assert not parser.parse_from_file(str(tmp_path / "missing.onnx"))
    assert "cannot be read" in parser.get_error(0).desc()
    assert not parser.parse(b"PK\x03\x04" + bytes(90))
    unsupported = model([helper.make_node("Det", ["x"], ["y"], name="one")])
    assert not parser.parse(unsupported.SerializeToString())
    assert parser.get_error(0).node_name() == "one"
    assert parser.get_error(0).code() == trtlab.ErrorCode.UNSUPPORTED_NODE
    assert network.num_layers == 0


def test_an_unsupported_operator_is_an_unsupported_error():
    with pytest.raises(UnsupportedError, match="Det"):
        trtlab.build(model([helper.make_node("Det", ["x"], ["y"])]))

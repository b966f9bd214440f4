"""Small ONNX models for tests of the parser, and their reference results."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from trtlab.network.evaluate import evaluate
from trtlab.network.verify import verify
from trtlab.parser.parse import parse


def node(op_type, inputs, outputs=("y",), **attributes):
    """A node; None attributes are left out, strings of names are split at blanks."""
    kept = {key: value for key, value in attributes.items() if value is not None}
    names = inputs.split() if isinstance(inputs, str) else inputs
    names = ["" if name == "_" else name for name in names]
    results = outputs.split() if isinstance(outputs, str) else outputs
    return helper.make_node(op_type, names, results, **kept)


def value(name, shape, dtype=np.float32):
    """A graph input or output; shape may hold names, or be None."""
    return helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape
    )


def model(nodes, inputs, outputs=("y",), constants=None, *, opset=21, name="graph", **graph):
    """A model.

    Args:
        nodes: One node or several.
        inputs: By name a shape, or a pair of shape and NumPy type.
        outputs: Names; their types are left open.
        constants: Arrays by name, as initializers.
        opset: Version of the default domain.
        name: The graph's.
        graph: Other fields of the graph.
    """
    nodes = [nodes] if isinstance(nodes, onnx.NodeProto) else list(nodes)
    declared = [
        value(n, *(given if isinstance(given, tuple) else (given,)))
        for n, given in inputs.items()
    ]
    results = [helper.make_value_info(n, onnx.TypeProto()) for n in outputs]
    weights = [numpy_helper.from_array(np.asarray(a), n) for n, a in (constants or {}).items()]
    proto = helper.make_graph(nodes, name, declared, results, initializer=weights, **graph)
    made = helper.make_model(proto, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = 10
    return made


def with_types(made):
    """The model with its outputs' types filled in, as ONNX Runtime wants them."""
    inferred = onnx.shape_inference.infer_shapes(made, strict_mode=False)
    for output in inferred.graph.output:
        if not output.type.WhichOneof("value"):
            output.type.tensor_type.elem_type = TensorProto.FLOAT
    return inferred


def reference(made, feed):
    """ONNX Runtime's outputs by name, without its graph optimizations."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        with_types(made).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, feed), strict=True))


def relative_error(ours, theirs):
    """Largest difference, in units of the largest reference value."""
    a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if not b.size:
        return 0.0
    finite = np.isfinite(b)
    assert np.array_equal(a[~finite], b[~finite], equal_nan=True)
    if not finite.any():
        return 0.0
    return float(np.abs(a - b)[finite].max() / max(np.abs(b[finite]).max(), 1e-30))


def check(made, feed, *, tolerance=2e-6):
    """Parse, evaluate and compare with ONNX Runtime; returns the network."""
    network = parse(made).network
    verify(network)
    ours, theirs = evaluate(network, feed), reference(made, feed)
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        assert ours[name].shape == expected.shape, name
        assert ours[name].dtype == expected.dtype, name
        error = relative_error(ours[name], expected)
        assert error <= tolerance, f"{name}: {error:.2e}\n{ours[name]}\n{expected}"
    return network

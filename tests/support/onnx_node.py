"""Runs one ONNX node in ONNX Runtime: an independent reference for operators."""

import numpy as np
import onnx
import onnxruntime
from onnx import helper


def run_node(op_type, inputs, *, outputs=1, opset=21, **attributes):
    """Outputs of a one-node model.

    Args:
        op_type: ONNX operator.
        inputs: Arrays; None for an optional input left out.
        outputs: How many outputs to ask for.
        opset: Version of the default domain.
        attributes: Of the node; None ones are left out.
    """
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    results = [f"y{i}" for i in range(outputs)]
    kept = {key: value for key, value in attributes.items() if value is not None}
    node = helper.make_node(op_type, names, results, **kept)
    declared = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(x.dtype), list(x.shape)
        )
        for name, x in zip(names, inputs, strict=True)
        if x is not None
    ]
    open_results = [helper.make_value_info(name, onnx.TypeProto()) for name in results]
    graph = helper.make_graph([node], "one", declared, open_results)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 10
    model = onnx.shape_inference.infer_shapes(model)
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = 1
    session_options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), session_options, providers=["CPUExecutionProvider"]
    )
    feeds = {n: x for n, x in zip(names, inputs, strict=True) if x is not None}
    return [np.asarray(y) for y in session.run(None, feeds)]

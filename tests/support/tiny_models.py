"""Small ONNX models for tests, written as ONNX text."""

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper


def _with_weights(
    text: str, shapes: dict[str, tuple[int, ...]], seed: int = 0
) -> onnx.ModelProto:
    model = onnx.parser.parse_model(text)
    rng = np.random.default_rng(seed)
    for name, shape in shapes.items():
        scale = np.sqrt(2 / max(np.prod(shape[1:]), 1))
        data = (rng.standard_normal(shape) * scale).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(data, name))
    onnx.checker.check_model(model)
    return model


def branches() -> onnx.ModelProto:
    """A convolution, three branches joined by a concatenation, a residual sum, a classifier."""
    return _with_weights(
        """<ir_version: 8, opset_import: ["" : 17]>
        branches (float[batch, 3, 16, 16] x) => (float[batch, 10] y) {
            stem = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (x, w0)
            trunk = Relu (stem)
            a = Conv <kernel_shape = [1, 1]> (trunk, w1)
            a1 = Relu (a)
            b = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (trunk, w2)
            b1 = Relu (b)
            c = MaxPool <kernel_shape = [3, 3], pads = [1, 1, 1, 1], strides = [1, 1]> (trunk)
            joined = Concat <axis = 1> (a1, b1, c)
            mixed = Conv <kernel_shape = [1, 1]> (joined, w3)
            summed = Add (mixed, trunk)
            active = Relu (summed)
            pooled = GlobalAveragePool (active)
            flat = Flatten <axis = 1> (pooled)
            y = Gemm <transB = 1> (flat, w4, b4)
        }""",
        {"w0": (8, 3, 3, 3), "w1": (4, 8, 1, 1), "w2": (6, 8, 3, 3), "w3": (8, 18, 1, 1),
         "w4": (10, 8), "b4": (10,)},
    )  # fmt: skip


def mlp() -> onnx.ModelProto:
    """Two matrix products with a GELU-like middle."""
    return _with_weights(
        """<ir_version: 8, opset_import: ["" : 17]>
        mlp (float[rows, 16] x) => (float[rows, 4] y) {
            a = MatMul (x, w1)
            b = Add (a, b1)
            c = Sigmoid (b)
            d = Mul (b, c)
            e = MatMul (d, w2)
            y = Add (e, b2)
        }""",
        {"w1": (16, 32), "b1": (32,), "w2": (32, 4), "b2": (4,)},
    )

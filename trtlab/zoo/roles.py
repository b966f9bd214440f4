"""What each constant of an ONNX graph is for, and hence how to draw it afresh."""

import math
from dataclasses import dataclass

import onnx

from trtlab.zoo import weights
from trtlab.zoo.weights import Fill, Normal, Uniform, fan_in_normal

# Change a constant's shape only; the reader behind them decides what it is for.
RESHAPING_OPS = frozenset(
    {"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
)
RELU_LIKE_OPS = frozenset({"Clip", "LeakyRelu", "PRelu", "Relu"})
SIGMOID_OPS = frozenset({"HardSigmoid", "Sigmoid"})
SWISH_OPS = frozenset({"HardSwish", "Swish"})
# A filter's input is looked up through these, to find the activation that shaped it.
TRANSPARENT_OPS = RESHAPING_OPS | {
    "AveragePool",
    "Concat",
    "Dropout",
    "GlobalAveragePool",
    "LRN",
    "MaxPool",
}
SCALED_NORM_OPS = frozenset(
    {
        "BatchNormalization",
        "GroupNormalization",
        "InstanceNormalization",
        "LayerNormalization",
    }
)
RECURRENT_OPS = frozenset({"GRU", "LSTM", "RNN"})
SUM_OPS = frozenset({"Add", "Sum"})
PRELU_SLOPE = Uniform(0.1, 0.3)
EMBEDDING = Normal(0.1)


@dataclass(frozen=True, slots=True)
class Role:
    """How to draw a constant.

    Attributes:
        fill: Distribution, for the shape that the reader sees.
        shape: That shape.
        path: Shape-changing nodes between the constant and its reader, in order.
    """

    fill: Fill
    shape: tuple[int, ...]
    path: tuple[onnx.NodeProto, ...] = ()


class GraphIndex:
    """Readers, writers and shapes of a graph's values.

    Args:
        model: Its main graph is indexed; bodies of If and Loop are not.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.readers: dict[str, list[tuple[onnx.NodeProto, int]]] = {}
        self.writers: dict[str, onnx.NodeProto] = {}
        self.shapes = _static_shapes(model)
        self._constants = {tensor.name for tensor in model.graph.initializer}
        normed = any(node.op_type in SCALED_NORM_OPS for node in model.graph.node)
        self._centring = weights.HALF_CENTRED if normed else weights.NOT_CENTRED
        for node in model.graph.node:
            for index, name in enumerate(node.input):
                self.readers.setdefault(name, []).append((node, index))
            self.writers.update(dict.fromkeys(node.output, node))
            made_here = node.op_type in ("Constant", "ConstantOfShape")
            passed_on = node.op_type in RESHAPING_OPS and node.input[0] in self._constants
            if made_here or passed_on:
                self._constants.update(node.output)

    def role(self, name: str) -> Role | None:
        """What a constant is for, by its first reader that tells; None if none does."""
        shape = self.shapes.get(name)
        if shape is None:
            return None
        for node, index in self.readers.get(name, []):
            if node.op_type in RESHAPING_OPS and index == 0:
                behind = self.role(node.output[0])
                if behind is not None:
                    return Role(behind.fill, behind.shape, (node, *behind.path))
            else:
                fill = self._fill(node, index, shape)
                if fill is not None:
                    return Role(fill, shape)
        return None

    def _fill(self, node: onnx.NodeProto, index: int, shape: tuple[int, ...]) -> Fill | None:
        op = node.op_type
        if op in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
            return self._filter_fill(node, index, shape)
        if op in SCALED_NORM_OPS:
            return self._norm_fill(node, index)
        if op in RECURRENT_OPS and index in (1, 2, 3):
            return weights.BIAS if index == 3 else Normal(1 / math.sqrt(shape[-1]))
        if op == "Gather" and index == 0 and len(shape) > 1:
            return EMBEDDING
        if op == "PRelu" and index == 1:
            return PRELU_SLOPE
        if math.prod(shape) > 1:  # a scalar is part of a formula, not a weight
            if op == "Mul":
                return weights.NORM_SCALE
            if op in SUM_OPS:
                return weights.BIAS
        return None

    def _filter_fill(
        self, node: onnx.NodeProto, index: int, shape: tuple[int, ...]
    ) -> Fill | None:
        rank = len(shape)
        if node.op_type == "MatMul" and rank > 1:
            axis = rank - (2 if index == 1 else 1)
            return self._filters(shape[axis], self._gain(node.input[1 - index]), (axis,))
        if index != 1:
            return weights.BIAS if index else None
        if node.op_type == "Conv":
            fan_in = math.prod(shape[1:])
            gain = self._gain(node.input[0], centred=fan_in >= weights.SMALLEST_CENTRED_FAN_IN)
            return self._filters(fan_in, gain, tuple(range(1, rank)))
        gain = self._gain(node.input[0])
        if node.op_type == "ConvTranspose":
            # Each output element is reached by kernel / stride of the products.
            reached = max(1, math.prod(shape[2:]) // math.prod(_ints(node, "strides")))
            return self._filters(shape[0] // _int(node, "group", 1) * reached, gain, (0,))
        if node.op_type == "Gemm":
            axis = 1 if _int(node, "transB", 0) else 0
            return self._filters(shape[axis], gain, (axis,))
        return None

    def _filters(self, fan_in: int, gain: float, axes: tuple[int, ...]) -> Fill:
        return fan_in_normal(fan_in, gain, axes, centring=self._centring)

    def _norm_fill(self, node: onnx.NodeProto, index: int) -> Fill | None:
        scale = self._norm_scale(node.output[0])
        return (None, scale, weights.BN_BIAS, weights.BN_MEAN, weights.BN_VARIANCE)[index]

    def _norm_scale(self, name: str) -> Fill:
        """Smaller where the norm's output is only there to be added to other values."""
        for node, _ in self.readers.get(name, []):
            computed = [source for source in node.input if source not in self._constants]
            if node.op_type not in SUM_OPS or len(computed) == 1:
                return weights.NORM_SCALE
            if all(self._is_norm_for_one_reader(source) for source in computed):
                return weights.NORM_SCALE_SUMMED
        return weights.NORM_SCALE_RESIDUAL if name in self.readers else weights.NORM_SCALE

    def _gain(self, name: str, *, centred: bool = True) -> float:
        """Gain that undoes the activation which ``name`` went through."""
        gain = weights.GAIN_LINEAR
        centred = centred and self._centring > 0
        node = self.writers.get(name)
        while node is not None:
            if node.op_type in RELU_LIKE_OPS:
                return gain * (
                    weights.GAIN_RELU_HALF_CENTRED if centred else weights.GAIN_RELU_UNCENTRED
                )
            gated = self._gated_by_sigmoid(node)
            if gated in self._inputs_of_sigmoids(node) or node.op_type in SWISH_OPS:
                return gain * (
                    weights.GAIN_SILU_HALF_CENTRED if centred else weights.GAIN_SILU_UNCENTRED
                )
            if gated:
                gain *= weights.GATE_GAIN
            elif node.op_type not in TRANSPARENT_OPS:
                return gain
            node = self.writers.get(gated or node.input[0])
        return gain

    def _gated_by_sigmoid(self, node: onnx.NodeProto) -> str:
        """The factor that a product's other factor, a sigmoid, scales; or an empty name."""
        if node.op_type != "Mul":
            return ""
        gates = [self._written_by(name, SIGMOID_OPS) for name in node.input]
        return node.input[gates.index(False)] if sorted(gates) == [False, True] else ""

    def _inputs_of_sigmoids(self, node: onnx.NodeProto) -> set[str]:
        return {
            self.writers[name].input[0]
            for name in node.input
            if self._written_by(name, SIGMOID_OPS)
        }

    def _is_norm_for_one_reader(self, name: str) -> bool:
        return self._written_by(name, SCALED_NORM_OPS) and len(self.readers[name]) == 1

    def _written_by(self, name: str, ops: frozenset[str]) -> bool:
        return name in self.writers and self.writers[name].op_type in ops


def _int(node: onnx.NodeProto, name: str, default: int) -> int:
    return next((a.i for a in node.attribute if a.name == name), default)


def _ints(node: onnx.NodeProto, name: str) -> list[int]:
    return next((list(a.ints) for a in node.attribute if a.name == name), [1])


def _static_shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Shapes of all values whose shape is fully known, by ONNX's shape inference."""
    skeleton = onnx.ModelProto(ir_version=model.ir_version)
    skeleton.opset_import.extend(model.opset_import)
    skeleton.graph.node.extend(model.graph.node)
    skeleton.graph.input.extend(model.graph.input)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.INT64:
            skeleton.graph.initializer.append(tensor)
        else:  # inference needs the shape only, and weights may be large
            skeleton.graph.initializer.add(
                name=tensor.name, data_type=tensor.data_type, dims=tensor.dims
            )
    inferred = onnx.shape_inference.infer_shapes(skeleton)
    shapes = {t.name: tuple(t.dims) for t in model.graph.initializer}
    for value in inferred.graph.value_info:
        dims = value.type.tensor_type.shape.dim
        if all(dim.HasField("dim_value") for dim in dims):
            shapes[value.name] = tuple(dim.dim_value for dim in dims)
    return shapes

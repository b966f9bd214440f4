"""A small writer for ONNX graphs: names, seeded parameters, the layers that models share.

It records plain Python values and needs no onnx, so that a model's parameters can be
counted without writing it; ``serialize.py`` turns the record into a ModelProto.
Names follow PyTorch's exporter: node ``/layer1.0/conv1/Conv``, its output with
``_output_0`` behind, parameter ``layer1.0.conv1.weight``.
"""

import contextlib
import math
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from trtlab.zoo import weights
from trtlab.zoo.weights import Fill, Normal, fan_in_normal

Attribute: TypeAlias = int | float | str | Sequence[int]
Dimension: TypeAlias = int | str


@dataclass(frozen=True, slots=True)
class Value:
    """A graph input or output; symbolic dimensions are strings."""

    name: str
    dtype: str
    shape: tuple[Dimension, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A float32 initializer, drawn when the model is serialized.

    Attributes:
        name: Name in the graph.
        shape: Elements per axis.
        fill: Distribution.
        learnable: False for running statistics, which parameter counts leave out.
    """

    name: str
    shape: tuple[int, ...]
    fill: Fill
    learnable: bool = True

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A tensor whose values the architecture fixes, such as a causal mask."""

    name: str
    array: npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operator; an empty input name is an optional input left out."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Attribute] = field(default_factory=dict[str, Attribute])


class GraphWriter:
    """Records nodes, parameters and constants in topological order.

    Args:
        inputs: The graph's inputs.
    """

    def __init__(self, inputs: Sequence[Value]) -> None:
        self.inputs = tuple(inputs)
        self.outputs: list[Value] = []
        self.nodes: list[Node] = []
        self.parameters: dict[str, Parameter] = {}
        self.constants: list[Constant] = []
        self._constant_names: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._scopes: list[str] = []
        self._uses: Counter[str] = Counter()

    @property
    def parameter_count(self) -> int:
        """Learnable elements; a tied weight counts once, running statistics never."""
        return sum(p.elements for p in self.parameters.values() if p.learnable)

    @contextlib.contextmanager
    def scope(self, name: str) -> Generator[None]:
        """Prefix all names written inside with ``name``, a dotted module path."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def output(self, name: str, dtype: str, shape: Sequence[Dimension]) -> None:
        """Declare a graph output."""
        self.outputs.append(Value(name, dtype, tuple(shape)))

    def parameter(
        self, name: str, shape: Sequence[int], fill: Fill, *, learnable: bool = True
    ) -> str:
        """Add a seeded float32 initializer and return its full name."""
        full_name = ".".join([*self._scopes, name])
        self.parameters[full_name] = Parameter(full_name, tuple(shape), fill, learnable)
        return full_name

    def constant(self, array: npt.NDArray[np.generic]) -> str:
        """Add a tensor with fixed values, or find an equal one; returns its name."""
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constant_names:
            name = f"Constant_{len(self.constants)}"
            self._constant_names[key] = name
            self.constants.append(Constant(name, array))
        return self._constant_names[key]

    def integers(self, *values: int) -> str:
        """Add an int64 vector."""
        return self.constant(np.array(values, dtype=np.int64))

    def integer(self, value: int) -> str:
        """Add an int64 scalar."""
        return self.constant(np.array(value, dtype=np.int64))

    def scalar(self, value: float) -> str:
        """Add a float32 scalar."""
        return self.constant(np.array(value, dtype=np.float32))

    def node(self, op: str, *inputs: str, output: str = "", **attributes: Attribute) -> str:
        """Add a node with one output.

        Args:
            op: ONNX operator of the main domain.
            inputs: Names; an empty one leaves an optional input out.
            output: The output's name; made from the scope when empty.
            attributes: ONNX attributes.

        Returns:
            The output's name.
        """
        return self._add(op, inputs, (output,), attributes)[0]

    def node_with_outputs(
        self, op: str, *inputs: str, count: int, **attributes: Attribute
    ) -> tuple[str, ...]:
        """Add a node with ``count`` outputs and return their names."""
        return self._add(op, inputs, ("",) * count, attributes)

    def _add(
        self,
        op: str,
        inputs: tuple[str, ...],
        outputs: tuple[str, ...],
        attributes: dict[str, Attribute],
    ) -> tuple[str, ...]:
        path = "/" + "/".join([*self._scopes, op])
        repeats = self._uses[path]
        self._uses[path] += 1
        name = f"{path}_{repeats}" if repeats else path
        named = tuple(out or f"{name}_output_{i}" for i, out in enumerate(outputs))
        self.nodes.append(Node(op, name, inputs, named, attributes))
        return named

    # Layers that several architectures share. The comments give the new shape.

    def conv(
        self,
        x: str,
        channels: tuple[int, int],
        *,
        kernel: int,
        gain: float,
        stride: int = 1,
        groups: int = 1,
        bias: bool = False,
        centring: float = 1.0,
        output: str = "",
    ) -> str:
        """Square 2-D convolution with the padding that halves or keeps H and W.

        Args:
            x: [N, C, H, W].
            channels: Input and output channels.
            kernel: Edge of the square kernel.
            gain: See ``weights.fan_in_normal``.
            stride: Same on both axes.
            groups: Equal to the channels for a depthwise convolution.
            bias: Whether to add one.
            centring: See ``weights.fan_in_normal``.
            output: Name of the result; made up when empty.

        Returns:
            [N, K, H / stride, W / stride].
        """
        c, k = channels
        shape = (k, c // groups, kernel, kernel)
        fill = fan_in_normal(math.prod(shape[1:]), gain, (1, 2, 3), centring=centring)
        inputs = [x, self.parameter("weight", shape, fill)]
        if bias:
            inputs.append(self.parameter("bias", (k,), weights.BIAS))
        return self.node(
            "Conv",
            *inputs,
            output=output,
            dilations=[1, 1],
            group=groups,
            kernel_shape=[kernel, kernel],
            pads=[0] * 4 if stride == kernel else [(kernel - 1) // 2] * 4,
            strides=[stride, stride],
        )

    def batch_norm(self, x: str, channels: int, *, scale: Fill = weights.NORM_SCALE) -> str:
        """Batch normalization over [N, C, ...], as an exporter in training mode keeps it."""
        shape = (channels,)
        return self.node(
            "BatchNormalization",
            x,
            self.parameter("weight", shape, scale),
            self.parameter("bias", shape, weights.BN_BIAS),
            self.parameter("running_mean", shape, weights.BN_MEAN, learnable=False),
            self.parameter("running_var", shape, weights.BN_VARIANCE, learnable=False),
            epsilon=1e-5,
            momentum=0.9,
        )

    def layer_norm(self, x: str, features: int, *, epsilon: float, output: str = "") -> str:
        """Layer normalization over the last axis, with scale and bias."""
        return self.node(
            "LayerNormalization",
            x,
            self.parameter("weight", (features,), weights.NORM_SCALE),
            self.parameter("bias", (features,), weights.BIAS),
            output=output,
            axis=-1,
            epsilon=epsilon,
        )

    def matmul(self, x: str, features: tuple[int, int], *, gain: float) -> str:
        """Linear layer on [..., I] as exporters write it for rank 3: MatMul, then Add."""
        fill = fan_in_normal(features[0], gain, (0,))
        product = self.node("MatMul", x, self.parameter("weight", features, fill))
        bias = self.parameter("bias", features[1:], weights.BIAS)
        return self.node("Add", bias, product)  # [..., O]

    def gemm(
        self,
        x: str,
        features: tuple[int, int],
        *,
        gain: float,
        transposed: bool = True,
        centring: float = 1.0,
        output: str = "",
    ) -> str:
        """Linear layer on [N, I] as Gemm.

        Args:
            x: [N, I].
            features: I and O.
            gain: See ``weights.fan_in_normal``.
            transposed: Whether the weight is stored as [O, I] (torch.nn.Linear) or [I, O].
            centring: See ``weights.fan_in_normal``.
            output: Name of the result; made up when empty.

        Returns:
            [N, O].
        """
        shape = features[::-1] if transposed else features
        reduced = (1,) if transposed else (0,)
        fill = fan_in_normal(features[0], gain, reduced, centring=centring)
        return self.node(
            "Gemm",
            x,
            self.parameter("weight", shape, fill),
            self.parameter("bias", features[1:], weights.BIAS),
            output=output,
            alpha=1.0,
            beta=1.0,
            transB=int(transposed),
        )

    def embedding(self, ids: str, name: str, shape: tuple[int, int], std: float) -> str:
        """Rows of a seeded table: ids [...] -> [..., shape[1]]."""
        return self.node("Gather", self.parameter(name, shape, Normal(std)), ids, axis=0)

    def reshape(self, x: str, *shape: int) -> str:
        """Reshape; 0 copies an axis and -1 is inferred."""
        return self.node("Reshape", x, self.integers(*shape), allowzero=0)

    def transpose(self, x: str, *perm: int) -> str:
        """Permute the axes."""
        return self.node("Transpose", x, perm=perm)

    def size_of(self, x: str, axis: int) -> str:
        """One axis of ``x`` as an int64 scalar: Shape, then Gather."""
        return self.node("Gather", self.node("Shape", x), self.integer(axis), axis=0)

    def dims(self, *sizes: str | int) -> str:
        """An int64 vector of fixed and computed sizes: Unsqueeze each, then Concat."""
        parts = [
            self.integers(size)
            if isinstance(size, int)
            else self.node("Unsqueeze", size, self.integers(0))
            for size in sizes
        ]
        return self.node("Concat", *parts, axis=0)

    def relu6(self, x: str) -> str:
        """Clip to [0, 6]."""
        return self.node("Clip", x, self.scalar(0.0), self.scalar(6.0))

    def silu(self, x: str) -> str:
        """Swish in two nodes: x · sigmoid(x)."""
        return self.node("Mul", x, self.node("Sigmoid", x))

    def gelu_erf(self, x: str) -> str:
        """Exact GELU as exporters below opset 20 write it: x · (1 + erf(x / √2)) · ½."""
        erf = self.node("Erf", self.node("Div", x, self.scalar(math.sqrt(2.0))))
        grown = self.node("Mul", x, self.node("Add", erf, self.scalar(1.0)))
        return self.node("Mul", grown, self.scalar(0.5))

    def gelu_tanh(self, x: str) -> str:
        """GELU's tanh form: ½x · (1 + tanh(√(2/π) · (x + 0.044715 x³)))."""
        half = self.node("Mul", x, self.scalar(0.5))
        cubic = self.node("Mul", self.node("Pow", x, self.scalar(3.0)), self.scalar(0.044715))
        inner = self.node("Add", x, cubic)
        tanh = self.node("Tanh", self.node("Mul", inner, self.scalar(math.sqrt(2 / math.pi))))
        return self.node("Mul", half, self.node("Add", tanh, self.scalar(1.0)))

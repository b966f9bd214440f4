"""Layers that make tensors: constants, fills and shapes."""

from math import prod

import numpy as np

from trtlab.core.dims import Dims
from trtlab.core.enums import FillOperation
from trtlab.core.errors import UsageError
from trtlab.core.types import DataType
from trtlab.core.weights import array_of
from trtlab.layers.base import Array
from trtlab.layers.creation import Constant, Fill, Shape
from trtlab.network.api.arguments import data_type, extents, member, number
from trtlab.network.api.layer import ILayer
from trtlab.network.api.options import one_of, some_extents
from trtlab.network.api.state import Definition
from trtlab.network.graph import Tensor

_ALPHA, _BETA = 1, 2


class IConstantLayer(ILayer):
    """A tensor that is known while building."""

    roles = ()

    @property
    def weights(self) -> Array:
        """The elements; read-only."""
        return np.asarray(self.layer.output.data)

    @weights.setter
    def weights(self, weights: object) -> None:
        data = array_of(weights, "weights")
        if data.size != prod(self.shape):
            raise UsageError(f"{data.size} elements do not fill the shape {self.shape}")
        hold(self.definition, self.layer.output, data.reshape(tuple(self.shape)))

    @property
    def shape(self) -> Dims:
        """Extents; setting others keeps the elements."""
        return self.get_output(0).shape

    @shape.setter
    def shape(self, shape: object) -> None:
        wanted = extents(shape, "shape", least=0)
        if prod(wanted) != self.weights.size:
            raise UsageError(f"{self.weights.size} elements do not fill the shape {wanted}")
        hold(self.definition, self.layer.output, self.weights.reshape(wanted))


def hold(definition: Definition, output: Tensor, data: Array) -> None:
    """Let a constant layer's output hold elements."""
    held = definition.graph.add_constant(f"{output.name}.elements", data)
    producer = output.producer
    assert producer is not None
    output.data, output.value = held.data, held.value
    definition.change(producer, Constant(held.dtype, data.shape))
    output.value = held.value


class IShapeLayer(ILayer):
    """The extents of a tensor."""


class _FillValue:
    """``alpha`` or ``beta``: a number held as a constant input."""

    def __init__(self, index: int) -> None:
        self._index = index

    def __get__(self, layer: "IFillLayer", owner: type) -> float | None:
        data = layer.constant_input(self._index)
        return None if data is None else float(data.reshape(-1)[0])

    def __set__(self, layer: "IFillLayer", value: object) -> None:
        name = ("", "alpha", "beta")[self._index]
        wanted = number(value, name)
        tensor = layer.definition.scalar(wanted, layer.to_type, f"{layer.name}.{name}")
        layer.set_operand(self._index, tensor)


class IFillLayer(ILayer):
    """Values by a rule: evenly spaced, or random."""

    roles = ("shape", "alpha", "beta")
    held = frozenset({_ALPHA, _BETA})
    shape = some_extents()
    operation = one_of(FillOperation, "op")
    to_type = one_of(DataType, "dtype")
    alpha = _FillValue(_ALPHA)
    beta = _FillValue(_BETA)


class CreationLayers(Definition):
    """The ``add_*`` methods of this family."""

    def add_constant(self, shape: object, weights: object) -> IConstantLayer:
        """A tensor that is known while building.

        Raises:
            UsageError: The elements do not fill the shape.
        """
        wanted, data = extents(shape, "shape", least=0), array_of(weights, "weights")
        if prod(wanted) != data.size:
            raise UsageError(
                f"{data.size} elements do not fill the shape {wanted}",
                hint=f"the shape of the weights is {data.shape}",
            )
        op = Constant(DataType.from_numpy(data.dtype), wanted)
        view = self.add(IConstantLayer, op, [])
        hold(self, view.layer.output, data.reshape(wanted))
        return view

    def add_shape(self, input: object) -> IShapeLayer:
        """The extents of a tensor, as INT64 [rank]."""
        return self.add(IShapeLayer, Shape(), [self.read(input, "input")])

    def add_fill(
        self, shape: object, op: FillOperation, output_type: DataType = DataType.FLOAT
    ) -> IFillLayer:
        """Values by a rule; alpha and beta are 0 and 1 until set.

        LINSPACE starts at alpha and grows by beta; RANDOM_UNIFORM lies between them;
        RANDOM_NORMAL has mean alpha and standard deviation beta.
        """
        rule = member(FillOperation)(op, "the operation")
        dtype = data_type(output_type, "output_type")
        what = Fill(extents(shape, "shape", least=0), rule, dtype=dtype)
        alpha = self.scalar(0.0, dtype, "fill.alpha")
        beta = self.scalar(1.0, dtype, "fill.beta")
        return self.add(IFillLayer, what, [None, alpha, beta])

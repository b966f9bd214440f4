"""Layers that work element by element."""

import numpy as np

from trtlab.core.build_enums import LayerType
from trtlab.core.enums import ActivationType, ElementWiseOperation, ScaleMode, UnaryOperation
from trtlab.core.errors import UsageError
from trtlab.core.types import DataType
from trtlab.layers.activation import Activation, ParametricReLU, Unary
from trtlab.layers.base import Array
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.scale import Cast, Identity, Scale
from trtlab.network.api.arguments import data_type, member, whole
from trtlab.network.api.layer import ILayer
from trtlab.network.api.options import a_number, a_whole, one_of
from trtlab.network.api.state import Definition
from trtlab.network.graph import Tensor

_CHANNELS = 3  # the third axis from the end, where nothing else is said
_ROLES = ("shift", "scale", "power")


class IActivationLayer(ILayer):
    """One of TensorRT's activation functions."""

    alpha = a_number()
    beta = a_number()

    @property
    def type(self) -> LayerType:
        """The layer type; an `ActivationType` may be assigned."""
        return LayerType.ACTIVATION

    @type.setter  # noqa: A003
    def type(self, kind: ActivationType) -> None:
        self.set_options(type=member(ActivationType)(kind, "the activation type"))


class IElementWiseLayer(ILayer):
    """A function of two tensors that broadcast."""

    roles = ("first operand", "second operand")
    op = one_of(ElementWiseOperation)


class IUnaryLayer(ILayer):
    """A function of one tensor."""

    op = one_of(UnaryOperation)


class ICastLayer(ILayer):
    """Conversion to another element type."""

    to_type = one_of(DataType)


class IIdentityLayer(ILayer):
    """A copy, or a conversion when another output type is set."""

    def set_output_type(self, index: int, dtype: DataType) -> None:
        """Convert to a type; unlike other layers' wishes, this one is kept."""
        self.get_output(index)
        self.set_options(to_type=data_type(dtype, "the output type"))

    def reset_output_type(self, index: int) -> None:
        """Copy without conversion."""
        self.get_output(index)
        self.set_options(to_type=None)


class ISelectLayer(ILayer):
    """One of two tensors, element by element."""

    roles = ("condition", "then", "else")


class IParametricReLULayer(ILayer):
    """A ReLU whose negative slope is a tensor."""

    roles = ("input", "slopes")


class _ScaleWeights:
    """``shift``, ``scale`` or ``power``: the elements of a constant input."""

    def __init__(self, role: str) -> None:
        self._role = role

    def __get__(self, layer: "IScaleLayer", owner: type) -> Array | None:
        return layer.constant_input(1 + _ROLES.index(self._role))

    def __set__(self, layer: "IScaleLayer", value: object) -> None:
        x = layer.layer.inputs[0]
        if x is None:
            raise UsageError(f"layer {layer.name} has no input")
        data = scale_weights(layer.definition, value, self._role, layer.mode, x)
        tensor = layer.definition.constant(data, f"{layer.name}.{self._role}")
        layer.set_operand(1 + _ROLES.index(self._role), tensor)


class IScaleLayer(ILayer):
    """(x · scale + shift) ^ power."""

    roles = ("input", *_ROLES)
    held = frozenset({1, 2, 3})
    mode = one_of(ScaleMode)
    channel_axis = a_whole()
    shift = _ScaleWeights("shift")
    scale = _ScaleWeights("scale")
    power = _ScaleWeights("power")


def scale_weights(
    definition: Definition, value: object, role: str, mode: ScaleMode, x: Tensor
) -> Array | None:
    """Weights of a scale layer; flat elementwise ones get the shape of an image.

    Raises:
        UsageError: Flat elements do not fill the last axes.
    """
    data = definition.weights(value, role, like=x)
    if data is None or mode is not ScaleMode.ELEMENTWISE or data.ndim != 1:
        return data
    for axes in range(1, len(x.shape) + 1):
        tail = tuple(e for e in x.shape[-axes:] if isinstance(e, int))
        if len(tail) == axes and int(np.prod(tail)) == data.size:
            return data.reshape(tail)
    raise UsageError(f"{role} has {data.size} elements, which fill no last axes of {x.type}")


class PointwiseLayers(Definition):
    """The ``add_*`` methods of this family."""

    def add_activation(self, input: object, type: ActivationType) -> IActivationLayer:
        """An activation function of every element; alpha and beta are set afterwards."""
        op = Activation(member(ActivationType)(type, "the activation type"))
        return self.add(IActivationLayer, op, [self.read(input, "input")])

    def add_elementwise(
        self, input1: object, input2: object, op: ElementWiseOperation
    ) -> IElementWiseLayer:
        """A function of two tensors of one type that broadcast."""
        what = ElementWise(member(ElementWiseOperation)(op, "the operation"))
        inputs = [self.read(input1, "first operand"), self.read(input2, "second operand")]
        return self.add(IElementWiseLayer, what, inputs)

    def add_unary(self, input: object, op: UnaryOperation) -> IUnaryLayer:
        """A function of every element."""
        what = Unary(member(UnaryOperation)(op, "the operation"))
        return self.add(IUnaryLayer, what, [self.read(input, "input")])

    def add_cast(self, input: object, to_type: DataType) -> ICastLayer:
        """Conversion to another element type."""
        op = Cast(data_type(to_type, "to_type"))
        return self.add(ICastLayer, op, [self.read(input, "input")])

    def add_identity(self, input: object) -> IIdentityLayer:
        """A copy; ``set_output_type`` makes it a conversion."""
        return self.add(IIdentityLayer, Identity(), [self.read(input, "input")])

    def add_select(
        self, condition: object, then_input: object, else_input: object
    ) -> ISelectLayer:
        """One of two tensors, element by element; all three broadcast."""
        inputs = [
            self.read(condition, "condition"),
            self.read(then_input, "then input"),
            self.read(else_input, "else input"),
        ]
        return self.add(ISelectLayer, Select(), inputs)

    def add_parametric_relu(self, input: object, slopes: object) -> IParametricReLULayer:
        """Each x below 0 is multiplied by a slope; the slopes broadcast."""
        inputs = [self.read(input, "input"), self.read(slopes, "slopes")]
        return self.add(IParametricReLULayer, ParametricReLU(), inputs)

    def add_scale(
        self,
        input: object,
        mode: ScaleMode,
        shift: object = None,
        scale: object = None,
        power: object = None,
    ) -> IScaleLayer:
        """Each x becomes (x · scale + shift) ^ power; channels are the third last axis."""
        axis = max(len(self.read(input, "input").shape) - _CHANNELS, 0)
        return self.add_scale_nd(input, mode, shift, scale, power, axis)

    def add_scale_nd(
        self,
        input: object,
        mode: ScaleMode,
        shift: object = None,
        scale: object = None,
        power: object = None,
        channel_axis: int = 1,
    ) -> IScaleLayer:
        """As `add_scale`, with the channels at any axis.

        Raises:
            UsageError: Weights do not fit the mode.
        """
        x, kind = self.read(input, "input"), member(ScaleMode)(mode, "the mode")
        op = Scale(kind, whole(channel_axis, "channel_axis", least=0))
        inputs: list[Tensor | None] = [x]
        for role, value in zip(_ROLES, (shift, scale, power), strict=True):
            data = scale_weights(self, value, role, kind, x)
            inputs.append(self.constant(data, f"scale.{role}"))
        return self.add(IScaleLayer, op, inputs)

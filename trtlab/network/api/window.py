"""Views of layers with sliding windows: convolution, deconvolution, pooling, padding, LRN."""

from collections.abc import Callable
from math import prod
from typing import cast

from trtlab.core.build_enums import LayerType
from trtlab.core.dims import Dims
from trtlab.core.enums import PaddingMode, PoolingType
from trtlab.core.errors import UsageError
from trtlab.core.types import static
from trtlab.layers.base import Array, Op
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.pooling import Pooling
from trtlab.layers.slicing import Padding
from trtlab.network.api.arguments import extents, member
from trtlab.network.api.layer import ILayer
from trtlab.network.api.options import Option, a_number, a_truth, a_whole, one_of
from trtlab.network.api.state import Definition
from trtlab.network.graph import Tensor

_KERNEL, _BIAS = 1, 2


def _spread(default: int) -> Callable[[ILayer, tuple[int, ...]], Dims]:
    """Shows an empty tuple as one default an axis."""

    def shown(layer: ILayer, value: tuple[int, ...]) -> Dims:
        window = cast("_WindowLayer", layer).taps()
        return Dims(value or (default,) * len(window))

    return shown


def _ones(field: str = "") -> Option[Dims]:
    return Option(extents, field, _spread(1))


def _zeros(field: str = "") -> Option[Dims]:
    return Option(extents, field, _spread(0))


class _SymmetricPadding:
    """``padding_nd``: the padding before; setting it sets that behind too."""

    def __get__(self, layer: "_WindowLayer", owner: type) -> Dims:
        return layer.pre_padding

    def __set__(self, layer: "_WindowLayer", value: object) -> None:
        padding = extents(value, f"padding of layer {layer.name}")
        layer.set_options(pre_padding=padding, post_padding=padding)


class _WindowLayer(ILayer):
    """What convolution and pooling share."""

    stride_nd = _ones()
    stride = _ones("stride_nd")
    pre_padding = _zeros()
    post_padding = _zeros()
    padding_nd = _SymmetricPadding()
    padding = _SymmetricPadding()
    padding_mode = one_of(PaddingMode)

    def taps(self) -> tuple[int, ...]:
        """Extents of the window."""
        raise NotImplementedError


class _Weights:
    """``kernel`` or ``bias``: the elements of a constant input."""

    def __init__(self, index: int, role: str) -> None:
        self._index = index
        self._role = role

    def __get__(self, layer: "_KernelLayer", owner: type) -> Array | None:
        return layer.constant_input(self._index)

    def __set__(self, layer: "_KernelLayer", value: object) -> None:
        layer.set_weights(self._index, value, self._role)


class _KernelLayer(_WindowLayer):
    """What convolution and deconvolution share."""

    roles = ("input", "kernel", "bias")
    held = frozenset({_KERNEL, _BIAS})
    num_output_maps = a_whole()
    num_groups = a_whole()
    dilation_nd = _ones()
    dilation = _ones("dilation_nd")
    kernel = _Weights(_KERNEL, "kernel")
    bias = _Weights(_BIAS, "bias")

    def taps(self) -> tuple[int, ...]:
        """Extents of the kernel: as declared, else those of its elements."""
        op, kernel = self.operator, self.layer.inputs[_KERNEL]
        declared = op.kernel_size_nd if isinstance(op, Convolution | Deconvolution) else ()
        return declared or (() if kernel is None else static(kernel.shape[2:]))

    @property
    def kernel_size_nd(self) -> Dims:
        """Extents of the kernel; the elements must fit."""
        return Dims(self.taps())

    @kernel_size_nd.setter
    def kernel_size_nd(self, size: object) -> None:
        self.set_options(kernel_size_nd=extents(size, "kernel_size_nd", least=1))

    kernel_size = kernel_size_nd

    def check_options(self, op: Op) -> None:
        """Strides, dilations and padding have one entry an axis, within range."""
        if isinstance(op, Convolution | Deconvolution):
            op.window(self.taps())

    def set_weights(self, index: int, value: object, role: str) -> None:
        """Replace kernel or bias by other elements; an empty bias takes it away.

        Raises:
            UsageError: Their number does not fit.
        """
        definition, x = self.definition, self.layer.inputs[0]
        name = f"{self.name}.{role}"
        if index == _BIAS:
            data = bias_of(definition, value, self.num_output_maps, x)
        else:
            lead = self.num_output_maps
            if isinstance(self.operator, Deconvolution) and x is not None:
                lead = channels_of(x)
            data = kernel_of(definition, value, lead, self.taps(), x)
        self.set_operand(index, definition.constant(data, name))


class IConvolutionLayer(_KernelLayer):
    """Convolution of any spatial rank, with groups and dilation."""


class IFullyConnectedLayer(IConvolutionLayer):
    """TensorRT 8's fully connected layer: a convolution whose window is the whole image."""

    num_output_channels = a_whole("num_output_maps")


class IDeconvolutionLayer(_KernelLayer):
    """Transposed convolution."""


class IPoolingLayer(_WindowLayer):
    """Largest or mean value of each window."""

    @property
    def type(self) -> LayerType:
        """The layer type; a `PoolingType` may be assigned."""
        return LayerType.POOLING

    @type.setter  # noqa: A003
    def type(self, kind: PoolingType) -> None:
        self.set_options(type=member(PoolingType)(kind, "the pooling type"))

    window_size_nd = Option[Dims](extents, "", lambda _, value: Dims(value))
    window_size = Option[Dims](extents, "window_size_nd", lambda _, value: Dims(value))
    blend_factor = a_number()
    average_count_excludes_padding = a_truth()

    def taps(self) -> tuple[int, ...]:
        """Extents of the window."""
        return self.operator.window_size_nd if isinstance(self.operator, Pooling) else ()

    def check_options(self, op: Op) -> None:
        """Strides and padding have one entry an axis, within range."""
        if isinstance(op, Pooling):
            op.window()


class IPaddingLayer(ILayer):
    """Zeros around, or elements off, the last axes."""

    roles = ("input", "pads", "value")

    def _shown(self, pads: tuple[int, ...]) -> Dims:
        return Dims(pads[-2:])

    @property
    def pre_padding_nd(self) -> Dims:
        """Elements before each of the last two axes; negative ones are cut off."""
        return self._shown(
            self.operator.pre_padding if isinstance(self.operator, Padding) else ()
        )

    @pre_padding_nd.setter
    def pre_padding_nd(self, pads: object) -> None:
        self.set_options(pre_padding=pads_of(pads, "pre_padding_nd", self.layer.inputs[0]))

    @property
    def post_padding_nd(self) -> Dims:
        """As `pre_padding_nd`, behind."""
        return self._shown(
            self.operator.post_padding if isinstance(self.operator, Padding) else ()
        )

    @post_padding_nd.setter
    def post_padding_nd(self, pads: object) -> None:
        self.set_options(post_padding=pads_of(pads, "post_padding_nd", self.layer.inputs[0]))

    pre_padding = pre_padding_nd
    post_padding = post_padding_nd


class ILRNLayer(ILayer):
    """Local response normalization across channels."""

    window_size = a_whole()
    alpha = a_number()
    beta = a_number()
    k = a_number()


def channels_of(x: Tensor) -> int:
    """Channels of an image that are known while building.

    Raises:
        UsageError: They are not.
    """
    extent = x.shape[1]
    if not isinstance(extent, int):
        raise UsageError(
            f"the channels of {x.name} are dynamic ({extent}); weights need their number"
        )
    return extent


def kernel_of(
    definition: Definition, value: object, lead: int, taps: tuple[int, ...], x: Tensor | None
) -> Array | None:
    """Kernel elements as [lead, rest, taps..]; the rest follows from their number.

    Raises:
        UsageError: The number, or a given shape, does not fit.
    """
    array = definition.weights(value, "kernel", like=x)
    if array is None:
        return None
    each = lead * prod(taps)
    shape = (lead, array.size // each if each else 0, *taps)
    wrong_shape = array.ndim == len(shape) and array.shape != shape
    if wrong_shape or not each or array.size % each:
        raise UsageError(
            f"a kernel of shape {array.shape} does not fit {lead} maps and a window of {taps}",
            hint=f"give {lead} × channels a group × {' × '.join(map(str, taps))} elements, in "
            "this order",
        )
    return array.reshape(shape)


def bias_of(
    definition: Definition, value: object, maps: int, x: Tensor | None
) -> Array | None:
    """Bias elements, one a map.

    Raises:
        UsageError: There are more or fewer.
    """
    array = definition.weights(value, "bias", like=x)
    if array is not None and array.size != maps:
        raise UsageError(f"the bias has {array.size} elements for {maps} output maps")
    return None if array is None else array.reshape(-1)


def pads_of(pads: object, what: str, x: Tensor | None) -> tuple[int, ...]:
    """Pads of the last axes as pads of all axes.

    Raises:
        UsageError: There are more pads than axes.
    """
    given, rank = extents(pads, what), 0 if x is None else len(x.shape)
    if len(given) > rank:
        raise UsageError(f"{what} {given} has {len(given)} entries for {rank} dimensions")
    return (0,) * (rank - len(given)) + given

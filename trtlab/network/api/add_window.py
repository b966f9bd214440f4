"""Adding layers with sliding windows."""

from trtlab.core.enums import PoolingType
from trtlab.core.errors import UsageError
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.normalization import LRN
from trtlab.layers.pooling import Pooling
from trtlab.layers.slicing import Padding
from trtlab.network.api.arguments import extents, member, number, whole
from trtlab.network.api.state import Definition
from trtlab.network.api.window import (
    IConvolutionLayer,
    IDeconvolutionLayer,
    IFullyConnectedLayer,
    ILRNLayer,
    IPaddingLayer,
    IPoolingLayer,
    bias_of,
    channels_of,
    kernel_of,
    pads_of,
)
from trtlab.network.graph import Tensor


def _image(definition: Definition, argument: object, taps: tuple[int, ...]) -> Tensor:
    """An input with batch, channels and one axis for each tap."""
    x = definition.read(argument, "input")
    if len(x.shape) != len(taps) + 2:
        raise UsageError(
            f"a window of {taps} wants an input of {len(taps) + 2} dimensions (batch, "
            f"channels, …); {x.name} has {len(x.shape)}: {x.type}"
        )
    return x


class WindowLayers(Definition):
    """The ``add_*`` methods of this family."""

    def add_convolution_nd(
        self,
        input: object,
        num_output_maps: int,
        kernel_shape: object,
        kernel: object = None,
        bias: object = None,
    ) -> IConvolutionLayer:
        """Convolution; kernel [maps, channels / groups, taps..].

        Kernel and bias may be left out and given by ``set_input``, as inputs 1 and 2.

        Raises:
            UsageError: An argument makes no sense; says which.
        """
        taps = extents(kernel_shape, "kernel_shape", least=1)
        maps = whole(num_output_maps, "num_output_maps", least=1)
        x = _image(self, input, taps)
        w = self.constant(kernel_of(self, kernel, maps, taps, x), "convolution.kernel")
        b = self.constant(bias_of(self, bias, maps, x), "convolution.bias")
        return self.add(IConvolutionLayer, Convolution(maps, taps), [x, w, b])

    def add_deconvolution_nd(
        self,
        input: object,
        num_output_maps: int,
        kernel_shape: object,
        kernel: object = None,
        bias: object = None,
    ) -> IDeconvolutionLayer:
        """Transposed convolution; kernel [channels, maps / groups, taps..].

        Raises:
            UsageError: An argument makes no sense; says which.
        """
        taps = extents(kernel_shape, "kernel_shape", least=1)
        maps = whole(num_output_maps, "num_output_maps", least=1)
        x = _image(self, input, taps)
        lead = 0 if kernel is None else channels_of(x)
        w = self.constant(kernel_of(self, kernel, lead, taps, x), "deconvolution.kernel")
        b = self.constant(bias_of(self, bias, maps, x), "deconvolution.bias")
        return self.add(IDeconvolutionLayer, Deconvolution(maps, taps), [x, w, b])

    def add_pooling_nd(
        self,
        input: object,
        type: PoolingType,
        window_size: object,
    ) -> IPoolingLayer:
        """Largest or mean value of each window; the stride is 1 until set."""
        taps = extents(window_size, "window_size", least=1)
        op = Pooling(member(PoolingType)(type, "the pooling type"), taps)
        return self.add(IPoolingLayer, op, [_image(self, input, taps)])

    def add_padding_nd(
        self,
        input: object,
        pre_padding: object,
        post_padding: object,
    ) -> IPaddingLayer:
        """Zeros around the last axes, one pad an axis; negative pads cut off."""
        x = self.read(input, "input")
        pre, post = (
            pads_of(pre_padding, "pre_padding", x),
            pads_of(post_padding, "post_padding", x),
        )
        return self.add(IPaddingLayer, Padding(pre, post), [x])

    def add_lrn(
        self,
        input: object,
        window: int,
        alpha: float,
        beta: float,
        k: float,
    ) -> ILRNLayer:
        """Each x becomes x / (k + alpha / window · Σ x²)^beta over neighbouring channels."""
        size = whole(window, "window", least=1)
        op = LRN(size, number(alpha, "alpha"), number(beta, "beta"), number(k, "k"))
        return self.add(ILRNLayer, op, [self.read(input, "input")])

    # ---- TensorRT 8's two-dimensional forms ---------------------------------------------

    add_convolution = add_convolution_nd
    add_deconvolution = add_deconvolution_nd
    add_pooling = add_pooling_nd
    add_padding = add_padding_nd

    def add_fully_connected(
        self,
        input: object,
        num_outputs: int,
        kernel: object,
        bias: object = None,
    ) -> IFullyConnectedLayer:
        """A matrix [outputs, C·H·W] times each image [C, H, W], plus bias: [N, outputs, 1, 1].

        Raises:
            UsageError: The input has not four dimensions, or its image is dynamic.
        """
        x = self.read(input, "input")
        taps = tuple(extent for extent in x.shape[2:] if isinstance(extent, int))
        if len(x.shape) != 4 or len(taps) != 2:
            raise UsageError(
                f"a fully connected layer wants [N, C, H, W] with a fixed image, not {x.type}",
                hint="use add_matrix_multiply for other shapes",
            )
        maps = whole(num_outputs, "num_outputs", least=1)
        elements = self.weights(kernel, "kernel", like=x)
        flat = None if elements is None else elements.reshape(-1)
        w = self.constant(kernel_of(self, flat, maps, taps, x), "fully_connected.kernel")
        b = self.constant(bias_of(self, bias, maps, x), "fully_connected.bias")
        return self.add(IFullyConnectedLayer, Convolution(maps, taps), [x, w, b])

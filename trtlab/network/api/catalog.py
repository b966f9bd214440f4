"""Which view shows an operator."""

from trtlab.layers.activation import Activation, ParametricReLU, Unary
from trtlab.layers.base import Op
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.creation import Constant, Fill, Shape
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.fused import Attention
from trtlab.layers.gather import Gather, NonZero, OneHot, Scatter
from trtlab.layers.linear import Einsum, MatrixMultiply
from trtlab.layers.normalization import LRN, Normalization
from trtlab.layers.pooling import Pooling
from trtlab.layers.reduction import Cumulative, Reduce, SoftMax, TopK
from trtlab.layers.resize import Resize
from trtlab.layers.scale import Cast, Identity, Scale
from trtlab.layers.shuffle import Concatenation, ReverseSequence, Shuffle, Squeeze, Unsqueeze
from trtlab.layers.slicing import Padding, Slice
from trtlab.network.api.axes import (
    ICumulativeLayer,
    INormalizationLayer,
    IReduceLayer,
    ISoftMaxLayer,
    ITopKLayer,
)
from trtlab.network.api.creation import IConstantLayer, IFillLayer, IShapeLayer
from trtlab.network.api.indexing import (
    IGatherLayer,
    INonZeroLayer,
    IOneHotLayer,
    IScatterLayer,
)
from trtlab.network.api.layer import ILayer
from trtlab.network.api.linear import IAttention, IEinsumLayer, IMatrixMultiplyLayer
from trtlab.network.api.movement import (
    IConcatenationLayer,
    IResizeLayer,
    IReverseSequenceLayer,
    IShuffleLayer,
    ISliceLayer,
    ISqueezeLayer,
    IUnsqueezeLayer,
)
from trtlab.network.api.pointwise import (
    IActivationLayer,
    ICastLayer,
    IElementWiseLayer,
    IIdentityLayer,
    IParametricReLULayer,
    IScaleLayer,
    ISelectLayer,
    IUnaryLayer,
)
from trtlab.network.api.window import (
    IConvolutionLayer,
    IDeconvolutionLayer,
    ILRNLayer,
    IPaddingLayer,
    IPoolingLayer,
)

_VIEWS: dict[type[Op], type[ILayer]] = {
    Activation: IActivationLayer,
    Attention: IAttention,
    Cast: ICastLayer,
    Concatenation: IConcatenationLayer,
    Constant: IConstantLayer,
    Convolution: IConvolutionLayer,
    Cumulative: ICumulativeLayer,
    Deconvolution: IDeconvolutionLayer,
    Einsum: IEinsumLayer,
    ElementWise: IElementWiseLayer,
    Fill: IFillLayer,
    Gather: IGatherLayer,
    Identity: IIdentityLayer,
    LRN: ILRNLayer,
    MatrixMultiply: IMatrixMultiplyLayer,
    NonZero: INonZeroLayer,
    Normalization: INormalizationLayer,
    OneHot: IOneHotLayer,
    Padding: IPaddingLayer,
    ParametricReLU: IParametricReLULayer,
    Pooling: IPoolingLayer,
    Reduce: IReduceLayer,
    Resize: IResizeLayer,
    ReverseSequence: IReverseSequenceLayer,
    Scale: IScaleLayer,
    Scatter: IScatterLayer,
    Select: ISelectLayer,
    Shape: IShapeLayer,
    Shuffle: IShuffleLayer,
    Slice: ISliceLayer,
    SoftMax: ISoftMaxLayer,
    Squeeze: ISqueezeLayer,
    TopK: ITopKLayer,
    Unary: IUnaryLayer,
    Unsqueeze: IUnsqueezeLayer,
}


def view_of(op: Op) -> type[ILayer]:
    """The view of an operator; `ILayer` for those that TensorRT has no class for."""
    return _VIEWS.get(type(op), ILayer)

"""Every tactic that a device offers, in the order in which candidates are tried."""

from trtlab.core.types import DataType
from trtlab.kernels.cpu.attention import AttentionTactic
from trtlab.kernels.cpu.cast import CastTactic
from trtlab.kernels.cpu.composed import ChannelsLast, SeparateEpilogue
from trtlab.kernels.cpu.convolution import (
    DepthwiseConvolution,
    IndirectConvolution,
    LineConvolution,
    MatrixConvolution,
    WinogradConvolution,
)
from trtlab.kernels.cpu.deconvolution import TapDeconvolution
from trtlab.kernels.cpu.emulated import EmulatedTactic
from trtlab.kernels.cpu.gather import GatherTactic
from trtlab.kernels.cpu.lrn import LrnTactic
from trtlab.kernels.cpu.movement import MoveTactic
from trtlab.kernels.cpu.normalization import NormalizationTactic
from trtlab.kernels.cpu.numpy_tactic import NumpyTactic
from trtlab.kernels.cpu.pointwise import PointwiseTactic
from trtlab.kernels.cpu.pooling import PoolingTactic
from trtlab.kernels.cpu.product import MatrixProduct
from trtlab.kernels.cpu.recurrent import RecurrentTactic
from trtlab.kernels.cpu.reduce import ReduceTactic
from trtlab.kernels.cpu.resize import ResizeTactic
from trtlab.kernels.cpu.softmax import SoftMaxTactic
from trtlab.layers.activation import Activation, ParametricReLU, Unary
from trtlab.layers.base import Op
from trtlab.layers.catalog import OPS
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.creation import Constant
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.fused import Attention, Reformat
from trtlab.layers.gather import Gather
from trtlab.layers.linear import MatrixMultiply
from trtlab.layers.normalization import LRN, Normalization
from trtlab.layers.pointwise import Pointwise
from trtlab.layers.pooling import Pooling
from trtlab.layers.recurrent import Recurrent
from trtlab.layers.reduction import Reduce, SoftMax
from trtlab.layers.resize import Resize
from trtlab.layers.scale import Cast, Identity, Scale
from trtlab.layers.shuffle import Concatenation, Expand, Shuffle, Squeeze, Unsqueeze
from trtlab.layers.slicing import Padding, Slice
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.tactic import Tactic

_ANY_TYPE = (CastTactic, GatherTactic, MoveTactic)
_LOW_PRECISION = (DataType.HALF, DataType.BF16)


def cpu_registry() -> TacticRegistry:
    """The CPU device's tactics; every layer type ends with its NumPy fallback.

    fp16 and bf16 go through float32 where a tactic does not move elements of any type.
    """
    registry = TacticRegistry()
    emulated: dict[Tactic, list[Tactic]] = {}
    for op, tactics in _cpu_kernels().items():
        registry.add(op, tactics)
        for tactic in tactics:
            if isinstance(tactic, _ANY_TYPE):
                continue
            if tactic not in emulated:
                emulated[tactic] = [EmulatedTactic(tactic, dtype) for dtype in _LOW_PRECISION]
            registry.add(op, emulated[tactic])
    for op in OPS.values():
        if op is not Constant:  # held by its tensor: there is nothing to run
            registry.add(op, [NumpyTactic(op)])
    return registry


def _convolutions() -> list[Tactic]:
    depthwise, indirect = DepthwiseConvolution(), IndirectConvolution()
    separate = SeparateEpilogue("cpu.convolution.separate_epilogue", indirect)
    return [
        MatrixConvolution(),
        LineConvolution(),
        depthwise,
        *(WinogradConvolution(m, fused=fused) for m in (4, 2) for fused in (True, False)),
        indirect,
        separate,
        ChannelsLast("cpu.convolution.channels_first", (depthwise, indirect, separate)),
    ]


def _deconvolutions() -> list[Tactic]:
    taps = TapDeconvolution()
    separate = SeparateEpilogue("cpu.deconvolution.separate_epilogue", taps)
    return [
        taps,
        separate,
        ChannelsLast("cpu.deconvolution.channels_first", (taps, separate)),
    ]


def _cpu_kernels() -> dict[type[Op], list[Tactic]]:
    pointwise, move, cast = PointwiseTactic(), MoveTactic(), CastTactic()
    product = MatrixProduct()
    return {
        Activation: [pointwise],
        Attention: [AttentionTactic(), AttentionTactic(few=True)],
        Cast: [cast],
        Concatenation: [move],
        Convolution: _convolutions(),
        Deconvolution: _deconvolutions(),
        ElementWise: [pointwise],
        Expand: [move],
        Gather: [GatherTactic()],
        Identity: [move, cast],
        MatrixMultiply: [product, SeparateEpilogue("cpu.matrix.separate_epilogue", product)],
        LRN: [LrnTactic()],
        Normalization: [NormalizationTactic()],
        Padding: [move],
        ParametricReLU: [pointwise],
        Pooling: [PoolingTactic()],
        Pointwise: [pointwise],
        Recurrent: [RecurrentTactic()],
        Reduce: [ReduceTactic()],
        Reformat: [move, cast],
        Resize: [ResizeTactic()],
        Scale: [pointwise],
        Select: [pointwise],
        Shuffle: [move],
        Slice: [move],
        SoftMax: [SoftMaxTactic()],
        Squeeze: [move],
        Unary: [pointwise],
        Unsqueeze: [move],
    }

"""Every tactic of the CUDA device, by layer type."""

from trtlab.kernels.cuda.attending import WarpAttentionTactic
from trtlab.kernels.cuda.choosing import TopKTactic
from trtlab.kernels.cuda.cublaslt import CublasLtTactic, CublasLtTf32Tactic
from trtlab.kernels.cuda.cudnn_attention import CudnnAttentionTactic
from trtlab.kernels.cuda.cudnn_blocks import CudnnBlocksTactic
from trtlab.kernels.cuda.cudnn_conv import CudnnConvolutionTactic, CudnnTf32Tactic
from trtlab.kernels.cuda.cudnn_product import CudnnProductTactic
from trtlab.kernels.cuda.cudnn_stem import CudnnStemTactic
from trtlab.kernels.cuda.depthwise import DepthwiseTactic
from trtlab.kernels.cuda.flash import FlashAttentionTactic
from trtlab.kernels.cuda.gather_rows import GatherRowsTactic
from trtlab.kernels.cuda.gathering import (
    CumulativeTactic,
    GatherTactic,
    OneHotTactic,
    ScatterTactic,
)
from trtlab.kernels.cuda.mma_load import MmaTile
from trtlab.kernels.cuda.movement import MoveTactic
from trtlab.kernels.cuda.normalizing import NormalizationTactic, SoftMaxTactic
from trtlab.kernels.cuda.patches import PatchesTactic
from trtlab.kernels.cuda.pointwise import PointwiseTactic
from trtlab.kernels.cuda.pooling import LrnTactic, PoolingTactic
from trtlab.kernels.cuda.pooling_vector import PoolingVectorTactic
from trtlab.kernels.cuda.product import contraction_tactics
from trtlab.kernels.cuda.recurrent import RecurrentTactic
from trtlab.kernels.cuda.recurrent_steps import RecurrentStepsTactic
from trtlab.kernels.cuda.reducing import ReduceTactic
from trtlab.kernels.cuda.sampling import BoxTactic, FillTactic, ResizeTactic, ReverseTactic
from trtlab.kernels.cuda.stem import StemTactic
from trtlab.kernels.cuda.thin import ThinTactic
from trtlab.kernels.cuda.wgmma_attention import wgmma_attention_tactics
from trtlab.kernels.cuda.wgmma_product import wgmma_tactics
from trtlab.kernels.cuda.window_stem import WindowStemTactic
from trtlab.layers.activation import Activation, ParametricReLU, Unary
from trtlab.layers.base import Op
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.creation import Fill
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.fused import Attention, Reformat
from trtlab.layers.gather import Gather, OneHot, Scatter
from trtlab.layers.linear import Einsum, MatrixMultiply
from trtlab.layers.normalization import LRN, Normalization
from trtlab.layers.pointwise import Pointwise
from trtlab.layers.pooling import Pooling
from trtlab.layers.recurrent import Recurrent
from trtlab.layers.reduction import Cumulative, Reduce, SoftMax, TopK
from trtlab.layers.resize import Resize
from trtlab.layers.scale import Cast, Identity, Scale
from trtlab.layers.shuffle import (
    Concatenation,
    Expand,
    ReverseSequence,
    Shuffle,
    Squeeze,
    Unsqueeze,
)
from trtlab.layers.slicing import Padding, Slice
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.tactic import Tactic


def cuda_registry(arch: str | None = None) -> TacticRegistry:
    """The CUDA device's tactics; importing or calling this needs no GPU.

    Args:
        arch: Leaves out what other architectures only can run; None gives everything.
    """
    registry = TacticRegistry()
    for op, tactics in _kernels().items():
        registry.add(op, [t for t in tactics if arch is None or t.arch in {"", arch}])
    return registry


# Result rows, tiles of a warp, blocks of a multiprocessor.
_WINDOW_STEMS = ((1, 1, 3), (2, 1, 2), (2, 2, 2), (4, 2, 1))


def _kernels() -> dict[type[Op], list[Tactic]]:
    pointwise, move, box = PointwiseTactic(), MoveTactic(), BoxTactic()
    products = contraction_tactics()
    groups = [*wgmma_tactics(), *(ThinTactic(warps) for warps in (4, 8))]
    library = [CublasLtTactic(rank) for rank in range(4)]
    library += [CublasLtTf32Tactic(rank) for rank in range(4)]
    depthwise = [DepthwiseTactic(strip) for strip in (1, 2, 4)]
    stems = [
        StemTactic(MmaTile(128, 64, 32, 32, 32, 4)),
        StemTactic(MmaTile(64, 64, 32, 32, 32, 4)),
        *(WindowStemTactic(*extents) for extents in _WINDOW_STEMS),
    ]
    cudnn = [CudnnConvolutionTactic(rank) for rank in range(4)]
    cudnn += [CudnnTf32Tactic(rank) for rank in range(4)]
    cudnn_stems = [
        *(CudnnStemTactic(rank) for rank in range(3)),
        *(CudnnBlocksTactic(rank) for rank in range(2)),
    ]
    patches = [PatchesTactic(rank) for rank in range(2)]
    fused = [CudnnProductTactic(rank) for rank in range(3)]
    flash = [FlashAttentionTactic(), FlashAttentionTactic(keys=32, rows=2, blocks=3)]
    cudnn_attentions = [CudnnAttentionTactic(rank) for rank in (0, 3)]
    return {
        Activation: [pointwise],
        Attention: [
            *wgmma_attention_tactics(),
            *flash,
            *cudnn_attentions,
            WarpAttentionTactic(),
        ],
        Cast: [pointwise],
        Concatenation: [move],
        Convolution: [*depthwise, *stems, *cudnn_stems, *patches, *cudnn, *groups, *products],
        Cumulative: [CumulativeTactic()],
        Deconvolution: products,
        Einsum: [*library, *products],
        ElementWise: [pointwise],
        Expand: [move],
        Fill: [FillTactic()],
        Gather: [GatherRowsTactic(), GatherTactic()],
        Identity: [pointwise],
        LRN: [LrnTactic()],
        MatrixMultiply: [*library, *fused, *groups, *products],
        Normalization: [NormalizationTactic()],
        OneHot: [OneHotTactic()],
        Padding: [box],
        ParametricReLU: [pointwise],
        Pointwise: [pointwise],
        Pooling: [PoolingVectorTactic(), PoolingTactic()],
        Recurrent: [RecurrentStepsTactic(), RecurrentTactic()],
        Reduce: [ReduceTactic(), pointwise],
        Reformat: [pointwise],
        Resize: [ResizeTactic()],
        ReverseSequence: [ReverseTactic()],
        Scale: [pointwise],
        Scatter: [ScatterTactic()],
        Select: [pointwise],
        Shuffle: [move],
        Slice: [box],
        SoftMax: [SoftMaxTactic()],
        Squeeze: [move],
        TopK: [TopKTactic()],
        Unary: [pointwise],
        Unsqueeze: [move],
    }

"""The order of the rules, and the walk through it."""

import sys
import time
from collections.abc import Callable, Iterable

from trtlab.core.errors import CancelledError, UsageError
from trtlab.core.settings import settings
from trtlab.network.graph import Network
from trtlab.network.verify import verify
from trtlab.passes.attention import Attention
from trtlab.passes.base import Pass, PassResult
from trtlab.passes.bias_fold import BiasFold
from trtlab.passes.cast_merge import CastMerge
from trtlab.passes.common_subexpressions import CommonSubexpressions
from trtlab.passes.concat_flatten import ConcatFlatten
from trtlab.passes.constant_folding import ConstantFolding
from trtlab.passes.dead_code import DeadCode
from trtlab.passes.epilogue import Epilogue
from trtlab.passes.gather_to_slice import GatherToSlice
from trtlab.passes.gelu_erf import GeluErf
from trtlab.passes.gelu_tanh import GeluTanh
from trtlab.passes.gemm_weights import GemmWeights
from trtlab.passes.global_pooling import GlobalPooling
from trtlab.passes.group_norm import GroupNorm
from trtlab.passes.hard_swish import HardSwish
from trtlab.passes.horizontal import Horizontal
from trtlab.passes.input_cast import InputCast
from trtlab.passes.layer_norm import LayerNorm
from trtlab.passes.matmul_scale import MatmulScale
from trtlab.passes.no_op import NoOp
from trtlab.passes.normalization_affine import NormalizationAffine
from trtlab.passes.options import HIGHEST_LEVEL, PassOptions
from trtlab.passes.pad_fold import PadFold
from trtlab.passes.pointwise_fusion import PointwiseFusion
from trtlab.passes.pointwise_simplify import PointwiseSimplify
from trtlab.passes.precision import Precision, settle_requests
from trtlab.passes.reduce_shuffle import ReduceShuffle
from trtlab.passes.rms_norm import RmsNorm
from trtlab.passes.scale_fold import ScaleFold
from trtlab.passes.scale_to_pointwise import ScaleToPointwise
from trtlab.passes.shape_simplification import ShapeSimplification
from trtlab.passes.shape_source import ShapeSource
from trtlab.passes.shuffle_merge import ShuffleMerge
from trtlab.passes.slice_of_concat import SliceOfConcat
from trtlab.passes.swish import Swish
from trtlab.passes.transpose_into_matmul import TransposeIntoMatmul
from trtlab.passes.unflatten_gemm import UnflattenGemm
from trtlab.report.records import PassRecord

Observer = Callable[[str, int, int], bool]
"""Called before each pass with its name, its number and how many there are; false cancels."""

# What never hurts: fewer layers, no work added anywhere. Shapes come first, because what they
# leave as constants the folding takes on, and what nobody reads then goes last.
_CLEANUP: tuple[Pass, ...] = (
    ShapeSimplification(),
    ShapeSource(),
    ConstantFolding(),
    NoOp(),
    CommonSubexpressions(),
    DeadCode(),
)

# Moves of elements. A product draws transposes in before constants are folded, or a weight
# that is shared (tied embeddings) would be copied; products lose the reshapes around them
# before reshapes merge with each other, or the pair is not recognizable any more.
_PRODUCTS: tuple[Pass, ...] = (
    TransposeIntoMatmul(),
    UnflattenGemm(),
)
_MOVES: tuple[Pass, ...] = (
    GlobalPooling(),
    GatherToSlice(),
    ConcatFlatten(),
    SliceOfConcat(),
    ShuffleMerge(),
    ReduceShuffle(),
    TransposeIntoMatmul(),
    GemmWeights(),
)

# Whole patterns, while their layers are still single: a root mean square inside a layer norm,
# the norm before its scale and shift, the scale on attention scores before products take it.
_PATTERNS: tuple[Pass, ...] = (
    RmsNorm(),
    LayerNorm(),
    GroupNorm(),
    NormalizationAffine(),
    Attention(),
)

# Moves that a pattern has made, or that stand next to each other now.
_FREED: tuple[Pass, ...] = (ShuffleMerge(), TransposeIntoMatmul())

# Constants behind a layer with weights go into the weights; products take what is left over.
_WEIGHTS: tuple[Pass, ...] = (
    PadFold(),
    ScaleFold(),
    BiasFold(),
    ScaleFold(),
    MatmulScale(),
    ScaleToPointwise(),
)

# Pointwise layers join each other first, so that an activation written in several layers is
# recognized before it ends in an epilogue.
_POINTWISE: tuple[Pass, ...] = (
    PointwiseFusion(),
    PointwiseSimplify(),
    Swish(),
    HardSwish(),
    GeluErf(),
    GeluTanh(),
)

# The epilogue joins expressions across a border, which may have made one of them simpler.
# Siblings merge after it: those with equal epilogues can, and the others have shown that.
_EPILOGUE: tuple[Pass, ...] = (Epilogue(), PointwiseSimplify())


def passes_for(options: PassOptions) -> tuple[Pass, ...]:
    """The passes of an optimization level, in order.

    * 0 only cleans up: the layers of the model, one by one.
    * 1 adds weights, moves and epilogues of single layers.
    * 2 adds patterns and pointwise fusion.
    * 3 adds merging of siblings, and is the default.
    * 4 runs the patterns and what follows them twice, 5 everything.

    Precision comes after all fusion, so that a fused layer is one decision; what its casts
    leave to clean up goes at the very end.

    Raises:
        UsageError: A disabled rule does not exist.
    """
    wide = Horizontal(options.device, options.extents)
    folding = ConstantFolding(options.fold_limit_bytes)
    cleanup = tuple(folding if isinstance(p, ConstantFolding) else p for p in _CLEANUP)
    single = (*_PRODUCTS, *cleanup, *_MOVES, *cleanup)
    by_level: dict[int, tuple[Pass, ...]] = {
        0: cleanup,
        1: (*single, *_WEIGHTS, *_EPILOGUE),
        2: (*single, *_PATTERNS, *_FREED, *_WEIGHTS, *_POINTWISE, *_EPILOGUE),
    }
    full = (*by_level[2], wide)
    by_level[3] = full
    by_level[4] = (*full, *full[len(single) :])
    by_level[5] = (*full, *full)
    typed = (Precision(options), CastMerge(), InputCast(options.device))
    chosen = (*by_level[options.optimization_level], *typed, *cleanup)
    known = {p.name for p in chosen} | {p.name for p in full}
    unknown = sorted(options.disabled_rules - known)
    if unknown:
        raise UsageError(
            f"there is no rule named {', '.join(unknown)}",
            hint="rules: " + ", ".join(sorted(known)),
        )
    return tuple(p for p in chosen if p.name not in options.disabled_rules)


def formulas() -> dict[str, str]:
    """What each rule does in one line, by name: the head of its module's documentation."""
    passes = passes_for(PassOptions(optimization_level=HIGHEST_LEVEL))
    heads = {
        p.name: (sys.modules[type(p).__module__].__doc__ or "").partition("\n")[0]
        for p in passes
    }
    return dict(sorted(heads.items()))


def run(
    network: Network, options: PassOptions, observer: Observer | None = None
) -> tuple[PassRecord, ...]:
    """Rewrite a network in place.

    Args:
        network: A definition that may be changed (the builder clones the user's first).
        options: Level, precision and what is switched off.
        observer: Told before each pass; see `Observer`.

    Returns:
        One record a pass, in order. A rule that runs several times keeps the rejections of its
        last run only: what it declined early may have been done since.

    Raises:
        UsageError: A disabled rule does not exist.
        UnsupportedError: A layer cannot have the precision that it must have.
        CancelledError: The observer said so.
        InternalError: A rule broke the network.
    """
    passes = passes_for(options)
    records: list[PassRecord] = []
    settle_requests(network, options)
    for number, step in enumerate(passes):
        if observer is not None and not observer(step.name, number, len(passes)):
            raise CancelledError(f"optimization was cancelled before {step.name}")
        before = len(network)
        started = time.perf_counter()
        result = step.run(network)
        wall_ms = (time.perf_counter() - started) * 1e3
        if settings().checks:
            verify(network)
        records.append(_record(step.name, result, (before, len(network)), wall_ms))
    return _last_word(records)


def _record(
    name: str, result: PassResult, layers: tuple[int, int], wall_ms: float
) -> PassRecord:
    return PassRecord(name, result.changes, *layers, wall_ms, result.rejections)


def _last_word(records: Iterable[PassRecord]) -> tuple[PassRecord, ...]:
    """Rejections stay with the last run of each rule."""
    listed = list(records)
    last = {record.name: index for index, record in enumerate(listed)}
    return tuple(
        record
        if last[record.name] == index
        else PassRecord(
            record.name,
            record.changes,
            record.layers_before,
            record.layers_after,
            record.wall_ms,
        )
        for index, record in enumerate(listed)
    )

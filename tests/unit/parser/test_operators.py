"""Converted operators compute what ONNX Runtime computes, in every form they come in."""

import numpy as np
import pytest
from onnx import numpy_helper
from onnx_models import check, model, node

from trtlab.core.errors import ParseError, UnsupportedError
from trtlab.core.types import Dim
from trtlab.parser.parse import parse


def normal(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def case(name, nodes, feed, constants=None, *, opset=21, outputs=("y",), shapes=None):
    """One parametrized case; shapes names dimensions that stay unknown while parsing."""
    feed = {n: np.asarray(a) for n, a in feed.items()}
    declared = {
        n: ((shapes or {}).get(n, list(a.shape)), a.dtype.type) for n, a in feed.items()
    }
    made = model(nodes, declared, outputs, constants, opset=opset)
    return pytest.param(made, feed, id=f"{name}-{opset}")


X = normal(2, 4, 6, 6)
ROW = normal(3, 5)
SEQ = normal(5, 2, 3)  # time, batch, features


def i64(*values):
    return np.array(values, dtype=np.int64)


def f32(*values):
    return np.array(values, dtype=np.float32)


def kernel(*shape):
    return {"w": normal(*shape, seed=1), "b": normal(shape[0], seed=2)}


CONVOLUTIONS = [
    case("conv", node("Conv", "x w b"), {"x": X}, kernel(3, 4, 3, 3)),
    case(
        "conv-options",
        node("Conv", "x w", strides=[2, 1], pads=[1, 0, 2, 1], dilations=[1, 2]),
        {"x": X},
        kernel(3, 4, 3, 3),
    ),
    case("conv-groups", node("Conv", "x w b", group=2), {"x": X}, kernel(4, 2, 3, 3)),
    case("conv-1d", node("Conv", "x w"), {"x": X[0]}, {"w": normal(3, 6, 2)}),
    *[
        case(
            f"conv-{mode}",
            node("Conv", "x w", strides=[2, 2], auto_pad=mode),
            {"x": X},
            kernel(3, 4, 3, 2),
        )
        for mode in ("SAME_UPPER", "SAME_LOWER", "VALID")
    ],
    case(
        "conv-unknown-size",
        node("Conv", "x w b", strides=[2, 2], pads=[1, 1, 1, 1]),
        {"x": X},
        kernel(3, 4, 3, 3),
        shapes={"x": ["n", 4, "h", "w"]},
    ),
    case("deconv", node("ConvTranspose", "x w", strides=[2, 2]), {"x": X}, kernel(4, 3, 3, 3)),
    case(
        "deconv-options",
        node(
            "ConvTranspose",
            "x w",
            strides=[3, 2],
            pads=[1, 0, 0, 1],
            output_padding=[1, 1],
            dilations=[1, 2],
            group=2,
        ),
        {"x": X},
        kernel(4, 3, 3, 3),
    ),
    *[
        case(
            f"deconv-shape-{mode}",
            node("ConvTranspose", "x w", strides=[2, 2], output_shape=[12, 11], auto_pad=mode),
            {"x": X},
            kernel(4, 3, 3, 3),
        )
        for mode in ("NOTSET", "SAME_UPPER")
    ],
    case(
        "deconv-larger-shape",
        node("ConvTranspose", "x w", strides=[3, 3], output_shape=[19, 20]),
        {"x": X},
        kernel(4, 2, 3, 3),
    ),
]

POOLINGS = [
    case(
        f"{op}-{'-'.join(map(str, options))}",
        node(op, "x", kernel_shape=[3, 2], **options),
        {"x": X},
        opset=19,
    )
    for op in ("MaxPool", "AveragePool")
    for options in (
        {},
        {"strides": [2, 2], "pads": [1, 0, 1, 1]},
        {"strides": [2, 2], "ceil_mode": 1},
        {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {"dilations": [2, 2]},
    )
] + [
    case(
        "count-padding",
        node("AveragePool", "x", kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1),
        {"x": X},
    ),
    case("global-average", node("GlobalAveragePool", "x"), {"x": X}),
    case("global-max", node("GlobalMaxPool", "x"), {"x": X}),
    case("global-lp", node("GlobalLpPool", "x", p=3), {"x": X}),
    case("lp", node("LpPool", "x", kernel_shape=[2, 2], p=2), {"x": X}),
]

ACTIVATIONS = [
    case(op, node(op, "x", **options), {"x": 3 * normal(4, 5)}, opset=opset)
    for op, options, opset in (
        ("Relu", {}, 6),
        ("Relu", {}, 21),
        ("Sigmoid", {}, 21),
        ("Tanh", {}, 21),
        ("LeakyRelu", {}, 21),
        ("LeakyRelu", {"alpha": 0.3}, 21),
        ("Elu", {"alpha": 0.5}, 21),
        ("Selu", {}, 21),
        ("Celu", {"alpha": 0.7}, 21),
        ("Softplus", {}, 21),
        ("Softsign", {}, 21),
        ("HardSigmoid", {}, 21),
        ("HardSigmoid", {"alpha": 0.1, "beta": 0.6}, 21),
        ("HardSwish", {}, 21),
        ("Mish", {}, 21),
        ("Gelu", {}, 21),
        ("Gelu", {"approximate": "tanh"}, 21),
        ("ThresholdedRelu", {"alpha": 0.4}, 21),
        ("Shrink", {"lambd": 0.6, "bias": 0.2}, 21),
        ("Erf", {}, 21),
        ("Neg", {}, 21),
        ("Round", {}, 21),
        ("Sign", {}, 21),
        ("Reciprocal", {}, 21),
        ("IsNaN", {}, 21),
    )
] + [
    case("relu-int", node("Relu", "x"), {"x": np.array([-2, 0, 3], np.int32)}),
    case("prelu", node("PRelu", "x s"), {"x": X}, {"s": normal(4, 1, 1)}),
    case("clip-6", node("Clip", "x", min=-0.5, max=0.5), {"x": ROW}, opset=6),
    case("clip-low-6", node("Clip", "x", min=-0.5), {"x": ROW}, opset=6),
    case("clip", node("Clip", "x a b"), {"x": ROW}, {"a": f32(-0.5)[0], "b": f32(0.5)[0]}),
    case("clip-high", node("Clip", ["x", "", "b"]), {"x": ROW}, {"b": f32(0.5)[0]}),
    case("clip-none", node("Clip", "x"), {"x": ROW}),
    case(
        "clip-tensors",
        node("Clip", "x a b"),
        {"x": ROW, "a": np.float32(-0.2), "b": np.float32(0.3)},
    ),
    case(
        "clip-int",
        node("Clip", "x a b"),
        {"x": np.arange(6, dtype=np.int64)},
        {"a": np.int64(1), "b": np.int64(4)},
    ),
    *[
        case(
            f"isinf-{positive}-{negative}",
            node("IsInf", "x", detect_positive=positive, detect_negative=negative),
            {"x": f32(1, np.inf, -np.inf, np.nan)},
        )
        for positive, negative in ((1, 1), (1, 0), (0, 1))
    ],
]

POSITIVE = np.abs(normal(3, 4)) + 0.5
INTEGERS = {
    "a": np.array([7, -7, 7, -7, 6], np.int32),
    "b": np.array([3, 3, -3, -3, 2], np.int32),
}
BOOLS = {"a": np.array([True, True, False]), "b": np.array([[True], [False]])}
ARITHMETIC = [
    *[
        case(op, node(op, "a b"), {"a": normal(2, 3, 4), "b": POSITIVE})
        for op in ("Add", "Sub", "Mul", "Div", "Greater", "Less", "Equal", "Max", "Min")
    ],
    *[
        case(op, node(op, "a b"), INTEGERS)
        for op in ("Add", "Div", "Mod", "GreaterOrEqual", "LessOrEqual", "Max")
    ],
    case("fmod-int", node("Mod", "a b", fmod=1), INTEGERS),
    case("fmod", node("Mod", "a b", fmod=1), {"a": 5 * normal(9), "b": 2 * normal(9, seed=3)}),
    *[case(op, node(op, "a b"), BOOLS) for op in ("And", "Or", "Xor", "Equal")],
    case("not", node("Not", "a"), {"a": BOOLS["a"]}),
    case("pow", node("Pow", "a b"), {"a": POSITIVE, "b": normal(4)}),
    case("pow-mixed", node("Pow", "a b"), {"a": POSITIVE, "b": np.array([2], np.int64)}),
    case(
        "pow-int-base",
        node("Pow", "a b"),
        {"a": np.array([1, 2, 3], np.int64), "b": np.array([2.0], np.float32)},
    ),
    case(
        "nan-compared",
        node("GreaterOrEqual", "a b"),
        {"a": f32(np.nan, 1), "b": f32(1, np.nan)},
    ),
    *[
        case(f"{op}-3", node(op, "a b c"), {"a": ROW, "b": ROW[0], "c": ROW + 1})
        for op in ("Sum", "Mean", "Max", "Min")
    ],
    case("mean-1", node("Mean", "a"), {"a": ROW}),
    case("where", node("Where", "c a b"), {"c": ROW > 0, "a": ROW, "b": f32(7)}),
]

A, B = normal(2, 3, 4), normal(2, 4, 5)
LINEAR = [
    case("matmul", node("MatMul", "a b"), {"a": A, "b": B}, opset=13),
    case("matmul-vectors", node("MatMul", "a b"), {"a": A[0, 0], "b": B[0, :, 0]}),
    case("matmul-vector", node("MatMul", "a b"), {"a": A, "b": B[0, :, 0]}),
    case("vector-matmul", node("MatMul", "a b"), {"a": A[0, 0], "b": B}),
    case("gemm", node("Gemm", "a b c"), {"a": A[0]}, {"b": B[0], "c": normal(5)}),
    case("gemm-no-addend", node("Gemm", "a b"), {"a": A[0]}, {"b": B[0]}),
    case(
        "gemm-options",
        node("Gemm", "a b c", alpha=0.5, beta=2.0, transA=1, transB=1),
        {"a": A[0].T.copy()},
        {"b": B[0].T.copy(), "c": normal(1, 5)},
    ),
    case("gemm-column", node("Gemm", "a b c"), {"a": A[0], "c": normal(3, 1)}, {"b": B[0]}),
    case(
        "gemm-scalar", node("Gemm", "a b c", beta=0.5), {"a": A[0], "c": f32(3)}, {"b": B[0]}
    ),
    case(
        "gemm-beta-0", node("Gemm", "a b c", beta=0.0), {"a": A[0], "c": f32(3)}, {"b": B[0]}
    ),
    case("einsum", node("Einsum", "a b", equation=" bij, bjk -> bik "), {"a": A, "b": B}),
    case("einsum-implicit", node("Einsum", "a b", equation="...ij,...jk"), {"a": A, "b": B}),
]

REDUCTIONS = (
    [
        case(
            f"{op}-attribute",
            node(op, "x", axes=[-1, 0], keepdims=keep),
            {"x": POSITIVE},
            opset=opset,
        )
        for op in (
            "ReduceMean",
            "ReduceMax",
            "ReduceMin",
            "ReduceProd",
            "ReduceL1",
            "ReduceL2",
        )
        for keep, opset in ((0, 11), (1, 17))
    ]
    + [
        case(op, node(op, "x a", keepdims=keep), {"x": POSITIVE}, {"a": i64(1)}, opset=18)
        for op in (
            "ReduceMean",
            "ReduceSum",
            "ReduceMax",
            "ReduceLogSum",
            "ReduceLogSumExp",
            "ReduceSumSquare",
            "ReduceL2",
        )
        for keep in (0, 1)
    ]
    + [
        case("all-axes", node("ReduceSum", "x", keepdims=0), {"x": ROW}),
        case(
            "no-axes",
            node("ReduceSum", "x a", noop_with_empty_axes=1),
            {"x": ROW},
            {"a": i64()},
        ),
        case("log-sum-exp-large", node("ReduceLogSumExp", "x"), {"x": 200 * ROW}, opset=18),
        case(
            "sum-square-int", node("ReduceSumSquare", "x"), {"x": np.arange(4, dtype=np.int32)}
        ),
        *[
            case(op, node(op, "x", axis=axis), {"x": X}, opset=opset)
            for op in ("Softmax", "LogSoftmax")
            for axis, opset in ((1, 11), (3, 11), (1, 13), (-1, 13), (None, 9), (None, 13))
        ],
        *[
            case(op, node(op, "x", axis=1, keepdims=keep, select_last_index=last), {"x": ties})
            for op in ("ArgMax", "ArgMin")
            for keep in (0, 1)
            for last in (0, 1)
            for ties in (np.array([[1, 3, 3, 1], [2, 2, 2, 2]], np.float32),)
        ],
        case(
            "topk", node("TopK", "x k", "v i"), {"x": ROW}, {"k": i64(2)}, outputs=("v", "i")
        ),
        case(
            "topk-smallest",
            node("TopK", "x k", "v i", axis=0, largest=0),
            {"x": ROW},
            {"k": i64(3)},
            outputs=("v", "i"),
        ),
        case("topk-9", node("TopK", "x", "v i", k=2), {"x": ROW}, outputs=("v", "i"), opset=9),
        case("cumsum", node("CumSum", "x a"), {"x": ROW}, {"a": np.int64(-1)}),
        case(
            "cumsum-options",
            node("CumSum", "x a", exclusive=1, reverse=1),
            {"x": ROW},
            {"a": np.int64(0)},
        ),
        case("lp-norm", node("LpNormalization", "x", p=1, axis=0), {"x": ROW}),
        case("hardmax", node("Hardmax", "x", axis=0), {"x": ROW}),
    ]
)

CHANNELS = {n: np.abs(normal(4, seed=i)) + 0.1 for i, n in enumerate("sbmv")}
NORMALIZATIONS = [
    case("batch", node("BatchNormalization", "x s b m v"), {"x": X}, CHANNELS, opset=15),
    case(
        "batch-9",
        node("BatchNormalization", "x s b m v", momentum=0.5),
        {"x": X},
        CHANNELS,
        opset=9,
    ),
    case("instance", node("InstanceNormalization", "x s b", epsilon=1e-2), {"x": X}, CHANNELS),
    case("layer", node("LayerNormalization", "x w"), {"x": X}, {"w": normal(6)}),
    case(
        "layer-bias",
        node("LayerNormalization", "x w c", axis=-2, epsilon=1e-3),
        {"x": X},
        {"w": normal(6, 6), "c": normal(6, 6, seed=4)},
        opset=17,
    ),
    *[
        case(
            f"group-{groups}",
            node("GroupNormalization", "x s b", num_groups=groups),
            {"x": X},
            {"s": normal(4), "b": normal(4, seed=3)},
        )
        for groups in (1, 2)
    ],
    case("lrn", node("LRN", "x", size=3, alpha=0.1, beta=0.5, bias=2.0), {"x": X}),
    case("mean-variance", node("MeanVarianceNormalization", "x"), {"x": X}),
]

IMAGE = {"x": X}
DYNAMIC = {"x": ["n", "c", "h", "w"]}
SHUFFLES = [
    case("identity", node("Identity", "x"), IMAGE),
    case("dropout", node("Dropout", "x", "y m"), {"x": ROW}, outputs=("y", "m"), opset=12),
    case(
        "dropout-13",
        node("Dropout", "x r t"),
        {"x": ROW},
        {"r": np.float32(0.5), "t": np.bool_(False)},
    ),
    case("transpose", node("Transpose", "x", perm=[0, 2, 3, 1]), IMAGE),
    case("transpose-default", node("Transpose", "x"), IMAGE),
    case("reshape", node("Reshape", "x s"), IMAGE, {"s": i64(0, -1, 9)}, shapes=DYNAMIC),
    case(
        "reshape-zero",
        node("Reshape", "x s", allowzero=1),
        {"x": normal(0, 3)},
        {"s": i64(3, 0)},
    ),
    case("reshape-given", node("Reshape", "x s"), {"x": ROW, "s": i64(5, -1)}),
    *[
        case(f"flatten-{axis}", node("Flatten", "x", axis=axis), IMAGE, shapes=shapes)
        for axis in (0, 1, 2, 4, -1)
        for shapes in (None, DYNAMIC)
    ],
    case("squeeze-11", node("Squeeze", "x", axes=[1]), {"x": normal(2, 1, 3)}, opset=11),
    case("squeeze", node("Squeeze", "x a"), {"x": normal(2, 1, 3)}, {"a": i64(-2)}),
    case("squeeze-all", node("Squeeze", "x"), {"x": normal(1, 2, 1, 3)}),
    case("unsqueeze-11", node("Unsqueeze", "x", axes=[0, 3]), {"x": ROW}, opset=11),
    case("unsqueeze", node("Unsqueeze", "x a"), {"x": ROW}, {"a": i64(-1, 0)}),
    case("concat", node("Concat", "a b", axis=-1), {"a": ROW, "b": ROW[:, :2]}),
    case("expand", node("Expand", "x s"), {"x": ROW}, {"s": i64(2, 1, 5)}),
    case("expand-given", node("Expand", "x s"), {"x": ROW[:1], "s": i64(2, 4, 1)}),
    case("tile", node("Tile", "x r"), {"x": ROW}, {"r": i64(2, 3)}),
    case(
        "tile-unknown",
        node("Tile", "x r"),
        {"x": ROW},
        {"r": i64(2, 3)},
        shapes={"x": ["n", "m"]},
    ),
    case(
        "tile-ones",
        node("Tile", "x r"),
        {"x": ROW[:1]},
        {"r": i64(4, 1)},
        shapes={"x": [1, "m"]},
    ),
    case("tile-given", node("Tile", "x r"), {"x": ROW, "r": i64(1, 2)}),
    *[
        case(
            f"{op}-{mode}-{'unknown' if shapes else 'known'}",
            node(op, "x", blocksize=2, mode=mode),
            IMAGE,
            shapes=shapes,
        )
        for op, mode in (
            ("DepthToSpace", "DCR"),
            ("DepthToSpace", "CRD"),
            ("SpaceToDepth", None),
        )
        for shapes in (
            None,
            {"x": ["n", 4, *(("h", "w") if op == "DepthToSpace" else (6, 6))]},
        )
    ],
    case(
        "reverse-sequence",
        node("ReverseSequence", "x n", batch_axis=1, time_axis=0),
        {"x": ROW, "n": i64(3, 1, 2, 1, 3)},
    ),
]


def sliced(starts, ends, axes=None, steps=None):
    given = {"s": i64(*starts), "e": i64(*ends)}
    names = ["x", "s", "e"]
    for name, entries in (("a", axes), ("t", steps)):
        if entries is not None:
            given[name] = i64(*entries)
            names.append(name)
        elif name == "a" and steps is not None:
            names.append("")
    return names, given


SLICE_BOUNDS = [
    ((1,), (3,), (2,), None),
    ((0, -3), (100, -1), (1, 3), None),
    ((-1,), (-(1 << 60),), (0,), (-1,)),
    ((1, 0, 0, 5), (2, 4, 6, 0), None, (1, 2, 3, -2)),
    ((4,), (1 << 62,), (-1,), (2,)),
    ((5,), (2,), (2,), None),
]
SLICES = [
    *[
        case(
            f"slice-{number}{'-unknown' if shapes else ''}",
            node("Slice", sliced(*bounds)[0]),
            IMAGE,
            sliced(*bounds)[1],
            shapes=shapes,
        )
        for number, bounds in enumerate(SLICE_BOUNDS)
        for shapes in (None, DYNAMIC)
    ],
    case(
        "slice-9", node("Slice", "x", starts=[1, 0], ends=[9, -1], axes=[1, 2]), IMAGE, opset=9
    ),
    *[
        case(
            f"slice-given-{number}",
            node("Slice", "x s e a t"),
            {"x": X, "s": i64(*starts), "e": i64(*ends)},
            {"a": i64(2, 3), "t": i64(1, 2)},
            shapes=shapes,
        )
        for number, (starts, ends) in enumerate([((1, 0), (3, 6)), ((-4, 9), (99, 2))])
        for shapes in (None, DYNAMIC)
    ],
    *[
        case(
            f"slice-to-the-end-{number}",
            node("Slice", "x s e a"),
            {"x": X, "s": i64(*starts)},
            {"e": i64(*ends), "a": i64(2, 3)},
            shapes=DYNAMIC,
        )
        for number, (starts, ends) in enumerate(
            [((1, 2), (1 << 62, 4)), ((-2, 3), (2**31 - 1, 10**9))]
        )
    ],
    case("split", node("Split", "x", "a b", axis=2), IMAGE, outputs=("a", "b"), opset=11),
    case(
        "split-sizes",
        node("Split", "x s", "a b c", axis=-1),
        IMAGE,
        {"s": i64(1, 3, 2)},
        outputs=("a", "b", "c"),
        shapes={"x": ["n", 4, 6, 6]},
    ),
    case(
        "split-uneven",
        node("Split", "x", "a b", axis=1, num_outputs=2),
        {"x": ROW},
        outputs=("a", "b"),
    ),
    *[
        case(
            f"pad-{mode}",
            node("Pad", "x p", mode=mode),
            {"x": ROW},
            {"p": i64(1, 2, 1, 0)},
            opset=19,
        )
        for mode in ("constant", "reflect", "edge", "wrap")
    ],
    case(
        "pad-value",
        node("Pad", "x p v"),
        {"x": ROW},
        {"p": i64(1, -2, 0, 3), "v": np.float32(5)},
    ),
    case(
        "pad-axes",
        node("Pad", ["x", "p", "", "a"]),
        IMAGE,
        {"p": i64(1, 2), "a": i64(-1)},
        shapes=DYNAMIC,
    ),
    case("pad-2", node("Pad", "x", pads=[1, 0, 0, 2], value=3.0), {"x": ROW}, opset=10),
    case("pad-given", node("Pad", "x p"), {"x": ROW, "p": i64(1, 0, 0, 2)}),
]

RESIZES = [
    case(
        f"resize-{mode}-{coordinates}-{rounding}",
        node(
            "Resize",
            ["x", "", "s"],
            mode=mode,
            coordinate_transformation_mode=coordinates,
            nearest_mode=rounding,
        ),
        IMAGE,
        {"s": f32(1, 1, 2, 1.5)},
        opset=19,
        shapes=shapes,
    )
    for mode, rounding in (
        ("nearest", "floor"),
        ("nearest", "round_prefer_floor"),
        ("linear", None),
        ("cubic", None),
    )
    for coordinates in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
    for shapes in (None, {"x": ["n", 4, "h", "w"]})
] + [
    case(
        "resize-sizes",
        node("Resize", ["x", "", "", "s"], mode="linear"),
        IMAGE,
        {"s": i64(2, 4, 9, 3)},
    ),
    case(
        "resize-axes",
        node("Resize", ["x", "", "", "s"], mode="linear", axes=[3, 2]),
        IMAGE,
        {"s": i64(9, 3)},
        shapes={"x": ["n", 4, "h", "w"]},
        opset=19,
    ),
    case(
        "resize-10",
        node("Resize", "x s", mode="nearest"),
        IMAGE,
        {"s": f32(1, 1, 2, 2)},
        opset=10,
    ),
    case(
        "upsample-9",
        node("Upsample", "x s", mode="linear"),
        IMAGE,
        {"s": f32(1, 1, 2, 2)},
        opset=9,
    ),
    case("upsample-7", node("Upsample", "x", scales=[1.0, 1.0, 2.0, 3.0]), IMAGE, opset=7),
]

TABLE = normal(6, 4)
GATHERS = [
    case("gather", node("Gather", "x i"), {"x": TABLE, "i": i64(0, -1, 5)}),
    case("gather-scalar", node("Gather", "x i", axis=1), {"x": TABLE}, {"i": np.int64(2)}),
    case(
        "gather-elements",
        node("GatherElements", "x i", axis=1),
        {"x": TABLE, "i": np.array([[0, 3], [-1, 2]], np.int64)},
    ),
    case(
        "gather-nd",
        node("GatherND", "x i", batch_dims=1),
        {"x": A, "i": np.array([[[0]], [[2]]], np.int64)},
    ),
    case(
        "scatter-elements",
        node("ScatterElements", "x i u", axis=1),
        {"x": TABLE, "i": np.array([[1, 3], [0, 2]], np.int64), "u": normal(2, 2)},
    ),
    case(
        "scatter-9",
        node("Scatter", "x i u"),
        {"x": TABLE, "i": np.array([[1, 3]], np.int64), "u": normal(1, 2)},
        opset=9,
    ),
    case(
        "scatter-nd",
        node("ScatterND", "x i u"),
        {"x": TABLE, "i": np.array([[1], [4]], np.int64), "u": normal(2, 4)},
    ),
    case(
        "one-hot",
        node("OneHot", "i d v", axis=1),
        {"i": np.array([[0, 2], [-1, 9]], np.int64)},
        {"d": i64(3), "v": f32(-1, 4)},
    ),
    case(
        "one-hot-given",
        node("OneHot", "i d v"),
        {"i": i64(0, 2), "d": np.int64(4)},
        {"v": f32(0, 1)},
    ),
    case("non-zero", node("NonZero", "x"), {"x": np.array([[0, 2], [3, 0]], np.float32)}),
    case(
        "compress",
        node("Compress", "x c", axis=0),
        {"x": ROW, "c": np.array([True, False, True])},
    ),
    case(
        "compress-flat",
        node("Compress", "x c"),
        {"x": ROW, "c": np.array([False, True, True])},
    ),
]

CREATIONS = [
    *[
        case(f"constant-{next(iter(given))}", node("Constant", [], **given), {}, opset=13)
        for given in (
            {"value": numpy_helper.from_array(ROW)},
            {"value_float": 1.5},
            {"value_floats": [1.5, 2.5]},
            {"value_int": 3},
            {"value_ints": [3, 4]},
        )
    ],
    case("constant-of-shape", node("ConstantOfShape", "s"), {}, {"s": i64(2, 3)}),
    case(
        "constant-of-shape-given",
        node("ConstantOfShape", "s", value=numpy_helper.from_array(i64(7))),
        {"s": i64(2, 3)},
    ),
    case("shape", node("Shape", "x", start=1, end=-1), IMAGE, shapes=DYNAMIC),
    case("size", node("Size", "x"), IMAGE, shapes=DYNAMIC),
    case(
        "range",
        node("Range", "a b c"),
        {},
        {"a": np.int64(9), "b": np.int64(1), "c": np.int64(-3)},
    ),
    *[
        case(
            f"range-given-{t.__name__}-{d}",
            node("Range", "a b c"),
            {"a": t(a), "b": t(b), "c": t(d)},
        )
        for t in (np.int64, np.float32)
        for a, b, d in ((1, 10, 2), (9, 0, -3), (5, 1, 1))
    ],
    case("eye", node("EyeLike", "x", k=1, dtype=7), {"x": ROW}),
    *[
        case(
            f"trilu-{upper}-{k}{'-unknown' if shapes else ''}",
            node("Trilu", "x k", upper=upper),
            {"x": normal(2, 4, 5)},
            {"k": np.int64(k)},
            shapes=shapes,
        )
        for upper in (0, 1)
        for k in (-1, 0, 2)
        for shapes in (None, {"x": ["n", "h", "w"]})
    ],
    case("cast", node("Cast", "x", to=7), {"x": 3 * ROW}),
    case("cast-bool", node("Cast", "x", to=9), {"x": f32(0, 0.3, -1)}),
    case("cast-like", node("CastLike", "x l"), {"x": ROW, "l": np.zeros(1, np.float16)}),
]


def recurrent(op, gates, direction, **options):
    directions = 2 if direction == "bidirectional" else 1
    weights = {
        "w": normal(directions, gates * 4, 3, seed=1),
        "r": normal(directions, gates * 4, 4, seed=2),
        "b": normal(directions, 2 * gates * 4, seed=3),
    }
    outputs = ("y", "h", "c") if op == "LSTM" else ("y", "h")
    made = node(
        op, "x w r b", " ".join(outputs), hidden_size=4, direction=direction, **options
    )
    return case(f"{op}-{direction}", made, {"x": SEQ}, weights, outputs=outputs)


RECURRENT = [
    recurrent(op, gates, direction, **options)
    for op, gates, options in (
        ("LSTM", 4, {}),
        ("GRU", 3, {}),
        ("GRU", 3, {"linear_before_reset": 1}),
        ("RNN", 1, {}),
    )
    for direction in ("forward", "reverse", "bidirectional")
] + [
    case(
        "lstm-everything",
        node("LSTM", "x w r b n h0 c0 p", "y h c", hidden_size=4),
        {
            "x": SEQ,
            "n": np.array([5, 2], np.int32),
            "h0": normal(1, 2, 4),
            "c0": normal(1, 2, 4),
        },
        {"w": normal(1, 16, 3), "r": normal(1, 16, 4), "b": normal(1, 32), "p": normal(1, 12)},
        outputs=("y", "h", "c"),
    ),
    case(
        "rnn-relu",
        node("RNN", "x w r", "y h", hidden_size=4, activations=["Relu"]),
        {"x": SEQ},
        {"w": normal(1, 4, 3), "r": normal(1, 4, 4)},
        outputs=("y", "h"),
    ),
]

HEADS = {
    "q": normal(2, 4, 5, 8),
    "k": normal(2, 4, 6, 8, seed=1),
    "v": normal(2, 4, 6, 8, seed=2),
}
PACKED = {n: a.transpose(0, 2, 1, 3).reshape(2, a.shape[2], 32) for n, a in HEADS.items()}
ATTENTION = [
    case("attention", node("Attention", "q k v"), HEADS, opset=23),
    case("attention-scale", node("Attention", "q k v", scale=0.2), HEADS, opset=23),
    case(
        "attention-mask",
        node("Attention", "q k v m"),
        {**HEADS, "m": normal(5, 6)},
        opset=23,
    ),
    case(
        "attention-causal",
        node("Attention", "q q q", is_causal=1),
        {"q": HEADS["q"]},
        opset=23,
    ),
    case(
        "attention-packed",
        node("Attention", "q k v", q_num_heads=4, kv_num_heads=4),
        PACKED,
        opset=23,
        shapes={"q": ["n", "s", 32], "k": ["n", "t", 32], "v": ["n", "t", 32]},
    ),
    case(
        "attention-past",
        node("Attention", ["q", "k", "v", "", "pk", "pv"], "y nk nv"),
        {**HEADS, "pk": normal(2, 4, 3, 8), "pv": normal(2, 4, 3, 8)},
        outputs=("y", "nk", "nv"),
        opset=23,
    ),
]

CASES = [
    *CONVOLUTIONS,
    *POOLINGS,
    *ACTIVATIONS,
    *ARITHMETIC,
    *LINEAR,
    *REDUCTIONS,
    *NORMALIZATIONS,
    *SHUFFLES,
    *SLICES,
    *RESIZES,
    *GATHERS,
    *CREATIONS,
    *RECURRENT,
    *ATTENTION,
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check(made, feed, tolerance=1e-5)


def refusal(name, nodes, shapes, text, constants=None, *, opset=21, error=UnsupportedError):
    made = model(nodes, shapes, ("y",), constants, opset=opset)
    return pytest.param(made, text, error, id=f"{name}-{opset}")


IMG, VEC = {"x": [1, 4, 6, 6]}, {"x": [3]}
REFUSALS = [
    refusal(
        "negative-pads",
        node("Conv", "x w", pads=[-1, 0, 0, 0]),
        {**IMG, "w": [2, 4, 3, 3]},
        "negative padding",
    ),
    refusal(
        "pads-length",
        node("Conv", "x w", pads=[1, 1]),
        {**IMG, "w": [2, 4, 3, 3]},
        r"pads \[1, 1\] need 4 entries",
        error=ParseError,
    ),
    refusal(
        "auto-pad",
        node("Conv", "x w", auto_pad="SAME"),
        {**IMG, "w": [2, 4, 3, 3]},
        "auto_pad 'SAME' does not exist",
        error=ParseError,
    ),
    refusal(
        "channels",
        node("Conv", "x w"),
        {**IMG, "w": [2, 3, 3, 3]},
        "input channels",
        error=ParseError,
    ),
    refusal(
        "kernel-shape", node("MaxPool", "x"), IMG, "kernel_shape is missing", error=ParseError
    ),
    refusal(
        "training",
        node("BatchNormalization", "x s s s s", training_mode=1),
        {**IMG, "s": [4]},
        "in training mode",
    ),
    refusal(
        "statistics-given",
        node("BatchNormalization", "x s s s s"),
        {**IMG, "s": [4]},
        r"its scale \(s\) must be constant",
    ),
    refusal("axes-given", node("ReduceSum", "x a"), {**VEC, "a": ([1], np.int64)}, "axes"),
    refusal(
        "scatter-add",
        node("ScatterND", "x i u", reduction="add"),
        {**VEC, "i": ([1, 1], np.int64), "u": [1]},
        "reduction 'add'",
    ),
    refusal(
        "lstm-activations",
        node("LSTM", "x w r", hidden_size=4, activations=["Relu", "Tanh", "Tanh"]),
        {"x": [5, 2, 3], "w": [1, 16, 3], "r": [1, 16, 4]},
        "activations relu, tanh, tanh; supported are sigmoid, tanh, tanh",
    ),
    refusal(
        "lstm-clip",
        node("LSTM", "x w r", hidden_size=4, clip=1.0),
        {"x": [5, 2, 3], "w": [1, 16, 3], "r": [1, 16, 4]},
        "attribute clip",
    ),
    refusal(
        "resize-crop",
        node("Resize", "x _ s", coordinate_transformation_mode="tf_crop_and_resize"),
        IMG,
        "coordinate_transformation_mode 'tf_crop_and_resize'; supported are align_corners",
        {"s": f32(1, 1, 2, 2)},
    ),
    refusal(
        "resize-antialias",
        node("Resize", "x _ s", antialias=1, mode="linear"),
        IMG,
        "antialias",
        {"s": f32(1, 1, 2, 2)},
    ),
    refusal(
        "resize-nothing", node("Resize", "x"), IMG, "needs scales or sizes", error=ParseError
    ),
    refusal("squeeze-unknown", node("Squeeze", "x"), {"x": ["n", 1]}, "whether n is 1"),
    refusal(
        "split-unknown", node("Split", "x", "y z"), {"x": ["n"]}, "equal parts of an axis"
    ),
    refusal(
        "split-sum",
        node("Split", "x s", "y z"),
        VEC,
        r"parts \[1, 1\] do not add up to 3",
        {"s": i64(1, 1)},
        error=ParseError,
    ),
    refusal(
        "slice-step",
        node("Slice", "x s s _ t"),
        VEC,
        "a step is 0",
        {"s": i64(1), "t": i64(0)},
        error=ParseError,
    ),
    refusal(
        "slice-backwards-given",
        node("Slice", "x s s _ t"),
        {**VEC, "s": ([1], np.int64)},
        "a negative step",
        {"t": i64(-1)},
    ),
    refusal(
        "range-delta",
        node("Range", "a a b"),
        {},
        "with delta 0",
        {"a": np.int64(0), "b": np.int64(0)},
        error=ParseError,
    ),
    refusal(
        "constant-text",
        node("Constant", [], value_string="x"),
        {},
        "a constant from value_string",
    ),
    refusal("no-constant", node("Constant", []), {}, "a constant from no value"),
    refusal(
        "reshape",
        node("Reshape", "x s"),
        VEC,
        "does not reshape",
        {"s": i64(2, 2)},
        error=ParseError,
    ),
    refusal("where-float", node("Where", "x x x"), VEC, "its condition is fp32, not bool"),
    refusal("cast-text", node("Cast", "x", to=8), VEC, "element type STRING"),
    refusal("fp8-wraps", node("Cast", "x", to=17, saturate=0), VEC, "saturate"),
    refusal(
        "flatten", node("Flatten", "x", axis=3), VEC, "axis 3 is outside", error=ParseError
    ),
    refusal(
        "softcap",
        node("Attention", "q q q", softcap=1.0),
        {"q": [1, 2, 3, 4]},
        "softcap",
        opset=23,
    ),
    refusal(
        "attention-rank",
        node("Attention", "q q q"),
        {"q": [3, 4]},
        r"have \[2\] dimensions, not 3 or 4",
        opset=23,
        error=ParseError,
    ),
]


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    with pytest.raises(error, match=text) as caught:
        parse(made)
    assert caught.value.problems[0].node == 0
    assert caught.value.problems[0].op_type == made.graph.node[0].op_type


def test_batch_normalization_becomes_one_scale_of_channels():
    made = model(node("BatchNormalization", "x s b m v"), {"x": [2, 4, 6, 6]}, ["y"], CHANNELS)
    (layer,) = parse(made).network.layers
    assert layer.op.kind == "SCALE"
    expected = CHANNELS["s"] / np.sqrt(CHANNELS["v"].astype(np.float64) + 1e-5)
    assert np.allclose(layer.inputs[2].data, expected, rtol=1e-6)


def test_softmax_before_opset_13_spans_all_later_axes():
    old = parse(model(node("Softmax", "x"), {"x": [2, 3, 4]}, opset=12)).network
    new = parse(model(node("Softmax", "x"), {"x": [2, 3, 4]}, opset=13)).network
    assert (old.layers[0].op.axes, new.layers[0].op.axes) == ((1, 2), (2,))


def test_a_mask_cut_from_a_larger_buffer_takes_the_models_dimension():
    made = model(
        [
            node("Shape", "x", "s", start=1, end=2),
            node("Slice", "m zero s axis", "part"),
            node("Add", "x part", "y"),
        ],
        {"x": ["batch", "length"]},
        constants={"m": normal(1, 64), "zero": i64(0), "axis": i64(1)},
    )
    network = check(made, {"x": normal(2, 9)})
    assert network.find_tensor("part").shape == (1, Dim("length"))
    assert network.outputs[0].shape == (Dim("batch"), Dim("length"))


@pytest.mark.parametrize("start", [i64(2), None])
def test_a_slice_to_the_end_has_no_large_numbers_in_its_dimension(start):
    nodes = [node("Slice", "x s e a", "y")]
    constants = {"e": i64(2**63 - 1), "a": i64(1)}
    if start is None:  # from a length that only the shape tells
        nodes.insert(0, node("Shape", "z", "s", start=0, end=1))
    else:
        constants["s"] = start
    made = model(nodes, {"x": ["n", "m"], "z": ["k"]}, constants=constants)
    network = check(made, {"x": normal(2, 9), "z": normal(2)})
    extent = str(network.outputs[0].shape[1])
    assert "m" in extent
    assert not any(digit in extent for digit in "13456789")


def test_scales_computed_from_constants_are_found():
    made = model(
        [
            node("Concat", "a b", "s", axis=0),
            node("Mul", "s half", "t"),
            node("Resize", "x _ t"),
        ],
        {"x": [1, 1, 4, 4]},
        constants={"a": f32(2, 2), "b": f32(4, 4), "half": f32(0.5)},
    )
    check(made, {"x": normal(1, 1, 4, 4)})

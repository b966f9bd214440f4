"""Cases whose extents fill vectors and tiles: what the fast paths of GPU kernels need.

The shared cases have odd extents on purpose; these reach copies of 16 bytes, tensor cores, split
sums and library kernels.
"""

from cuda_cases_attention import ATTENTION_CASES
from cuda_cases_border import BORDER_CASES
from kernel_cases import CASES
from kernel_conformance import Case, Spec

from trtlab.core.enums import MatrixOperation, PoolingType
from trtlab.core.types import DataType
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.fused import Attention, Reformat
from trtlab.layers.linear import MatrixMultiply
from trtlab.layers.normalization import Normalization
from trtlab.layers.pointwise import Pointwise, Step
from trtlab.layers.pooling import Pooling
from trtlab.layers.reduction import Reduce, SoftMax
from trtlab.layers.shuffle import Shuffle

HWC = (Spec((), hwc=True),)
RESIDUAL = (Step("add", (0, 1)), Step("relu", (2,)))
GENERAL = (Step("add", (0, 1)), Step("gelu_erf", (2,)))
LOOSE = {"rtol": 2e-5, "atol": 2e-4}


def _convolutions():
    three = {"kernel_size_nd": (3, 3), "pre_padding": (1, 1), "post_padding": (1, 1)}
    two = three | {"stride_nd": (2, 2)}
    kinds = {
        "three": ((2, 64, 14, 18), (128, 64, 3, 3), three),
        "three-strided": ((2, 64, 15, 17), (64, 64, 3, 3), two),
        "point": ((3, 64, 7, 9), (256, 64, 1, 1), {"kernel_size_nd": (1, 1)}),
        "point-strided": (
            (3, 128, 9, 9), (64, 128, 1, 1), {"kernel_size_nd": (1, 1), "stride_nd": (2, 2)},
        ),
        "deep": ((1, 512, 7, 7), (64, 512, 3, 3), three),
        "apart": ((1, 32, 15, 17), (64, 32, 3, 3), three | {"dilation_nd": (2, 2)}),
        "groups": ((2, 64, 9, 11), (96, 16, 3, 3), three | {"num_groups": 4}),
        "askew": (
            (3, 64, 15, 22), (72, 64, 2, 3),
            {"kernel_size_nd": (2, 3), "stride_nd": (1, 2), "dilation_nd": (3, 1),
             "pre_padding": (1, 0), "post_padding": (0, 2)},
        ),
        "depthwise": ((2, 64, 9, 11), (64, 1, 3, 3), three | {"num_groups": 64}),
        "depthwise-strided": ((2, 96, 15, 16), (96, 1, 3, 3), two | {"num_groups": 96}),
        "stem": (
            (2, 3, 30, 34), (64, 3, 7, 7),
            {"kernel_size_nd": (7, 7), "stride_nd": (2, 2),
             "pre_padding": (3, 3), "post_padding": (3, 3)},
        ),
        "stem-dense": ((2, 3, 13, 15), (32, 3, 3, 3), three),
        "stem-one": ((2, 1, 13, 15), (32, 1, 3, 3), two),
        "patches": ((2, 3, 32, 48), (64, 3, 16, 16), {"kernel_size_nd": (16, 16), "stride_nd": (16, 16)}),
    }  # fmt: skip
    for name, (shape, kernel, options) in kinds.items():
        for hwc in (False, True):
            inputs = (
                Spec(shape, hwc=hwc),
                Spec(kernel, constant=True, low=-0.5, high=0.5),
                Spec((kernel[0],), constant=True),
            )
            tail = "-hwc" if hwc else ""
            yield Case(
                f"full-{name}{tail}",
                Convolution(**options),
                inputs,
                (Spec((), hwc=hwc),),
                **LOOSE,
            )
    x = Spec((2, 64, 7, 9), hwc=True)
    weights = Spec((96, 64, 3, 3), constant=True, low=-0.3, high=0.3)
    bias, same = Spec((96,), constant=True), Spec((2, 96, 7, 9), hwc=True)
    programs = {
        "relu": ((Step("relu", (0,)),), ()),
        "clip": ((Step("clip", (0,), (0.0, 6.0)),), ()),
        "swish": ((Step("swish", (0,)),), ()),
        "residual": (RESIDUAL, (same,)),
        "general": (GENERAL, (same,)),
    }
    for name, (program, extra) in programs.items():
        op = Convolution(**three, epilogue=program)
        yield Case(f"full-{name}", op, (x, weights, bias, *extra), HWC, **LOOSE)
    deep = (
        Spec((1, 512, 7, 7), hwc=True),
        Spec((72, 512, 3, 3), constant=True, low=-0.1, high=0.1),
    )
    image = Spec((1, 72, 7, 7), hwc=True)
    op = Convolution(**three, epilogue=RESIDUAL)
    yield Case("full-deep-sum", op, (*deep, Spec((72,), constant=True), image), HWC, **LOOSE)
    slot = Spec((2, 96, 7, 9), hwc=True, strides=(63 * 160, 1, 9 * 160, 160))
    yield Case("full-slot", Convolution(**three), (x, weights, bias), (slot,), **LOOSE)
    part = Spec((2, 64, 7, 9), hwc=True, strides=(63 * 160, 1, 9 * 160, 160))
    yield Case("full-part", Convolution(**three), (part, weights, bias), HWC, **LOOSE)
    yield from _thin()
    up = {"kernel_size_nd": (2, 2), "stride_nd": (2, 2)}
    yield Case(
        "full-up", Deconvolution(**up),
        (Spec((2, 32, 5, 7), hwc=True), Spec((32, 64, 2, 2), constant=True)), HWC, **LOOSE,
    )  # fmt: skip


def _thin():
    """Few channels to many and back: rows that end within a part, steps that end within a row."""
    one = {"kernel_size_nd": (1, 1)}
    for channels, maps in ((24, 144), (136, 24), (16, 16)):
        x = Spec((3, channels, 9, 11), hwc=True)
        weights = Spec((maps, channels, 1, 1), constant=True, low=-0.3, high=0.3)
        bias, same = Spec((maps,), constant=True), Spec((3, maps, 9, 11), hwc=True)
        strides = (99 * 160, 1, 11 * 160, 160)
        slot = Spec((3, maps, 9, 11), hwc=True, strides=strides)
        given, name = (x, weights, bias), f"full-thin-{channels}-{maps}"
        yield Case(name, Convolution(**one), given, HWC, **LOOSE)
        op = Convolution(**one, epilogue=RESIDUAL)
        yield Case(f"{name}-sum", op, (*given, same), HWC, **LOOSE)
        yield Case(f"{name}-slot", Convolution(**one), given, (slot,), **LOOSE)


def _products():
    small = {"low": -0.5, "high": 0.5}
    a, b = Spec((2, 48, 128), **small), Spec((128, 192), constant=True, **small)
    bias, same = Spec((192,), constant=True), Spec((2, 48, 192))
    turned = MatrixOperation.TRANSPOSE
    yield Case("full-bias", MatrixMultiply(), (a, b, bias), **LOOSE)
    for name, program, extra in (
        ("relu", (Step("relu", (0,)),), ()),
        ("sum", (Step("add", (0, 1)),), (same,)),
        ("sum-turned", (Step("add", (1, 0)),), (same,)),
        ("general", GENERAL, (same,)),
        ("gelu", (Step("gelu_erf", (0,)),), ()),
    ):
        op = MatrixMultiply(epilogue=program)
        yield Case(f"full-{name}", op, (a, b, bias, *extra), **LOOSE)
        yield Case(f"full-{name}-bare", op, (a, b, None, *extra), **LOOSE)
    row = Spec((1, 48, 1), constant=True)
    yield Case("full-row-bias", MatrixMultiply(alpha=0.5), (a, b, row), **LOOSE)
    long = (Spec((32, 4096), **small), Spec((4096, 64), constant=True, **small))
    yield Case("full-long", MatrixMultiply(), long, rtol=2e-5, atol=2e-3)
    for rows, depth in ((49, 576), (1, 520)):  # no multiple of the parts that blocks share
        parts = (Spec((rows, depth), **small), Spec((depth, 384), constant=True, **small))
        yield Case(f"full-parts-{depth}", MatrixMultiply(), parts, rtol=2e-5, atol=2e-3)
        op = MatrixMultiply(epilogue=RESIDUAL)
        extra = Spec((384,), constant=True), Spec((rows, 384))
        yield Case(f"full-parts-sum-{depth}", op, (*parts, *extra), rtol=2e-5, atol=2e-3)
    tall, wide = Spec((3400, 456), **small), Spec((456, 1288), constant=True, **small)
    row, image = Spec((1288,), constant=True), Spec((3400, 1288))
    for name, program, extra in (
        ("gelu", (Step("gelu_erf", (0,)),), ()),
        ("sum", RESIDUAL, (image,)),
        ("scaled", (Step("mul", (0, 1)),), (row,)),
    ):
        op = MatrixMultiply(epilogue=program)
        operands = (tall, wide, row, *extra)
        yield Case(f"full-tiles-{name}", op, operands, rtol=2e-5, atol=1e-3)
    for left in (MatrixOperation.NONE, turned):
        for right in (MatrixOperation.NONE, turned):
            x = Spec((2, 3, 64, 40) if left is turned else (2, 3, 40, 64), **small)
            y = Spec((2, 3, 72, 64) if right is turned else (2, 3, 64, 72), **small)
            op = MatrixMultiply(left, right, alpha=0.25)
            yield Case(f"full-{left.value}-{right.value}", op, (x, y), **LOOSE)
    heads = Spec((2, 3, 40, 64), strides=(40 * 576, 64, 576, 1), **small)
    yield Case("full-heads", MatrixMultiply(op1=turned), (heads, heads), **LOOSE)
    yield Case(
        "full-one",
        MatrixMultiply(),
        (Spec((1, 512), **small), Spec((512, 1000), constant=True, **small)),
        **LOOSE,
    )


def _attentions():
    def packed(queries: int, width: int) -> Spec:
        pitch = 3 * 3 * width
        return Spec((2, 3, queries, width), strides=(queries * pitch, width, pitch, 1))

    joined = (Spec((), strides=(130 * 192, 64, 192, 1)),)
    q = packed(130, 64)
    loose = {"rtol": 2e-5, "atol": 2e-5}
    for name, op, mask in (
        ("plain", Attention(0.125), None),
        ("causal", Attention(0.125, causal=True), None),
        ("mask", Attention(0.125), Spec((2, 1, 1, 130))),
        ("seen", Attention(0.125), Spec((2, 1, 130, 130), DataType.BOOL)),
    ):
        inputs = (q, q, q) if mask is None else (q, q, q, mask)
        yield Case(f"full-{name}", op, inputs, joined, **loose)
    for name, queries, width, op, mask in (
        ("long", 197, 64, Attention(0.125), None),
        ("long-mask", 197, 64, Attention(0.125), Spec((2, 1, 1, 197))),
        ("long-causal", 197, 64, Attention(0.125, causal=True), None),
        ("scores", 200, 32, Attention(0.2), Spec((2, 3, 200, 200))),
        ("head-mask", 64, 128, Attention(0.1), Spec((3, 1, 64))),
        ("causal-mask", 96, 32, Attention(0.2, causal=True), Spec((96, 96))),
        ("seen-keys", 128, 64, Attention(0.125), Spec((1, 1, 1, 128), DataType.BOOL)),
        ("negative", 80, 64, Attention(-0.125), None),
    ):
        x = packed(queries, width)
        inputs = (x, x, x) if mask is None else (x, x, x, mask)
        pitch = 3 * width
        out = Spec((), strides=(queries * pitch, width, pitch, 1))
        yield Case(f"full-packed-{name}", op, inputs, (out,), **loose)
    for width in (16, 80, 128):
        x = Spec((1, 2, 70, width))
        yield Case(f"full-width-{width}", Attention(0.1), (x, x, x), **loose)
    few = (Spec((2, 4, 33, 64)), Spec((2, 2, 190, 64)), Spec((2, 2, 190, 32)))
    yield Case("full-shared", Attention(0.125), few, **loose)


def _others():
    for kind in (PoolingType.MAX, PoolingType.AVERAGE):
        for size, stride, pad in ((3, 2, 1), (2, 2, 0), (7, 7, 0)):
            for excludes in (True, False):
                op = Pooling(
                    kind, (size, size), (stride, stride), (pad, pad), (pad, pad),
                    average_count_excludes_padding=excludes,
                )  # fmt: skip
                x = Spec((2, 48, 14, 21), hwc=True)
                yield Case(f"full-{kind.value}-{size}-{excludes}", op, (x,), HWC, **LOOSE)
    row = Spec((768,), constant=True, low=0.5)
    for shape in ((3, 5, 768), (2, 3, 4096)):
        w = Spec((shape[-1],), constant=True, low=0.5)
        yield Case(
            f"full-layer-{shape[-1]}", Normalization((2,)), (Spec(shape), w, w), **LOOSE
        )
        yield Case(
            f"full-rms-{shape[-1]}",
            Normalization((2,), rms=True),
            (Spec(shape), w, None),
            **LOOSE,
        )
        yield Case(f"full-softmax-{shape[-1]}", SoftMax((2,)), (Spec(shape),), **LOOSE)
    image = Spec((2, 64, 7, 7), hwc=True)
    yield Case("full-mean", Reduce(axes=(2, 3)), (image,), HWC, **LOOSE)
    add = (Step("add", (0, 1)), Step("swish", (2,)))
    yield Case("full-row", Pointwise(add), (Spec((3, 5, 768)), row), **LOOSE)
    yield Case("full-same", Pointwise(add), (image, image), HWC, **LOOSE)
    yield Case("full-turn", Shuffle((0, 2, 1)), (Spec((3, 64, 96)),))
    heads = Shuffle((0, 2, 1, 3))
    yield Case("full-heads", heads, (Spec((2, 33, 4, 64)),))
    yield Case("full-to-hwc", Reformat(), (Spec((2, 40, 9, 16)),), HWC)
    yield Case("full-from-hwc", Reformat(), (Spec((2, 40, 9, 16), hwc=True),))


FULL_CASES = [*_convolutions(), *_products(), *_attentions(), *_others()]
ALL_CASES = [*CASES, *FULL_CASES, *BORDER_CASES, *ATTENTION_CASES]

"""Cases of layers that multiply matrices: products, convolution, attention, recurrence."""

import numpy as np
from kernel_conformance import Case, Spec

from trtlab.core.enums import AttentionNormalizationOp, MatrixOperation, PaddingMode, RNNKind
from trtlab.core.types import DataType
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.fused import Attention
from trtlab.layers.linear import Einsum, MatrixMultiply
from trtlab.layers.pointwise import Step
from trtlab.layers.recurrent import Recurrent

HALF = DataType.HALF
RELU = (Step("relu", (0,)),)
RESIDUAL = (Step("add", (0, 1)), Step("relu", (2,)))
GENERAL = (Step("add", (0, 1)), Step("gelu_erf", (2,)))
SUMS = {"rtol": 1e-5, "atol": 2e-5}
HWC = (Spec((), hwc=True),)


def _products():
    a, b = Spec((3, 17, 43)), Spec((43, 37), constant=True)
    bias = Spec((37,), constant=True)
    yield Case("constant", MatrixMultiply(), (a, b), **SUMS)
    yield Case("bias", MatrixMultiply(), (a, b, bias), **SUMS)
    yield Case("alpha", MatrixMultiply(alpha=0.125), (a, Spec((3, 43, 37))), **SUMS)
    turned = MatrixOperation.TRANSPOSE
    yield Case(
        "b-transposed", MatrixMultiply(op1=turned), (a, Spec((37, 43), constant=True)), **SUMS
    )
    yield Case(
        "a-transposed",
        MatrixMultiply(op0=turned),
        (Spec((3, 43, 17)), Spec((3, 43, 37))),
        **SUMS,
    )
    yield Case(
        "keys",
        MatrixMultiply(op1=turned),
        (Spec((2, 3, 17, 43)), Spec((2, 3, 19, 43))),
        **SUMS,
    )
    yield Case("broadcast", MatrixMultiply(), (Spec((2, 1, 5, 43)), Spec((3, 43, 7))), **SUMS)
    yield Case(
        "row", MatrixMultiply(), (Spec((1, 300)), Spec((300, 1000), constant=True)), **SUMS
    )
    vector = MatrixMultiply(MatrixOperation.VECTOR, MatrixOperation.NONE)
    yield Case("vector", vector, (Spec((43,)), Spec((43, 37))), **SUMS)
    for name, program, extra in (
        ("relu", RELU, ()),
        ("residual", RESIDUAL, (Spec((3, 17, 37)),)),
        ("general", GENERAL, (Spec((1, 17, 1)),)),
    ):
        op = MatrixMultiply(epilogue=program)
        yield Case(f"epilogue-{name}", op, (a, b, bias, *extra), **SUMS)
    held = (Spec((17, 43), hole=5), Spec((43, 37), constant=True))
    yield Case("holes", MatrixMultiply(), held, (Spec((), hole=3),), **SUMS)
    yield Case(
        "half",
        MatrixMultiply(),
        (Spec((5, 43), HALF), Spec((43, 7), HALF, constant=True)),
        atol=1e-2,
    )
    yield Case(
        "contraction", Einsum("bik,bkj->bij"), (Spec((2, 5, 7)), Spec((2, 7, 3))), **SUMS
    )


def _convolutions():
    three = {"kernel_size_nd": (3, 3), "pre_padding": (1, 1), "post_padding": (1, 1)}
    kinds = {
        "point": ((2, 19, 9, 11), (37, 19, 1, 1), {"kernel_size_nd": (1, 1)}),
        "point-strided": (
            (2, 19, 9, 11),
            (37, 19, 1, 1),
            {"kernel_size_nd": (1, 1), "stride_nd": (2, 2)},
        ),
        "three": ((2, 19, 9, 11), (37, 19, 3, 3), three),
        "three-strided": ((1, 16, 13, 15), (32, 16, 3, 3), three | {"stride_nd": (2, 2)}),
        "stem": (
            (1, 3, 29, 31),
            (16, 3, 7, 7),
            {
                "kernel_size_nd": (7, 7),
                "stride_nd": (2, 2),
                "pre_padding": (3, 3),
                "post_padding": (3, 3),
            },
        ),
        "apart": (
            (1, 8, 15, 17),
            (16, 8, 3, 3),
            {"kernel_size_nd": (3, 3), "dilation_nd": (2, 2)},
        ),
        "groups": ((1, 24, 9, 11), (36, 8, 3, 3), three | {"num_groups": 3}),
        "depthwise": ((2, 35, 9, 11), (35, 1, 3, 3), three | {"num_groups": 35}),
        "depthwise-five": (
            (1, 32, 14, 14),
            (32, 1, 5, 5),
            {
                "kernel_size_nd": (5, 5),
                "stride_nd": (2, 2),
                "padding_mode": PaddingMode.SAME_UPPER,
                "num_groups": 32,
            },
        ),
        "line": (
            (2, 19, 33),
            (37, 19, 3),
            {"kernel_size_nd": (3,), "pre_padding": (1,), "post_padding": (1,)},
        ),
        "cube": ((1, 4, 5, 6, 7), (8, 4, 3, 3, 3), {"kernel_size_nd": (3, 3, 3)}),
    }
    for name, (shape, kernel, options) in kinds.items():
        for hwc in (False, True):
            x, out, tail = Spec(shape, hwc=hwc), (Spec((), hwc=hwc),), "-hwc" if hwc else ""
            weights = Spec(kernel, constant=True)
            bias = Spec((kernel[0],), constant=True)
            yield Case(
                f"{name}{tail}",
                Convolution(**options),
                (x, weights, bias),
                out,
                rtol=1e-5,
                atol=1e-4,
            )
    x, weights = Spec((1, 16, 7, 9), hwc=True), Spec((32, 16, 3, 3), constant=True)
    same = Spec((1, 32, 7, 9), hwc=True)
    for name, program, extra in (
        ("relu", RELU, ()),
        ("residual", RESIDUAL, (same,)),
        ("general", GENERAL, (same,)),
    ):
        op = Convolution(**three, epilogue=program)
        bias = Spec((32,), constant=True)
        yield Case(
            f"epilogue-{name}", op, (x, weights, bias, *extra), HWC, rtol=1e-5, atol=1e-4
        )
    gates = (Spec((1, 32, 1, 9), hwc=True), Spec((2, 32, 1, 1), hwc=True))
    for name, shape, gate in (
        ("line", (1, 16, 7, 9), gates[0]),
        ("map", (2, 16, 7, 9), gates[1]),
    ):
        op = Convolution(**three, epilogue=(Step("mul", (0, 1)),))
        operands = (Spec(shape, hwc=True), weights, None, gate)
        yield Case(f"gate-a-{name}", op, operands, HWC, rtol=1e-5, atol=1e-4)
    half = (Spec((1, 16, 7, 9), HALF), Spec((32, 16, 3, 3), HALF, constant=True))
    yield Case("half", Convolution(**three), half, atol=0.1)
    up = {"kernel_size_nd": (2, 2), "stride_nd": (2, 2)}
    for hwc in (False, True):
        x, out = Spec((1, 16, 5, 7), hwc=hwc), (Spec((), hwc=hwc),)
        kernel, tail = Spec((16, 24, 2, 2), constant=True), "-hwc" if hwc else ""
        yield Case(
            f"double{tail}", Deconvolution(**up), (x, kernel), out, rtol=1e-5, atol=1e-4
        )
    wide = {
        "kernel_size_nd": (4, 4),
        "stride_nd": (2, 2),
        "pre_padding": (1, 1),
        "post_padding": (1, 1),
    }
    yield Case(
        "overlapping",
        Deconvolution(**wide),
        (x, Spec((16, 8, 4, 4), constant=True)),
        HWC,
        rtol=1e-5,
        atol=1e-4,
    )
    kinds = {
        "gaps": ((2, 6, 5, 4), (6, 5, 2, 1), {"stride_nd": (3, 2)}, 1),
        "groups": (
            (1, 6, 5, 6),
            (6, 4, 3, 3),
            {
                "stride_nd": (2, 1),
                "dilation_nd": (2, 1),
                "num_groups": 2,
                "pre_padding": (1, 2),
            },
            2,
        ),
        "line": ((2, 5, 9), (5, 7, 4), {"stride_nd": (2,), "post_padding": (1,)}, 1),
    }
    for name, (shape, kernel, options, groups) in kinds.items():
        operands = (
            Spec(shape, hwc=True),
            Spec(kernel, constant=True),
            Spec((kernel[1] * groups,), constant=True),
        )
        yield Case(f"up-{name}", Deconvolution(**options), operands, HWC, rtol=1e-5, atol=1e-4)
    for name, program in (("residual", RESIDUAL), ("general", GENERAL)):
        operands = (
            Spec((2, 6, 3, 4), hwc=True),
            Spec((6, 20, 2, 2), constant=True),
            Spec((20,), constant=True),
            Spec((2, 20, 6, 8), hwc=True),
        )
        op = Deconvolution(**up, epilogue=program)
        yield Case(f"up-{name}", op, operands, HWC, rtol=1e-5, atol=1e-4)
        op = Deconvolution(stride_nd=(2, 2), pre_padding=(1, 1), epilogue=program)
        shape = (2, 20, 5, 7)
        odd = (*operands[:3], Spec(shape, hwc=True))
        yield Case(f"up-{name}-cut", op, odd, HWC, rtol=1e-5, atol=1e-4)


def _attentions():
    q, k, v = Spec((2, 3, 37, 24)), Spec((2, 3, 41, 24)), Spec((2, 3, 41, 40))
    keys = Spec((2, 3, 24, 41))
    loose = {"rtol": 1e-5, "atol": 1e-5}
    yield Case("plain", Attention(0.2), (q, k, v), **loose)
    yield Case("transposed", Attention(0.2, k_transposed=True), (q, keys, v), **loose)
    yield Case("causal", Attention(0.2, causal=True), (q, k, v), **loose)
    yield Case(
        "causal-tall",
        Attention(0.2, causal=True),
        (Spec((1, 2, 50, 24)), Spec((1, 2, 20, 24)), Spec((1, 2, 20, 24))),
        **loose,
    )
    for name, shape in (("row", (2, 1, 1, 41)), ("full", (2, 3, 37, 41)), ("plane", (37, 41))):
        yield Case(f"mask-{name}", Attention(0.2), (q, k, v, Spec(shape)), **loose)
        seen = (q, k, v, Spec(shape, DataType.BOOL))
        yield Case(f"seen-{name}", Attention(0.2), seen, **loose)
    yield Case(
        "mask-causal",
        Attention(0.2, causal=True, k_transposed=True),
        (q, keys, v, Spec((2, 1, 1, 41))),
        **loose,
    )
    shared = (q, Spec((2, 1, 41, 24)), Spec((2, 1, 41, 40)))
    yield Case("shared-keys", Attention(0.2), shared, **loose)
    yield Case(
        "step",
        Attention(0.2),
        (Spec((2, 3, 1, 64)), Spec((2, 3, 77, 64)), Spec((2, 3, 77, 64))),
        **loose,
    )
    few = (Spec((2, 4, 3, 24)), Spec((2, 2, 41, 24)), Spec((2, 2, 41, 40)))
    yield Case("few", Attention(0.2, causal=True), (*few, Spec((41,))), **loose)
    columns = (few[0], Spec((2, 2, 24, 41)), few[2], Spec((3, 41), DataType.BOOL))
    yield Case("few-transposed", Attention(0.2, k_transposed=True), columns, **loose)
    bert = tuple(Spec((1, 2, 128, 64)) for _ in range(3))
    yield Case("even", Attention(0.125), bert, **loose)
    # heads side by side in one row, as one product makes query, key and value
    packed = tuple(Spec((2, 3, 33, 16), strides=(33 * 144, 16, 144, 1)) for _ in range(3))
    joined = (Spec((), strides=(33 * 48, 16, 48, 1)),)
    yield Case("packed", Attention(0.25), packed, joined, **loose)
    raw = Attention(0.1, norm_op=AttentionNormalizationOp.NONE)
    yield Case("no-softmax", raw, (q, k, v), **loose)
    yield Case(
        "long",
        Attention(0.2),
        (Spec((1, 1, 9, 16)), Spec((1, 1, 1500, 16)), Spec((1, 1, 1500, 16))),
        **loose,
    )
    halves = tuple(Spec((1, 2, 9, 16), HALF) for _ in range(3))
    yield Case("half", Attention(0.25), halves, atol=1e-3)


def _recurrences():
    gates = {RNNKind.LSTM: 4, RNNKind.GRU: 3, RNNKind.RELU: 1, RNNKind.TANH: 1}
    loose = {"rtol": 1e-5, "atol": 1e-5}
    for cell, count in gates.items():
        for direction in ("forward", "reverse", "bidirectional"):
            dirs = 2 if direction == "bidirectional" else 1
            op = Recurrent(cell, 21, direction)
            yield Case(
                f"{cell.value}-{direction}", op, _weights(7, 3, 13, 21, count, dirs), **loose
            )
    yield Case(
        "gru-linear",
        Recurrent(RNNKind.GRU, 21, linear_before_reset=True),
        _weights(7, 3, 13, 21, 3, 1),
        **loose,
    )
    one = _weights(5, 1, 32, 64, 4, 1)
    yield Case("lstm-single", Recurrent(RNNKind.LSTM, 64), one, **loose)
    bare = one[:3]
    yield Case("lstm-bare", Recurrent(RNNKind.LSTM, 64), bare, **loose)
    states = (Spec((1, 3, 21)), Spec((1, 3, 21)))
    base = _weights(7, 3, 13, 21, 4, 1)
    full = (*base, None, *states)
    yield Case("lstm-states", Recurrent(RNNKind.LSTM, 21), full, **loose)
    lengths = {4: np.array([7, 2, 5])}
    ragged = (*base, Spec((3,), DataType.INT32), *states)
    yield Case("lstm-lengths", Recurrent(RNNKind.LSTM, 21), ragged, values=lengths, **loose)
    both = (*_weights(7, 3, 13, 21, 3, 2), Spec((3,), DataType.INT64))
    yield Case(
        "gru-lengths",
        Recurrent(RNNKind.GRU, 21, "bidirectional"),
        both,
        values=lengths,
        **loose,
    )
    peephole = (*full, Spec((1, 63), constant=True, low=-0.3, high=0.3))
    yield Case("lstm-peephole", Recurrent(RNNKind.LSTM, 21), peephole, **loose)
    swapped = (Spec((3, 7, 13)), *base[1:])
    yield Case(
        "lstm-batch-first", Recurrent(RNNKind.LSTM, 21, batch_first=True), swapped, **loose
    )
    gru_state = (*_weights(7, 3, 13, 21, 3, 1), None, Spec((1, 3, 21)))
    yield Case("gru-state", Recurrent(RNNKind.GRU, 21), gru_state, **loose)
    dynamic = tuple(Spec(s.shape, low=-0.3, high=0.3) for s in base)
    yield Case("lstm-variable-weights", Recurrent(RNNKind.LSTM, 21), dynamic, **loose)


def _weights(time, batch, features, hidden, gates, dirs):
    small = {"constant": True, "low": -0.3, "high": 0.3}
    return (
        Spec((time, batch, features)),
        Spec((dirs, gates * hidden, features), **small),
        Spec((dirs, gates * hidden, hidden), **small),
        Spec((dirs, 2 * gates * hidden), **small),
    )


MATRIX_CASES = [*_products(), *_convolutions(), *_attentions(), *_recurrences()]

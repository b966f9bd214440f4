"""Constants behind (or zeros before) a layer with weights go into the layer."""

import numpy as np
import pytest
from rewriting import BATCH, Graph, declines, fires, kinds, names, rewrite

from trtlab.core.enums import MatrixOperation, PaddingMode, SampleMode, ScaleMode
from trtlab.core.types import DataType
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.scale import Scale
from trtlab.layers.slicing import Padding
from trtlab.passes.bias_fold import BiasFold
from trtlab.passes.matmul_scale import MatmulScale
from trtlab.passes.pad_fold import PadFold
from trtlab.passes.scale_fold import ScaleFold
from trtlab.passes.scale_to_pointwise import ScaleToPointwise


def batch_norm(g: Graph, x, axis: int = 1, name="bn"):
    n = int(str(x.shape[axis]))
    shift, scale = (
        g.weight(n, name="shift"),
        g.constant(g.rng.uniform(0.5, 2, n), name="scale"),
    )
    return g.add(Scale(ScaleMode.CHANNEL, axis), x, shift, scale, name=name)


def deconv(g: Graph, x, maps: int, groups: int = 1, bias: bool = False):
    channels = int(str(x.shape[1]))
    kernel = g.weight(channels, maps // groups, 2, 2)
    op = Deconvolution(stride_nd=(2, 2), num_groups=groups)
    return g.add(op, x, kernel, g.weight(maps) if bias else None, name="conv")


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("kind", ["conv", "deconv", "matmul", "matmul transposed"])
def test_batch_normalization_goes_into_the_weights(kind, groups, bias):
    g = Graph()
    if kind == "conv":
        x = g.input("x", BATCH, 4, 5, 5)
        y = batch_norm(g, g.conv(x, 6, 3, bias=bias, num_groups=groups))
    elif kind == "deconv":
        y = batch_norm(g, deconv(g, g.input("x", BATCH, 4, 3, 3), 6, groups, bias))
    else:
        x = g.input("x", BATCH, 4)
        turned = kind.endswith("transposed")
        op1 = MatrixOperation.TRANSPOSE if turned else MatrixOperation.NONE
        w = g.weight(6, 4) if turned else g.weight(4, 6)
        b = g.weight(6) if bias else None
        y = batch_norm(g, g.matmul(x, w, b, name="conv", op1=op1))
    made = fires(ScaleFold(), g.output(y))
    assert names(made) == ["conv"]  # weights change, the work does not: the name stays
    assert [o.node for o in made.layers[0].origins] == ["conv", "bn"]
    assert made.layers[0].inputs[2].shape == (6,)
    assert made.outputs[0].name == "bn.out"


@pytest.mark.parametrize("op", ["prod", "div"])
@pytest.mark.parametrize("shape", [(), (1, 6, 1, 1), (6, 1, 1)])
def test_products_and_quotients_go_into_the_weights(op, shape):
    g = Graph()
    y = g.conv(g.input("x", 2, 3, 4, 4), 6, 3, bias=True)
    constant = g.constant(g.rng.uniform(0.5, 2, shape))
    made = fires(ScaleFold(), g.output(g.binary(op, y, constant)))
    assert kinds(made) == {"CONVOLUTION": 1}


def test_a_uniform_scale_with_only_a_shift_becomes_the_bias():
    g = Graph()
    y = g.conv(g.input("x", 2, 3, 4, 4), 6)
    made = fires(ScaleFold(), g.output(g.add(Scale(), y, g.constant([0.5]))))
    np.testing.assert_allclose(made.layers[0].inputs[2].data, [0.5] * 6)


def test_weights_of_two_layers_stay():
    g = Graph()
    x, w = g.input("x", 2, 3, 4, 4), g.weight(6, 3, 1, 1)
    one = g.add(Convolution(), x, w, None, name="one")
    two = g.add(Convolution(), g.unary("exp", x), w, None, name="two")
    network = g.output(batch_norm(g, one), two)
    declines(ScaleFold(), network, "the weights have other readers")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("output", "is an output of the network"),
        ("reader", "has other readers"),
        ("weights", "computed while running"),
        ("spatial", "not one constant an output channel"),
        ("power", "not one constant an output channel"),
    ],
)
def test_scales_that_do_not_fit_stay(change, reason):
    g = Graph()
    x = g.input("x", 2, 3, 4, 4)
    if change == "weights":
        w = g.input("w", 6, 3, 1, 1)
        network = g.output(batch_norm(g, g.add(Convolution(), x, w, None)))
    elif change == "spatial":
        y = g.conv(x, 6)
        scale = Scale(ScaleMode.ELEMENTWISE)
        network = g.output(g.add(scale, y, None, g.weight(4, 4)))
    elif change == "power":
        y = g.act("relu", g.conv(x, 6))
        y = g.conv(y, 2)
        network = g.output(g.add(Scale(), y, None, None, g.constant([2.0])))
    else:
        y = g.conv(x, 6)
        network = g.output(batch_norm(g, y), y if change == "output" else g.unary("exp", y))
    declines(ScaleFold(), network, reason)


def test_a_factor_that_enlarges_the_result_stays():
    g = Graph()
    y = g.matmul(g.input("x", 1, 3), 4)
    network = g.output(g.binary("prod", y, g.weight(5, 1)))
    declines(ScaleFold(), network, "broadcasts against the scale")


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(("op", "first"), [("sum", False), ("sum", True), ("sub", False)])
def test_sums_become_the_bias(op, first, old):
    g = Graph()
    y = g.conv(g.input("x", 2, 3, 4, 4), 6, 3, bias=old)
    constant = g.weight(6, 1, 1, name="extra")
    sides = (constant, y) if first else (y, constant)
    made = fires(BiasFold(), g.output(g.binary(op, *sides, name="add")))
    assert names(made) == ["conv + add"]


def test_a_bias_that_fits_keeps_its_tensor():
    g = Graph()
    x = g.input("x", BATCH, 5, 4)
    bias = g.weight(6, name="dense.bias")
    made = fires(BiasFold(), g.output(g.binary("sum", bias, g.matmul(x, 6))))
    assert made.layers[0].inputs[2].name == "dense.bias"


def test_a_bias_fits_products_of_computed_operands_and_shared_weights():
    g = Graph()
    a, b = g.input("a", 2, 3, 4), g.input("b", 2, 4, 5)
    assert kinds(
        fires(BiasFold(), g.output(g.binary("sum", g.matmul(a, b), g.weight(5))))
    ) == {"MATRIX_MULTIPLY": 1}
    g = Graph()
    x, w = g.input("x", 2, 3), g.weight(3, 4)
    other = g.matmul(g.unary("exp", x), w)
    network = g.output(other, g.binary("sum", g.matmul(x, w), g.weight(4)))
    fires(BiasFold(), network)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda g, y: g.binary("sum", y, g.weight(4, 4)), "not with one constant"),
        (lambda g, y: g.binary("sub", g.weight(6, 1, 1), y), ""),
        (lambda g, y: g.binary("prod", y, g.weight(6, 1, 1)), ""),
    ],
)
def test_sums_that_are_no_bias_stay(make, reason):
    g = Graph()
    y = g.conv(g.input("x", 2, 3, 4, 4), 6)
    declines(BiasFold(), g.output(make(g, y)), reason)


def test_a_shared_result_keeps_its_sum():
    g = Graph()
    y = g.conv(g.input("x", 2, 3, 4, 4), 6)
    network = g.output(g.binary("sum", y, g.weight(6, 1, 1)), g.unary("exp", y))
    declines(BiasFold(), network, "has other readers")


@pytest.mark.parametrize(("op", "value", "alpha"), [("prod", 0.25, 0.5), ("div", 4.0, 0.5)])
def test_a_number_becomes_alpha(op, value, alpha):
    g = Graph()
    a, b = g.input("a", 2, 3, 4), g.input("b", 2, 4, 5)
    y = g.binary(op, g.matmul(a, b, alpha=2.0), value)
    made = fires(MatmulScale(), g.output(y))
    assert made.layers[0].op.alpha == alpha
    assert names(made) == [f"mm + {op}"]


def test_a_number_behind_a_bias_stays():
    g = Graph()
    a, b = g.input("a", 2, 3, 4), g.input("b", 2, 4, 5)
    y = g.binary("prod", g.matmul(a, b, g.weight(5)), 2.0)
    declines(MatmulScale(), g.output(y), "added before the scaling")


def test_zero_padding_goes_into_the_convolution():
    g = Graph()
    x = g.input("x", BATCH, 3, 5, 5)
    padded = g.add(Padding((0, 0, 1, 2), (0, 0, 2, 0)), x, name="pad")
    made = fires(PadFold(), g.output(g.conv(padded, 4, 3)))
    op = made.layers[0].op
    assert (op.pre_padding, op.post_padding) == ((2, 3), (3, 1))
    assert [o.node for o in made.layers[0].origins] == ["pad", "conv"]


@pytest.mark.parametrize(
    ("pad", "conv", "reason"),
    [
        (Padding((0, 0, 1, 1), (0, 0, 1, 1), value=1.0), {}, "not with zeros"),
        (Padding((0, 0, 1, 1), (0, 0, 1, 1), SampleMode.REFLECT), {}, "not with zeros"),
        (Padding((0, 1, 1, 1), (0, 0, 1, 1)), {}, "not of spatial axes alone"),
        (Padding((0, 0, 1, 1), (0, 0, 1, -1)), {}, "not of spatial axes alone"),
        (
            Padding((0, 0, 1, 1), (0, 0, 1, 1)),
            {"padding_mode": PaddingMode.SAME_UPPER},
            "computes its own padding",
        ),
    ],
)
def test_other_padding_stays(pad, conv, reason):
    g = Graph()
    x = g.add(pad, g.input("x", 2, 3, 6, 6))
    declines(PadFold(), g.output(g.conv(x, 4, 3, **conv)), reason)


@pytest.mark.parametrize("mode", ScaleMode)
@pytest.mark.parametrize("terms", ["shift", "scale", "power", "all"])
def test_scales_become_expressions(mode, terms):
    g = Graph()
    x = g.unary("exp", g.input("x", 2, 3, 4))
    shape = {ScaleMode.UNIFORM: (1,), ScaleMode.CHANNEL: (3,), ScaleMode.ELEMENTWISE: (3, 4)}[
        mode
    ]
    roles = ("shift", "scale", "power")
    weights = [
        g.constant(g.rng.uniform(0.5, 2, shape)) if terms in {role, "all"} else None
        for role in roles
    ]
    made = fires(ScaleToPointwise(), g.output(g.add(Scale(mode), x, *weights)))
    assert kinds(made) == {"UNARY": 1, "POINTWISE": 1}
    if mode is ScaleMode.UNIFORM:
        assert len(made.layers[1].inputs) == 1  # numbers are parameters of the program


def test_a_scale_computed_while_running_stays_unless_it_broadcasts():
    g = Graph()
    x, s = g.input("x", 2, 3, 4), g.input("s", 3)
    channelwise = g.add(Scale(ScaleMode.CHANNEL), x, None, s)
    declines(ScaleToPointwise(), g.output(channelwise), "computed while running")
    g = Graph()
    x, s = g.input("x", 2, 3, 4), g.input("s", 3, 1)
    fires(ScaleToPointwise(), g.output(g.add(Scale(ScaleMode.ELEMENTWISE), x, None, s)))


def test_half_weights_stay_half():
    g = Graph()
    x = g.input("x", 2, 3, 4, 4, dtype=DataType.HALF)
    w = g.weight(6, 3, 1, 1, dtype=DataType.HALF)
    y = g.add(Convolution(), x, w, None)
    scale = g.constant(g.rng.uniform(0.5, 2, 6), DataType.HALF)
    network = g.output(g.add(Scale(ScaleMode.CHANNEL), y, None, scale))
    made, _ = rewrite(ScaleFold(), network, tolerance=2e-3)
    assert made.layers[0].inputs[1].dtype is DataType.HALF

"""Every ``add_*`` method makes the layer that NumPy says."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from definitions import meaning, network, random

import trtlab as trt

X = random(2, 4, 6, 5)
M = random(3, 4, seed=1)


@dataclass
class Net:
    """A network with one input per array."""

    definition: trt.INetworkDefinition
    values: dict[str, np.ndarray]

    def input(self, value: np.ndarray) -> trt.ITensor:
        name = f"in{len(self.values)}"
        self.values[name] = value
        dtype = {"f": trt.float32, "i": trt.int32, "b": trt.bool}[value.dtype.kind]
        if value.dtype == np.int64:
            dtype = trt.int64
        return self.definition.add_input(name, dtype, value.shape)

    def constant(self, value: Any) -> trt.ITensor:
        array = np.asarray(value)
        return self.definition.add_constant(array.shape, array).get_output(0)

    def run(self, layer: trt.ILayer) -> list[np.ndarray]:
        for i in range(layer.num_outputs):
            self.definition.mark_output(layer.get_output(i))
        return meaning(self.definition, **self.values)


@pytest.fixture
def net():
    return Net(network(), {})


def only(arrays):
    (array,) = arrays
    return array


# ---- windows ---------------------------------------------------------------------------


def test_convolution_nd_with_groups_set_afterwards(net):
    w, b = random(4, 1, 3, 3, seed=2), random(4, seed=3)
    layer = net.definition.add_convolution_nd(net.input(X), 4, (3, 3), w, b)
    layer.num_groups = 4
    layer.padding_nd = (1, 1)
    layer.stride_nd = trt.DimsHW((2, 1))
    assert layer.get_output(0).shape == (2, 4, 3, 5)
    padded = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))
    wanted = np.zeros((2, 4, 3, 5), np.float32)
    for p in range(3):
        for q in range(5):
            patch = padded[:, :, 2 * p : 2 * p + 3, q : q + 3]
            wanted[:, :, p, q] = (patch * w[:, 0]).sum((2, 3)) + b
    np.testing.assert_allclose(only(net.run(layer)), wanted, rtol=1e-5, atol=1e-5)


def test_flat_kernels_take_the_shape_that_fits(net):
    w = random(8, 4, 1, 1)
    layer = net.definition.add_convolution_nd(net.input(X), 8, (1, 1), trt.Weights(w.ravel()))
    assert layer.kernel.shape == (8, 4, 1, 1)
    assert layer.bias is None
    wanted = np.einsum("kc,nchw->nkhw", w[:, :, 0, 0], X)
    np.testing.assert_allclose(only(net.run(layer)), wanted, rtol=1e-5, atol=1e-5)


def test_convolution_with_a_kernel_tensor(net):
    x, w = net.input(X), net.input(random(2, 4, 1, 1))
    layer = net.definition.add_convolution_nd(x, 2, (1, 1))
    with pytest.raises(trt.InvalidNetworkError, match="kernel"):
        _ = layer.get_output(0).shape
    layer.set_input(1, w)
    assert layer.num_inputs == 2
    assert layer.get_input(1) is w
    assert only(net.run(layer)).shape == (2, 2, 6, 5)


def test_deconvolution_nd(net):
    w = random(4, 3, 2, 2)
    layer = net.definition.add_deconvolution_nd(net.input(X), 3, (2, 2), w)
    layer.stride_nd = (2, 2)
    wanted = np.einsum("nchw,ckrs->nkhrws", X, w).reshape(2, 3, 12, 10)
    np.testing.assert_allclose(only(net.run(layer)), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["add_pooling_nd", "add_pooling"])
def test_pooling(net, name):
    layer = getattr(net.definition, name)(net.input(X), trt.PoolingType.MAX, (2, 5))
    layer.stride_nd = (2, 5)
    wanted = X.reshape(2, 4, 3, 2, 1, 5).max((3, 5))
    np.testing.assert_array_equal(only(net.run(layer)), wanted)
    layer.type = trt.PoolingType.AVERAGE
    mean = only(meaning(net.definition, **net.values))
    np.testing.assert_allclose(mean, X.reshape(2, 4, 3, 2, 1, 5).mean((3, 5)), rtol=1e-5)


def test_padding_nd_pads_and_cuts(net):
    layer = net.definition.add_padding_nd(net.input(X), (1, -1), (0, 2))
    wanted = np.pad(X[..., 1:], ((0, 0), (0, 0), (1, 0), (0, 2)))
    np.testing.assert_array_equal(only(net.run(layer)), wanted)
    assert layer.pre_padding_nd == (1, -1)
    assert layer.post_padding_nd == (0, 2)


def test_lrn(net):
    layer = net.definition.add_lrn(net.input(X), 3, 0.5, 0.75, 2.0)
    squares = np.pad(X**2, ((0, 0), (1, 1), (0, 0), (0, 0)))
    total = squares[:, :-2] + squares[:, 1:-1] + squares[:, 2:]
    wanted = X / (2.0 + 0.5 / 3 * total) ** 0.75
    np.testing.assert_allclose(only(net.run(layer)), wanted, rtol=1e-5)


def test_fully_connected(net):
    w, b = random(7, 4 * 6 * 5), random(7, seed=4)
    layer = net.definition.add_fully_connected(net.input(X), 7, w, b)
    assert layer.num_output_channels == 7
    wanted = (X.reshape(2, -1) @ w.T + b).reshape(2, 7, 1, 1)
    np.testing.assert_allclose(only(net.run(layer)), wanted, rtol=1e-4, atol=1e-4)


# ---- element by element ----------------------------------------------------------------


def test_activation_with_alpha_and_beta(net):
    layer = net.definition.add_activation(net.input(X), trt.ActivationType.CLIP)
    layer.alpha, layer.beta = -0.5, 0.25
    np.testing.assert_array_equal(only(net.run(layer)), np.clip(X, -0.5, 0.25))
    layer.type = trt.ActivationType.RELU
    np.testing.assert_array_equal(
        only(meaning(net.definition, **net.values)), np.maximum(X, 0)
    )


@pytest.mark.parametrize(
    ("op", "rule"),
    [
        (trt.ElementWiseOperation.SUM, np.add),
        (trt.ElementWiseOperation.SUB, np.subtract),
        (trt.ElementWiseOperation.MAX, np.maximum),
        (trt.ElementWiseOperation.GREATER, np.greater),
    ],
)
def test_elementwise_broadcasts(net, op, rule):
    layer = net.definition.add_elementwise(net.input(X), net.input(X[:1, :, :1]), op)
    assert layer.op is op
    np.testing.assert_array_equal(only(net.run(layer)), rule(X, X[:1, :, :1]))


def test_unary(net):
    layer = net.definition.add_unary(net.input(X), trt.UnaryOperation.ABS)
    layer.op = trt.UnaryOperation.NEG
    np.testing.assert_array_equal(only(net.run(layer)), -X)


@pytest.mark.parametrize("mode", list(trt.ScaleMode))
def test_scale(net, mode):
    shape = {"uniform": (), "channel": (4,), "elementwise": (6, 5)}[mode.value]
    shift, scale, power = (np.abs(random(*shape, seed=s)) + 1 for s in range(3))
    layer = net.definition.add_scale(net.input(np.abs(X)), mode, shift, scale, power)
    spread = (4, 1, 1) if mode is trt.ScaleMode.CHANNEL else shape
    parts = [np.reshape(part, spread) for part in (shift, scale, power)]
    wanted = (np.abs(X) * parts[1] + parts[0]) ** parts[2]
    np.testing.assert_allclose(only(net.run(layer)), wanted, rtol=1e-4)
    np.testing.assert_array_equal(layer.scale, scale)
    assert layer.num_inputs == 1


def test_scale_nd_with_flat_elements_and_an_axis(net):
    layer = net.definition.add_scale_nd(
        net.input(X), trt.ScaleMode.CHANNEL, scale=random(6), channel_axis=2
    )
    np.testing.assert_allclose(only(net.run(layer)), X * random(6).reshape(6, 1), rtol=1e-6)


def test_select_cast_identity_and_prelu(net):
    x = net.input(X)
    zero = net.constant(np.zeros((1, 1, 1, 1), np.float32))
    above = net.definition.add_elementwise(x, zero, trt.ElementWiseOperation.GREATER)
    chosen = net.definition.add_select(above.get_output(0), x, zero)
    slopes = net.constant(np.full((1, 4, 1, 1), 0.5, np.float32))
    leaky = net.definition.add_parametric_relu(x, slopes)
    cast = net.definition.add_cast(leaky.get_output(0), trt.int32)
    same = net.definition.add_identity(x)
    same.set_output_type(0, trt.float16)
    for layer in (chosen, leaky, cast, same):
        net.definition.mark_output(layer.get_output(0))
    relu, prelu, whole, half = meaning(net.definition, **net.values)
    np.testing.assert_array_equal(relu, np.maximum(X, 0))
    np.testing.assert_array_equal(prelu, np.where(X < 0, X / 2, X))
    np.testing.assert_array_equal(whole, np.where(X < 0, X / 2, X).astype(np.int32))
    np.testing.assert_array_equal(half, X.astype(np.float16))


# ---- products --------------------------------------------------------------------------


def test_matrix_multiply(net):
    none, transpose = trt.MatrixOperation.NONE, trt.MatrixOperation.TRANSPOSE
    layer = net.definition.add_matrix_multiply(net.input(M), none, net.input(M), transpose)
    np.testing.assert_allclose(only(net.run(layer)), M @ M.T, rtol=1e-5, atol=1e-6)
    assert (layer.op0, layer.op1) == (none, transpose)


def test_einsum(net):
    layer = net.definition.add_einsum([net.input(M), net.input(M)], "ij,ij->i")
    assert layer.equation == "ij,ij->i"
    np.testing.assert_allclose(only(net.run(layer)), (M * M).sum(1), rtol=1e-5)


def test_attention_does_not_scale_queries(net):
    q, k, v = (random(1, 2, 3, 4, seed=s) for s in range(3))
    layer = net.definition.add_attention(
        net.input(q), net.input(k), net.input(v), trt.AttentionNormalizationOp.SOFTMAX, True
    )
    assert layer.causal_kind is trt.CausalMaskKind.UPPER_LEFT
    scores = q @ k.swapaxes(-1, -2)
    scores[..., np.triu(np.ones((3, 3), bool), 1)] = -np.inf
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    wanted = powers / powers.sum(-1, keepdims=True) @ v
    np.testing.assert_allclose(only(net.run(layer)), wanted, rtol=1e-5, atol=1e-6)


# ---- axes ------------------------------------------------------------------------------


def test_reduce_by_bit_mask(net):
    mean = trt.ReduceOperation.AVG
    layer = net.definition.add_reduce(net.input(X), mean, 1 << 2 | 1 << 3, True)
    assert layer.axes == 0b1100
    np.testing.assert_allclose(
        only(net.run(layer)), X.mean((2, 3), keepdims=True), rtol=1e-5, atol=1e-6
    )
    layer.keep_dims = False
    assert layer.get_output(0).shape == (2, 4)


def test_softmax_takes_channels_until_told_otherwise(net):
    layer = net.definition.add_softmax(net.input(X))
    assert layer.axes == 1 << 1
    layer.axes = 1 << 3
    powers = np.exp(X - X.max(-1, keepdims=True))
    wanted = powers / powers.sum(-1, keepdims=True)
    np.testing.assert_allclose(only(net.run(layer)), wanted, rtol=1e-5)


def test_topk(net):
    layer = net.definition.add_topk(net.input(M), trt.TopKOperation.MAX, 2, 1 << 1)
    values, places = net.run(layer)
    np.testing.assert_array_equal(values, -np.sort(-M, axis=1)[:, :2])
    np.testing.assert_array_equal(np.take_along_axis(M, places, 1), values)
    assert places.dtype == np.int32


def test_cumulative(net):
    axis = net.constant(np.array(1, np.int32))
    layer = net.definition.add_cumulative(
        net.input(M), axis, trt.CumulativeOperation.SUM, False, True
    )
    wanted = np.cumsum(M[:, ::-1], axis=1)[:, ::-1]
    np.testing.assert_allclose(only(net.run(layer)), wanted, rtol=1e-5, atol=1e-6)


def test_normalization(net):
    scale, bias = random(1, 1, 1, 5, seed=5), random(1, 1, 1, 5, seed=6)
    layer = net.definition.add_normalization(
        net.input(X), net.constant(scale), net.constant(bias), 1 << 3
    )
    layer.epsilon = 1e-3
    centred = X - X.mean(-1, keepdims=True)
    wanted = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-3) * scale + bias
    np.testing.assert_allclose(only(net.run(layer)), wanted, rtol=1e-4, atol=1e-5)


# ---- movement --------------------------------------------------------------------------


def test_shuffle(net):
    layer = net.definition.add_shuffle(net.input(X))
    layer.reshape_dims = (0, -1, 4)
    layer.first_transpose = (0, 2, 3, 1)
    layer.second_transpose = trt.Permutation((2, 0, 1))
    wanted = X.transpose(0, 2, 3, 1).reshape(2, 30, 4).transpose(2, 0, 1)
    np.testing.assert_array_equal(only(net.run(layer)), wanted)
    assert layer.first_transpose == (0, 2, 3, 1)
    assert layer.reshape_dims == (0, -1, 4)


def test_slice_with_a_mode_set_afterwards(net):
    layer = net.definition.add_slice(net.input(M), (-1, 0), (4, 2), (1, 2))
    with pytest.raises(trt.InvalidNetworkError, match="leaves axis 0"):
        _ = layer.get_output(0).shape
    layer.mode = trt.SampleMode.CLAMP
    np.testing.assert_array_equal(only(net.run(layer)), M[[0, 0, 1, 2]][:, ::2])


def test_slice_with_tensors(net):
    layer = net.definition.add_slice(net.input(M), (0, 0), (0, 0), (1, 1))
    layer.set_input(1, net.constant(np.array([1, 1], np.int32)))
    layer.set_input(2, net.constant(np.array([2, 3], np.int32)))
    np.testing.assert_array_equal(only(net.run(layer)), M[1:, 1:])


def test_concatenation_with_an_axis_set_afterwards(net):
    layer = net.definition.add_concatenation([net.input(M), net.input(M[:, :1])])
    layer.axis = 1
    np.testing.assert_array_equal(only(net.run(layer)), np.concatenate([M, M[:, :1]], 1))


def test_resize_by_scales(net):
    layer = net.definition.add_resize(net.input(X))
    layer.scales = [1, 1, 2, 3]
    layer.resize_mode = trt.ResizeMode.NEAREST
    np.testing.assert_array_equal(only(net.run(layer)), X.repeat(2, 2).repeat(3, 3))
    assert layer.scales == [1, 1, 2, 3]


def test_squeeze_and_unsqueeze(net):
    wide = net.definition.add_unsqueeze(net.input(M), net.constant(np.array([0, 3], np.int64)))
    assert wide.get_output(0).shape == (1, 3, 4, 1)
    back = net.definition.add_squeeze(wide.get_output(0), (0,))
    np.testing.assert_array_equal(only(net.run(back)), M[..., None])


def test_reverse_sequence(net):
    lengths = net.constant(np.array([1, 3], np.int32))
    layer = net.definition.add_reverse_sequence(net.input(X), lengths)
    layer.batch_axis, layer.sequence_axis = 0, 1
    wanted = X.copy()
    wanted[1, :3] = X[1, 2::-1]
    np.testing.assert_array_equal(only(net.run(layer)), wanted)


# ---- indices ---------------------------------------------------------------------------


def test_gather_and_gather_v2(net):
    places = np.array([[2, 0]], np.int32)
    one = net.definition.add_gather(net.input(M), net.input(places), 0)
    elements = np.array([[1], [0], [3]], np.int32)
    two = net.definition.add_gather_v2(
        net.definition.get_input(0), net.input(elements), trt.GatherMode.ELEMENT
    )
    two.axis = 1
    net.definition.mark_output(one.get_output(0))
    net.definition.mark_output(two.get_output(0))
    rows, taken = meaning(net.definition, **net.values)
    np.testing.assert_array_equal(rows, M[places])
    np.testing.assert_array_equal(taken, np.take_along_axis(M, elements, 1))


def test_scatter(net):
    places = np.array([[0], [2]], np.int32)
    layer = net.definition.add_scatter(
        net.input(M), net.input(places), net.input(M[:2] * 0), trt.ScatterMode.ND
    )
    wanted = M.copy()
    wanted[[0, 2]] = 0
    np.testing.assert_array_equal(only(net.run(layer)), wanted)


def test_one_hot_and_non_zero(net):
    hot = net.definition.add_one_hot(
        net.input(np.array([2, 0], np.int32)),
        net.constant(np.array([0.0, 1.0], np.float32)),
        net.constant(np.array(3, np.int32)),
        -1,
    )
    where = net.definition.add_non_zero(hot.get_output(0))
    net.definition.mark_output(hot.get_output(0))
    net.definition.mark_output(where.get_output(0))
    ones, places = meaning(net.definition, **net.values)
    np.testing.assert_array_equal(ones, np.eye(3, dtype=np.float32)[[2, 0]])
    np.testing.assert_array_equal(places, [[0, 1], [2, 0]])
    with pytest.raises(trt.UnsupportedError, match="INT32"):
        net.definition.add_non_zero(hot.get_output(0), trt.int32)


# ---- creation --------------------------------------------------------------------------


def test_constant_can_change(net):
    layer = net.definition.add_constant((2, 2), np.arange(4, dtype=np.float32))
    layer.weights = np.arange(4, 8, dtype=np.float32)
    layer.shape = (4, 1)
    total = net.definition.add_elementwise(
        net.input(np.ones((4, 1), np.float32)),
        layer.get_output(0),
        trt.ElementWiseOperation.SUM,
    )
    np.testing.assert_array_equal(only(net.run(total)).ravel(), [5, 6, 7, 8])
    np.testing.assert_array_equal(layer.weights.ravel(), [4, 5, 6, 7])
    with pytest.raises(trt.UsageError, match="do not fill"):
        layer.weights = np.zeros(3, np.float32)


def test_shape_and_a_reshape_by_it(net):
    x, like = net.input(X), net.input(X.reshape(8, 30))
    layer = net.definition.add_shuffle(x)
    layer.set_input(1, net.definition.add_shape(like).get_output(0))
    assert layer.get_output(0).shape == (8, 30)
    np.testing.assert_array_equal(only(net.run(layer)), X.reshape(8, 30))


def test_fill(net):
    layer = net.definition.add_fill((5,), trt.FillOperation.LINSPACE)
    assert (layer.alpha, layer.beta) == (0, 1)
    layer.alpha, layer.beta = 2, 0.5
    np.testing.assert_array_equal(only(net.run(layer)), [2, 2.5, 3, 3.5, 4])
    noise = net.definition.add_fill((1000,), trt.FillOperation.RANDOM_UNIFORM)
    noise.alpha, noise.beta = 3, 4
    net.definition.mark_output(noise.get_output(0))
    drawn = meaning(net.definition)[1]
    assert 3 <= drawn.min() < drawn.max() <= 4

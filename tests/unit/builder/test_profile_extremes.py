"""An engine computes what its network means at every shape of its profile, not at opt alone."""

import numpy as np
import pytest

import trtlab as trt

RNG = np.random.default_rng(0)
LEVELS = pytest.mark.parametrize("level", [0, 3])


def engine(define, ranges, level):
    """An engine of the network that ``define`` makes, for one profile."""
    builder = trt.Builder(trt.Logger(trt.Logger.ERROR))
    network = builder.create_network()
    result = define(network)
    result.name = "y"
    network.mark_output(result)
    config = builder.create_builder_config()
    config.builder_optimization_level = level
    profile = builder.create_optimization_profile()
    for name, shapes in ranges.items():
        profile.set_shape(name, *shapes)
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    return trt.Runtime(trt.Logger(trt.Logger.ERROR)).deserialize_cuda_engine(plan)


def infer(context, **inputs):
    for name, array in inputs.items():
        context.set_input_shape(name, array.shape)
        context.set_tensor_address(name, array.ctypes.data)
    y = np.full(tuple(context.get_tensor_shape("y")), np.nan, np.float32)
    context.set_tensor_address("y", y.ctypes.data)
    assert context.execute_async_v3(0)
    return y


def normal(*shape):
    return RNG.standard_normal(shape, np.float32)


def convolved(x, weights):
    """A depthwise convolution of 3×3, padded by 1."""
    height, width = x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return sum(
        weights[:, 0, i, j, None, None] * padded[:, :, i : i + height, j : j + width]
        for i in range(3)
        for j in range(3)
    )


@LEVELS
@pytest.mark.parametrize("opt", [(1, 1), (8, 8)])
def test_formats_matter_where_the_image_has_more_than_one_pixel(level, opt):
    weights = normal(16, 1, 3, 3)

    def define(network):
        x = network.add_input("x", trt.float32, (-1, 16, -1, -1))
        conv = network.add_convolution_nd(x, 16, (3, 3), weights)
        conv.num_groups, conv.padding_nd = 16, (1, 1)
        softmax = network.add_softmax(conv.get_output(0))
        softmax.axes = 1 << 1
        return network.add_elementwise(
            softmax.get_output(0), conv.get_output(0), trt.ElementWiseOperation.SUM
        ).get_output(0)

    ranges = {"x": ((1, 16, 1, 1), (1, 16, *opt), (2, 16, 9, 9))}
    context = engine(define, ranges, level).create_execution_context()
    for shape in ((1, 16, 1, 1), (2, 16, 1, 3), (2, 16, 9, 9)):
        x = normal(*shape)
        conv = convolved(x.astype(np.float64), weights)
        shares = np.exp(conv - conv.max(1, keepdims=True))
        wanted = conv + shares / shares.sum(1, keepdims=True)
        np.testing.assert_allclose(infer(context, x=x), wanted, rtol=1e-4, atol=1e-5)


@LEVELS
def test_a_head_of_one_column_takes_a_batch_of_one(level):
    weights = normal(16, 1)

    def define(network):
        x = network.add_input("x", trt.float32, (-1, 16))
        z = network.add_input("z", trt.float32, (-1, 1))
        constant = network.add_constant((16, 1), weights).get_output(0)
        none = trt.MatrixOperation.NONE
        product = network.add_matrix_multiply(x, none, constant, none).get_output(0)
        return network.add_elementwise(product, z, trt.ElementWiseOperation.SUM).get_output(0)

    ranges = {"x": ((1, 16), (8, 16), (16, 16)), "z": ((1, 1), (8, 1), (16, 1))}
    context = engine(define, ranges, level).create_execution_context()
    for batch in (1, 5, 16):
        x, z = normal(batch, 16), normal(batch, 1)
        np.testing.assert_allclose(infer(context, x=x, z=z), x @ weights + z, atol=1e-5)


@LEVELS
def test_a_turned_image_is_no_view_where_it_has_more_than_one_pixel(level):
    def define(network):
        x = network.add_input("x", trt.float32, (1, 8, -1, -1))
        relu = network.add_activation(x, trt.ActivationType.RELU).get_output(0)
        turned = network.add_shuffle(relu)
        turned.first_transpose = (0, 2, 3, 1)
        return network.add_unary(turned.get_output(0), trt.UnaryOperation.EXP).get_output(0)

    ranges = {"x": ((1, 8, 1, 1), (1, 8, 1, 1), (1, 8, 6, 5))}
    context = engine(define, ranges, level).create_execution_context()
    for shape in ((1, 8, 1, 1), (1, 8, 6, 5)):
        x = normal(*shape)
        wanted = np.exp(np.maximum(x, 0).transpose(0, 2, 3, 1))
        np.testing.assert_allclose(infer(context, x=x), wanted, rtol=1e-5)


@LEVELS
def test_a_gather_from_single_pixels_finds_a_tactic(level):
    """Its tensors have no formats; kernels know them as LINEAR."""
    indices = np.array([0, 2, 5], np.int64)

    def define(network):
        x = network.add_input("x", trt.float32, (-1, 8, 4, 4))
        pooled = network.add_reduce(x, trt.ReduceOperation.AVG, 0b1100, keep_dims=True)
        constant = network.add_constant((3,), indices).get_output(0)
        return network.add_gather(pooled.get_output(0), constant, 1).get_output(0)

    ranges = {"x": ((1, 8, 4, 4), (1, 8, 4, 4), (2, 8, 4, 4))}
    context = engine(define, ranges, level).create_execution_context()
    x = normal(2, 8, 4, 4)
    wanted = x.mean((2, 3), keepdims=True)[:, indices]
    np.testing.assert_allclose(infer(context, x=x), wanted, rtol=1e-5)

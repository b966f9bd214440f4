"""`engine.device_memory_size` is enough between a profile's smallest and largest shapes too."""

import numpy as np
import pytest

import trtlab as trt
from trtlab.planner.plan import plan
from trtlab.runtime.devices import open_runtime

QUIET = trt.Logger(trt.Logger.ERROR)
USER = trt.ExecutionContextAllocationStrategy.USER_MANAGED
NONE = trt.MatrixOperation.NONE
WIDTH = 256
ALL = ((1, 1), (128, 1), (WIDTH - 1, 1))


def thin_in_the_end(network):
    """Products of [x, 1] and [1, 256 − x]: the most elements are there for x = 128."""
    x = network.add_input("x", trt.float32, (-1, 1))
    extent = network.add_slice(network.add_shape(x).get_output(0), (0,), (1,), (1,))

    def constant(*numbers):
        array = np.array(numbers, np.int64)
        return network.add_constant(array.shape, array).get_output(0)

    rest = network.add_elementwise(
        constant(WIDTH), extent.get_output(0), trt.ElementWiseOperation.SUB
    )
    size = network.add_concatenation([constant(1), rest.get_output(0)])
    size.axis = 0
    row = network.add_constant((1, WIDTH), np.ones((1, WIDTH), np.float32)).get_output(0)
    part = network.add_slice(row, (0, 0), (1, WIDTH), (1, 1))
    part.set_input(2, size.get_output(0))
    product = network.add_matrix_multiply(x, NONE, part.get_output(0), NONE).get_output(0)
    shares = network.add_softmax(network.add_softmax(product).get_output(0)).get_output(0)
    most = network.add_reduce(shares, trt.ReduceOperation.MAX, 3, keep_dims=False)
    most.get_output(0).name = "y"
    network.mark_output(most.get_output(0))


def engine(define, *profiles, level=3):
    """An engine with a profile for each mapping of inputs to min, opt and max."""
    builder = trt.Builder(QUIET)
    network = builder.create_network()
    define(network)
    config = builder.create_builder_config()
    config.builder_optimization_level = level
    for ranges in profiles:
        profile = builder.create_optimization_profile()
        for name, shapes in ranges.items():
            profile.set_shape(name, *shapes)
        config.add_optimization_profile(profile)
    plan_file = builder.build_serialized_network(network, config)
    return trt.Runtime(QUIET).deserialize_cuda_engine(plan_file)


def needed(context, **shapes):
    for name, shape in shapes.items():
        context.set_input_shape(name, shape)
    return context.update_device_memory_size_for_shapes()


@pytest.mark.parametrize("level", [0, 3])
def test_the_middle_of_a_profile_fits(level):
    made = engine(thin_in_the_end, {"x": ((1, 1), (1, 1), (WIDTH - 1, 1))}, level=level)
    context = made.create_execution_context(USER)
    by_size = {n: needed(context, x=(n, 1)) for n in range(1, WIDTH, 9)}
    middle = needed(context, x=(WIDTH // 2, 1))
    assert middle > 10 * max(by_size[1], needed(context, x=(WIDTH - 1, 1)))
    assert max(*by_size.values(), middle) <= made.device_memory_size <= middle + 65536
    memory = np.empty(made.device_memory_size + 64, np.uint8)
    address = -(-memory.ctypes.data // 64) * 64
    x, y = np.ones((WIDTH // 2, 1), np.float32), np.zeros((), np.float32)
    context.set_input_shape("x", x.shape)
    context.set_device_memory(address, made.device_memory_size)
    context.set_tensor_address("x", x.ctypes.data)
    context.set_tensor_address("y", y.ctypes.data)
    assert context.execute_async_v3(0)
    np.testing.assert_allclose(y, 2 / WIDTH, rtol=1e-5)


def test_each_profile_has_a_size_of_its_own():
    narrow = {"x": ((1, 1), (2, 1), (16, 1))}
    made = engine(thin_in_the_end, {"x": ALL}, narrow)
    sizes = [made.get_device_memory_size_for_profile(i) for i in (0, 1)]
    context = made.create_execution_context(USER)
    assert needed(context, x=(WIDTH // 2, 1)) <= sizes[0] == made.device_memory_size
    assert needed(context, x=(16, 1)) <= sizes[1] < sizes[0] / 2


def test_too_little_memory_is_answered_with_what_the_shapes_need():
    made = engine(thin_in_the_end, {"x": ALL})
    context = made.create_execution_context(USER)
    least = needed(context, x=(WIDTH // 2, 1))
    with pytest.raises(trt.UsageError, match=f"need {least:,}") as caught:
        context.set_device_memory(1 << 12, least - 1)
    assert f"at least {least:,} bytes" in caught.value.hint
    context.set_device_memory(1 << 12, least)


def test_where_all_tensors_grow_the_largest_shapes_say_it_all():
    def define(network):
        x = network.add_input("x", trt.float32, (-1, 8))
        y = network.add_softmax(network.add_softmax(x).get_output(0)).get_output(0)
        network.mark_output(network.add_softmax(y).get_output(0))

    made = engine(define, {"x": ((1, 8), (4, 8), (9, 8))})
    inner = made.engine
    _, registry = open_runtime("cpu")
    layout = plan(inner.network, inner.choices, {"x": (9, 8)}, registry)
    assert made.device_memory_size == layout.arena_bytes


def test_dimensions_that_must_be_equal_under_two_names_do_no_harm():
    def define(network):
        thin_in_the_end(network)
        z = network.add_input("z", trt.float32, (-1, 1))
        both = network.add_elementwise(
            network.get_input(0), z, trt.ElementWiseOperation.SUM
        ).get_output(0)
        network.mark_output(network.add_softmax(both).get_output(0))

    made = engine(define, {"x": ALL, "z": ALL})
    context = made.create_execution_context(USER)
    middle = (WIDTH // 2, 1)
    assert 0 < needed(context, x=middle, z=middle) <= made.device_memory_size

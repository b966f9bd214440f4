"""What config options do to an engine."""

import numpy as np
import pytest
from definitions import meaning, random

import trtlab as trt

LOGGER = trt.Logger(trt.Logger.ERROR)
DATA = random(2, 6)


def two_products(builder, dtype=trt.float32, flags=0):
    """relu(x·a)·b, with layers called first, relu and second."""
    network = builder.create_network(flags)
    x = network.add_input("x", dtype, (2, 6))
    none = trt.MatrixOperation.NONE
    a = network.add_constant((6, 8), random(6, 8, seed=1).astype(dtype.numpy))
    b = network.add_constant((8, 3), random(8, 3, seed=2).astype(dtype.numpy))
    first = network.add_matrix_multiply(x, none, a.get_output(0), none)
    relu = network.add_activation(first.get_output(0), trt.ActivationType.RELU)
    second = network.add_matrix_multiply(relu.get_output(0), none, b.get_output(0), none)
    first.name, relu.name, second.name = "first", "relu", "second"
    second.get_output(0).name = "y"
    network.mark_output(second.get_output(0))
    return network


def built(change=lambda network, config: None, **options):
    builder = trt.Builder(LOGGER)
    network = two_products(builder, **options)
    config = builder.create_builder_config()
    config.builder_optimization_level = 2
    change(network, config)
    return network, builder.build_engine_with_config(network, config)


def kinds(engine):
    """Element types of what the matrix products read, by layer."""
    return {
        layer.name: layer.inputs[0].dtype
        for layer in engine.engine.network.layers
        if layer.op.kind == "MATRIX_MULTIPLY"
    }


def test_the_plain_engine_agrees():
    network, engine = built()
    result = engine.create_execution_context().infer({"x": DATA})["y"]
    np.testing.assert_allclose(result, meaning(network, x=DATA)[0], rtol=1e-4, atol=1e-5)
    assert set(kinds(engine).values()) == {trt.float32}


@pytest.mark.parametrize(("flag", "dtype"), [("FP16", trt.float16), ("BF16", trt.bfloat16)])
def test_lower_types(flag, dtype):
    network, engine = built(lambda n, c: c.set_flag(trt.BuilderFlag[flag]))
    assert set(kinds(engine).values()) == {dtype}
    result = engine.create_execution_context().infer({"x": DATA})["y"]
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, meaning(network, x=DATA)[0], rtol=0.1, atol=0.1)


def wish(network, config, flag):
    config.set_flag(trt.BuilderFlag.FP16)
    network.get_layer(network.num_layers - 1).precision = trt.float32
    if flag is not None:
        config.set_flag(flag)


@pytest.mark.parametrize(
    ("flag", "second"),
    [
        (None, trt.float16),
        (trt.BuilderFlag.PREFER_PRECISION_CONSTRAINTS, trt.float32),
        (trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS, trt.float32),
    ],
)
def test_a_wished_precision_counts_when_a_flag_says_so(flag, second):
    _, engine = built(lambda n, c: wish(n, c, flag))
    found = kinds(engine)
    assert next(t for n, t in found.items() if n.startswith("first")) is trt.float16
    assert next(t for n, t in found.items() if n.startswith("second")) is second


def test_a_wish_that_cannot_be_obeyed_fails_the_build():
    def change(network, config):
        network.get_layer(network.num_layers - 1).precision = trt.float16
        config.set_flag(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)

    with pytest.raises(trt.UnsupportedError, match="second"):
        built(change)


def test_strongly_typed_networks_keep_their_types():
    strong = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network, engine = built(dtype=trt.float16, flags=strong)
    assert engine.get_tensor_dtype("x") is engine.get_tensor_dtype("y") is trt.float16
    assert set(kinds(engine).values()) == {trt.float16}
    half = DATA.astype(np.float16)
    result = engine.create_execution_context().infer({"x": half})["y"]
    assert result.dtype == np.float16
    np.testing.assert_allclose(result, meaning(network, x=half)[0], rtol=0.02, atol=0.02)


def test_max_num_tactics_bounds_what_is_timed():
    def change(network, config):
        config.builder_optimization_level = 5
        config.max_num_tactics = 1

    _, engine = built(change)
    for selection in engine.engine.build.selections:
        assert sum(c.time_us is not None for c in selection.contenders) <= 1


def test_tactic_sources_bound_what_is_chosen():
    _, engine = built(lambda n, c: c.set_tactic_sources(1 << int(trt.TacticSource.NUMPY)))
    for selection in engine.engine.build.selections:
        assert selection.chosen.startswith("cpu.numpy")


def test_a_workspace_limit_is_noted():
    _, engine = built(
        lambda n, c: c.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1 << 22)
    )
    assert engine.engine.config.memory_pools_bytes == {"WORKSPACE": 1 << 22}
    for selection in engine.engine.build.selections:
        chosen = next(c for c in selection.contenders if c.tactic == selection.chosen)
        assert chosen.workspace_bytes <= 1 << 22


def test_aux_streams_and_flags_reach_the_engine():
    def change(network, config):
        config.max_aux_streams = 2
        config.set_flag(trt.BuilderFlag.SPARSE_WEIGHTS)

    _, engine = built(change)
    assert engine.num_aux_streams == 2
    assert engine.engine.config.flags == ("TF32", "SPARSE_WEIGHTS")


def test_a_constant_layer_may_be_an_output():
    builder = trt.Builder(LOGGER)
    network = two_products(builder)
    held = network.add_constant((2, 2), np.arange(4, dtype=np.float32))
    held.get_output(0).name = "held"
    network.mark_output(held.get_output(0))
    config = builder.create_builder_config()
    config.builder_optimization_level = 0
    engine = builder.build_engine(network, config)
    result = engine.create_execution_context().infer({"x": DATA})["held"]
    np.testing.assert_array_equal(result, [[0, 1], [2, 3]])


def test_the_network_is_left_as_it_was():
    builder = trt.Builder(LOGGER)
    network = two_products(builder)
    before = str(network.graph), network.num_layers
    config = builder.create_builder_config()
    one = builder.build_serialized_network(network, config)
    assert (str(network.graph), network.num_layers) == before
    assert builder.build_serialized_network(network, config) is not one


def test_engines_can_be_written_to_a_stream():
    class Writer(trt.IStreamWriter):
        def __init__(self):
            trt.IStreamWriter.__init__(self)
            self.data = b""

        def write(self, data):
            self.data += data
            return len(data)

    builder, writer = trt.Builder(LOGGER), Writer()
    network = two_products(builder)
    config = builder.create_builder_config()
    assert builder.build_serialized_network_to_stream(network, config, writer)
    engine = trt.Runtime(LOGGER).deserialize_cuda_engine(writer.data)
    assert list(engine) == ["x", "y"]


def test_shapes_may_be_outputs_and_are_still_known_inside():
    builder = trt.Builder(LOGGER)
    network = builder.create_network()
    x = network.add_input("x", trt.float32, (-1, 6))
    like = network.add_input("like", trt.float32, (-1, 3))
    shape = network.add_shape(like)
    reshaped = network.add_shuffle(x)
    reshaped.set_input(1, shape.get_output(0))
    for name, layer in (("shape", shape), ("reshaped", reshaped)):
        layer.get_output(0).name = name
        network.mark_output(layer.get_output(0))
    config = builder.create_builder_config()
    profile = builder.create_optimization_profile()
    profile.set_shape("x", (1, 6), (2, 6), (4, 6))
    profile.set_shape("like", (2, 3), (4, 3), (8, 3))
    config.add_optimization_profile(profile)
    context = builder.build_engine(network, config).create_execution_context()
    for rows in (1, 4):
        given = random(rows, 6)
        found = context.infer({"x": given, "like": random(2 * rows, 3)})
        np.testing.assert_array_equal(found["shape"], [2 * rows, 3])
        np.testing.assert_array_equal(found["reshaped"], given.reshape(2 * rows, 3))


def test_a_shape_that_depends_on_data_is_refused_with_what_to_do():
    builder = trt.Builder(trt.Logger(trt.Logger.INTERNAL_ERROR))
    network = builder.create_network()
    places = network.add_non_zero(network.add_input("x", trt.float32, (4, 4)))
    network.mark_output(places.get_output(0))
    with pytest.raises(trt.UnsupportedError, match="depends on data") as caught:
        builder.build_serialized_network(network, builder.create_builder_config())
    assert "make it a dimension of an input" in caught.value.hint
    assert "end the network before this layer" in caught.value.hint

"""Whatever is passed, only trtlab's errors come back, and the network stays sound."""

import inspect
from contextlib import suppress
from itertools import product

import numpy as np
import pytest
from definitions import network, random
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import trtlab as trt
from trtlab.network.verify import verify

GARBAGE = [
    None, True, -1, 0, 7, 1 << 70, 2.5, float("nan"), "x", "", b"b", [], [None], (1, "a"),
    [[1]], {}, object(), int, trt.float16, trt.ActivationType.RELU, trt.Dims(),
    trt.Weights(), np.zeros(0), np.zeros((2, 3)), np.array("t"), np.float32(1),
    np.array([1j]), range(3),
]  # fmt: skip
METHODS = [n for n in dir(trt.INetworkDefinition) if n.startswith("add_")]


def small():
    """A network with one image and one vector of integers."""
    definition = network()
    x = definition.add_input("x", trt.float32, (1, 2, 4, 4))
    i = definition.add_input("i", trt.int32, (3,))
    return definition, x, i


def sound(definition):
    """Everything but the missing outputs is right."""
    definition.mark_output(definition.add_identity(definition.get_input(0)).get_output(0))
    verify(definition.graph)


@pytest.mark.parametrize("method", METHODS)
def test_methods_refuse_garbage(method):
    definition, x, i = small()
    count = len(inspect.signature(getattr(definition, method)).parameters)
    for first, junk in product([x, i, [x, x], *GARBAGE], GARBAGE):
        arguments = [first, *[junk] * (count - 1)]
        with suppress(trt.TrtlabError):
            getattr(definition, method)(*arguments)
    sound(definition)


def layers():
    """One layer of every sort, by name."""
    definition, x, i = small()
    d, size = definition, random(2, 2, 3, 3)
    none = trt.MatrixOperation.NONE
    number = d.add_constant((), np.array(3, np.int32)).get_output(0)
    made = [
        d.add_convolution_nd(x, 2, (3, 3), size),
        d.add_deconvolution_nd(x, 2, (3, 3), size),
        d.add_pooling_nd(x, trt.PoolingType.MAX, (2, 2)),
        d.add_padding_nd(x, (0, 1), (1, 0)),
        d.add_lrn(x, 3, 1.0, 1.0, 1.0),
        d.add_fully_connected(x, 3, random(3 * 32)),
        d.add_activation(x, trt.ActivationType.RELU),
        d.add_elementwise(x, x, trt.ElementWiseOperation.SUM),
        d.add_unary(x, trt.UnaryOperation.NEG),
        d.add_scale(x, trt.ScaleMode.CHANNEL, random(2), random(2)),
        d.add_cast(x, trt.int32),
        d.add_identity(x),
        d.add_matrix_multiply(x, none, x, none),
        d.add_einsum([x, x], "nchw,nchw->n"),
        d.add_attention(x, x, x),
        d.add_reduce(x, trt.ReduceOperation.SUM, 1, True),
        d.add_softmax(x),
        d.add_topk(x, trt.TopKOperation.MAX, 1, 2),
        d.add_cumulative(x, 1, trt.CumulativeOperation.SUM, False, False),
        d.add_normalization(x, x, x, 8),
        d.add_shuffle(x),
        d.add_slice(x, (0,) * 4, (1,) * 4, (1,) * 4),
        d.add_concatenation([x, x]),
        d.add_resize(x),
        d.add_squeeze(x, (0,)),
        d.add_unsqueeze(x, (0,)),
        d.add_gather(x, i, 0),
        d.add_non_zero(x),
        d.add_constant((2,), random(2)),
        d.add_shape(x),
        d.add_fill((3,), trt.FillOperation.LINSPACE),
        d.add_parametric_relu(x, x),
        d.add_select(d.add_cast(x, trt.bool).get_output(0), x, x),
        d.add_scatter(i, i, i, trt.ScatterMode.ELEMENT),
        d.add_one_hot(i, d.add_constant((2,), random(2)).get_output(0), number, 0),
        d.add_reverse_sequence(x, d.add_constant((2,), np.ones(2, np.int32)).get_output(0)),
    ]
    return definition, {type(layer).__name__: layer for layer in made}


def settable(kind):
    """Names of a class that can be assigned."""
    found = []
    for name in dir(kind):
        if name.startswith("_"):
            continue
        static = inspect.getattr_static(kind, name)
        fixed = isinstance(static, property) and static.fset is None
        if not fixed and hasattr(type(static), "__set__"):
            found.append(name)
    return found


KINDS = [
    n for n in trt.__all__ if n == "IAttention" or (n.endswith("Layer") and n != "ILayer")
]


@pytest.mark.parametrize("kind", KINDS)
def test_layers_refuse_garbage(kind):
    definition, by_name = layers()
    layer = by_name[kind]
    names = settable(type(layer))
    assert {"name", "metadata", "precision"} <= set(names)
    for name, junk in product(names, GARBAGE):
        with suppress(trt.TrtlabError):
            setattr(layer, name, junk)
    for name in names:
        getattr(layer, name)
    for index, junk in product([*GARBAGE, 0, 1, 2, 3], GARBAGE):
        with suppress(trt.TrtlabError):
            layer.set_input(index, junk)
    sound(definition)


def test_tensors_refuse_garbage():
    definition, x, _ = small()
    layer = definition.add_activation(x, trt.ActivationType.RELU)
    for tensor in (x, layer.get_output(0)):
        for name, junk in product(settable(trt.ITensor), GARBAGE):
            with suppress(trt.TrtlabError):
                setattr(tensor, name, junk)
        for junk in GARBAGE:
            with suppress(trt.TrtlabError):
                tensor.get_dimension_name(junk)
            with suppress(trt.TrtlabError):
                tensor.set_dimension_name(0, junk)
            with suppress(trt.TrtlabError):
                tensor.set_dynamic_range(junk, 1)
    sound(definition)


def test_builder_config_profile_and_parser_refuse_garbage():
    builder = trt.Builder(trt.Logger(trt.Logger.INTERNAL_ERROR))
    config, profile = builder.create_builder_config(), builder.create_optimization_profile()
    parser = trt.OnnxParser(builder.create_network(), trt.Logger(trt.Logger.INTERNAL_ERROR))
    for subject in (builder, config, profile, parser, builder.create_network()):
        for name, junk in product(settable(type(subject)), GARBAGE):
            with suppress(trt.TrtlabError):
                setattr(subject, name, junk)
    calls = [
        builder.create_network,
        config.set_flag,
        config.clear_flag,
        config.get_flag,
        config.get_memory_pool_limit,
        config.set_tactic_sources,
        config.add_optimization_profile,
        config.create_timing_cache,
        config.get_preview_feature,
        profile.get_shape,
        parser.parse,
        parser.parse_from_file,
        parser.supports_model_v2,
        parser.get_error,
        parser.set_flag,
        lambda junk: config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, junk),
        lambda junk: config.set_preview_feature(junk, True),
        lambda junk: profile.set_shape("x", junk, junk, junk),
        lambda junk: profile.set_shape(junk, (1,), (1,), (1,)),
        lambda junk: builder.build_serialized_network(junk, config),
        lambda junk: builder.build_serialized_network(builder.create_network(), junk),
        lambda junk: builder.is_network_supported(junk, config),
        lambda junk: trt.OnnxParser(junk, trt.Logger()),
    ]
    for call, junk in product(calls, GARBAGE):
        with suppress(trt.TrtlabError):
            call(junk)


def test_engine_and_context_refuse_garbage():
    definition, x, _ = small()
    definition.remove_tensor(definition.get_input(1))
    layer = definition.add_activation(x, trt.ActivationType.RELU)
    definition.mark_output(layer.get_output(0))
    builder = trt.Builder(trt.Logger())
    config = builder.create_builder_config()
    config.builder_optimization_level = 0
    engine = builder.build_engine_with_config(definition, config)
    context, inspector = engine.create_execution_context(), engine.create_engine_inspector()
    calls = [
        engine.get_tensor_name,
        engine.get_tensor_shape,
        engine.get_tensor_dtype,
        engine.get_tensor_mode,
        lambda junk: engine.get_tensor_profile_shape("x", junk),
        lambda junk: engine.get_tensor_profile_shape(junk, 0),
        lambda junk: inspector.get_layer_information(junk, trt.LayerInformationFormat.JSON),
        lambda junk: context.set_input_shape("x", junk),
        lambda junk: context.set_input_shape(junk, (1, 2, 4, 4)),
        lambda junk: context.set_tensor_address("x", junk if junk != 7 else 0),
        lambda junk: context.set_tensor_address(junk, 1 << 20),
        lambda junk: context.set_optimization_profile_async(junk, 0),
        lambda junk: context.execute_v2(junk if junk != [None] else []),
        context.get_tensor_shape,
        context.get_tensor_strides,
        context.infer,
        lambda junk: context.infer({"x": junk}),
        trt.Runtime(trt.Logger()).deserialize_cuda_engine,
    ]
    for call, junk in product(calls, [j for j in GARBAGE if not isinstance(j, np.ndarray)]):
        with suppress(trt.TrtlabError):
            call(junk)


# ---- edits in any order ----------------------------------------------------------------

PAIR = st.tuples(st.integers(0, 3), st.integers(0, 3))
EDITS = st.one_of(
    st.tuples(
        st.sampled_from(["stride_nd", "padding_nd", "dilation_nd", "pre_padding"]), PAIR
    ),
    st.tuples(st.just("num_groups"), st.sampled_from([1, 2, 4])),
    st.tuples(st.just("padding_mode"), st.sampled_from(list(trt.PaddingMode))),
    st.tuples(st.just("shape"), st.sampled_from([(1, 4, 6, 6), (-1, 4, 9, 5), (2, 3, 6, 6)])),
    st.tuples(st.just("reader"), st.booleans()),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EDITS, max_size=8))
def test_edits_in_any_order_keep_the_network_sound(edits):
    definition = network()
    x = definition.add_input("x", trt.float32, (1, 4, 6, 6))
    conv = definition.add_convolution_nd(x, 4, (3, 2), random(4, 4, 3, 2))
    for name, value in edits:
        before = str(definition.graph)
        try:
            if name == "shape":
                x.shape = value
            elif name == "reader":
                definition.add_pooling_nd(conv.get_output(0), trt.PoolingType.MAX, (2, 2))
            else:
                setattr(conv, name, value)
        except (trt.UsageError, trt.InvalidNetworkError):
            assert str(definition.graph) == before
    sound(definition)

"""Precision on a GPU: TF32 on and off, wishes of layers, strong types, visible reformats."""

import json
import logging
from functools import cache

import numpy as np
import pytest
from definitions import random

import trtlab as trt
from trtlab.network.evaluate import evaluate
from trtlab.profiling.engine_target import random_input
from trtlab.runtime.api import ICudaEngine
from trtlab.session.requests import BuildRequest
from trtlab.session.sources import default_profile, open_cached
from trtlab.session.work import build_engine

pytestmark = pytest.mark.gpu
_log = logging.getLogger(__name__)
LOGGER = trt.Logger(trt.Logger.ERROR)
NONE = trt.MatrixOperation.NONE
DEVICE = "cuda"
STRONG = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
LIMITS = {"fp32": 5e-5, "tf32": 1e-3, "fp16": 1e-2, "bf16": 1e-2}


def relative(got, wanted):
    difference = got.astype(np.float64) - wanted.astype(np.float64)
    return np.linalg.norm(difference) / np.linalg.norm(wanted.astype(np.float64))


def meant(network, feeds):
    """Outputs in float64."""
    wide = {n: a.astype(np.float64) if a.dtype.kind == "f" else a for n, a in feeds.items()}
    return evaluate(network, wide)


def tactics(engine):
    return {name: choice.tactic for name, choice in engine.choices.items()}


def uses_tf32(engine):
    return [name for name, tactic in tactics(engine).items() if ".tf32/" in tactic]


# ---- whole models ----------------------------------------------------------------------


@cache
def model(source):
    network = open_cached(source).network
    rng = np.random.default_rng(0)
    shapes = default_profile(network, source).opt()
    feeds = {t.name: random_input(t, shapes[t.name], rng) for t in network.inputs}
    return feeds, meant(network, feeds)


@pytest.mark.parametrize("precision", ["fp32", "tf32"])
@pytest.mark.parametrize("source", ["zoo:resnet50", "zoo:bert_base", "zoo:vit_b16"])
def test_models_against_float64(source, precision):
    feeds, wanted = model(source)
    request = BuildRequest(source, device=DEVICE, precision=precision, optimization_level=2)
    engine = build_engine(request)
    assert engine.config.precision == precision
    assert bool(uses_tf32(engine)) == (precision == "tf32")
    results = ICudaEngine(engine).create_execution_context().infer(feeds)
    errors = {name: relative(results[name], w) for name, w in wanted.items()}
    _log.info("%s %s: %s", source, precision, errors)
    assert max(errors.values()) < LIMITS[precision], errors


# ---- a small network -------------------------------------------------------------------


def images(builder, dtype=trt.float32, flags=0):
    """Two convolutions, the mean of each row, a product: layers one, two and last."""
    network = builder.create_network(flags)
    x = network.add_input("x", dtype, (8, 64, 16, 16))
    kind = np.dtype(dtype.numpy)

    def weights(*shape, seed):
        return (random(*shape, seed=seed) / np.sqrt(np.prod(shape[1:]))).astype(kind)

    one = network.add_convolution_nd(x, 128, (3, 3), weights(128, 64, 3, 3, seed=1))
    one.padding_nd = (1, 1)
    relu = network.add_activation(one.get_output(0), trt.ActivationType.RELU)
    two = network.add_convolution_nd(
        relu.get_output(0), 64, (1, 1), weights(64, 128, 1, 1, seed=2)
    )
    mean = network.add_reduce(two.get_output(0), trt.ReduceOperation.AVG, 1 << 3, False)
    flat = network.add_constant((1, 16, 96), weights(1, 16, 96, seed=3))
    spread = network.add_matrix_multiply(mean.get_output(0), NONE, flat.get_output(0), NONE)
    one.name, two.name, spread.name = "one", "two", "last"
    spread.get_output(0).name = "y"
    network.mark_output(spread.get_output(0))
    return network


def built(change=lambda network, config: None, **options):
    builder = trt.Builder(LOGGER, device=DEVICE)
    network = images(builder, **options)
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    change(network, config)
    return network, builder.build_engine_with_config(network, config)


def result(engine, seed=0):
    return engine.create_execution_context().infer({"x": random(8, 64, 16, 16, seed=seed)})[
        "y"
    ]


def error(network, engine):
    return relative(result(engine), meant(network.graph, {"x": random(8, 64, 16, 16)})["y"])


def told(engine):
    """What the inspector says of each layer."""
    inspector = engine.create_engine_inspector()
    text = inspector.get_engine_information(trt.LayerInformationFormat.JSON)
    return json.loads(text)["Layers"]


def type_of(tensor):
    """``fp16`` of a tensor that the inspector calls ``Channel major FP16 format``."""
    words = tensor["Format/Datatype"].lower().split()
    return next(word for word in words if word in {"fp32", "fp16", "bf16"})


def computed_in(engine):
    """Types that products read, by the beginning of the layer's name."""
    found = {}
    for layer in told(engine):
        for name in ("one", "two", "last"):
            if layer["Name"].startswith(name) and layer["LayerType"] in {
                "CONVOLUTION",
                "MATRIX_MULTIPLY",
            }:
                found[name] = type_of(layer["Inputs"][0])
    return found


@pytest.mark.alone
def test_the_tf32_flag_is_set_and_can_be_cleared():
    network, engine = built()
    assert uses_tf32(engine.engine)
    assert error(network, engine) < LIMITS["tf32"]
    network, engine = built(lambda n, c: c.clear_flag(trt.BuilderFlag.TF32))
    assert not uses_tf32(engine.engine)
    assert error(network, engine) < LIMITS["fp32"]
    refused = [
        c.rejection
        for selection in engine.engine.build.selections
        for c in selection.contenders
        if ".tf32/" in c.tactic
    ]
    assert "TF32 is switched off" in refused


@pytest.mark.parametrize(("flag", "name"), [("FP16", "fp16"), ("BF16", "bf16")])
def test_lower_types(flag, name):
    network, engine = built(lambda n, c: c.set_flag(trt.BuilderFlag[flag]))
    assert computed_in(engine) == dict.fromkeys(("one", "two", "last"), name)
    assert error(network, engine) < LIMITS[name]


@pytest.mark.parametrize("flag", ["FP16", "BF16"])
def test_obeyed_wishes(flag):
    def change(network, config):
        config.set_flag(trt.BuilderFlag[flag])
        config.set_flag(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)
        for layer in network:
            if layer.name == "two":
                layer.precision = trt.float32

    network, engine = built(change)
    lower = flag.lower()
    assert computed_in(engine) == {"one": lower, "two": "fp32", "last": lower}
    assert error(network, engine) < LIMITS[lower]


def test_a_wish_without_a_flag_is_ignored():
    def change(network, config):
        config.set_flag(trt.BuilderFlag.FP16)
        for layer in network:
            if layer.name == "two":
                layer.precision = trt.float32

    _, engine = built(change)
    assert computed_in(engine)["two"] == "fp16"


@pytest.mark.parametrize("dtype", [trt.float16, trt.bfloat16], ids=["fp16", "bf16"])
def test_strongly_typed_networks_keep_their_types(dtype):
    network, engine = built(dtype=dtype, flags=STRONG)
    assert engine.get_tensor_dtype("x") is engine.get_tensor_dtype("y") is dtype
    assert set(computed_in(engine).values()) == {dtype.value}
    types = {type_of(t) for la in told(engine) for t in la["Outputs"]}
    assert types == {dtype.value}
    data = random(8, 64, 16, 16).astype(dtype.numpy)
    got = engine.create_execution_context().infer({"x": data})["y"]
    wide = data.astype(np.float64)
    assert relative(got, evaluate(network.graph, {"x": wide})["y"]) < LIMITS[dtype.value]


def test_reformats_are_layers_with_a_time():
    _, engine = built(lambda n, c: c.set_flag(trt.BuilderFlag.FP16))
    layers = [la for la in told(engine) if la["LayerType"] in {"REFORMAT", "CAST"}]
    assert layers  # the input is linear and fp32, the convolutions want neither
    assert all(la["TacticName"] and la["TacticTimeUs"] > 0 for la in layers)


@pytest.mark.parametrize("flag", [None, "FP16", "BF16"], ids=str)
def test_repeated_runs_are_bit_identical(flag):
    _, engine = built(lambda n, c: flag and c.set_flag(trt.BuilderFlag[flag]))
    first = result(engine)
    for _ in range(20):
        np.testing.assert_array_equal(result(engine), first)
    again = trt.Runtime(LOGGER).deserialize_cuda_engine(engine.serialize())
    np.testing.assert_array_equal(result(again), first)

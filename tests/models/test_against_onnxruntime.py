"""Whole models against ONNX Runtime: nine topologies of onnx's own, and the zoo's eight."""

import gc
from dataclasses import dataclass

import ml_dtypes
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from rounded_model import DEMANDED, limits, rounded, run

import trtlab
from trtlab import zoo
from trtlab.core.settings import settings

pytestmark = pytest.mark.slow

# Whole models whose builds in both half precisions take seconds.
HALF_MODELS = ("lstm", "mobilenet_v2", "resnet50", "light_shufflenet")


@dataclass(frozen=True, slots=True)
class Case:
    """A model, two different inputs for it, and ONNX Runtime's outputs for each."""

    model: bytes
    feeds: tuple[dict[str, np.ndarray], ...]
    wanted: tuple[dict[str, np.ndarray], ...]
    shapes: dict[str, tuple[int, ...]]


def _case(name):
    light = name.startswith("light_")
    proto = zoo.light(name) if light else zoo.build(name)
    feeds = tuple(zoo.random_inputs(proto if light else name, seed=s) for s in (1, 2))
    model = proto.SerializeToString()
    options = ort.SessionOptions()
    options.intra_op_num_threads = settings().cpu_threads
    options.log_severity_level = 3
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    wanted = tuple(dict(zip(names, session.run(names, f), strict=True)) for f in feeds)
    shapes = {} if light else {k: v.shape for k, v in feeds[0].items()}
    return Case(model, feeds, wanted, shapes)


def _error(got, wanted):
    """‖got − wanted‖ / ‖wanted‖ of the worst output."""
    assert got.keys() == wanted.keys()
    for name, expected in wanted.items():
        assert got[name].shape == expected.shape
        assert got[name].dtype == expected.dtype
        assert np.isfinite(got[name]).all()
    return max(
        float(np.linalg.norm(got[n].astype(np.float64) - w) / np.linalg.norm(w))
        for n, w in wanted.items()
    )


def _infer(case, **options):
    engine = trtlab.build(case.model, shapes=case.shapes, **options)
    context = engine.create_execution_context()
    return [context.infer(feed) for feed in case.feeds]


def _assert_telling(case):
    """The references depend on the input and differ from place to place: errors would show."""
    for name, first in case.wanted[0].items():
        second = case.wanted[1][name]
        assert len(np.unique(first)) > 0.3 * min(first.size, 10_000)
        assert np.std(first) > 0.1 * np.abs(first).mean()
        assert np.linalg.norm(first - second) > 0.05 * np.linalg.norm(first)


@pytest.fixture(autouse=True)
def _one_model_at_a_time():
    """The largest hold half a gigabyte of weights."""
    yield
    gc.collect()


# The zoo with all that the builder does by default; the other models with what fits one layer
# at a time, so that both ways through the passes are held to whole models.
@pytest.mark.parametrize(
    ("name", "level"),
    [*((name, 3) for name in zoo.names()), *((name, 1) for name in zoo.light_names())],
)
def test_fp32_agrees(name, level):
    case = _case(name)
    _assert_telling(case)
    for got, wanted in zip(_infer(case, optimization_level=level), case.wanted, strict=True):
        assert _error(got, wanted) < DEMANDED["fp32"]


def test_all_models_are_here():
    assert len(zoo.names()) == 8
    assert len(zoo.light_names()) == 9


@pytest.mark.parametrize("name", HALF_MODELS)
def test_half_precision_does_what_rounding_does(name):
    case = _case(name)
    model = onnx.ModelProto.FromString(case.model)
    errors = {}
    for precision in ("fp16", "bf16"):
        outputs = _infer(case, precision=precision, optimization_level=1)
        errors[precision] = []
        for feed, got, wanted in zip(case.feeds, outputs, case.wanted, strict=True):
            errors[precision].append(_error(got, wanted))
            allowed = limits(model, feed, wanted, precision)
            assert errors[precision][-1] < min(allowed.values()), precision
    # Emulated means rounded: computing in float32 all along would be closer than this.
    assert max(errors["fp16"]) > 2**-11 / 4
    assert 2 < max(errors["bf16"]) / max(errors["fp16"]) < 20


def test_a_residual_stream_in_fp16_keeps_bf16_within_the_demand():
    """BERT in BF16 rounds 48 times on its residual stream alone; in FP16 it may."""
    case = _case("bert_base")
    model = onnx.ModelProto.FromString(case.model)
    held = {t.name for t in model.graph.initializer}
    stream = {
        n.name: "fp16"
        for n in model.graph.node
        if n.op_type == "LayerNormalization"
        or (n.op_type == "Add" and n.name.endswith("output/Add") and held.isdisjoint(n.input))
    }
    assert len(stream) == 1 + 2 * 24
    mixed = _infer(case, precision="bf16", layer_precisions=stream, optimization_level=1)
    plain = _infer(case, precision="bf16", optimization_level=1)
    for got, without, wanted in zip(mixed, plain, case.wanted, strict=True):
        assert _error(got, wanted) < DEMANDED["bf16"] < _error(without, wanted)


def test_the_measure_rounds_as_the_types_do():
    """Through a graph that keeps its input, against NumPy's and ml_dtypes' own rounding."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[n] x) => (float[n] y)'
        "{ r = Relu (x) y = Identity (r) }"
    )
    x = np.abs(np.random.default_rng(0).standard_normal(1000, dtype=np.float32))
    for precision, kind in (("fp16", np.float16), ("bf16", ml_dtypes.bfloat16)):
        made = run(rounded(model, precision), {"x": x})["y"]
        off = np.abs(made - x.astype(kind).astype(np.float32))
        assert (off > 0).mean() < 0.01  # ties and FP16's subnormal numbers
        assert np.abs(made - x).max() > 0

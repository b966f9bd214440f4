"""Whole models against ONNX Runtime: nine topologies of onnx's own, and the zoo's eight."""

import gc
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
import pytest

import trtlab
from trtlab import zoo
from trtlab.core.settings import settings

pytestmark = pytest.mark.slow

# Sums in another order differ by a few units in the last place, layer by layer.
FP32_LIMIT = 5e-5
# FP16 rounds to 11 bits, BF16 to 8: eight times as coarse. What that does depends on the
# weights: shufflenet's softmax of random logits amplifies it most.
HALF_LIMITS = {
    "lstm": {"fp16": 1e-2, "bf16": 1e-2},
    "mobilenet_v2": {"fp16": 1e-2, "bf16": 1.5e-2},
    "light_shufflenet": {"fp16": 1e-2, "bf16": 5e-2},
}


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
        assert _error(got, wanted) < FP32_LIMIT


def test_all_models_are_here():
    assert len(zoo.names()) == 8
    assert len(zoo.light_names()) == 9


@pytest.mark.parametrize("name", HALF_LIMITS)
def test_half_precision_does_what_rounding_does(name):
    case = _case(name)
    errors = {}
    for precision, limit in HALF_LIMITS[name].items():
        outputs = _infer(case, precision=precision, optimization_level=2)
        errors[precision] = max(
            _error(got, wanted) for got, wanted in zip(outputs, case.wanted, strict=True)
        )
        assert errors[precision] < limit
    # Emulated means rounded: computing in float32 all along would be closer than this.
    assert errors["fp16"] > 2**-11 / 4
    assert 4 < errors["bf16"] / errors["fp16"] < 16

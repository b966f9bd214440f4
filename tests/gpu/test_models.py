"""Whole models on the GPU against ONNX Runtime on the CPU: poisoned outputs, two precisions."""

import numpy as np
import onnx
import pytest

from trtlab import zoo
from trtlab.session.requests import BuildRequest
from trtlab.session.work import build_engine

pytestmark = pytest.mark.gpu
ort = pytest.importorskip("onnxruntime")

MODELS = [*(f"zoo:{n}" for n in zoo.names()), *(f"light:{n}" for n in zoo.light_names())]


def _run(model, feeds):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options)
    return dict(
        zip([o.name for o in session.get_outputs()], session.run(None, feeds), strict=True)
    )


def _relative(got, wanted):
    difference = got.astype(np.float64) - wanted.astype(np.float64)
    return np.linalg.norm(difference) / np.linalg.norm(wanted.astype(np.float64))


def _rounded(model):
    """The model with its weights in half precision, computed in single precision."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for held in copy.graph.initializer:
        if held.data_type == onnx.TensorProto.FLOAT:
            array = onnx.numpy_helper.to_array(held).astype(np.float16).astype(np.float32)
            held.CopyFrom(onnx.numpy_helper.from_array(array, held.name))
    return copy


def _tolerances(model, feeds, wanted, precision):
    """1e-4, or 1e-2 in half precision; more where rounding the weights alone does as much.

    Some random weights amplify differences from layer to layer.
    """
    if precision == "fp32":
        return dict.fromkeys(wanted, 1e-4)
    halved = {
        n: a.astype(np.float16).astype(np.float32) if a.dtype == np.float32 else a
        for n, a in feeds.items()
    }
    moved = _run(_rounded(model), halved)
    return {n: max(1e-2, 8 * _relative(moved[n], w)) for n, w in wanted.items()}


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("source", MODELS)
def test_model_agrees_with_onnxruntime(source, precision):
    from trtlab.profiling.engine_target import random_input
    from trtlab.runtime.devices import open_runtime
    from trtlab.runtime.executable import Executable
    from trtlab.runtime.loaded import LoadedEngine

    kind, name = source.split(":")
    model = zoo.build(name) if kind == "zoo" else zoo.light(name)
    engine = build_engine(
        BuildRequest(source, device="cuda", precision=precision, optimization_level=2)
    )
    device, registry = open_runtime("cuda")
    shapes = engine.profiles[0].opt()
    rng = np.random.default_rng(0)
    if kind == "zoo":
        feeds = zoo.random_inputs(name, shapes)
    else:
        feeds = {t.name: random_input(t, shapes[t.name], rng) for t in engine.network.inputs}
    executable = Executable(LoadedEngine(engine, device, registry), shapes)
    memory = {
        t.name: device.hold(np.ascontiguousarray(feeds[t.name].astype(t.dtype.numpy)))
        for t in engine.network.inputs
    }
    made = executable.output_shapes()
    for t in engine.network.outputs:
        size = int(np.prod(made[t.name])) * t.dtype.numpy.itemsize
        memory[t.name] = device.hold(np.full(size, 0xFF, np.uint8))  # NaN in every float type
    executable.bind({n: m.address for n, m in memory.items()})

    def outputs():
        executable.run()
        device.synchronize()
        return {
            t.name: device.read(memory[t.name].address, t.dtype.numpy, made[t.name])
            for t in engine.network.outputs
        }

    first = outputs()
    wanted = _run(model, feeds)
    limits = _tolerances(model, feeds, wanted, precision)
    errors = {name: _relative(got, wanted[name]) for name, got in first.items()}
    assert all(error <= limits[name] for name, error in errors.items()), (errors, limits)
    for name, again in outputs().items():
        np.testing.assert_array_equal(again, first[name])
    stamps = executable.run_stamped()
    assert (stamps[:, 1] >= stamps[:, 0]).all()
    assert (np.diff(stamps[:, 0]) >= 0).all()

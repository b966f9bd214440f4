"""Whole models on the GPU against ONNX Runtime on the CPU: poisoned outputs, three precisions.

ONNX Runtime computes in single precision, whose own error (1e-6) is far below every bound.
"""

import numpy as np
import pytest

from trtlab import zoo
from trtlab.session.requests import BuildRequest
from trtlab.session.work import build_engine

pytestmark = pytest.mark.gpu
pytest.importorskip("onnxruntime")

MODELS = [*(f"zoo:{n}" for n in zoo.names()), *(f"light:{n}" for n in zoo.light_names())]


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
@pytest.mark.parametrize("source", MODELS)
def test_model_agrees_with_onnxruntime(source, precision):
    from rounded_model import limits, relative_error, run

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
    wanted = run(model, feeds)
    allowed = limits(model, feeds, wanted, precision)
    errors = {name: relative_error(got, wanted[name]) for name, got in first.items()}
    assert all(error <= allowed[name] for name, error in errors.items()), (errors, allowed)
    for name, again in outputs().items():
        np.testing.assert_array_equal(again, first[name])
    stamps = executable.run_stamped()
    assert (stamps[:, 1] >= stamps[:, 0]).all()
    assert (np.diff(stamps[:, 0]) >= 0).all()

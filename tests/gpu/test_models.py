"""Whole models on the GPU against ONNX Runtime on the CPU: poisoned outputs, three precisions.

ONNX Runtime computes in single precision, whose own error (1e-6) is far below every bound.
"""

import numpy as np
import pytest

from trtlab import zoo
from trtlab.runtime.executable import RunSettings
from trtlab.session.requests import BuildRequest
from trtlab.session.work import build_engine

pytestmark = pytest.mark.gpu
pytest.importorskip("onnxruntime")

MODELS = [*(f"zoo:{n}" for n in zoo.names()), *(f"light:{n}" for n in zoo.light_names())]


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
@pytest.mark.parametrize("source", MODELS)
def test_model_agrees_with_onnxruntime(source, precision):
    """By graph and step by step, on one stream and on several, with and without time stamps."""
    level = 2 if source.startswith("zoo:") else 1  # hints choose other tactics than times
    engine = build_engine(
        BuildRequest(source, device="cuda", precision=precision, optimization_level=level)
    )
    shapes = engine.profiles[0].opt()
    bound = _Bound(engine, shapes, _feeds(source, engine, shapes))
    first = bound.outputs()
    _assert_right(source, bound.feeds, first, precision)
    stamps = bound.executable.run_stamped()
    assert (stamps[:, 1] >= stamps[:, 0]).all()
    assert (np.diff(stamps[:, 0]) >= 0).all()
    again = [bound.outputs()]
    again.append(bound.outputs(graphs=False))
    again.append(_Bound(engine, shapes, bound.feeds, streams=4).outputs())
    for results in again:
        for name, result in results.items():
            np.testing.assert_array_equal(result, first[name])
    for number in range(3):  # what an earlier run left anywhere does not pass for an answer
        bound.give(bound.shuffled(number))
        apart = bound.outputs(graphs=False, stamped=True)  # events keep kernels apart
        for graphs, stamped in ((True, False), (False, False), (True, True)):
            results = bound.outputs(graphs=graphs, stamped=stamped)
            for name, result in results.items():
                np.testing.assert_array_equal(result, apart[name])


@pytest.mark.parametrize("source", ["zoo:resnet50", "zoo:mobilenet_v2", "zoo:bert_base"])
def test_two_shapes_of_a_profile(source):
    """What is not the optimum runs other kernels, whose answers are as good."""
    name = source.split(":")[1]
    inputs = {entry.name: entry.opt_shape[1:] for entry in zoo.info(name).inputs}
    ranges = {n: tuple((batch, *rest) for batch in (1, 3, 4)) for n, rest in inputs.items()}
    engine = build_engine(
        BuildRequest(
            source, device="cuda", precision="fp16", optimization_level=1, profiles=ranges
        )
    )
    for which in (1, 0):
        shapes = {n: sizes[which] for n, sizes in ranges.items()}
        bound = _Bound(engine, shapes, _feeds(source, engine, shapes))
        _assert_right(source, bound.feeds, bound.outputs(), "fp16")


@pytest.mark.alone
def test_the_layers_add_up_to_the_replay():
    """Kernels overlap in both, and the stamped runs know what their own marks cost."""
    engine = build_engine(
        BuildRequest("zoo:mobilenet_v2", device="cuda", precision="fp16", optimization_level=1)
    )
    shapes = engine.profiles[0].opt()
    bound = _Bound(engine, shapes, _feeds("zoo:mobilenet_v2", engine, shapes))
    bound.executable.run_stamped()
    shares, with_edges = [], []
    for _ in range(25):
        before_us = bound.replay_us()
        stamps = bound.executable.run_stamped()
        assert (stamps[1:, 0] == stamps[:-1, 1]).all()
        layers_us = (stamps[-1, 1] - stamps[0, 0]) / 1e3
        replay_us = (before_us + bound.replay_us()) / 2
        edges_us = bound.executable.program.edges_ns / 1e3
        shares.append(layers_us / replay_us)
        with_edges.append((layers_us + edges_us) / replay_us)
        assert edges_us > 0
    assert 0.9 < np.median(shares) < 1.0
    assert 0.97 < np.median(with_edges) < 1.03


class _Bound:
    """An engine with inputs on the device."""

    def __init__(self, engine, shapes, feeds, streams=None):
        from trtlab.runtime.devices import open_runtime
        from trtlab.runtime.executable import Executable
        from trtlab.runtime.loaded import LoadedEngine

        self.feeds = feeds
        self._device, registry = open_runtime(engine.device.kind)
        loaded = LoadedEngine(engine, self._device, registry)
        self.executable = Executable(loaded, shapes, streams=streams)
        self._made = self.executable.output_shapes()
        self._inputs, self._outputs = engine.network.inputs, engine.network.outputs
        self._memory = {
            t.name: self._device.hold(
                np.ascontiguousarray(feeds[t.name].astype(t.dtype.numpy))
            )
            for t in engine.network.inputs
        }
        for t in self._outputs:
            size = int(np.prod(self._made[t.name])) * t.dtype.numpy.itemsize
            self._memory[t.name] = self._device.hold(np.empty(size, np.uint8))
        self.executable.bind({n: m.address for n, m in self._memory.items()})

    def shuffled(self, seed):
        """The inputs with their elements in another order."""
        rng = np.random.default_rng(seed)
        return {n: rng.permutation(a.ravel()).reshape(a.shape) for n, a in self.feeds.items()}

    def give(self, feeds):
        """Other inputs for the next runs."""
        for t in self._inputs:
            given = np.ascontiguousarray(feeds[t.name].astype(t.dtype.numpy))
            self._device.write(self._memory[t.name].address, given)

    def replay_us(self):
        """Of one plain run, between two events."""
        from cupy.cuda import Event, get_elapsed_time

        start, end = Event(), Event()
        start.record(self._device.stream)
        self.executable.run()
        end.record(self._device.stream)
        end.synchronize()
        return 1e3 * get_elapsed_time(start, end)

    def outputs(self, *, graphs=True, stamped=False):
        """Of a run into memory that holds NaN of every float type."""
        self.executable.set_up(RunSettings(graphs=graphs))
        for t in self._outputs:
            memory = self._memory[t.name]
            self._device.write(memory.address, np.full(memory.nbytes, 0xFF, np.uint8))
        if stamped:
            self.executable.run_stamped()
        else:
            self.executable.run()
        self._device.synchronize()
        return {
            t.name: self._device.read(
                self._memory[t.name].address, t.dtype.numpy, self._made[t.name]
            )
            for t in self._outputs
        }


def _feeds(source, engine, shapes):
    from trtlab.profiling.engine_target import random_input

    kind, name = source.split(":")
    if kind == "zoo":
        return zoo.random_inputs(name, shapes)
    rng = np.random.default_rng(0)
    return {t.name: random_input(t, shapes[t.name], rng) for t in engine.network.inputs}


def _assert_right(source, feeds, results, precision):
    from rounded_model import limits, relative_error, run

    kind, name = source.split(":")
    model = zoo.build(name) if kind == "zoo" else zoo.light(name)
    wanted = run(model, feeds)
    allowed = limits(model, feeds, wanted, precision)
    errors = {n: relative_error(got, wanted[n]) for n, got in results.items()}
    assert all(error <= allowed[n] for n, error in errors.items()), (errors, allowed)

"""What watches a run on a GPU: profilers, time stamps, waits."""

import numpy as np
import pytest

import trtlab as trt
from tests.support.gpu_contexts import GRAPHS, STREAMS, assert_right, bound_context, poison
from tests.support.runtime_engines import SMALL, engine_on
from tests.support.tiny_models import branches

pytestmark = pytest.mark.gpu
pytest.importorskip("cupy")


class _Profiler(trt.IProfiler):
    def __init__(self):
        super().__init__()
        self.heard = {}

    def report_layer_time(self, layer_name, ms):
        self.heard[layer_name] = ms


@STREAMS
@GRAPHS
def test_a_profiler_hears_every_layer(device, stream, graphs, streams):
    bound = bound_context(device, streams=streams, use_cuda_graphs=graphs)
    context = bound.context
    names = {s.layer.name for s in context.executable().plan.steps}
    context.profiler = profiler = _Profiler()
    context.execute_async_v3(stream.ptr)
    assert profiler.heard.keys() == names
    assert sum(profiler.heard.values()) > 0
    assert_right(bound, 2)
    context.enqueue_emits_profile = False
    profiler.heard.clear()
    poison(bound)
    context.execute_async_v3(stream.ptr)
    assert not profiler.heard
    assert context.report_to_profiler()
    assert profiler.heard.keys() == names
    assert_right(bound, 2)
    stream.begin_capture()
    context.execute_async_v3(stream.ptr)
    graph = stream.end_capture()
    profiler.heard.clear()
    graph.launch(stream)
    assert context.report_to_profiler()
    assert profiler.heard.keys() == names
    assert all(ms >= 0 for ms in profiler.heard.values())


@pytest.mark.alone
def test_independent_branches_overlap_and_change_no_bit(stream):
    from trtlab import zoo

    model = zoo.light("light_inception_v1")
    engines = [
        engine_on("cuda", model=model, profiles=({},), streams=streams,
                  precision=trt.float16)
        for streams in (0, 3)
    ]  # fmt: skip
    assert [e.num_aux_streams for e in engines] == [0, 3]
    name = engines[0].get_tensor_name(0)
    shape = tuple(engines[0].get_tensor_shape(name))
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    outputs, spans = [], []
    for built in engines:
        context = built.create_execution_context()
        outputs.append(context.infer({name: x}))
        executable = context.executable()
        executable.run_stamped()
        stamps = executable.run_stamped()
        streams = [s.placement.stream for s in executable.plan.steps]
        spans.append([(int(a), int(b), s) for (a, b), s in zip(stamps, streams, strict=True)])
    for key, array in outputs[0].items():
        np.testing.assert_array_equal(outputs[1][key], array)

    def overlaps(found):
        return sum(
            a[2] != b[2] and a[0] < b[1] and b[0] < a[1]
            for i, a in enumerate(found)
            for b in found[i + 1 :]
        )

    assert overlaps(spans[0]) == 0
    assert overlaps(spans[1]) > 10


@pytest.mark.alone
def test_waiting_and_enqueueing_can_be_chosen(tmp_path):
    import onnx

    from trtlab.session.requests import BuildRequest, RunRequest
    from trtlab.session.work import build_engine, measure

    path = tmp_path / "branches.onnx"
    onnx.save(branches(), path)
    built = build_engine(
        BuildRequest(str(path), device="cuda", profiles={"x": SMALL}, optimization_level=1)
    )
    launch = {}
    for graphs, spin in ((True, True), (False, True), (True, False)):
        request = RunRequest(duration_s=0.3, warmup_ms=20, telemetry=False,
                             profile_layers=False, cuda_graphs=graphs,
                             spin_wait=spin)  # fmt: skip
        launch[graphs, spin] = measure(built, request).benchmark.enqueue_ms.median
    assert launch[False, True] > 1.5 * launch[True, True], launch

"""Execution contexts on a GPU: streams, graphs, memory, events, threads."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from textwrap import dedent

import numpy as np
import pytest

import trtlab as trt
from tests.support.runtime_engines import LARGE, SMALL, Bound, data, engine_on
from tests.support.tiny_models import branches
from trtlab.devices.cuda import replay
from trtlab.devices.cuda.graphs import FILL, capture
from trtlab.network.evaluate import evaluate
from trtlab.parser.parse import parse
from trtlab.runtime.devices import open_runtime

pytestmark = pytest.mark.gpu
cp = pytest.importorskip("cupy")
STRATEGY = trt.ExecutionContextAllocationStrategy
STREAMS = pytest.mark.parametrize("streams", [0, 2])
GRAPHS = pytest.mark.parametrize("graphs", [True, False], ids=["graph", "steps"])


@cache
def engine(streams=0):
    return engine_on("cuda", profiles=({"x": SMALL}, {"x": LARGE}), streams=streams)


@cache
def wanted(batch, seed=0):
    """Bits of the plainest way: a graph, one stream, arrays in and out."""
    context = engine().create_execution_context()
    context.set_optimization_profile_async(int(batch > 4), 0)
    found = context.infer(data(batch, seed))["y"]
    x = data(batch, seed)["x"].astype(np.float64)
    meant = evaluate(parse(branches()).network, {"x": x})["y"]
    assert np.linalg.norm(found - meant) / np.linalg.norm(meant) < 1e-4
    return found


@pytest.fixture
def device():
    return open_runtime("cuda")[0]


@pytest.fixture
def stream():
    return cp.cuda.Stream(non_blocking=True)


def bound_context(device, batch=2, streams=0, strategy=STRATEGY.STATIC, **settings):
    context = engine(streams).create_execution_context(strategy)
    for name, value in settings.items():
        setattr(context, name, value)
    context.set_optimization_profile_async(int(batch > 4), 0)
    return Bound(context, device).set_up(data(batch))


def poison(bound):
    memory = bound.memory["y"]
    cp.cuda.runtime.memset(memory.address, 0xFF, memory.nbytes)
    cp.cuda.runtime.deviceSynchronize()


def assert_right(bound, batch, seed=0):
    cp.cuda.runtime.deviceSynchronize()
    np.testing.assert_array_equal(bound.read(), wanted(batch, seed))


# ---- every way gives the same bits ---------------------------------------------------------


@STREAMS
@GRAPHS
def test_two_shapes_a_profile(device, stream, graphs, streams):
    context = engine(streams).create_execution_context()
    context.use_cuda_graphs = graphs
    bound = Bound(context, device)
    for profile, batch in ((0, 1), (0, 3), (1, 5), (1, 16), (0, 1)):
        context.set_optimization_profile_async(profile, stream.ptr)
        bound.set_up(data(batch))
        for _ in range(2):
            poison(bound)
            context.execute_async_v3(stream.ptr)
            assert_right(bound, batch)
    program = context.executable().program
    assert program.replays is graphs
    assert not program.refusal


@GRAPHS
def test_the_default_stream_is_followed(device, graphs):
    bound = bound_context(device, use_cuda_graphs=graphs)
    x = cp.ndarray((2, 3, 16, 16), cp.float32, _at(bound.memory["x"]))
    y = cp.ndarray((2, 10), cp.float32, _at(bound.memory["y"]))
    results = []
    for seed in range(8):  # all of it on the default stream, with no wait between
        x[...] = cp.asarray(data(2, seed)["x"])
        bound.context.execute_async_v3(0)
        results.append(y.copy())
    for seed, result in enumerate(results):
        np.testing.assert_array_equal(result.get(), wanted(2, seed))
    addresses = [bound.memory[n].address for n in bound.context.engine]
    poison(bound)
    assert bound.context.execute_v2(addresses)
    np.testing.assert_array_equal(y.get(), wanted(2, 7))


@STREAMS
@GRAPHS
def test_a_callers_stream_is_followed(device, stream, graphs, streams):
    bound = bound_context(device, streams=streams, use_cuda_graphs=graphs)
    x = cp.ndarray((2, 3, 16, 16), cp.float32, _at(bound.memory["x"]))
    y = cp.ndarray((2, 10), cp.float32, _at(bound.memory["y"]))
    inputs = [cp.asarray(data(2, seed)["x"]) for seed in range(8)]
    busy = cp.zeros(1 << 26, cp.float32)
    results = [cp.empty((2, 10), cp.float32) for _ in inputs]
    bound.context.execute_async_v3(stream.ptr)
    cp.cuda.runtime.deviceSynchronize()
    with stream:
        for source, result in zip(inputs, results, strict=True):
            for _ in range(4):
                busy += 1  # so that the input is late
            x[...] = source
            bound.context.execute_async_v3(stream.ptr)
            result[...] = y
    stream.synchronize()
    for seed, result in enumerate(results):
        np.testing.assert_array_equal(result.get(), wanted(2, seed))


def _at(memory):
    """A CuPy pointer to a device's memory."""
    held = cp.cuda.UnownedMemory(memory.address, memory.nbytes, memory)
    return cp.cuda.MemoryPointer(held, 0)


# ---- graphs --------------------------------------------------------------------------------


@pytest.fixture
def captures(monkeypatch):
    """Counts captures."""
    counted = []
    original = replay.capture

    def counting(*args):
        counted.append(args)
        return original(*args)

    monkeypatch.setattr(replay, "capture", counting)
    return counted


def test_a_graph_is_captured_once_a_shape_and_again_on_change(device, stream, captures):
    wanted(2, 0)
    captures.clear()
    bound = bound_context(device)
    context = bound.context
    for _ in range(5):
        context.execute_async_v3(stream.ptr)
    assert len(captures) == 1
    bound.set_up(data(3))
    context.execute_async_v3(stream.ptr)
    assert len(captures) == 2
    bound.set_up(data(2))  # the old buffers are gone, so it is bound again
    other = Bound(context, device).set_up(data(2))
    context.execute_async_v3(stream.ptr)
    there = len(captures)
    addresses = [dict(bound.memory), dict(other.memory)]
    for turn in range(6):
        for name, memory in addresses[turn % 2].items():
            context.set_tensor_address(name, memory.address)
        context.execute_async_v3(stream.ptr)
        assert_right(bound, 2)
    assert len(captures) == there + 1
    context.use_cuda_graphs = False
    context.execute_async_v3(stream.ptr)
    assert len(captures) == there + 1


def test_memsets_become_kernels(device, stream):
    """A graph of kernels alone is launched several times as fast."""
    from cuda.bindings import driver

    blocks = [cp.zeros(1000, cp.uint8) for _ in range(5)]

    def enqueue(main, others):
        at = [block.data.ptr for block in blocks]
        fork = cp.cuda.Event()
        fork.record(main)
        others[0].wait_event(fork)
        assert driver.cuMemsetD8Async(at[0], 0x5A, 1000, main.ptr)[0] == 0
        assert driver.cuMemsetD16Async(at[1], 0x1234, 500, main.ptr)[0] == 0
        cp.cuda.runtime.memcpyAsync(at[4], at[1], 1000, 3, main.ptr)
        assert driver.cuMemsetD32Async(at[2], 0xDEADBEEF, 250, others[0].ptr)[0] == 0
        assert driver.cuMemsetD8Async(at[3] + 1, 7, 13, others[0].ptr)[0] == 0
        join = cp.cuda.Event()
        join.record(others[0])
        main.wait_event(join)
        assert driver.cuMemsetD32Async(at[1], 0, 250, main.ptr)[0] == 0

    graph = capture(cp.cuda.Device(), 1, enqueue, lambda: device.function(FILL))
    graph.launch(stream)
    stream.synchronize()
    assert (blocks[0] == 0x5A).all()
    assert (blocks[1] == 0).all()
    assert (blocks[2].view(cp.uint32) == 0xDEADBEEF).all()
    assert (blocks[3][1:14] == 7).all()
    assert int(blocks[3].sum()) == 7 * 13
    assert (blocks[4].view(cp.uint16) == 0x1234).all()
    _, _, count = driver.cuGraphGetNodes(graph.graph)
    nodes = driver.cuGraphGetNodes(graph.graph, count)[1][:count]
    kinds = [driver.cuGraphNodeGetType(node)[1].name.split("_")[-1] for node in nodes]
    assert sorted(kinds) == ["KERNEL"] * 4 + ["MEMCPY", "MEMSET"]


@pytest.mark.alone
def test_a_replay_costs_the_host_little(device, stream):
    bound = bound_context(device)
    samples = []
    for _ in range(200):
        stream.synchronize()
        start = time.perf_counter()
        bound.context.execute_async_v3(stream.ptr)
        samples.append(time.perf_counter() - start)
    assert np.median(samples) < 20e-6, np.median(samples)


class _Waits:
    """A launch that waits for the host although it says that it can be captured."""

    capturable = True

    def __init__(self, launch):
        self.launch, self.calls = launch, 0

    def enqueue(self, stream):
        self.calls += 1
        stream.synchronize()
        self.launch.enqueue(stream)


def test_what_cannot_be_captured_is_enqueued(device, stream):
    bound = bound_context(device)
    bound.context.execute_async_v3(stream.ptr)
    executable = bound.context.executable()
    executable.forget()
    bound.context.set_aux_streams([])  # nothing new, but the next run binds again
    bound.give("y", np.full(20, np.nan, np.float32))
    executable.bind({n: m.address for n, m in bound.memory.items()})
    program = executable.program
    waits = _Waits(program.route.launches[1][0])
    program.route.launches[1] = [waits, *program.route.launches[1][1:]]
    for _ in range(3):
        poison(bound)
        bound.context.execute_async_v3(stream.ptr)
        assert_right(bound, 2)
    assert waits.calls == 5  # two failed captures, three runs
    assert not program.replays
    assert program.refusal
    stream.begin_capture()
    with pytest.raises(trt.UsageError, match="cannot be part of a CUDA graph"):
        bound.context.execute_async_v3(stream.ptr)
    stream.end_capture()
    again = bound_context(device)  # captures still work
    again.context.execute_async_v3(stream.ptr)
    assert again.context.executable().program.replays
    assert_right(again, 2)


@STREAMS
@GRAPHS
def test_a_callers_capture_takes_the_steps(device, stream, graphs, streams):
    bound = bound_context(device, streams=streams, use_cuda_graphs=graphs)
    bound.context.execute_async_v3(stream.ptr)
    stream.synchronize()
    stream.begin_capture()
    bound.context.execute_async_v3(stream.ptr)
    graph = stream.end_capture()
    for seed in (3, 4):
        device.write(bound.memory["x"].address, data(2, seed)["x"])
        poison(bound)
        graph.launch(stream)
        assert_right(bound, 2, seed)
    poison(bound)
    bound.context.execute_async_v3(stream.ptr)  # and the context is as it was
    assert_right(bound, 2, 4)


# ---- streams and events --------------------------------------------------------------------


@GRAPHS
def test_lent_auxiliary_streams(device, stream, graphs):
    lent = [cp.cuda.Stream(non_blocking=True) for _ in range(3)]
    for count in (0, 1, 2, 3):
        bound = bound_context(device, streams=2, use_cuda_graphs=graphs)
        bound.context.set_aux_streams([s.ptr for s in lent[:count]])
        for _ in range(3):
            poison(bound)
            bound.context.execute_async_v3(stream.ptr)
            assert_right(bound, 2)


@STREAMS
@GRAPHS
def test_inputs_may_be_overwritten_once_consumed(device, stream, graphs, streams):
    bound = bound_context(device, streams=streams, use_cuda_graphs=graphs)
    context, other = bound.context, cp.cuda.Stream(non_blocking=True)
    consumed, start, end = (cp.cuda.Event() for _ in range(3))
    context.set_input_consumed_event(consumed.ptr)
    assert context.get_input_consumed_event() == consumed.ptr
    context.execute_async_v3(stream.ptr)
    stream.synchronize()
    x = bound.memory["x"]
    for _ in range(10):
        device.write(x.address, data(2)["x"])
        poison(bound)
        start.record(stream)
        context.execute_async_v3(stream.ptr)
        end.record(stream)
        other.wait_event(consumed)
        cp.cuda.runtime.memsetAsync(x.address, 0xFF, x.nbytes, other.ptr)
        assert_right(bound, 2)
        assert cp.cuda.get_elapsed_time(start, consumed) > 0
        assert cp.cuda.get_elapsed_time(consumed, end) > 0
    context.set_input_consumed_event(0)
    device.write(x.address, data(2)["x"])
    context.execute_async_v3(stream.ptr)
    assert_right(bound, 2)


def _in_a_process(code):
    """Run code that may end the CUDA context; gives what it printed."""
    begin = """
        import numpy as np, cupy as cp, trtlab as trt
        from tests.support.runtime_engines import Bound, data, engine_on
        from trtlab.runtime.devices import open_runtime
        device = open_runtime("cuda")[0]
        context = engine_on("cuda").create_execution_context()
        bound = Bound(context, device).set_up(data(2))
    """
    text = dedent(begin) + dedent(code)
    command = [sys.executable, "-u", "-X", "faulthandler", "-c", text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_stream_that_cannot_be_used_is_told(device, stream):
    """Its owner's capture is spoilt. (A destroyed stream cannot be told from any other.)"""
    bound = bound_context(device)
    bound.context.execute_async_v3(stream.ptr)
    stream.synchronize()
    stream.begin_capture()
    with pytest.raises(cp.cuda.runtime.CUDARuntimeError):
        cp.cuda.runtime.streamSynchronize(stream.ptr)
    with pytest.raises(trt.DeviceError, match="does not take the work"):
        bound.context.execute_async_v3(stream.ptr)
    with pytest.raises(cp.cuda.runtime.CUDARuntimeError):
        stream.end_capture()
    for _ in range(2):
        poison(bound)
        bound.context.execute_async_v3(stream.ptr)
        assert_right(bound, 2)


def test_debug_sync_names_the_layer_that_faults():
    said = _in_a_process("""
        context.debug_sync = True
        context.execute_async_v3(0)
        print("fine:", np.isfinite(bound.read()).all())
        context.set_tensor_address("x", 1 << 20)
        try:
            context.execute_async_v3(0)
        except trt.DeviceError as error:
            print(type(error).__name__, error.what)
            steps = context.executable().plan.steps
            print("first:", error.where == (f"layer {steps[0].layer.name}",))
    """)
    assert "fine: True" in said
    assert "DeviceLostError the GPU reports a fault" in said
    assert "first: True" in said


# ---- memory --------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [STRATEGY.STATIC, STRATEGY.ON_PROFILE_CHANGE])
def test_activation_memory_of_the_context(device, stream, strategy):
    context = engine().create_execution_context(strategy)
    bound = Bound(context, device)
    for profile, batch in ((0, 2), (1, 16), (0, 4)):
        context.set_optimization_profile_async(profile, stream.ptr)
        bound.set_up(data(batch))
        poison(bound)
        context.execute_async_v3(stream.ptr)
        assert_right(bound, batch)
        size = engine().get_device_memory_size_for_profile_v2(profile)
        if strategy is STRATEGY.STATIC:
            size = engine().device_memory_size_v2
        assert context._activations.memory.nbytes == size


def test_users_activation_memory(device, stream):
    bound = bound_context(device, strategy=STRATEGY.USER_MANAGED)
    context = bound.context
    with pytest.raises(trt.UsageError, match="bytes of device memory, the context has none"):
        context.execute_async_v3(stream.ptr)
    needed = context.update_device_memory_size_for_shapes()
    blocks = [cp.zeros(needed, cp.uint8) for _ in range(2)]
    with pytest.raises(trt.UsageError, match="are too few"):
        context.set_device_memory(blocks[0].data.ptr, needed - 64)
    for turn in range(4):
        context.set_device_memory(blocks[turn % 2].data.ptr, needed)
        poison(bound)
        context.execute_async_v3(stream.ptr)
        assert_right(bound, 2)
    assert all(block.any() for block in blocks)


def test_an_allocator_gives_outputs_their_memory(device, stream):
    class Allocator(trt.IOutputAllocator):
        def __init__(self):
            super().__init__()
            self.held, self.asked, self.shapes = None, [], []

        def reallocate_output_async(self, tensor_name, memory, size, alignment, stream):
            self.asked.append((size, stream))
            if self.held is None or self.held.nbytes < size:
                self.held = cp.empty(-(-size // alignment) * alignment, cp.uint8)
            return self.held.data.ptr

        def notify_shape(self, tensor_name, shape):
            self.shapes.append(tuple(shape))

    context = engine().create_execution_context()
    allocator = Allocator()
    context.set_output_allocator("y", allocator)
    bound = Bound(context, device)
    for batch in (1, 3, 3, 2):
        bound.set_up(data(batch), outputs=False)
        context.execute_async_v3(stream.ptr)
        assert_right(bound, batch)
    assert allocator.asked == [(40 * b, stream.ptr) for b in (1, 3, 3, 2)]
    assert allocator.shapes == [(b, 10) for b in (1, 3, 3, 2)]


@STREAMS
@GRAPHS
def test_activations_may_stay_in_the_cache(device, stream, graphs, streams):
    most = cp.cuda.runtime.deviceGetAttribute(108, 0)
    assert most > 0
    bound = bound_context(device, streams=streams, use_cuda_graphs=graphs)
    bound.context.persistent_cache_limit = 1 << 20
    for _ in range(3):
        poison(bound)
        bound.context.execute_async_v3(stream.ptr)
        assert_right(bound, 2)
    assert cp.cuda.runtime.deviceGetLimit(6) >= 1 << 20
    assert bound.context.executable().program.refusal == ""
    with pytest.raises(trt.UsageError, match=f"can set aside {most:,}"):
        bound.context.persistent_cache_limit = most + 1
    bound.context.persistent_cache_limit = 0
    bound.context.execute_async_v3(stream.ptr)
    assert_right(bound, 2)
    cp.cuda.runtime.deviceSetLimit(6, 0)


# ---- side by side --------------------------------------------------------------------------


@GRAPHS
def test_contexts_run_side_by_side(graphs):
    for batch in (1, 2, 3, 4):
        for seed in range(3):
            wanted(batch, seed)

    def work(batch):
        device = open_runtime("cuda")[0]
        bound = bound_context(device, batch, streams=2, use_cuda_graphs=graphs)
        stream = cp.cuda.Stream(non_blocking=True)
        for turn in range(30):
            bound.set_up(data(batch, turn % 3))
            bound.context.execute_async_v3(stream.ptr)
            stream.synchronize()
            np.testing.assert_array_equal(bound.read(), wanted(batch, turn % 3))
        return batch

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, (1, 2, 3, 4))) == [1, 2, 3, 4]


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

"""Graphs of execution contexts: when they are captured, what is in them, what replaces them."""

import time

import numpy as np
import pytest

import trtlab as trt
from tests.support.gpu_contexts import (
    GRAPHS,
    STREAMS,
    assert_right,
    bound_context,
    poison,
    wanted,
)
from tests.support.runtime_engines import Bound, data
from trtlab.devices.cuda import replay
from trtlab.devices.cuda.graphs import FILL, capture

pytestmark = pytest.mark.gpu
cp = pytest.importorskip("cupy")


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

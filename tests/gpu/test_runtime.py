"""Execution contexts on a GPU: whatever the way, the answers have the same bits."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.support.gpu_contexts import (
    GRAPHS,
    STREAMS,
    assert_right,
    bound_context,
    engine,
    pointer_to,
    poison,
    wanted,
)
from tests.support.runtime_engines import Bound, data
from trtlab.runtime.devices import open_runtime

pytestmark = pytest.mark.gpu
cp = pytest.importorskip("cupy")


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
    x = cp.ndarray((2, 3, 16, 16), cp.float32, pointer_to(bound.memory["x"]))
    y = cp.ndarray((2, 10), cp.float32, pointer_to(bound.memory["y"]))
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
    x = cp.ndarray((2, 3, 16, 16), cp.float32, pointer_to(bound.memory["x"]))
    y = cp.ndarray((2, 10), cp.float32, pointer_to(bound.memory["y"]))
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

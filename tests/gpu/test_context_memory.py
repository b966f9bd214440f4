"""Memory of execution contexts: activations, outputs, what stays in the cache."""

import pytest

import trtlab as trt
from tests.support.gpu_contexts import (
    GRAPHS,
    STRATEGY,
    STREAMS,
    assert_right,
    bound_context,
    engine,
    poison,
)
from tests.support.runtime_engines import Bound, data

pytestmark = pytest.mark.gpu
cp = pytest.importorskip("cupy")


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

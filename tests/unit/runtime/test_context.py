"""The execution context on the CPU: what it promises beside numbers."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import trtlab as trt
from tests.support.runtime_engines import LARGE, SMALL, Bound, data, engine_on
from trtlab.runtime.devices import open_runtime
from trtlab.runtime.loaded import LoadedEngine

STRATEGY = trt.ExecutionContextAllocationStrategy


@pytest.fixture(scope="module")
def engine():
    return engine_on(streams=2)


@pytest.fixture(scope="module")
def device():
    return open_runtime("cpu")[0]


@pytest.fixture(scope="module")
def two_profiles():
    return engine_on(profiles=({"x": SMALL}, {"x": LARGE}))


@pytest.fixture(scope="module")
def wanted(engine):
    return {b: engine.create_execution_context().infer(data(b))["y"] for b in (1, 2, 4, 5, 8)}


# ---- arrays and weights --------------------------------------------------------------------


def test_arrays_leave_no_address_behind(engine, device):
    context = engine.create_execution_context()
    context.infer(data(2))
    assert context.get_tensor_address("x") == 0
    with pytest.raises(trt.UsageError, match="has no address yet"):
        context.execute_async_v3(0)
    bound = Bound(context, device).set_up(data(2))
    addresses = [context.get_tensor_address(name) for name in ("x", "y")]
    context.infer(data(4))
    assert [context.get_tensor_address(name) for name in ("x", "y")] == addresses
    bound.set_up(data(2)).context.execute_async_v3(0)
    assert np.isfinite(bound.read()).all()


def test_threads_share_one_copy_of_the_weights(engine, device):
    """Launches only know addresses: a second copy would free the first one under them."""
    held = []

    class Slow:
        compatibility, kind = device.compatibility, device.kind

        def hold(self, array):
            time.sleep(0.01)
            held.append(array)
            return device.hold(array)

    loaded = LoadedEngine(engine.engine, Slow(), open_runtime("cpu")[1])
    with ThreadPoolExecutor(4) as pool:
        dicts = list(pool.map(lambda _: loaded.weights, range(4)))
    assert all(found is dicts[0] for found in dicts)
    assert len(held) == len({id(a) for a in engine.engine.weights.values()})


# ---- activation memory ---------------------------------------------------------------------


def test_sizes_grow_with_the_profile(two_profiles):
    small = two_profiles.get_device_memory_size_for_profile_v2(0)
    large = two_profiles.get_device_memory_size_for_profile_v2(1)
    assert 0 < small < large == two_profiles.device_memory_size_v2
    with pytest.raises(trt.UsageError, match="no optimization profile 2"):
        two_profiles.get_device_memory_size_for_profile_v2(2)


def test_a_static_context_takes_the_largest_once(two_profiles, device):
    bound = Bound(two_profiles.create_execution_context(), device)
    before = bound.context.device_memory
    assert before
    for profile, batch in ((0, 2), (1, 8)):
        bound.context.set_optimization_profile_async(profile, 0)
        bound.set_up(data(batch)).context.execute_async_v3(0)
        assert np.isfinite(bound.read()).all()
    assert bound.context.device_memory == before
    memory = bound.context._activations.memory
    assert memory.nbytes == two_profiles.device_memory_size_v2


def test_memory_follows_the_profile(two_profiles, device, wanted):
    context = two_profiles.create_execution_context(STRATEGY.ON_PROFILE_CHANGE)
    assert context.device_memory == 0
    bound = Bound(context, device)
    sizes = []
    for profile, batch in ((0, 2), (1, 8), (0, 1)):
        context.set_optimization_profile_async(profile, 0)
        bound.set_up(data(batch)).context.execute_async_v3(0)
        np.testing.assert_array_equal(bound.read(), wanted[batch])
        sizes.append(context._activations.memory.nbytes)
    size = two_profiles.get_device_memory_size_for_profile_v2
    assert sizes == [size(0), size(1), size(0)]


@pytest.mark.parametrize("how", ["strategy", "config", "without"])
def test_a_users_memory_is_used_and_checked(engine, device, wanted, how):
    if how == "without":
        context = engine.create_execution_context_without_device_memory()
    elif how == "config":
        config = engine.create_runtime_config()
        config.set_execution_context_allocation_strategy(STRATEGY.USER_MANAGED)
        context = engine.create_execution_context(config)
    else:
        context = engine.create_execution_context(STRATEGY.USER_MANAGED)
    made = context.get_runtime_config().get_execution_context_allocation_strategy()
    assert made is STRATEGY.USER_MANAGED
    bound = Bound(context, device).set_up(data(2))
    needed = context.update_device_memory_size_for_shapes()
    assert 0 < needed <= engine.device_memory_size_v2
    with pytest.raises(trt.UsageError, match=f"need {needed:,} bytes of device memory"):
        context.execute_async_v3(0)
    memory = device.allocate(engine.device_memory_size_v2)
    with pytest.raises(trt.UsageError, match="are too few: these shapes need"):
        context.set_device_memory(memory.address, needed - 1)
    with pytest.raises(trt.UsageError, match="not aligned to 64"):
        context.set_device_memory(memory.address + 8, needed)
    context.set_device_memory(memory.address, needed)
    assert context.device_memory == memory.address
    memory.array[:] = 0
    context.execute_async_v3(0)
    assert memory.array[:needed].any()  # the activations lie there
    np.testing.assert_array_equal(bound.read(), wanted[2])
    bound.set_up(data(8))
    with pytest.raises(trt.UsageError, match=f"the context has {needed:,}"):
        context.execute_async_v3(0)
    context.device_memory = memory.address  # of the size that the engine says
    context.execute_async_v3(0)
    np.testing.assert_array_equal(bound.read(), wanted[8])


def test_users_memory_may_move(engine, device, wanted):
    context = engine.create_execution_context(STRATEGY.USER_MANAGED)
    bound = Bound(context, device).set_up(data(2))
    blocks = [device.allocate(engine.device_memory_size_v2) for _ in range(2)]
    for turn in range(4):
        context.set_device_memory(blocks[turn % 2].address, blocks[0].nbytes)
        bound.give("y", np.full(20, np.nan, np.float32))
        context.execute_async_v3(0)
        np.testing.assert_array_equal(bound.read(), wanted[2])


def test_other_contexts_take_no_memory(engine, device):
    memory = device.allocate(engine.device_memory_size_v2)
    context = engine.create_execution_context()
    with pytest.raises(trt.UsageError, match="manages its device memory itself"):
        context.set_device_memory(memory.address, memory.nbytes)
    with pytest.raises(trt.UsageError, match="no allocation strategy"):
        engine.create_execution_context("static")


# ---- outputs -------------------------------------------------------------------------------


class Allocator(trt.IOutputAllocator):
    """Grows, and remembers what it was asked."""

    def __init__(self, device):
        super().__init__()
        self.device, self.memory, self.asked, self.shapes = device, None, [], []

    def reallocate_output(self, tensor_name, memory, size, alignment):
        self.asked.append((tensor_name, memory, size, alignment))
        if self.memory is None or self.memory.nbytes < size:
            self.memory = self.device.allocate(size)
        return self.memory.address

    def notify_shape(self, tensor_name, shape):
        self.shapes.append((tensor_name, tuple(shape)))


def test_an_allocator_gives_outputs_their_memory(engine, device, wanted):
    context = engine.create_execution_context()
    allocator = Allocator(device)
    assert context.get_output_allocator("y") is None
    context.set_output_allocator("y", allocator)
    assert context.get_output_allocator("y") is allocator
    bound = Bound(context, device)
    for batch in (1, 8, 8, 2):
        bound.set_up(data(batch), outputs=False)
        context.execute_async_v3(0)
        np.testing.assert_array_equal(bound.read(), wanted[batch])
    assert [a[2] for a in allocator.asked] == [40, 320, 320, 80]
    assert allocator.asked[0][1] == 0
    assert allocator.asked[2][1] == allocator.memory.address
    assert allocator.shapes == [("y", (b, 10)) for b in (1, 8, 8, 2)]
    context.set_output_allocator("y", None)
    context.execute_async_v3(0)
    assert len(allocator.asked) == 4


def test_an_allocator_without_memory_is_told(engine, device):
    class Empty(Allocator):
        def reallocate_output_async(self, tensor_name, memory, size, alignment, stream):
            assert stream == 7
            return 0

    context = engine.create_execution_context()
    context.set_output_allocator("y", Empty(device))
    Bound(context, device).set_up(data(2), outputs=False)
    with pytest.raises(trt.UsageError, match="gave no memory for 'y'"):
        context.execute_async_v3(7)
    with pytest.raises(trt.UsageError, match="allocators are for outputs"):
        context.set_output_allocator("x", Allocator(device))
    with pytest.raises(trt.UsageError, match="no output allocator"):
        context.set_output_allocator("y", object())
    with pytest.raises(NotImplementedError, match="must define reallocate_output"):
        trt.IOutputAllocator().reallocate_output("y", 0, 1, 1)


def test_largest_outputs(engine):
    context = engine.create_execution_context()
    assert context.get_max_output_size("y") == -1
    context.set_input_shape("x", (3, 3, 16, 16))
    assert context.get_max_output_size("y") == 3 * 10 * 4
    with pytest.raises(trt.UsageError, match="is an input"):
        context.get_max_output_size("x")


# ---- streams, events, cache ----------------------------------------------------------------


def test_stream_handles_are_accepted(engine, device, wanted):
    context = engine.create_execution_context()
    assert context.engine is engine
    assert engine.num_aux_streams == 2
    context.set_aux_streams([11, 12, 13])
    context.set_input_consumed_event(99)
    assert context.get_input_consumed_event() == 99
    context.use_cuda_graphs = False
    context.debug_sync = True
    bound = Bound(context, device).set_up(data(5))
    for stream in (0, 1234):
        bound.give("y", np.full(50, np.nan, np.float32))
        context.execute_async_v3(stream)
        np.testing.assert_array_equal(bound.read(), wanted[5])
    with pytest.raises(trt.UsageError, match="aux_streams"):
        context.set_aux_streams([0])
    for junk in (-1, "a", None):
        with pytest.raises(trt.UsageError):
            context.set_input_consumed_event(junk)


def test_no_cache_can_be_set_aside(engine):
    context = engine.create_execution_context()
    assert context.persistent_cache_limit == 0
    context.persistent_cache_limit = 0
    with pytest.raises(trt.UsageError, match="can set aside 0"):
        context.persistent_cache_limit = 1 << 20


def test_auxiliary_streams_change_no_bit(wanted):
    one = engine_on(streams=0)
    assert one.num_aux_streams == 0
    for batch, array in wanted.items():
        found = one.create_execution_context().infer(data(batch))["y"]
        np.testing.assert_array_equal(found, array)


def test_branches_share_the_streams(engine):
    context = engine.create_execution_context()
    context.set_input_shape("x", (2, 3, 16, 16))
    steps = context.executable().plan.steps
    assert {s.placement.stream for s in steps if s.placement.region >= 0} == {0, 1, 2}
    last = max(
        s.placement.last for s in steps if any(i and i.kind == "binding" for i in s.inputs)
    )
    assert context.executable().inputs_read_after == last + 1 < len(steps)


def test_older_calls_take_an_event(engine, device, wanted):
    context = engine.create_execution_context()
    bound = Bound(context, device).set_up(data(2))
    addresses = [bound.memory[n].address for n in engine]
    context.execute_async_v2(addresses, 5, 77)
    assert context.get_input_consumed_event() == 77
    np.testing.assert_array_equal(bound.read(), wanted[2])
    with pytest.raises(trt.UsageError, match="takes 2 addresses, got 1"):
        context.execute_v2(addresses[:1])


# ---- runs side by side and one after the other ---------------------------------------------


def test_contexts_run_side_by_side(engine, device, wanted):
    def work(batch):
        bound = Bound(engine.create_execution_context(), device)
        for _ in range(10):
            bound.set_up(data(batch)).context.execute_async_v3(0)
            np.testing.assert_array_equal(bound.read(), wanted[batch])
        return batch

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, (1, 2, 4, 5, 8))) == [1, 2, 4, 5, 8]


def test_double_buffering_binds_twice(engine, device, wanted):
    context = engine.create_execution_context()
    bound = Bound(context, device).set_up(data(2))
    other = Bound(context, device)
    sets = [dict(bound.memory)]
    other.set_up(data(2))
    sets.append(dict(other.memory))
    programs = set()
    for turn in range(6):
        for name, memory in sets[turn % 2].items():
            context.set_tensor_address(name, memory.address)
        context.execute_async_v3(0)
        programs.add(id(context.executable().program))
        np.testing.assert_array_equal(bound.read(), wanted[2])
    assert len(programs) == 2


def test_a_profiler_is_told_when_asked(engine, device):
    class Profiler(trt.IProfiler):
        def __init__(self):
            super().__init__()
            self.heard = []

        def report_layer_time(self, layer_name, ms):
            self.heard.append(layer_name)

    context = engine.create_execution_context()
    profiler = Profiler()
    assert not context.report_to_profiler()
    context.profiler = profiler
    assert not context.report_to_profiler()
    context.enqueue_emits_profile = False
    Bound(context, device).set_up(data(2)).context.execute_async_v3(0)
    assert profiler.heard == []
    assert context.report_to_profiler()
    assert len(profiler.heard) == len(context.executable().plan.steps)

"""Kernels that write down their own time: who is told to, and what is read of it."""

import ctypes
from types import SimpleNamespace

import numpy as np
import pytest

from trtlab.devices.cuda import kernel_stamps, stamp_cost, stamped_run
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.devices.cuda.kernel_stamps import MARK, KernelStamps
from trtlab.devices.cuda.neighbours import FOLLOW
from trtlab.devices.cuda.stamped_run import StampedRun
from trtlab.devices.protocol import Scheduled

COST_NS = 700


class Gpu:
    """Its clock goes on by itself; launches that have a place for it write it down.

    Attributes:
        now_ns: Its time.
        apart_ns: How far the host's clock is ahead.
    """

    ptr = 0

    def __init__(self, monkeypatch):
        self.now_ns, self.apart_ns, self.memory, self.turns = 5_000, 1_000_000, [], 0
        cuda = SimpleNamespace(cuda=SimpleNamespace(Event=lambda **_: Event(self)))
        for module in (kernel_stamps, stamp_cost):
            monkeypatch.setattr(module, "cupy", lambda: cuda)
        monkeypatch.setattr(stamp_cost, "elapsed_ns", lambda a, b: b.at_ns - a.at_ns)
        monkeypatch.setattr(
            kernel_stamps, "copy_async", lambda to, at, n, *_: ctypes.memmove(to, at, n)
        )
        monkeypatch.setattr(KernelLaunch, "prepare", lambda launch, loader: None)
        monkeypatch.setattr(KernelLaunch, "enqueue", lambda launch, stream: self.turn(launch))
        monkeypatch.setattr(
            kernel_stamps.time, "monotonic_ns", lambda: self.now_ns + self.apart_ns
        )

    def scratch(self, nbytes):
        self.memory.append(np.zeros(nbytes, np.uint8))
        return SimpleNamespace(address=self.memory[-1].ctypes.data, nbytes=nbytes)

    def synchronize(self):
        pass

    def turn(self, launch):
        self.turns += 1
        if launch.turn:
            ctypes.c_int64.from_address(launch.turn).value = self.now_ns

    def run(self, steps, took_ns):
        """Steps one after the other, each for its time; marks of their own take theirs."""
        for step, step_ns in zip(steps, [*took_ns, 0], strict=True):
            for launch in step.launches:
                if isinstance(launch, KernelLaunch):
                    self.turn(launch)
                    self.now_ns += COST_NS * (launch.kernel is MARK)
            self.now_ns += step_ns


class Event:
    """Remembers when it was recorded."""

    def __init__(self, gpu):
        self.gpu, self.at_ns = gpu, 0

    def record(self, stream):
        self.at_ns = self.gpu.now_ns

    def synchronize(self):
        pass


class OfALibrary:
    capturable = True


OWN = KernelLaunch(Kernel("own", FOLLOW, (1, 1, 1), (32, 1, 1)), (7,), ahead=((1 << 20, 64),))
OTHER = KernelLaunch(Kernel("other", "", (1, 1, 1), (32, 1, 1)), ())
STEPS = [
    Scheduled((OWN, OTHER), weights=((3, 4),)),
    Scheduled(()),
    Scheduled((OfALibrary(), OWN)),
    Scheduled((OTHER,)),
    Scheduled((OWN,)),
]
TOOK_NS = [4_000, 0, 9_000, 2_000, 3_000]


@pytest.fixture
def gpu(monkeypatch):
    return Gpu(monkeypatch)


def test_the_first_kernel_of_each_step_writes_down_its_time(gpu):
    found = KernelStamps(STEPS, gpu, gpu)
    names = [
        [getattr(x, "kernel", None) and x.kernel.name for x in s.launches] for s in found.steps
    ]
    assert names == [
        ["own", "other"],
        [],
        ["mark_turn", None, "own"],
        ["mark_turn", "other"],
        ["own"],
        ["mark_turn"],
    ]
    told = [[getattr(x, "turn", 0) - gpu.memory[0].ctypes.data for x in s.launches[:1]]
            for s in found.steps]  # fmt: skip
    assert told == [[0], [], [16], [24], [32], [40]]
    first = found.steps[0].launches[0]
    assert (first.kernel, first.arguments, first.ahead) == (OWN.kernel, (7,), OWN.ahead)
    assert found.steps[0].weights == STEPS[0].weights
    assert OWN.turn == 0  # plain runs write nothing down


def test_steps_take_what_they_took(gpu):
    found = KernelStamps(STEPS, gpu, gpu)
    found.anchored(gpu)
    begin = gpu.now_ns + gpu.apart_ns
    gpu.run(found.steps, TOOK_NS)
    times = found.read()
    assert times[0, 0] == begin
    assert (times[1:, 0] == times[:-1, 1]).all()
    spent = (times[:, 1] - times[:, 0]).tolist()
    assert spent == [4_000, 0, 9_000 + COST_NS, 2_000 + COST_NS, 3_000]


def test_what_marks_cost_is_taken_out(gpu):
    found = KernelStamps(STEPS, gpu, gpu)
    found.cost_ns = 3.0 * COST_NS / found.added
    found.unanchored()
    begin = gpu.now_ns
    gpu.run(found.steps, TOOK_NS)
    times = found.read()
    assert times[0, 0] == begin
    assert (times[:, 1] - times[:, 0]).tolist() == TOOK_NS


def test_where_every_kernel_is_our_own_one_mark_is_at_the_end(gpu):
    found = KernelStamps([STEPS[0], STEPS[4]], gpu, gpu)
    assert found.added == 1
    found.cost_ns = 700.0  # of what comes behind the layers
    gpu.run(found.steps, [4_000, 3_000])
    assert np.diff(found.read(), axis=1).ravel().tolist() == [4_000, 3_000]


def test_the_clocks_are_tied_twice_a_second(gpu):
    found = KernelStamps(STEPS, gpu, gpu)
    asked = []
    for waited_ns in (0, 400_000_000, 99_000_000, 2_000_000, 490_000_000, 20_000_000):
        gpu.now_ns += waited_ns
        gpu.apart_ns += 1_000 * bool(waited_ns)  # they drift
        found.anchored(gpu)
        asked.append(gpu.turns)
    assert asked == [4, 4, 4, 8, 8, 12]
    begin = gpu.now_ns + gpu.apart_ns
    gpu.run(found.steps, TOOK_NS)
    assert found.read()[0, 0] == begin
    before = gpu.turns
    found.unanchored()
    found.anchored(gpu)
    assert gpu.turns == before + 4


@pytest.mark.parametrize(
    ("steps", "expected"),
    [(STEPS, [COST_NS]), ([STEPS[0], STEPS[4]], [3 * COST_NS])],
)
def test_a_run_finds_what_its_watch_costs_once(gpu, monkeypatch, steps, expected):
    measured = []

    def cost_ns(stream, plain, marked, count):
        measured.append(3.0 * COST_NS / count)
        return measured[-1]

    monkeypatch.setattr(stamped_run, "cost_ns", cost_ns)
    found = KernelStamps(steps, gpu, gpu)
    graph = SimpleNamespace(launch=lambda stream: None)
    program = SimpleNamespace(main=gpu, replays=True, extras=None, enqueue=lambda stream: None,
                              captured=lambda hooks, route: graph)  # fmt: skip
    run = StampedRun(program, found)
    for _ in range(2):
        run.enqueue(gpu)
    assert measured == expected
    assert found.cost_ns == sum(expected)


@pytest.mark.parametrize("measured_ns", [0, COST_NS])
def test_a_run_tells_what_its_graph_takes_beyond_the_steps(gpu, monkeypatch, measured_ns):
    begins_ns, ends_ns = 3_000, 2_000

    def launch(stream):
        gpu.now_ns += begins_ns
        gpu.run(found.steps, TOOK_NS)
        gpu.now_ns += ends_ns

    monkeypatch.setattr(stamped_run, "cost_ns", lambda *_: float(measured_ns))
    found = KernelStamps(STEPS, gpu, gpu)
    graph = SimpleNamespace(launch=launch)
    program = SimpleNamespace(main=gpu, replays=True, extras=None, enqueue=lambda stream: None,
                              captured=lambda hooks, route: graph)  # fmt: skip
    run = StampedRun(program, found)
    assert run.edges_ns is None
    run.enqueue(gpu)
    assert run.edges_ns == begins_ns + ends_ns + (COST_NS - measured_ns)

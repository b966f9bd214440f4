"""What of CUDA graphs can be told without a GPU."""

from types import SimpleNamespace

import pytest

from trtlab.core.errors import DeviceError
from trtlab.devices.cuda import event_stamps, replay
from trtlab.devices.cuda.enqueueing import Hooks, Route
from trtlab.devices.cuda.graphs import whole_words
from trtlab.devices.cuda.program import CudaProgram
from trtlab.devices.cuda.stamped_run import StampedRun
from trtlab.devices.protocol import Scheduled


def memset(**changed):
    fields = {"dst": 0x1000, "elementSize": 1, "height": 1, "value": 0, "width": 64}
    return SimpleNamespace(**(fields | changed))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (memset(), (16, 0)),
        (memset(value=0xAB), (16, 0xABABABAB)),
        (memset(value=0x1AB), (16, 0xABABABAB)),
        (memset(elementSize=2, value=0x1234), (32, 0x12341234)),
        (memset(elementSize=4, value=0xDEADBEEF), (64, 0xDEADBEEF)),
        (memset(height=0), (16, 0)),
        (memset(height=2), None),
        (memset(dst=0x1002), None),
        (memset(width=63), None),
        (memset(width=0), None),
    ],
)
def test_memsets_of_whole_words(params, words):
    assert whole_words(params) == words


class Line:
    """A stream that writes down what it is given."""

    def __init__(self, name, log):
        self.name, self.log, self.ptr = name, log, 0

    def wait_event(self, event):
        self.log.append(f"{self.name} waits for {event}")


class Note:
    capturable = True

    def __init__(self, name):
        self.name = name

    def enqueue(self, stream):
        stream.log.append(f"{self.name} on {stream.name}")


@pytest.fixture
def log(monkeypatch):
    written = []
    name = "trtlab.devices.cuda.enqueueing.now"
    monkeypatch.setattr(name, lambda stream: f"{stream.name}@{len(written)}")
    return written


def steps():
    placed = [(0, -1), (0, 0), (1, 0), (2, 0), (0, -1), (1, 1), (0, 1)]
    return [Scheduled([Note(f"s{n}")], stream, region)
            for n, (stream, region) in enumerate(placed)]  # fmt: skip


def test_regions_fork_and_join(log):
    route = Route(steps())
    assert route.auxiliary == 2
    assert not route.in_line
    route.enqueue(Line("main", log), [Line("a", log), Line("b", log)])
    assert log == [
        "s0 on main",
        "s1 on main",
        "a waits for main@1",
        "s2 on a",
        "b waits for main@1",
        "s3 on b",
        "main waits for a@6",
        "main waits for b@7",
        "s4 on main",
        "a waits for main@9",
        "s5 on a",
        "s6 on main",
        "main waits for a@12",
    ]


def test_hooks_are_told_where_the_main_stream_is(log):
    reached, around = [], []
    hooks = Hooks(
        before=lambda n, s: around.append((n, s.name, len(log))),
        reached=lambda n, s: reached.append((n, s.name, len(log))),
    )
    Route(steps()).enqueue(Line("main", log), [Line("a", log), Line("b", log)], hooks)
    assert [n for n, _, _ in reached] == [0, 1, 4, 5, 7]
    assert {name for _, name, _ in reached} == {"main"}
    assert log[reached[2][2]] == "s4 on main"  # both branches are joined by then
    assert reached[-1][2] == len(log)
    assert [name for _, name, _ in around] == ["main", "main", "a", "b", "main", "a", "main"]


def test_a_capture_that_is_tried_again_records_every_event_again(log, monkeypatch):
    numbers = iter(range(100))
    events = SimpleNamespace(Event=lambda: SimpleNamespace(ptr=next(numbers)))
    monkeypatch.setattr(event_stamps, "cupy", lambda: SimpleNamespace(cuda=events))
    monkeypatch.setattr(
        event_stamps, "record", lambda event, stream, recorded: log.append(f"event {event}")
    )
    tries = []

    def capture(device, auxiliary, enqueue, fill):
        log.clear()
        enqueue(Line("main", log), [])
        tries.append(list(log))
        if len(tries) == 1:
            raise DeviceError("another thread waited for the whole device")
        return "graph"

    monkeypatch.setattr(replay, "capture", capture)
    steps = [Scheduled([Note("a")]), Scheduled([Note("b")])]
    program = object.__new__(CudaProgram)
    program.graphs, program._refusal = True, ""
    program._device, program.extras = None, replay.PLAIN
    assert StampedRun(program, event_stamps.EventStamps(steps)).graph() == "graph"
    assert tries[0] == tries[1] == ["event 0", "a on main", "event 1", "b on main", "event 2"]

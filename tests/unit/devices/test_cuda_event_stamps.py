"""What event nodes cost, found on a GPU whose clocks move meanwhile."""

from types import SimpleNamespace

import pytest

from trtlab.devices.cuda import clock, event_stamps, stamp_cost
from trtlab.devices.protocol import Scheduled

STEPS, STEP_NS, EVENT_NS = 20, 10_000, 400


class FakeGpu:
    """Steps become slower with the time; events and their cost do not.

    Attributes:
        slowness: Of steps, told how many replays there were.
        replayed: A letter for each replay.
    """

    def __init__(self, slowness):
        self.slowness, self.replayed, self.now_ns = slowness, "", 0
        gpu = self

        class Event:
            ptr = at_ns = 0

            def record(self, stream):
                self.at_ns = gpu.now_ns

            def synchronize(self):
                pass

        def elapsed_ms(start, end):
            return (end.at_ns - start.at_ns) / 1e6

        self.cuda = SimpleNamespace(Event=Event, get_elapsed_time=elapsed_ms)

    def plain(self):
        self._replay("p", 0)

    def stamped(self):
        self._replay("s", EVENT_NS)

    def _replay(self, letter, event_ns):
        slow = self.slowness(len(self.replayed))
        self.replayed += letter
        self.now_ns += round(STEPS * (STEP_NS * slow + event_ns))


def calibrated(monkeypatch, slowness=lambda count: 1.0):
    """A GPU, and the cost in nanoseconds that was found on it."""
    gpu = FakeGpu(slowness)
    for module in (stamp_cost, clock, event_stamps):
        monkeypatch.setattr(module, "cupy", lambda: gpu)
    found = event_stamps.EventStamps([Scheduled([])] * STEPS)
    return gpu, stamp_cost.cost_ns(None, gpu.plain, gpu.stamped, found.added)


@pytest.mark.parametrize(
    "slowness",
    [
        lambda count: 1.0,
        lambda count: 1.0 + 0.01 * count,  # clocks fall,
        lambda count: 2.0 - 0.01 * count,  # rise,
        lambda count: 1.0 if count < 22 else 1.5,  # and jump
        lambda count: 1.5 if count == 20 else 1.0,  # in a replay that something disturbed
    ],
)
def test_moving_clocks_do_not_spoil_the_cost_of_events(monkeypatch, slowness):
    gpu, cost = calibrated(monkeypatch, slowness)
    assert cost == pytest.approx(EVENT_NS, rel=0.01)
    assert "pp" not in gpu.replayed[6:]
    assert "ss" not in gpu.replayed


def test_long_replays_are_few(monkeypatch):
    quick, _ = calibrated(monkeypatch)
    slow, cost = calibrated(monkeypatch, lambda count: 10_000)
    assert quick.replayed.count("s") == 18
    assert slow.replayed.count("s") == 6
    assert cost == pytest.approx(EVENT_NS)


def test_events_that_seem_to_cost_nothing(monkeypatch):
    _, cost = calibrated(monkeypatch, lambda count: 1.0 if count % 2 else 2.0)
    assert cost == 0.0

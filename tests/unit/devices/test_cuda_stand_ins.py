"""Launches for which a library has no plan give way to others that do the same."""

from types import SimpleNamespace

import pytest

from trtlab.core.errors import DeviceError, UnsupportedError
from trtlab.devices.cuda import replay
from trtlab.devices.protocol import Scheduled


class Planned:
    capturable = True

    def __init__(self, rank, *, ranked=2, error=UnsupportedError):
        self.rank, self.ranked, self.error, self.loader = rank, ranked, error, None

    def prepare(self, loader):
        if self.rank >= self.ranked:
            raise self.error(f"the library ranks fewer than {self.rank + 1} plans")
        self.loader = loader


@pytest.fixture
def prepared(monkeypatch):
    device = SimpleNamespace(cuda=SimpleNamespace(Device=lambda: None))
    monkeypatch.setattr(replay, "cupy", lambda: device)
    return lambda *steps: replay.ReplayedSteps(steps, None, SimpleNamespace())


def test_the_first_that_has_a_plan_takes_the_place(prepared):
    others = [[Planned(2)], [Planned(1)], [Planned(0)]]
    made = []

    def maker(launches):
        return lambda: made.append(launches) or launches

    first = Scheduled([Planned(0)], stream=1, region=0, instead=(maker([Planned(0)]),))
    step = Scheduled([Planned(0), Planned(3)], instead=tuple(map(maker, others)))
    steps = prepared(first, step)
    assert made == others[:2]
    assert steps.route.launches == [first.launches, others[1]]
    assert steps.steps[0] is first
    assert others[1][0].loader is not None


def test_where_no_other_has_one_the_own_reason_is_told(prepared):
    step = Scheduled([Planned(3)], instead=(lambda: [Planned(2)],))
    with pytest.raises(UnsupportedError, match="fewer than 4"):
        prepared(step)


def test_what_fails_otherwise_is_told_at_once(prepared):
    step = Scheduled([Planned(3, error=DeviceError)], instead=(lambda: [Planned(0)],))
    with pytest.raises(DeviceError, match="fewer than 4"):
        prepared(step)

"""Of two kernels of our own, the later is set up early; a library's never is."""

from pathlib import Path

import pytest

from trtlab.core.settings import Settings
from trtlab.devices.cuda.enqueueing import Hooks, Route
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.devices.cuda.neighbours import FOLLOW
from trtlab.devices.protocol import Scheduled


class Own(KernelLaunch):
    """Writes down how it was launched: e(arly), a(dmits the next)."""

    def __init__(self, log, text=FOLLOW):
        super().__init__(Kernel("own", text, (1, 1, 1), (32, 1, 1)), ())
        self.log = log

    def enqueue(self, stream, *, early=False, admits=False):
        self.log.append("own" + " e" * early + " a" * admits)


class OfALibrary:
    capturable = True

    def __init__(self, log):
        self.log = log

    def enqueue(self, stream):
        self.log.append("library")


@pytest.fixture
def setting(monkeypatch):
    """Sets whether kernels overlap."""

    def to(overlap):
        found = Settings(Path(), 0, checks=False, overlap=overlap)
        monkeypatch.setattr("trtlab.devices.cuda.enqueueing.settings", lambda: found)

    return to


@pytest.fixture
def log(monkeypatch, setting):
    monkeypatch.setattr("trtlab.devices.cuda.enqueueing.now", lambda stream: None)
    setting(True)
    return []


class Line:
    def wait_event(self, event):
        pass


def enqueued(log, steps, **given):
    Route(steps).enqueue(Line(), [Line()], **given)
    return log


def test_kernels_of_neighbouring_steps_overlap(log):
    steps = [Scheduled([Own(log), Own(log)]), Scheduled([]), Scheduled([Own(log)])]
    assert enqueued(log, steps) == ["own a", "own e a", "own e"]


def test_unless_it_is_asked_for_the_later_comes_when_the_earlier_ends(log, setting):
    setting(False)
    assert enqueued(log, [Scheduled([Own(log), Own(log)]), Scheduled([Own(log)])]) == [
        "own",
        "own e",
        "own e",
    ]


def test_a_library_is_never_let_in_early(log):
    """Its kernels may be set up early by their own choice, and need not wait for ours."""
    steps = [
        Scheduled([Own(log), OfALibrary(log)]),
        Scheduled([Own(log)]),
        Scheduled([Own(log)]),
    ]
    assert enqueued(log, steps) == ["own", "library", "own a", "own e"]


def test_a_kernel_that_does_not_wait_is_not_let_in(log):
    steps = [Scheduled([Own(log)]), Scheduled([Own(log, "")]), Scheduled([OfALibrary(log)])]
    assert enqueued(log, steps)[0] == "own"


def test_the_last_kernel_lets_nobody_in(log):
    assert enqueued(log, [Scheduled([Own(log)])]) == ["own"]


def test_nothing_overlaps_across_branches(log):
    steps = [
        Scheduled([Own(log)]),
        Scheduled([Own(log)], 0, 0),
        Scheduled([Own(log)], 1, 0),
        Scheduled([Own(log)]),
        Scheduled([Own(log)]),
    ]
    assert enqueued(log, steps) == ["own", "own", "own", "own a", "own e"]


def test_steps_with_something_between_them_do_not_overlap(log):
    steps = [Scheduled([Own(log), Own(log)]), Scheduled([Own(log)])]
    hooks = Hooks(after=lambda number, stream: log.append("stamp"))
    assert enqueued(log, steps, hooks=hooks) == ["own a", "own e", "stamp", "own", "stamp"]

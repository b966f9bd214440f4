"""The line of progress in a terminal."""

import io
import sys

import pytest

from trtlab.cli.printing import TerminalProgress
from trtlab.profiling.progress import Step

CLEAR = "\r\x1b[2K"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def lines(terminal):
    return terminal.getvalue().split(CLEAR)[1:]


def measuring(percent):
    return Step("Measuring", percent, 100, "%", f"{percent} inferences")


def test_a_measurement_is_one_line_that_changes_ten_times_a_second(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    now = [100.0]
    with TerminalProgress(lambda: now[0]) as progress:
        progress.measured(Step("Warming up"))
        progress.measured(measuring(0))
        now[0] += 0.09
        progress.measured(measuring(1))
        now[0] += 0.02
        progress.measured(measuring(2))
        progress.measured(Step("Timing layers", 5, 100, "%", "1 inference"))
    assert lines(terminal) == [
        "Warming up",
        "Measuring · 0 % · 0 inferences",
        "Measuring · 2 % · 2 inferences",
        "Timing layers · 5 % · 1 inference",
        "",
    ]


def test_an_error_begins_on_a_line_of_its_own(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    def fails():
        with TerminalProgress() as progress:
            progress.measured(measuring(7))
            raise KeyError("gone")

    with pytest.raises(KeyError):
        fails()
    assert lines(terminal)[-1] == ""


def test_nothing_is_shown_where_nobody_looks(monkeypatch):
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    with TerminalProgress() as progress:
        progress.measured(measuring(7))
    assert pipe.getvalue() == ""

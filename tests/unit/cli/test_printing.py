"""The line of progress in a terminal."""

import io
import sys

import pytest

from trtlab.cli import exec as exec_module
from trtlab.cli.main import main
from trtlab.cli.printing import TerminalProgress
from trtlab.core.errors import UsageError
from trtlab.profiling.progress import Step
from trtlab.session import one_call

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


@pytest.mark.parametrize("words", [["exec", "--onnx=a.onnx"], ["profile", "a.onnx"]])
def test_a_terminal_hears_at_once_that_a_model_is_read(words, monkeypatch):
    terminal, shown = Terminal(), []

    def reads(*_words, **_options):
        shown.extend(lines(terminal))
        raise UsageError("no such model")

    monkeypatch.setattr(exec_module, "open_source", reads)
    monkeypatch.setattr(one_call, "open_source", reads)
    monkeypatch.setattr(sys, "stderr", terminal)
    assert main(words) == 2
    assert terminal.getvalue().startswith("starting …" + CLEAR)
    assert shown == ["", "Reading the model …"]
    assert lines(terminal)[-1].startswith("trtlab: no such model")


def test_the_selection_says_why_it_may_stand_still(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    progress = TerminalProgress()
    progress.phase_start("Select tactics", None, 9)
    progress.step_complete("Select tactics", 2)
    progress.phase_start("Pack weights", None, 9)
    why = "kernels that are new are compiled before they are timed"
    assert lines(terminal) == [
        f"Select tactics … · {why}", f"Select tactics: 3/9 · {why}", "Pack weights …",
    ]  # fmt: skip

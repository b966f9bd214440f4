"""The measured runs of a session, to compare later ones with; in memory only."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from trtlab.report.records import Report
from trtlab_widgets.pages.asked import options
from trtlab_widgets.pages.text import time_ms
from trtlab_widgets.shown import Shown, shapes_text, time_text

_MOST = 12


class Runs:
    """Keeps the latest reports in the order in which they were shown."""

    def __init__(self) -> None:
        self._kept: tuple[Shown, ...] = ()

    def keep(self, shown: Shown) -> tuple[Shown, ...]:
        """Add what is shown now, unless nothing was measured.

        Returns:
            The earlier runs of its model, the latest first.
        """
        before = [run for run in self._kept if _identity(run) != _identity(shown)]
        if is_measured(shown.report):
            slim = replace(shown.report, timeline=())  # most of its memory, and not compared
            self._kept = (*before, replace(shown, report=slim))[-_MOST:]
        return tuple(run for run in reversed(before) if _of_one_model(run, shown))


def is_measured(report: Report) -> bool:
    """Whether it has times to compare."""
    return report.benchmark is not None or any(
        layer.time_us.samples for layer in report.layers
    )


def _identity(shown: Shown) -> object:
    """What no two runs share: a saved report that is opened is the run that it was."""
    report = shown.report
    samples = () if report.benchmark is None else report.benchmark.samples_ms
    return report.created, report.model.digest, report.config, samples


def _of_one_model(first: Shown, second: Shown) -> bool:
    """One file, or files of one name: a model may have been exported again."""
    mine, other = first.report.model, second.report.model
    return mine.digest == other.digest or mine.name == other.name


def run_labels(runs: Sequence[Shown], shown: Shown, today: date) -> tuple[str, ...]:
    """``fp16 · level 5 · 8×3×224×224 · 3.21 ms · 14:02``: what tells each from the others.

    Args:
        runs: To be named.
        shown: What they are told from, too.
        today: Runs of other days have their date.
    """
    everything = [_options(run.report) for run in (*runs, shown)]
    common = set(everything[0]).intersection(*everything)
    labels = [
        _label(run, [words for words in told if words not in common], today)
        for run, told in zip(runs, everything, strict=False)
    ]
    return tuple(
        _label(run, [run.report.created, *told], today) if labels.count(label) > 1 else label
        for run, label, told in zip(runs, labels, everything, strict=False)
    )


def _options(report: Report) -> list[str]:
    return [report.device.name, *options(report.config)]


def _label(shown: Shown, apart: Sequence[str], today: date) -> str:
    report = shown.report
    run = report.benchmark
    facts = [
        report.config.precision,
        *apart,
        shapes_text(report),
        "" if run is None else time_ms(run.latency_ms.median),
        time_text(report.created, today),
        "" if shown.file is None else shown.file.name,
    ]
    return " · ".join(fact for fact in facts if fact)

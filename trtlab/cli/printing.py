"""Tables and progress in a terminal."""

import sys
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Self

from trtlab.builder.build import SELECT
from trtlab.builder.progress import SilentMonitor
from trtlab.cli.command import CLEAR_LINE
from trtlab.profiling.progress import Step
from trtlab.report.contests import counts_text
from trtlab.report.precisions import precision_text
from trtlab.report.quantity import nbytes
from trtlab.report.records import BenchmarkRecord, Report, Summary
from trtlab.report.short_name import short_name
from trtlab.report.which_run import BENCHMARK, profiled_run

_WIDTH = 78
_SHOWN = 15
_LETTERS = 44  # of a layer's name
_TELL_EVERY_S = 0.1
READ = "Reading the model"
_NOTES = {SELECT: " · kernels that are new are compiled before they are timed"}


class TerminalProgress(SilentMonitor):
    """A build's phases, and a measurement's, as one line on standard error, if a terminal.

    Args:
        now_s: The clock.
    """

    def __init__(self, now_s: Callable[[], float] = monotonic) -> None:
        self._total = 0
        self._shown = sys.stderr.isatty()
        self._now_s = now_s
        self._phase = ""
        self._told_s = 0.0

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        """Show the phase's name."""
        del parent_phase
        self._total = num_steps
        self._write(f"{phase_name} …{_NOTES.get(phase_name, '')}")

    def step_complete(self, phase_name: str, step: int) -> bool:
        """Show how far it is."""
        note = _NOTES.get(phase_name, "")
        self._write(f"{phase_name}: {step + 1}/{max(self._total, step + 1)}{note}")
        return True

    def phase_finish(self, phase_name: str) -> None:
        """Clear the line."""
        del phase_name
        self._write("")

    def measured(self, step: Step) -> None:
        """Show how far a measurement is; a terminal is slow, so not before each inference."""
        now_s = self._now_s()
        if step.phase == self._phase and now_s - self._told_s < _TELL_EVERY_S:
            return
        self._phase, self._told_s = step.phase, now_s
        words = (step.phase, step.count, step.message)
        self._write(" · ".join(word for word in words if word))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Clear the line, before results or an error are printed."""
        self._write("")

    def _write(self, text: str) -> None:
        if self._shown:
            sys.stderr.write(f"{CLEAR_LINE}{text[:_WIDTH]}")
            sys.stderr.flush()


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Columns as wide as they must be; the first ``left`` ones left-aligned."""
    widths = [max(len(line[i]) for line in (header, *rows)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()

    return "\n".join([line(header), "  ".join("─" * w for w in widths), *map(line, rows)])


def milliseconds(summary: Summary) -> str:
    """``12.34 ms (95 % interval 12.30–12.41, p99 13.0)``."""
    return (
        f"{summary.median:.3f} ms (95 % interval {summary.median_low:.3f}–"
        f"{summary.median_high:.3f}, p99 {summary.p99:.3f})"
    )


def report_text(report: Report) -> str:
    """What `trtlab profile` prints: conditions, answer, costliest layers, verdicts."""
    shapes = "" if report.benchmark is None else _shapes(report.benchmark)
    lines = [
        (
            f"{report.model.name} on {report.device.name}, {report.device.cores} "
            f"{'threads' if report.device.kind == 'cpu' else 'SMs'}, "
            f"{precision_text(report.config, report.layers)}{shapes}"
        ),
        (
            f"built in {report.build.seconds:.2f} s: {report.model.nodes} nodes → "
            f"{len(report.layers)} layers; {counts_text(report.build)}"
        ),
    ]
    if report.benchmark is not None:
        lines += [
            (
                f"latency {milliseconds(report.benchmark.latency_ms)}, "
                f"{report.benchmark.throughput_qps:.1f} inferences/s over "
                f"{report.benchmark.iterations} queries ({BENCHMARK})"
            ),
        ]
    lines += [
        (
            f"memory {nbytes(report.memory.weights_bytes)} weights, "
            f"{nbytes(report.memory.arena_bytes)} activations "
            f"({nbytes(report.memory.without_reuse_bytes)} without reuse)"
        ),
        "",
        *([f"costliest layers ({profiled_run(report)})"] if _timed(report) else []),
        layers_text(report),
    ]
    notes = list(report.warnings)
    if report.benchmark is not None:
        notes += report.benchmark.verdicts
    if report.telemetry is not None and report.telemetry.verdict:
        notes.append(report.telemetry.verdict)
    return "\n".join([*lines, *([""] if notes else []), *(f"· {note}" for note in notes)])


def _timed(report: Report) -> bool:
    return any(layer.time_us.samples for layer in report.layers)


def layers_text(report: Report, shown: int = _SHOWN) -> str:
    """The costliest layers as a table."""
    times = [layer.time_us.median or 0.0 for layer in report.layers]
    total = sum(times) or 1.0
    order = sorted(range(len(times)), key=lambda i: -times[i])[:shown]
    rows = [
        [
            short_name(report.layers[i].name, _LETTERS),
            report.layers[i].type.lower(),
            report.layers[i].tactic,
            f"{times[i]:,.1f}",
            f"{100 * times[i] / total:.1f}",
            f"{report.layers[i].flops / times[i] / 1e3:,.1f}"
            if times[i] and report.layers[i].flops
            else "–",
        ]
        for i in order
    ]
    rest = len(times) - len(order)
    text = table(("layer", "type", "tactic", "median µs", "%", "GFLOP/s"), rows, left=3)
    return text + (f"\n… and {rest} more layers" if rest > 0 else "")


def _shapes(benchmark: BenchmarkRecord) -> str:
    return "".join(
        f", {name} {'x'.join(map(str, shape))}" for name, shape in benchmark.shapes.items()
    )

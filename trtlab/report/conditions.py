"""What a measured time depends on: it is worth nothing without."""

from datetime import datetime
from typing import Literal

from trtlab.report.clocks import benchmark_clock, clocked_units, layers_clock
from trtlab.report.precisions import precision_text
from trtlab.report.records import Report

Part = Literal["all", "benchmark", "layers", "build"]


def conditions(report: Report, part: Part = "all") -> tuple[str, ...]:
    """Device, precision, batch, shapes, clocks with their range, date: what is known of it.

    Args:
        report: Of which the conditions are told.
        part: Whose clock to tell: of both runs, of the benchmark, of the run in which layers
            were timed (the benchmark's, by that name, where it is not known), or none for times
            of the build.
    """
    device, config, run = report.device, report.config, report.benchmark
    units = "cores" if device.kind == "cpu" else "SMs"
    facts = [
        f"{device.name} ({device.kind}, {device.cores} {units})",
        precision_text(config, report.layers),
    ]
    if run is not None:
        facts += [f"batch {run.batch}"] if run.batch is not None else []
        shapes = run.shapes.items()
        facts += [f"{name} {'×'.join(map(str, shape))}" for name, shape in shapes]
    return (*facts, *_clocks(report, part), created_text(report))


def _clocks(report: Report, part: Part) -> list[str]:
    ran, timed = benchmark_clock(report), layers_clock(report)
    units = clocked_units(report)
    facts: list[str] = []
    if ran is not None and (part in {"all", "benchmark"} or (part == "layers" and not timed)):
        facts.append(f"{units} at {ran} in the benchmark")
    if timed is not None and part in {"all", "layers"}:
        facts.append(f"{units} at {timed} while layers were timed")
    return facts


def created_text(report: Report) -> str:
    """When it was recorded, to the minute, on its own clock: ``2026-11-21 12:24``."""
    try:
        return f"{datetime.fromisoformat(report.created):%Y-%m-%d %H:%M}"
    except ValueError:
        return report.created


def clock_mhz(report: Report) -> float | None:
    """The median clock while the benchmark ran; None where no sensor told it."""
    clock = benchmark_clock(report)
    return None if clock is None else clock.median_mhz

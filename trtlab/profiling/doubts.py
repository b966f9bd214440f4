"""Why two runs may differ without that their engines do.

A comparison of two runs knows how much each of them varied, not what the machine did in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from trtlab.profiling.statistics import Comparison, Verdict
from trtlab.report.percent import changed, percent
from trtlab.report.records import Report

_DRIFT = 0.1  # between a run's halves, of its median; a quiet machine stays far below
_APART = 0.05  # a share by which sums change before their direction counts
_WHICH = ("first", "second")
UNSTABLE = "Unstable: "
"""How a benchmark's verdict on varying compute times begins."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reason to measure again.

    Attributes:
        sentence: What was seen, and what to do.
        decides: It explains the difference altogether: the engines have nothing to do with it.
    """

    sentence: str
    decides: bool = False


def doubts(
    sides: tuple[Report, Report],
    latency: Comparison | None,
    layers_ms: tuple[float, float],
    *,
    alike: bool,
) -> tuple[Doubt, ...]:
    """What speaks against a difference that the samples call real; empty where they do not.

    Args:
        sides: The two reports.
        latency: What their samples say.
        layers_ms: Sums of the layers of both.
        alike: Nothing that is known was different: conditions, options, tactics.
    """
    if latency is None or latency.verdict is not Verdict.REAL:
        return ()
    found: list[Doubt] = []
    if alike:
        found.append(
            Doubt(
                "Conditions, options and tactics are the same in both runs: the machine was"
                " slower in one of them (clocks, temperature, other programs). Measure again,"
                " in turns.",
                decides=True,
            )
        )
    unsteady = _unsteady(sides)
    if unsteady:
        found.append(
            Doubt(
                f"{unsteady}: look at clocks and other programs, and measure again, in turns."
            )
        )
    before, after = layers_ms
    if before and after:
        change = after / before - 1
        if abs(change) > _APART and (change > 0) != (latency.ratio > 1):
            found.append(
                Doubt(
                    f"The layers, timed in runs of their own, changed the other way"
                    f" ({changed(before, after)}): the machine's speed changed in between."
                )
            )
    return tuple(found)


def unstable_runs(sides: tuple[Report, Report]) -> tuple[str, ...]:
    """What each run that varied too much says of itself, whatever the verdict is.

    A verdict heeds how much the samples vary, but not why: what shook one run may have slowed it.
    """
    return tuple(
        f"The {which} run is unstable: {line.removeprefix(UNSTABLE)}"
        for which, side in zip(_WHICH, sides, strict=True)
        for line in (unstable(side),)
        if line
    )


def unstable(report: Report) -> str:
    """The benchmark's sentence on varying compute times; empty without one."""
    lines = report.benchmark.verdicts if report.benchmark is not None else ()
    return next((line for line in lines if line.startswith(UNSTABLE)), "")


def opposed(
    sides: tuple[Report, Report], latency: Comparison | None, layers_ms: tuple[float, float]
) -> str:
    """That latency and layers changed in opposite directions; empty where they did not.

    A difference that the samples call real has it among its doubts, so it is not said here.
    """
    runs = [side.benchmark for side in sides]
    medians = [run.latency_ms.median for run in runs if run is not None]
    known = len(medians) == len(runs) and all((*medians, *layers_ms))
    if not known or (latency is not None and latency.verdict is Verdict.REAL):
        return ""
    whole, parts = medians[1] / medians[0] - 1, layers_ms[1] / layers_ms[0] - 1
    if min(abs(whole), abs(parts)) <= _APART or (whole > 0) == (parts > 0):
        return ""
    return (
        f"The latency {_went(*medians)} while the sum of the layers {_went(*layers_ms)}:"
        " the two are timed in runs of their own, and one of them tells more of the machine than"
        " of the engine. Measure again, in turns."
    )


def _went(before: float, after: float) -> str:
    return f"{'rose' if after > before else 'fell'} ({changed(before, after)})"


def _unsteady(sides: Sequence[Report]) -> str:
    """``The latency drifted by 22 % within the first run``."""
    told: list[str] = []
    for which, side in zip(_WHICH, sides, strict=True):
        drift = _drift(side.benchmark.samples_ms) if side.benchmark is not None else 0.0
        if drift > _DRIFT:
            told.append(f"by {percent(drift)} within the {which} run")
    return f"The latency drifted {' and '.join(told)}" if told else ""


def _drift(samples: Sequence[float]) -> float:
    """How far the medians of a run's halves lie apart, as a share of the whole's.

    A short episode, such as a few slow queries, moves neither much.
    """
    half = len(samples) // 2
    if not half:
        return 0.0
    return abs(median(samples[half:]) - median(samples[:half])) / median(samples)

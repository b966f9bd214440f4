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


def _unsteady(sides: Sequence[Report]) -> str:
    """``The latency drifted by 22 % within the first run``."""
    told: list[str] = []
    for which, side in zip(("first", "second"), sides, strict=True):
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

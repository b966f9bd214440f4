"""The two runs that a report's times come from: named with the same words in every view."""

from typing import Final

from trtlab.report.records import Report

BENCHMARK: Final = "benchmark: without time stamps"
PROFILED: Final = "profiled run: with time stamps around each layer"
WHY: Final = (
    "Time stamps cost time themselves, so each run has a latency of its own. The benchmark says"
    " how fast the engine is, the profiled run how its time divides among the layers."
)


def profiled_number(report: Report) -> int:
    """How many inferences were profiled: each gave one sample of every layer that it ran."""
    return max((len(layer.time_us.samples) for layer in report.layers), default=0)


def profiled_run(report: Report) -> str:
    """`PROFILED` with the number of its inferences, where layers were timed."""
    number = profiled_number(report)
    if not number:
        return PROFILED
    return f"{PROFILED}, {number:,} inference{'' if number == 1 else 's'}"

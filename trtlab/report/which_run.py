"""The two runs that a report's times come from: named with the same words in every view."""

from typing import Final

BENCHMARK: Final = "benchmark: without time stamps"
PROFILED: Final = "profiled run: with time stamps around each layer"
WHY: Final = (
    "Time stamps cost time themselves, so each run has a latency of its own. The benchmark says"
    " how fast the engine is, the profiled run how its time divides among the layers."
)

"""Whether clocks were held back and times were steady, as the signs and sentences of all views."""

from dataclasses import dataclass

from trtlab.report.clocks import benchmark_clock, clocked_units
from trtlab.report.percent import percent
from trtlab.report.records import BenchmarkRecord, Report, TelemetryRecord

_CLEAN = "Clean"
_SURE = 0.025  # trtexec warns above this coefficient of variation


@dataclass(frozen=True, slots=True)
class ClockVerdict:
    """What the sensors say of the clocks.

    Attributes:
        state: ``warn`` when they were held back, ``good`` when they were seen not to be,
            ``plain`` when nobody could tell.
        sign: One word for a label.
        sentence: The whole of it, without that word.
    """

    state: str
    sign: str
    sentence: str


def clock_verdict(telemetry: TelemetryRecord | None) -> ClockVerdict:
    """The verdict of a run; a run without sensors was not observed."""
    if telemetry is None:
        return ClockVerdict("plain", "Clocks", "No sensors were recorded.")
    sign, colon, sentence = telemetry.verdict.partition(": ")
    if telemetry.throttling:
        reasons = ", ".join(sorted({t.reason for t in telemetry.throttling}))
        said = sentence if sign == "Throttled" and colon else telemetry.verdict
        return ClockVerdict("warn", "Throttled", _capital(said or reasons))
    if sign == _CLEAN:
        return ClockVerdict("good", _CLEAN, _capital(sentence))
    return ClockVerdict("plain", "Clocks", telemetry.verdict or "No throttling was reported.")


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _steady_spread(benchmark: BenchmarkRecord) -> float | None:
    """How far compute times vary, as a share; None where the benchmark has a doubt to tell."""
    compute = benchmark.compute_ms
    if benchmark.verdicts or compute.mean <= 0:
        return None
    spread = compute.stdev / compute.mean
    return spread if spread <= _SURE else None


def trust(report: Report) -> list[tuple[str, str, str]]:
    """State, sign and sentence of the clocks, and of how steady the compute times were.

    Times may be steady although the clocks were held back. Two signs, one for each, would seem
    to contradict each other: then one sentence tells both, and what the times are those of.
    """
    lines: list[tuple[str, str, str]] = []
    clocks = clock_verdict(report.telemetry)
    if report.telemetry is not None:
        lines.append((clocks.state, clocks.sign, clocks.sentence))
    spread = None if report.benchmark is None else _steady_spread(report.benchmark)
    if spread is None:
        return lines
    if clocks.state != "warn":
        return [*lines, ("good", "Stable", f"Compute time varies by {percent(spread)}.")]
    said = clocks.sentence if clocks.sentence.endswith(".") else f"{clocks.sentence}."
    return [(clocks.state, clocks.sign, f"{said} {_steady(report, spread)}")]


def _steady(report: Report, spread: float) -> str:
    """That times were steady in a run that was held back, and at what clocks."""
    varied = f"vary by only {percent(spread)}"
    if not _benchmark_throttled(report):
        return f"That was not during the benchmark, whose compute times {varied}."
    clock = benchmark_clock(report)
    at = "" if clock is None else f": {clocked_units(report)} at {clock}"
    return f"Compute times {varied}, but are those of the limited clocks{at}."


def _benchmark_throttled(report: Report) -> bool:
    """Whether clocks were held back while the benchmark ran."""
    run, telemetry = report.benchmark, report.telemetry
    if run is None or telemetry is None or not run.starts_ns:
        return True
    first, last = run.starts_ns[0], run.starts_ns[-1]
    return any(t.end_ns >= first and t.start_ns <= last for t in telemetry.throttling)

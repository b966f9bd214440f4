"""Whether clocks were held back, as the sign and the sentence that all views show."""

from dataclasses import dataclass

from trtlab.report.records import TelemetryRecord

_CLEAN = "Clean"


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
        return ClockVerdict("warn", "Throttled", said or reasons)
    if sign == _CLEAN:
        return ClockVerdict("good", _CLEAN, sentence[:1].upper() + sentence[1:])
    return ClockVerdict("plain", "Clocks", telemetry.verdict or "No throttling was reported.")

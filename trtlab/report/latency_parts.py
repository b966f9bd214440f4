"""The parts of one inference's latency: what each of them is, and which make up the replay."""

from collections.abc import Mapping

from trtlab.report.records import Report

MEANINGS: Mapping[str, str] = {
    "launch": "from the host's first call until computing begins, the copy in taken off",
    "copy in": "the inputs to the device",
    "layers": "at least one layer runs",
    "gaps": "between layers, none runs",
    "begin and end": "of computing: before the first layer's turn, behind the last one",
    "hand-over": "from the end of computing until the copy out begins",
    "copy out": "the outputs to the host",
    "wake-up": "from the device's last work until the host holds the results",
    "unexplained": "what the parts leave over: layers are timed in inferences of their own",
}
"""By the names of `Report.reconciliation_ms`, in the order of time."""

_COMPUTING = ("layers", "gaps", "begin and end", "unexplained")


def replay_ms(report: Report) -> float | None:
    """What computing takes without time stamps: its parts and what they leave over.

    The plain inferences took turns with those whose layers were timed, so both saw the same
    clocks; the benchmark's compute time may have seen others. In reports of before the
    hand-over was told, it is part of the rest and thus of this; begin and end always are.

    Returns:
        Milliseconds; None where layers were not timed.
    """
    parts = report.reconciliation_ms
    return sum(parts.get(name, 0.0) for name in _COMPUTING) if "layers" in parts else None


def latency_parts(report: Report) -> dict[str, list[str | int | float | bool | None]]:
    """One row a part of an inference's latency: milliseconds, share, and what it is."""
    parts = report.reconciliation_ms
    whole = sum(parts.values())
    return {
        "part": list(parts),
        "time_ms": list(parts.values()),
        "percent": [100 * value / whole if whole else None for value in parts.values()],
        "meaning": [MEANINGS.get(name, "") for name in parts],
    }

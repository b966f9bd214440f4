"""What a measured time depends on: it is worth nothing without."""

from statistics import median

from trtlab.report.records import Report

_CLOCKS = {"cuda": ("gpu.sm_clock", "SMs"), "cpu": ("cpu.frequency", "cores")}


def conditions(report: Report) -> tuple[str, ...]:
    """Device, precision, batch, shapes, clock while it was measured, date: what is known of it."""
    device, config, run = report.device, report.config, report.benchmark
    units = "cores" if device.kind == "cpu" else "SMs"
    facts = [
        f"{device.name} ({device.kind}, {device.cores} {units})",
        config.precision + (" (emulated)" if config.emulated else ""),
    ]
    if run is not None:
        facts += [f"batch {run.batch}"] if run.batch is not None else []
        shapes = run.shapes.items()
        facts += [f"{name} {'×'.join(map(str, shape))}" for name, shape in shapes]
    return (*facts, *_clock(report), report.created)


def _clock(report: Report) -> list[str]:
    found = clock_mhz(report)
    return [] if found is None else [f"{_CLOCKS[report.device.kind][1]} at {found:,.0f} MHz"]


def clock_mhz(report: Report) -> float | None:
    """The median clock while the benchmark ran; None where no sensor told it.

    With several GPUs it is not known which one ran: then there is none either.
    """
    metric, _ = _CLOCKS.get(report.device.kind, ("", ""))
    traces = report.telemetry.traces if report.telemetry is not None else ()
    trace = next((t for t in traces if t.metric == metric), None)
    if trace is None or report.benchmark is None or not report.benchmark.starts_ns:
        return None
    first, last = report.benchmark.starts_ns[0], report.benchmark.starts_ns[-1]
    pairs = zip(trace.times_ns, trace.values, strict=True)
    during = [value for time_ns, value in pairs if first <= time_ns <= last and value > 0]
    return median(during) if during else None

"""A report as a Chrome trace: opens in Perfetto (ui.perfetto.dev) and chrome://tracing.

One process holds the inference: a thread a stream, one for the host's enqueue calls and one
for whole inferences. A second process holds telemetry: a counter a metric and the throttle
intervals.
Source: "Trace Event Format", Google; timestamps and durations are microseconds.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from trtlab.report.atomic_write import write_atomically
from trtlab.report.records import Report, Slice, TelemetryRecord

_INFERENCE_PROCESS, _TELEMETRY_PROCESS = 1, 2
_THREAD_BY_CATEGORY = {"inference": (0, "inferences"), "enqueue": (1, "host enqueue")}
_FIRST_STREAM_THREAD = 10

Event = dict[str, object]


def trace_events(report: Report) -> dict[str, object]:
    """The trace as JSON-ready data: ``traceEvents`` plus what was measured where."""
    events = [*_names(report), *_slices(report)]
    if report.telemetry is not None:
        events += _telemetry(report.telemetry)
    return {
        "traceEvents": events,
        "displayTimeUnit": "ns",
        "otherData": {
            "model": report.model.name,
            "device": report.device.name,
            "precision": report.config.precision,
            "created": report.created,
            "trtlab_version": report.trtlab_version,
            "epoch_monotonic_ns": report.epoch_ns,
        },
    }


def export_trace(report: Report, path: Path | str) -> Path:
    """Write the trace; a name that ends in ``.gz`` is compressed (Perfetto reads both).

    Raises:
        UsageError: The file cannot be written.
    """
    data = json.dumps(trace_events(report), separators=(",", ":")).encode()
    return write_atomically(
        path, gzip.compress(data, 6, mtime=0) if Path(path).suffix == ".gz" else data
    )


def _thread(bar: Slice) -> tuple[int, str]:
    """Number and name of the thread that a slice lies on."""
    known = _THREAD_BY_CATEGORY.get(bar.category)
    return known or (_FIRST_STREAM_THREAD + bar.stream, f"stream {bar.stream}")


def _names(report: Report) -> Iterator[Event]:
    process = f"{report.model.name} on {report.device.name}"
    yield _metadata("process_name", _INFERENCE_PROCESS, 0, name=process)
    for thread, name in sorted({_thread(bar) for bar in report.timeline}):
        yield _metadata("thread_name", _INFERENCE_PROCESS, thread, name=name)
        yield _metadata("thread_sort_index", _INFERENCE_PROCESS, thread, sort_index=thread)
    if report.telemetry is not None:
        yield _metadata("process_name", _TELEMETRY_PROCESS, 0, name="telemetry")


def _metadata(kind: str, process: int, thread: int, **arguments: str | int) -> Event:
    return {"ph": "M", "name": kind, "pid": process, "tid": thread, "args": arguments}


def _slices(report: Report) -> Iterator[Event]:
    records = {record.index: record for record in report.layers}
    for bar in report.timeline:
        arguments: dict[str, object] = {"iteration": bar.iteration}
        record = records.get(bar.layer)
        if record is not None:
            arguments |= {
                "type": record.type,
                "tactic": record.tactic,
                "precision": record.precision,
                "origins": ", ".join(record.origins),
                "flops": record.flops,
                "bytes": record.bytes,
            }
        yield {
            "ph": "X",
            "name": bar.name,
            "cat": bar.category,
            "pid": _INFERENCE_PROCESS,
            "tid": _thread(bar)[0],
            "ts": bar.start_ns / 1e3,
            "dur": bar.duration_ns / 1e3,
            "args": arguments,
        }


def _telemetry(telemetry: TelemetryRecord) -> Iterator[Event]:
    for trace in telemetry.traces:
        name = f"{trace.label} [{trace.unit}]" if trace.unit else trace.label
        for at_ns, value in zip(trace.times_ns, trace.values, strict=True):
            yield {
                "ph": "C",
                "name": name,
                "pid": _TELEMETRY_PROCESS,
                "tid": 0,
                "ts": at_ns / 1e3,
                "args": {trace.metric: value},
            }
    for span in telemetry.throttling:
        yield {
            "ph": "X",
            "name": span.reason,
            "cat": "throttling",
            "pid": _TELEMETRY_PROCESS,
            "tid": 1,
            "ts": span.start_ns / 1e3,
            "dur": (span.end_ns - span.start_ns) / 1e3,
            "args": {},
        }

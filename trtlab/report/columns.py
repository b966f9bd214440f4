"""A report's tables as plain lists by column name: what frames, CSV files and the shell print.

Rows follow the engine's order. An empty table still has its columns. None means not measured.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields

from trtlab.core.errors import UsageError
from trtlab.report.latency_parts import latency_parts
from trtlab.report.records import QueryPhases, Report, Samples, Summary
from trtlab.report.roofline import attainable_percent, bound_by, roof_us

Cell = str | int | float | bool | None
Columns = dict[str, list[Cell]]


def columns(report: Report, table: str) -> Columns:
    """One table by its name.

    Raises:
        UsageError: There is no such table.
    """
    if table not in TABLES:
        raise UsageError(
            f"a report has no table {table!r}", hint="one of " + ", ".join(sorted(TABLES))
        )
    return TABLES[table](report)


def layers(report: Report, *, by_time: bool = False) -> Columns:
    """One row a layer: time, its spread and share, work done, and distance from the roof.

    ``time_us`` is the median and ``cumulative_percent`` adds up along the rows, which follow
    the engine's order or, with ``by_time``, begin with the slowest.
    """
    timed = [(r, r.time_us.median) for r in report.layers]
    total_us = sum(m for _, m in timed if m is not None)
    if by_time:
        timed.sort(key=lambda pair: -(pair[1] or 0.0))
    rows: list[dict[str, Cell]] = []
    cumulative = 0.0
    for record, median_us in timed:
        share = 100 * median_us / total_us if median_us is not None and total_us else None
        cumulative += share or 0.0
        rows.append(
            {
                "index": record.index,
                "name": record.name,
                "type": record.type,
                "precision": record.precision,
                "tactic": record.tactic,
                "stream": record.stream,
                "time_us": median_us,
                **_spread(record.time_us),
                "time_percent": share,
                "cumulative_percent": cumulative if share is not None else None,
                "gflop_per_s": _per_us(record.flops, median_us),
                "gbyte_per_s": _per_us(record.bytes, median_us),
                "flop_per_byte": record.flops / record.bytes if record.bytes else None,
                "roof_us": roof_us(record, report.device),
                "attainable_percent": attainable_percent(record, report.device),
                "bound": bound_by(record, report.device),
                "flops": record.flops,
                "bytes": record.bytes,
                "weights_bytes": record.weights_bytes,
                "workspace_bytes": record.workspace_bytes,
                "origins": ", ".join(record.origins),
                "rules": ", ".join(record.rules),
                "inputs": ", ".join(f"{t.dtype}{_dims(t.shape)}" for t in record.inputs),
                "outputs": ", ".join(f"{t.dtype}{_dims(t.shape)}" for t in record.outputs),
                "kernels": ", ".join(record.kernels),
            }
        )
    return _transpose(rows, _LAYER_COLUMNS)


def timeline(report: Report) -> Columns:
    """One row a slice; microseconds after the report's epoch."""
    bars = report.timeline
    return {
        "iteration": [s.iteration for s in bars],
        "category": [s.category for s in bars],
        "stream": [s.stream for s in bars],
        "layer": [s.layer for s in bars],
        "name": [s.name for s in bars],
        "start_us": [s.start_ns / 1e3 for s in bars],
        "duration_us": [s.duration_ns / 1e3 for s in bars],
        "end_us": [(s.start_ns + s.duration_ns) / 1e3 for s in bars],
    }


def telemetry(report: Report) -> Columns:
    """One row a reading (long format); seconds after the report's epoch."""
    traces = report.telemetry.traces if report.telemetry else ()
    readings = [
        (trace, at_ns, value)
        for trace in traces
        for at_ns, value in zip(trace.times_ns, trace.values, strict=True)
    ]
    return {
        "metric": [t.metric for t, _, _ in readings],
        "label": [t.label for t, _, _ in readings],
        "unit": [t.unit for t, _, _ in readings],
        "time_s": [at / 1e9 for _, at, _ in readings],
        "value": [v for _, _, v in readings],
    }


def throttling(report: Report) -> Columns:
    """One row a time when the device held its clocks back; seconds after the epoch."""
    spans = report.telemetry.throttling if report.telemetry else ()
    return {
        "start_s": [s.start_ns / 1e9 for s in spans],
        "end_s": [s.end_ns / 1e9 for s in spans],
        "duration_s": [(s.end_ns - s.start_ns) / 1e9 for s in spans],
        "reason": [s.reason for s in spans],
    }


def memory(report: Report) -> Columns:
    """One row a tensor in the activation arena, with the layers that write and read it."""
    names = {r.index: r.name for r in report.layers}
    places = report.memory.allocations
    return {
        "tensor": [a.tensor for a in places],
        "offset_bytes": [a.offset_bytes for a in places],
        "size_bytes": [a.size_bytes for a in places],
        "first_step": [a.first_step for a in places],
        "last_step": [a.last_step for a in places],
        "first_layer": [names.get(a.first_step, "") for a in places],
        "last_layer": [names.get(a.last_step, "") for a in places],
    }


def passes(report: Report) -> Columns:
    """One row a pass over the network."""
    done = report.build.passes
    return {
        "name": [p.name for p in done],
        "changes": [p.changes for p in done],
        "layers_before": [p.layers_before for p in done],
        "layers_after": [p.layers_after for p in done],
        "wall_ms": [p.wall_ms for p in done],
        "rejections": [len(p.rejections) for p in done],
    }


def rejections(report: Report) -> Columns:
    """One row a time that a rule declined, with its reason."""
    found = [(p.name, r) for p in report.build.passes for r in p.rejections]
    return {
        "pass": [name for name, _ in found],
        "subject": [r.subject for _, r in found],
        "reason": [r.reason for _, r in found],
        "where": [", ".join(r.where) for _, r in found],
    }


def contenders(report: Report) -> Columns:
    """One row a tactic that was considered for a layer; ``slower`` is 1.0 for the fastest."""
    rows: list[dict[str, Cell]] = []
    for selection in report.build.selections:
        timed = [c.time_us for c in selection.contenders if c.time_us is not None]
        best_us = min(timed, default=None)
        for c in selection.contenders:
            samples = Samples(c.samples_us)
            rows.append(
                {
                    "layer": selection.layer,
                    "tactic": c.tactic,
                    "chosen": c.tactic == selection.chosen,
                    "time_us": c.time_us,
                    "slower": c.time_us / best_us if c.time_us and best_us else None,
                    "stdev_us": samples.stdev,
                    "samples": len(c.samples_us),
                    "workspace_bytes": c.workspace_bytes,
                    "from_cache": c.from_cache,
                    "rejection": c.rejection,
                }
            )
    return _transpose(rows, _CONTENDER_COLUMNS)


def benchmark(report: Report) -> Columns:
    """Five rows, latency and its parts; trtexec's definitions, in milliseconds."""
    record = report.benchmark
    parts: dict[str, Summary] = {}
    if record is not None:
        parts = {
            "latency": record.latency_ms,
            "enqueue": record.enqueue_ms,
            "h2d": record.h2d_ms,
            "compute": record.compute_ms,
            "d2h": record.d2h_ms,
        }
    statistics: Columns = {
        f"{f.name}_ms": [getattr(s, f.name) for s in parts.values()] for f in fields(Summary)
    }
    return {"quantity": list(parts), **statistics}


def queries(report: Report) -> Columns:
    """One row a query of the benchmark: its start after the epoch, latency and phases."""
    record = report.benchmark
    starts, latencies = (record.starts_ns, record.samples_ms) if record else ((), ())
    table: Columns = {
        "query": list(range(len(starts))),
        "start_s": [s / 1e9 for s in starts],
        "latency_ms": list(latencies),
    }
    phases = record.phases if record else None
    for phase in ("enqueue", "h2d", "compute", "d2h"):
        table[f"{phase}_ms"] = (
            list(phase_ms(phases, phase)) if phases else [None] * len(starts)
        )
    return table


def phase_ms(phases: QueryPhases, name: str) -> list[float]:
    """How long one phase (enqueue, h2d, compute, d2h) of each query took, in milliseconds."""
    starts: tuple[int, ...] = getattr(phases, f"{name}_start_ns")
    ends: tuple[int, ...] = getattr(phases, f"{name}_end_ns")
    return [(end - start) / 1e6 for start, end in zip(starts, ends, strict=True)]


TABLES: Mapping[str, Callable[[Report], Columns]] = {
    "layers": layers,
    "benchmark": benchmark,
    "queries": queries,
    "latency_parts": latency_parts,
    "timeline": timeline,
    "telemetry": telemetry,
    "throttling": throttling,
    "memory": memory,
    "passes": passes,
    "rejections": rejections,
    "contenders": contenders,
}

_LAYER_COLUMNS = (
    "index",
    "name",
    "type",
    "precision",
    "tactic",
    "stream",
    "time_us",
    "p90_us",
    "min_us",
    "stdev_us",
    "time_percent",
    "cumulative_percent",
    "gflop_per_s",
    "gbyte_per_s",
    "flop_per_byte",
    "roof_us",
    "attainable_percent",
    "bound",
    "flops",
    "bytes",
    "weights_bytes",
    "workspace_bytes",
    "origins",
    "rules",
    "inputs",
    "outputs",
    "kernels",
)
_CONTENDER_COLUMNS = (
    "layer",
    "tactic",
    "chosen",
    "time_us",
    "slower",
    "stdev_us",
    "samples",
    "workspace_bytes",
    "from_cache",
    "rejection",
)


def _spread(samples: Samples) -> dict[str, Cell]:
    return {
        "p90_us": samples.percentile(90),
        "min_us": min(samples.samples, default=None),
        "stdev_us": samples.stdev,
    }


def _per_us(amount: int, time_us: float | None) -> float | None:
    """Billions a second."""
    return amount / time_us / 1e3 if time_us else None


def _dims(shape: Sequence[int | str]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


def _transpose(rows: Sequence[Mapping[str, Cell]], names: Sequence[str]) -> Columns:
    return {name: [row[name] for row in rows] for name in names}

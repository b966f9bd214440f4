"""Records as one line: what a notebook prints of them; their fields would be a wall of text."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trtlab.report.records import (
        BuildRecord,
        ContenderRecord,
        LayerRecord,
        MemoryRecord,
        PassRecord,
        Samples,
        SelectionRecord,
    )
    from trtlab.report.run_records import (
        BenchmarkRecord,
        QueryPhases,
        Slice,
        TelemetryRecord,
        Trace,
    )


def samples(record: "Samples") -> str:
    """How many, and their median."""
    number = len(record.samples)
    middle = "none" if record.median is None else f"median {record.median:,.4g} µs of {number}"
    return f"Samples({middle})"


def layer(record: "LayerRecord") -> str:
    """Place, name, type, time and tactic."""
    middle = record.time_us.median
    took = "not timed" if middle is None else f"median {middle:,.4g} µs"
    about = f"{record.index}, {record.name!r}, {record.type}, {record.precision}"
    return f"LayerRecord({about}, {took}, {record.tactic!r})"


def contender(record: "ContenderRecord") -> str:
    """Its time, or why it has none."""
    took = "not timed" if record.time_us is None else f"{record.time_us:,.4g} µs"
    return f"ContenderRecord({record.tactic!r}, {record.rejection or took})"


def selection(record: "SelectionRecord") -> str:
    """The layer and the winner."""
    of = len(record.contenders)
    return f"SelectionRecord({record.layer!r}, {record.chosen!r}, {of} contenders)"


def one_pass(record: "PassRecord") -> str:
    """What a pass changed."""
    layers = f"{record.layers_before} → {record.layers_after} layers"
    declined = f"{len(record.rejections)} rejections"
    return f"PassRecord({record.name!r}, {record.changes} changes, {layers}, {declined})"


def build(record: "BuildRecord") -> str:
    """What a build took and made."""
    tactics = f"{record.tactics_tried} tactics: {record.tactics_timed} timed"
    tactics += f" and {record.cache_hits} from the timing cache" if record.cache_hits else ""
    return (
        f"BuildRecord({record.seconds:.3g} s, {len(record.passes)} passes, {tactics},"
        f" {len(record.selections)} contests, engine {record.engine_bytes:,} bytes)"
    )


def phases(record: "QueryPhases") -> str:
    """How many queries."""
    return f"QueryPhases({len(record.compute_start_ns)} queries)"


def benchmark(record: "BenchmarkRecord") -> str:
    """Latency and throughput."""
    latency = record.latency_ms
    batch = "" if record.batch is None else f" of batch {record.batch}"
    return (
        f"BenchmarkRecord(latency median {latency.median:.3f} ms, p99 {latency.p99:.3f} ms,"
        f" {record.throughput_qps:,.4g} queries/s, {record.iterations} queries{batch})"
    )


def time_slice(record: "Slice") -> str:
    """What ran when, on which stream."""
    when = f"{record.duration_ns / 1e3:,.4g} µs at {record.start_ns / 1e6:,.3f} ms"
    return f"Slice({record.name!r}, {record.category}, stream {record.stream}, {when})"


def trace(record: "Trace") -> str:
    """How many values, and their range."""
    values = record.values
    span = f", {min(values):.4g} to {max(values):.4g} {record.unit}" if values else ""
    return f"Trace({record.metric!r}, {len(values)} values{span})"


def telemetry(record: "TelemetryRecord") -> str:
    """How much was watched, and what it says."""
    watched = f"{len(record.traces)} traces every {record.interval_ms:g} ms"
    return (
        f"TelemetryRecord({record.source!r}, {watched}, {len(record.missing)} missing,"
        f" {record.verdict!r})"
    )


def memory(record: "MemoryRecord") -> str:
    """The parts in bytes."""
    parts = {
        "arena": record.arena_bytes,
        "weights": record.weights_bytes,
        "workspace": record.workspace_bytes,
        "inputs and outputs": record.io_bytes,
    }
    said = ", ".join(f"{name} {size:,}" for name, size in parts.items())
    return f"MemoryRecord({said} bytes, {len(record.allocations)} allocations)"

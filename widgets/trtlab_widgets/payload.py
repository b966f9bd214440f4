"""A report as the bytes that the explorer's JavaScript draws from.

One container for notebook and exported page::

    uint32 header length | header: JSON, padded with spaces | buffers, each padded

All parts begin at multiples of 8 bytes. The header holds everything textual, and
``buffers``: name → [type, offset, count], with offsets counted from the first buffer. Numbers
of which there are many (slices, samples, traces) travel as little-endian arrays, because
50,000 slices as JSON cost seconds.
"""

import json
import math
import struct
import sys
from array import array
from collections.abc import Iterable, Mapping
from itertools import accumulate

from trtlab.report.clocks import layers_clock_text, sums_apart
from trtlab.report.contests import timed_at
from trtlab.report.precisions import is_emulated
from trtlab.report.records import (
    ContenderRecord,
    LayerRecord,
    Report,
    SelectionRecord,
    TensorRecord,
)
from trtlab.report.which_run import BENCHMARK, WHY, profiled_number, profiled_run
from trtlab_widgets.metrics import LayerMetrics, layer_metrics
from trtlab_widgets.palette import FAMILIES, family_index, kind_label
from trtlab_widgets.profiled import WAIT, profiled_inferences, profiling_note
from trtlab_widgets.verdict import clock_verdict

VERSION = 1
CATEGORIES = ("layer", "copy", "enqueue", "inference")
_ALIGN = 8
_TYPES = {"f8": "d", "f4": "f", "i4": "i", "u1": "B"}

Column = tuple[str, Iterable[float]]  # a key of _TYPES, and the values


def pack(report: Report) -> bytes:
    """The container of one report."""
    columns = {**_slice_columns(report), **_sample_columns(report), **_trace_columns(report)}
    return pack_container(_header(report), columns)


def pack_container(header: Mapping[str, object], columns: Mapping[str, Column]) -> bytes:
    """Join a header and named arrays."""
    directory: dict[str, tuple[str, int, int]] = {}
    blobs: list[bytes] = []
    offset = 0
    for name, (kind, values) in columns.items():
        numbers = array(_TYPES[kind], values)
        if sys.byteorder == "big":
            numbers.byteswap()
        blob = numbers.tobytes()
        directory[name] = (kind, offset, len(numbers))
        blob += b"\0" * (-len(blob) % _ALIGN)
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps({**header, "buffers": directory}, separators=(",", ":"), allow_nan=False)
    head = text.encode()
    head += b" " * (-(len(head) + 4) % _ALIGN)
    return b"".join([struct.pack("<I", len(head)), head, *blobs])


def _header(report: Report) -> dict[str, object]:
    return {
        "version": VERSION,
        "model": report.model.name,
        "device": report.device.name,
        "precision": report.config.precision,
        "runs": {"benchmark": BENCHMARK, "profiled": profiled_run(report), "why": WHY},
        "families": [{"key": f.key, "label": f.label} for f in FAMILIES],
        "categories": CATEGORIES,
        "layersClock": layers_clock_text(report),
        "tacticsAt": timed_at(report),
        "profiled": profiled_number(report),
        "sumsApart": sums_apart(report),
        "profiling": profiling_note(report),
        "waitName": WAIT,
        "waits": [(p.stream, *p.wait) for p in profiled_inferences(report) if p.wait],
        "layers": _layers(report),
        "peaks": {
            "flops": report.device.peak_flops_per_s,
            "bytes": report.device.peak_bytes_per_s,
        },
        "traces": _traces(report),
        "throttling": [
            (t.start_ns, t.end_ns, t.reason)
            for t in (report.telemetry.throttling if report.telemetry else ())
        ],
        "clocks": clock_verdict(report.telemetry).state,
        "missing": report.telemetry.missing if report.telemetry else {},
        "memory": _memory(report),
    }


def _layers(report: Report) -> list[dict[str, object]]:
    selections = {selection.layer: selection for selection in report.build.selections}
    pairs = zip(report.layers, layer_metrics(report), strict=True)
    return [_layer(layer, metrics, selections.get(layer.name)) for layer, metrics in pairs]


def _layer(
    layer: LayerRecord, metrics: LayerMetrics, selection: SelectionRecord | None
) -> dict[str, object]:
    return {
        "name": layer.name,
        "type": layer.type,
        "label": kind_label(layer.type),
        "family": family_index(layer.type),
        "origins": layer.origins,
        "rules": layer.rules,
        "tactic": layer.tactic,
        "precision": layer.precision,
        "emulated": is_emulated(layer),
        "stream": layer.stream,
        "inputs": [_tensor(t) for t in layer.inputs],
        "outputs": [_tensor(t) for t in layer.outputs],
        "flops": layer.flops,
        "bytes": layer.bytes,
        "weights": layer.weights_bytes,
        "workspace": layer.workspace_bytes,
        "attributes": {key: _plain(value) for key, value in layer.attributes.items()},
        "kernels": layer.kernels,
        "time": metrics.time_us,
        "share": metrics.share,
        "gflops": metrics.gflop_per_s,
        "gbytes": metrics.gbyte_per_s,
        "intensity": metrics.intensity,
        "attained": metrics.attained,
        "bound": metrics.bound,
        "arena": _arena(selection),
    }


def _tensor(tensor: TensorRecord) -> dict[str, object]:
    return {
        "name": tensor.name,
        "dtype": tensor.dtype,
        "shape": tensor.shape,
        "format": tensor.format,
        "bytes": tensor.nbytes,
    }


def _arena(selection: SelectionRecord | None) -> list[dict[str, object]]:
    """The contenders of one layer: timed ones by speed, then the others."""
    if selection is None:
        return []
    order = sorted(
        selection.contenders, key=lambda c: (c.time_us is None, c.time_us or 0.0, c.tactic)
    )
    return [
        _contender(contender, chosen=contender.tactic == selection.chosen)
        for contender in order
    ]


def _contender(contender: ContenderRecord, *, chosen: bool) -> dict[str, object]:
    samples = contender.samples_us
    return {
        "tactic": contender.tactic,
        "time": contender.time_us,
        "spread": (min(samples), max(samples)) if samples else None,
        "samples": len(samples),
        "workspace": contender.workspace_bytes,
        "why": contender.rejection,
        "refused": contender.refused,
        "cached": contender.from_cache,
        "chosen": chosen,
    }


def _traces(report: Report) -> list[dict[str, object]]:
    if report.telemetry is None:
        return []
    return [
        {"metric": t.metric, "label": t.label, "unit": t.unit, "limit": t.limit}
        for t in report.telemetry.traces
    ]


def _memory(report: Report) -> dict[str, object]:
    memory = report.memory
    return {
        "arena": memory.arena_bytes,
        "weights": memory.weights_bytes,
        "workspace": memory.workspace_bytes,
        "io": memory.io_bytes or None,  # before a run nothing is bound
        "unshared": memory.without_reuse_bytes,
        "allocations": [
            (a.tensor, a.offset_bytes, a.size_bytes, a.first_step, a.last_step)
            for a in memory.allocations
        ],
    }


def _slice_columns(report: Report) -> dict[str, Column]:
    slices = report.timeline
    names: dict[str, int] = {}
    # A layer's slice bears the layer's name; the others index a list of their own.
    ids = [-1 if s.layer >= 0 else names.setdefault(s.name, len(names)) for s in slices]
    return {
        "slice.start": ("f8", (s.start_ns for s in slices)),
        "slice.duration": ("f8", (s.duration_ns for s in slices)),
        "slice.layer": ("i4", (s.layer for s in slices)),
        "slice.stream": ("i4", (s.stream for s in slices)),
        "slice.iteration": ("i4", (s.iteration for s in slices)),
        "slice.category": ("u1", (_category(s.category) for s in slices)),
        "slice.name": ("i4", ids),
        "slice.names": ("u1", json.dumps(list(names)).encode()),
    }


def _category(name: str) -> int:
    """Position in `CATEGORIES`; a category that is not known there is shown like a copy."""
    return CATEGORIES.index(name) if name in CATEGORIES else 1


def _sample_columns(report: Report) -> dict[str, Column]:
    counts = (len(layer.time_us.samples) for layer in report.layers)
    benchmark = report.benchmark
    return {
        "sample.end": ("i4", accumulate(counts)),
        "sample.us": ("f4", (t for layer in report.layers for t in layer.time_us.samples)),
        "query.start": ("f8", benchmark.starts_ns if benchmark else ()),
        "query.ms": ("f4", benchmark.samples_ms if benchmark else ()),
    }


def _trace_columns(report: Report) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for index, trace in enumerate(report.telemetry.traces if report.telemetry else ()):
        columns[f"trace.{index}.t"] = ("f8", trace.times_ns)
        columns[f"trace.{index}.v"] = ("f4", trace.values)
    return columns


def _plain(value: object) -> object:
    """A value that JSON has; anything else as its text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str | int) or value is None:
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [_plain(item) for item in value]
    return str(value)

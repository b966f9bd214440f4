"""The files that ``trtexec`` exports, in its shapes, so that existing scripts read them.

Source: trtexec's sampleReporting.cpp (``--exportTimes``, ``--exportProfile``) and TensorRT's
engine inspector (``--exportLayerInfo``, detailed verbosity).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from trtlab.core.errors import UsageError
from trtlab.report.atomic_write import write_atomically
from trtlab.report.columns import phase_ms
from trtlab.report.records import LayerRecord, Report, TensorRecord
from trtlab.report.tensor_formats import format_phrase

_INSPECTOR_KEYS = {
    "kernel_size_nd": "Kernel",
    "window_size_nd": "WindowSize",
    "stride_nd": "Stride",
    "pre_padding": "PrePadding",
    "post_padding": "PostPadding",
    "padding_mode": "PaddingMode",
    "dilation_nd": "Dilation",
    "num_output_maps": "OutMaps",
    "num_groups": "Groups",
}


def times(report: Report) -> list[dict[str, float]]:
    """``--exportTimes``: when each phase of each query began and ended, in milliseconds.

    Raises:
        UsageError: The report has no benchmark, or none with phases.
    """
    record = report.benchmark
    if record is None or record.phases is None:
        raise UsageError(
            "the report holds no times of single queries", hint="run the benchmark first"
        )
    names = {"enqueue": "Enq", "h2d": "H2d", "compute": "Compute", "d2h": "D2h"}
    rows: list[dict[str, float]] = [{} for _ in record.starts_ns]
    first_ns = record.starts_ns[0] if record.starts_ns else 0
    for phase, word in names.items():
        for edge in ("start", "end"):
            offsets: tuple[int, ...] = getattr(record.phases, f"{phase}_{edge}_ns")
            for row, start_ns, offset_ns in zip(rows, record.starts_ns, offsets, strict=True):
                row[f"{edge}{word}Ms"] = (start_ns - first_ns + offset_ns) / 1e6
    for phase in ("h2d", "compute", "d2h"):
        for row, duration_ms in zip(rows, phase_ms(record.phases, phase), strict=True):
            row[f"{phase}Ms"] = duration_ms
    for row, latency_ms in zip(rows, record.samples_ms, strict=True):
        row["latencyMs"] = latency_ms
    return rows


def profile(report: Report) -> list[dict[str, str | float]]:
    """``--exportProfile``: a count, then time and share of each layer, in milliseconds."""
    timed = [r for r in report.layers if r.time_us.samples]
    count = max((len(r.time_us.samples) for r in timed), default=0)
    total_us = sum(sum(r.time_us.samples) for r in timed)
    rows: list[dict[str, str | float]] = [{"count": count}]
    for record in timed:
        samples = record.time_us.samples
        spent_us = sum(samples)
        rows.append(
            {
                "name": record.name,
                "timeMs": spent_us / 1e3,
                "averageMs": spent_us / len(samples) / 1e3,
                "medianMs": median(samples) / 1e3,
                "percentage": 100 * spent_us / total_us if total_us else 0.0,
            }
        )
    return rows


def layer_info(report: Report) -> dict[str, object]:
    """``--exportLayerInfo``: the engine inspector's JSON, 8.6 to 10.x."""
    bindings = [t.name for t in (*report.model.inputs, *report.model.outputs)]
    return {"Layers": [_layer(r) for r in report.layers], "Bindings": bindings}


def export_times(report: Report, path: Path | str) -> Path:
    """Write `times`.

    Raises:
        UsageError: There is nothing to write, or the file cannot be written.
    """
    return _write(path, times(report))


def export_profile(report: Report, path: Path | str) -> Path:
    """Write `profile`.

    Raises:
        UsageError: The file cannot be written.
    """
    return _write(path, profile(report))


def export_layer_info(report: Report, path: Path | str) -> Path:
    """Write `layer_info`.

    Raises:
        UsageError: The file cannot be written.
    """
    return _write(path, layer_info(report))


def _layer(record: LayerRecord) -> dict[str, object]:
    nodes = [origin.split(" (")[0] for origin in record.origins]
    return {
        "Name": record.name,
        "LayerType": record.type,
        "Inputs": [_tensor(t) for t in record.inputs],
        "Outputs": [_tensor(t) for t in record.outputs],
        "ParameterType": record.type,
        **_parameters(record.attributes),
        "TacticName": record.tactic,
        "StreamId": record.stream,
        "Metadata": "\x1e".join(f"[ONNX Layer: {node}]" for node in nodes),
    }


def _parameters(attributes: Mapping[str, object]) -> dict[str, object]:
    return {
        word: attributes[key] for key, word in _INSPECTOR_KEYS.items() if key in attributes
    }


def _tensor(tensor: TensorRecord) -> dict[str, object]:
    return {
        "Name": tensor.name,
        "Location": "Device",
        "Dimensions": list(tensor.shape),
        "Format/Datatype": format_phrase(tensor.format, tensor.dtype),
    }


def _write(path: Path | str, data: object) -> Path:
    return write_atomically(path, json.dumps(data, indent=1, default=str).encode() + b"\n")

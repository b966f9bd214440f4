"""What the device's measured peaks allow a layer at best.

Source: Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance
model for multicore architectures".
"""

from trtlab.report.records import DeviceRecord, LayerRecord


def roof_us(layer: LayerRecord, device: DeviceRecord) -> float | None:
    """The shortest time that the peaks allow, in microseconds.

    The longer of computing at the peak of the layer's precision and moving its bytes at the
    memory's peak; None when a peak that the layer needs was not measured.
    """
    times = _compute_us(layer, device), _memory_us(layer, device)
    known = [t for t in times if t is not None]
    return max(known) if len(known) == len(times) else None


def bound_by(layer: LayerRecord, device: DeviceRecord) -> str:
    """What limits the layer at best: ``compute`` or ``memory``; empty when not known."""
    compute_us, memory_us = _compute_us(layer, device), _memory_us(layer, device)
    if compute_us is None or memory_us is None or compute_us == memory_us == 0:
        return ""
    return "compute" if compute_us > memory_us else "memory"


def attainable_percent(layer: LayerRecord, device: DeviceRecord) -> float | None:
    """How much of what the peaks allow the layer reached; above 100 when it beat a peak.

    A peak is measured too: a layer goes beyond it when caches hold its data, or when the
    device was slower during the peak's measurement. A view only says "more than 100" then.
    """
    best, median = roof_us(layer, device), layer.time_us.median
    return 100 * best / median if best is not None and median else None


def _compute_us(layer: LayerRecord, device: DeviceRecord) -> float | None:
    peak = device.peak_flops_per_s.get(layer.precision)
    if layer.flops == 0:
        return 0.0
    return 1e6 * layer.flops / peak if peak else None


def _memory_us(layer: LayerRecord, device: DeviceRecord) -> float | None:
    if layer.bytes == 0:
        return 0.0
    return 1e6 * layer.bytes / device.peak_bytes_per_s if device.peak_bytes_per_s else None

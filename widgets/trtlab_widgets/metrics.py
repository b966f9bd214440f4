"""Numbers derived from a layer's record: rates, intensity, share of the device's limit."""

from dataclasses import dataclass

from trtlab.report.records import LayerRecord, Report
from trtlab.report.roofline import bound_by, roof_us


@dataclass(frozen=True, slots=True)
class LayerMetrics:
    """What follows from a layer's time, operations and bytes; None where a part is unknown.

    Attributes:
        time_us: Median time.
        share: Part of the sum over all layers, 0 to 1.
        gflop_per_s: Rate of arithmetic.
        gbyte_per_s: Rate of traffic, counting every byte once.
        intensity: Operations for each byte.
        attainable_us: Least time that the device's measured peaks allow.
        attained: `attainable_us` over `time_us`; above 1 when a layer beats a measured peak.
        bound: ``compute`` or ``memory``, whichever limits it at best.
    """

    time_us: float | None
    share: float | None
    gflop_per_s: float | None
    gbyte_per_s: float | None
    intensity: float | None
    attainable_us: float | None
    attained: float | None
    bound: str | None


def layer_metrics(report: Report) -> tuple[LayerMetrics, ...]:
    """Derived numbers of every layer, in the report's order."""
    total_us = sum(layer.time_us.median or 0.0 for layer in report.layers)
    return tuple(_metrics(layer, report, total_us) for layer in report.layers)


def _metrics(layer: LayerRecord, report: Report, total_us: float) -> LayerMetrics:
    time_us = layer.time_us.median
    best_us = roof_us(layer, report.device)
    return LayerMetrics(
        time_us=time_us,
        share=_ratio(time_us, total_us),
        gflop_per_s=_ratio(layer.flops / 1e3, time_us),
        gbyte_per_s=_ratio(layer.bytes / 1e3, time_us),
        intensity=_ratio(layer.flops, layer.bytes),
        attainable_us=best_us,
        attained=_ratio(best_us, time_us) if best_us else None,
        bound=bound_by(layer, report.device) or None,
    )


def _ratio(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None

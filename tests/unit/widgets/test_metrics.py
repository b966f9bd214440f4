from dataclasses import replace

import pytest
from sample_layers import PEAK_BYTES, PEAK_FLOPS
from sample_reports import resnet_report
from trtlab_widgets.metrics import layer_metrics

from trtlab.report.records import Report, Samples


@pytest.fixture(scope="module")
def report() -> Report:
    return resnet_report(iterations=5)


def test_shares_add_up(report: Report) -> None:
    assert sum(m.share or 0 for m in layer_metrics(report)) == pytest.approx(1)


def test_rates_follow_from_time(report: Report) -> None:
    layer, metrics = report.layers[1], layer_metrics(report)[1]
    seconds = (layer.time_us.median or 0) * 1e-6
    assert metrics.gflop_per_s == pytest.approx(layer.flops / seconds / 1e9)
    assert metrics.gbyte_per_s == pytest.approx(layer.bytes / seconds / 1e9)
    assert metrics.intensity == pytest.approx(layer.flops / layer.bytes)


def test_attained_is_the_roofs_share(report: Report) -> None:
    for layer, metrics in zip(report.layers, layer_metrics(report), strict=True):
        best_us = max(layer.flops / PEAK_FLOPS, layer.bytes / PEAK_BYTES) * 1e6
        assert metrics.attained == pytest.approx(best_us / (layer.time_us.median or 0))
        compute_bound = layer.flops / PEAK_FLOPS > layer.bytes / PEAK_BYTES
        assert metrics.bound == ("compute" if compute_bound else "memory")


def test_missing_times_and_peaks_stay_missing(report: Report) -> None:
    layer = replace(report.layers[0], time_us=Samples(()))
    bare = replace(
        report,
        layers=(layer,),
        device=replace(report.device, peak_bytes_per_s=None),
    )
    (metrics,) = layer_metrics(bare)
    assert metrics.time_us is None
    assert metrics.share is None
    assert metrics.attained is None
    assert metrics.bound is None

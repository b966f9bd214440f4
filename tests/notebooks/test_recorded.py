"""The recorded runs say what a report of a GPU promises to say."""

from pathlib import Path

import pytest

from trtlab.report.codec import load
from trtlab.report.latency_parts import replay_ms
from trtlab.report.roofline import attainable_percent

RECORDED = sorted((Path(__file__).parents[2] / "notebooks" / "recorded").glob("*.json.gz"))

ARITHMETIC = {"ATTENTION", "CONVOLUTION", "MATRIX_MULTIPLY", "NORMALIZATION", "POOLING"}


@pytest.fixture(params=RECORDED, ids=lambda path: path.name.split(".")[0], scope="module")
def report(request):
    return load(request.param)


def test_three_models_are_recorded_and_small():
    assert [path.name.split("-")[0] for path in RECORDED] == [
        "bert_base",
        "mobilenet_v2",
        "resnet50",
    ]
    assert all(path.stat().st_size < 1_000_000 for path in RECORDED)


def test_every_layer_that_ran_is_accounted_for(report):
    contenders = {s.layer: s for s in report.build.selections}
    ran = [layer for layer in report.layers if layer.time_us.median]
    assert len(ran) > 50
    for layer in ran:
        assert layer.kernels, layer.name
        assert layer.bytes > 0
        assert layer.flops > 0 or layer.type not in ARITHMETIC
        assert attainable_percent(layer, report.device)
        assert layer.origins or layer.type in {"CAST", "REFORMAT"}
        assert contenders[layer.name].chosen == layer.tactic
        assert any(c.tactic == layer.tactic and c.time_us
                   for c in contenders[layer.name].contenders)  # fmt: skip


def test_the_layers_add_up_to_the_replay(report):
    layers_ms = sum(layer.time_us.median or 0.0 for layer in report.layers) / 1e3
    parts = report.reconciliation_ms  # of queries in turns: the benchmark's clocks may differ
    assert layers_ms == pytest.approx(parts["layers"], rel=0.01)
    assert parts["layers"] == pytest.approx(replay_ms(report), rel=0.1)


def test_one_run_is_long_and_shows_the_gpu_under_load():
    report = load(next(path for path in RECORDED if path.name.startswith("bert_base")))
    assert report.benchmark.wall_seconds >= 30
    traces = {trace.metric: trace.values for trace in report.telemetry.traces}
    assert len(traces["gpu.power"]) > 300
    assert max(traces["gpu.power"]) > 2 * min(traces["gpu.power"])
    assert len(set(traces["gpu.sm_clock"])) > 1

"""Tables hold what the records say."""

import csv
import io
import sys
from dataclasses import replace

import pytest
from small_report import DEVICE, LAYERS, REPORT

from trtlab.core.errors import UnsupportedError, UsageError
from trtlab.report import columns, tables
from trtlab.report.csv_files import csv_text, export_csv
from trtlab.report.roofline import attainable_percent, bound_by, roof_us

UNMEASURED = replace(
    REPORT,
    layers=(),
    reconciliation_ms={},
    benchmark=None,
    telemetry=None,
    timeline=(),
    build=replace(REPORT.build, passes=(), selections=()),
    memory=replace(REPORT.memory, allocations=()),
)


def test_layers():
    table = columns.layers(REPORT)
    assert table["time_us"] == [20.0, 60.0]
    assert table["time_percent"] == [25.0, 75.0]
    assert table["cumulative_percent"] == [25.0, 100.0]
    assert table["p90_us"] == [30.0, 60.0]
    assert table["stdev_us"] == [pytest.approx(8.165, abs=1e-3), 0.0]
    assert table["gflop_per_s"] == [pytest.approx(50.0), pytest.approx(100e3 / 60e3)]
    assert table["gbyte_per_s"] == [pytest.approx(5.0), pytest.approx(5.0)]
    assert table["flop_per_byte"] == [10.0, pytest.approx(1 / 3)]
    # conv: 1e6 FLOP at 1e11 a second, 1e5 bytes at 1e10: 10 µs each; gemm: memory, 30 µs
    assert table["roof_us"] == [pytest.approx(10.0), pytest.approx(30.0)]
    assert table["attainable_percent"] == [pytest.approx(50.0), pytest.approx(50.0)]
    assert table["bound"][1] == "memory"
    assert table["inputs"] == ["fp32[batch,3,8,8]", ""]


def test_layers_by_time():
    table = columns.layers(REPORT, by_time=True)
    assert table["name"] == ["gemm", "conv"]
    assert table["cumulative_percent"] == [75.0, 100.0]


def test_unmeasured_layers_stay_empty():
    layer = replace(LAYERS[0], time_us=LAYERS[0].time_us.__class__(()))
    table = columns.layers(replace(REPORT, layers=(layer,)))
    for name in ("time_us", "p90_us", "time_percent", "cumulative_percent", "gflop_per_s"):
        assert table[name] == [None]


def test_roof_needs_the_peaks():
    unknown = replace(DEVICE, peak_flops_per_s={}, peak_bytes_per_s=None)
    assert roof_us(LAYERS[0], unknown) is None
    assert attainable_percent(LAYERS[0], unknown) is None
    assert bound_by(LAYERS[0], unknown) == ""
    moved = replace(
        LAYERS[0], flops=0, precision="int8"
    )  # computes nothing: no compute peak needed
    assert roof_us(moved, DEVICE) == pytest.approx(10.0)
    assert bound_by(replace(LAYERS[0], bytes=1), DEVICE) == "compute"
    assert bound_by(replace(LAYERS[0], flops=0, bytes=0), DEVICE) == ""  # a view


def test_contenders_compare_with_the_fastest():
    table = columns.contenders(REPORT)
    assert table["chosen"] == [True, False, False]
    assert table["slower"] == [1.0, 1.5, None]
    assert table["samples"] == [3, 1, 0]
    assert table["rejection"][2] == "kernel too small"


def test_other_tables():
    assert columns.passes(REPORT)["rejections"] == [1, 0]
    assert columns.rejections(REPORT)["where"] == ["a, b"]
    assert columns.timeline(REPORT)["end_us"] == [2000.0, 250.0, 520.0, 580.0]
    assert columns.telemetry(REPORT)["time_s"] == [0.0, 0.05]
    assert columns.throttling(REPORT)["duration_s"] == [0.02]
    assert columns.memory(REPORT)["last_layer"] == ["gemm"]
    assert columns.benchmark(REPORT)["quantity"][0] == "latency"
    assert columns.benchmark(REPORT)["median_ms"] == [2.0, 0.25, 0.5, 1.0, 0.5]
    queries = columns.queries(REPORT)
    assert queries["start_s"] == [0.001, 0.003]
    assert queries["enqueue_ms"] == [0.25, 0.26]
    assert queries["compute_ms"] == [1.0, 1.0]


@pytest.mark.parametrize("name", columns.TABLES)
def test_frames_agree_with_columns(name):
    frame = REPORT.to_pandas(name)
    expected = columns.columns(REPORT, name)
    assert list(frame.columns) == list(expected)
    assert len(frame) == len(next(iter(expected.values())))
    assert len(frame) > 0
    assert frame.equals(getattr(tables, f"{name}_table")(REPORT))


@pytest.mark.parametrize("name", columns.TABLES)
def test_empty_tables_keep_their_columns(name):
    frame = UNMEASURED.to_pandas(name)
    assert list(frame.columns) == list(columns.columns(REPORT, name))
    assert len(frame) == 0


def test_unknown_table():
    with pytest.raises(UsageError, match="no table 'layer'"):
        REPORT.to_pandas("layer")


def test_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UnsupportedError, match="pandas") as caught:
        tables.layers_table(REPORT)
    assert "trtlab[lab]" in caught.value.hint


def test_csv(tmp_path):
    rows = list(csv.DictReader(io.StringIO(csv_text(REPORT, "layers"), newline="")))
    assert [r["name"] for r in rows] == ["conv", "gemm"]
    assert rows[0]["origins"] == "Conv_0 (Conv), Relu_1 (Relu)"
    assert float(rows[0]["time_us"]) == 20.0
    files = export_csv(REPORT, tmp_path, ["layers", "passes"])
    assert [f.name for f in files] == ["layers.csv", "passes.csv"]
    assert files[1].read_text().splitlines()[0].startswith("name,changes,layers_before")

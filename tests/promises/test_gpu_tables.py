"""The tables of the comparison on a GPU say what was measured; they need no GPU themselves."""

import importlib.util
from pathlib import Path

import pytest

PLACE = Path(__file__).parents[2] / "benchmarks" / "peer_table.py"
ROW = {
    "case": "resnet50:1",
    "trtlab_ms": 0.25,
    "trtlab_spread": 0.004,
    "torch_compile_ms": 0.5,
    "torch_spread": 0.0161,
    "ratio": 2.0,
    "sm_clock_mhz": 1980.0,
    "floor_ms": 0.025,
    "layers_ms": 0.24,
    "of_replay": 0.96,
    "trtlab_mb": 3.611,
    "torch_mb": 3.6,
    "enqueue_us": 2.34,
    "differ": 1e-3,
    "build_s": 12.3,
    "times_here": 900,
    "times_from_cache": 3,
    "above_floor_ms": {"convolution": 0.2, "cast": 0.0001},
}
SLOW = {
    **ROW, "case": "bert_base:32", "ratio": 0.5, "of_replay": 1.0132, "enqueue_us": 3.06,
    "build_s": 1.2, "times_here": 0, "times_from_cache": 903,
}  # fmt: skip


@pytest.fixture
def tables():
    spec = importlib.util.spec_from_file_location("peer_table", PLACE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_readme_table_has_spread_clock_sums_and_build(tables):
    head, _, first, second, _, said = tables.readme_table([ROW, SLOW]).splitlines()
    found = dict(zip(_cells(head), _cells(first), strict=True))
    assert found == {
        "model": "ResNet-50",
        "batch": "1",
        "trtlab (ms)": "0.250 ± 0.4 %",
        "torch.compile (ms)": "0.500 ± 1.6 %",
        "ratio": "2.00",
        "SM clock (MHz)": "1,980",
        "layers": "96 %",
        "of the floor": "10 %",
        "memory (MB)": "3.61 / 3.6",
        "enqueue (µs)": "2.3",
        "build (s)": "12.3",
    }
    assert _cells(second)[-1] == "1.2 (cached)"
    assert said == (
        f"{tables.LEGEND} The geometric mean of the ratios is 1.00. The layers add up to 96 %"
        " to 101 % of the replay. `execute_async_v3` costs the host 2.3 to 3.1 µs a call. First"
        " builds took 12 to 12 s."
    )


def test_every_case_beside_onnxruntime_makes_columns_of_it(tables):
    rows = [
        row | {"onnxruntime_ms": ms, "onnxruntime_ratio": ms / 0.25}
        for row, ms in ((ROW, 0.5), (SLOW, 2.0))
    ]
    head, _, first, *_, said = tables.readme_table(rows).splitlines()
    found = dict(zip(_cells(head), _cells(first), strict=True))
    assert (found["ONNX Runtime (ms)"], found["ratios"]) == ("0.500", "2.00, 2.00")
    assert "ratios is 1.00 to torch.compile, 4.00 to ONNX Runtime." in said
    partly = tables.readme_table([rows[0], SLOW])
    assert "ONNX Runtime" not in partly


def test_a_clock_that_nvml_does_not_tell_is_not_available(tables):
    row = {k: v for k, v in ROW.items() if k != "sm_clock_mhz"}
    assert "| N/A |" in tables.readme_table([row])
    assert "–" in tables.table([row]).splitlines()[1]


def test_the_terminals_table_has_a_cell_for_every_column(tables):
    head, first, *rest = tables.table([ROW, SLOW]).splitlines()
    assert len(first) == len(head)
    assert len(first[17:].split()) == len(tables.COLUMNS)
    assert rest[-1].endswith("1.000")
    assert tables.rest_table([ROW]).splitlines()[1].split() == [
        "resnet50:1", "convolution", "0.200",
    ]  # fmt: skip

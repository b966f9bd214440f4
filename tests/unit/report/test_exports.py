"""Exports in other programs' shapes."""

import gzip
import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from small_report import BENCHMARK, LAYERS, MODEL, REPORT

from trtlab.core.errors import UsageError
from trtlab.report import trace_events, trtexec_files
from trtlab.report.html import summary_html


def events(report=REPORT, phase=None):
    found = trace_events.trace_events(report)["traceEvents"]
    return [e for e in found if phase is None or e["ph"] == phase]


def test_streams_are_threads():
    threads = {
        e["tid"]: e["args"]["name"] for e in events(phase="M") if e["name"] == "thread_name"
    }
    assert threads == {0: "inferences", 1: "host enqueue", 10: "stream 0", 11: "stream 1"}
    gemm = next(e for e in events(phase="X") if e["name"] == "gemm")
    assert (gemm["tid"], gemm["ts"], gemm["dur"]) == (11, 520.0, 60.0)
    assert gemm["args"]["tactic"] == "sgemm"
    assert gemm["args"]["iteration"] == 1


def test_telemetry_is_counters_and_throttling_is_slices():
    counters = events(phase="C")
    assert [(e["ts"], e["args"]) for e in counters] == [
        (0.0, {"gpu.sm_clock": 1980.0}),
        (50_000.0, {"gpu.sm_clock": 1200.0}),
    ]
    held = next(e for e in events(phase="X") if e.get("cat") == "throttling")
    assert (held["name"], held["ts"], held["dur"]) == ("power cap", 40_000.0, 20_000.0)
    assert events(replace(REPORT, telemetry=None), "C") == []


def test_trace_file(tmp_path):
    path = trace_events.export_trace(REPORT, tmp_path / "t.json.gz")
    data = json.loads(gzip.decompress(path.read_bytes()))
    assert data == json.loads(json.dumps(trace_events.trace_events(REPORT)))
    assert data["otherData"]["model"] == "tiny"


def test_times_are_trtexecs(tmp_path):
    rows = json.loads(trtexec_files.export_times(REPORT, tmp_path / "t.json").read_text())
    assert rows[1] == {
        "startEnqMs": 2.5, "endEnqMs": 2.76, "startH2dMs": 2.0, "endH2dMs": 2.5,
        "startComputeMs": 2.5, "endComputeMs": 3.5, "startD2hMs": 3.5, "endD2hMs": 4.0,
        "h2dMs": 0.5, "computeMs": 1.0, "d2hMs": 0.5, "latencyMs": 2.0,
    }  # fmt: skip


@pytest.mark.parametrize("benchmark", [None, replace(BENCHMARK, phases=None)])
def test_no_times(benchmark):
    with pytest.raises(UsageError, match="no times of single queries"):
        trtexec_files.times(replace(REPORT, benchmark=benchmark))


def test_profile_is_trtexecs(tmp_path):
    count, conv, gemm = json.loads(
        trtexec_files.export_profile(REPORT, tmp_path / "p.json").read_text()
    )
    assert count == {"count": 3}
    assert conv == {
        "name": "conv", "timeMs": 0.06, "averageMs": 0.02, "medianMs": 0.02, "percentage": 25.0
    }  # fmt: skip
    assert gemm["percentage"] == 75.0


def test_layer_info_is_the_inspectors(tmp_path):
    data = json.loads(trtexec_files.export_layer_info(REPORT, tmp_path / "l.json").read_text())
    assert data["Bindings"] == ["image", "scores"]
    conv = data["Layers"][0]
    assert conv["Name"] == "conv"
    assert conv["LayerType"] == "CONVOLUTION"
    assert conv["Stride"] == [2, 2]
    assert conv["Groups"] == 1
    assert conv["Metadata"] == "[ONNX Layer: Conv_0]\x1e[ONNX Layer: Relu_1]"
    assert conv["Inputs"][0] == {
        "Name": "image",
        "Location": "Device",
        "Dimensions": ["batch", 3, 8, 8],
        "Format/Datatype": "Row major linear FP32",
    }
    assert conv["Outputs"][0]["Format/Datatype"].startswith("Sixteen wide channel vectorized")


class Balanced(HTMLParser):
    """Collects tags and checks that they close in order."""

    VOID = frozenset({"br", "hr", "img", "input"})

    def __init__(self):
        super().__init__()
        self.open = []
        self.seen = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_summary_card_is_static_and_says_the_numbers():
    text = summary_html(REPORT)
    assert REPORT._repr_html_() == text
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert "script" not in parser.seen
    for said in (
        "tiny",
        "2.000 ms",
        "500.0",
        "gemm",
        "75 %",
        "Unstable",
        "power cap",
        "2 cores",
    ):
        assert said in text


def test_the_card_tells_what_the_arena_needs_at_most():
    memory = replace(REPORT.memory, arena_max_bytes=64 << 20)
    assert "(at the profiles' max 64.0 MiB)" in summary_html(replace(REPORT, memory=memory))
    assert "profiles' max" not in summary_html(REPORT)


def test_summary_card_escapes_names():
    hostile = replace(LAYERS[1], name='<img src=x onerror="1">')
    model = replace(MODEL, name="<b>&")
    text = summary_html(replace(REPORT, layers=(hostile,), model=model))
    assert "<img" not in text
    assert "<b>&" not in text


def test_summary_card_tells_long_names_whole_when_pointed_at():
    long = "block/" * 40
    layer = replace(LAYERS[1], name=long)
    text = summary_html(
        replace(REPORT, layers=(layer,), model=replace(MODEL, name=long), warnings=("odd",))
    )
    assert f'<div title="{long}" style="font-size:15px;font-weight:600;overflow:hidden' in text
    assert f'role="listitem" title="{long}: ' in text
    assert ">odd</div>" in text


def test_summary_card_without_measurements():
    text = summary_html(replace(REPORT, benchmark=None, telemetry=None, layers=()))
    assert "built in 1.50 s" in text
    assert "listitem" not in text

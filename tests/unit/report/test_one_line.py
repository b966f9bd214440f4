"""Records print as one line, however much they hold."""

from dataclasses import replace

import pytest
from small_report import BENCHMARK, LAYERS, REPORT, large_report

from trtlab.report.records import ContenderRecord, QueryPhases, Samples, Trace


def test_a_layer_tells_what_it_is_and_took():
    layer = replace(LAYERS[0], name="conv1", index=3, time_us=Samples((1234.56,) * 500))
    line = repr(layer)
    assert line.startswith("LayerRecord(3, 'conv1', ")
    assert layer.type in line
    assert "median 1,235 µs" in line
    assert line.endswith(f"{layer.tactic!r})")
    assert "not timed" in repr(replace(layer, time_us=Samples(())))


def test_samples_tell_median_and_number():
    assert repr(Samples((10.0, 30.0, 20.5))) == "Samples(median 20.5 µs of 3)"
    assert repr(Samples(())) == "Samples(none)"


def test_contenders_tell_their_time_or_why_they_have_none():
    assert repr(ContenderRecord("a", 2.5)) == "ContenderRecord('a', 2.5 µs)"
    assert repr(ContenderRecord("a", None)) == "ContenderRecord('a', not timed)"
    declined = ContenderRecord("a", None, rejection="kernel is 1×1")
    assert repr(declined) == "ContenderRecord('a', kernel is 1×1)"


def test_a_benchmark_tells_latency_and_throughput():
    run = replace(BENCHMARK, throughput_qps=1180.2, iterations=700, batch=32)
    assert "1,180 queries/s, 700 queries of batch 32)" in repr(run)
    assert f"latency median {run.latency_ms.median:.3f} ms" in repr(run)
    assert "batch" not in repr(replace(run, batch=None))


def test_a_trace_tells_its_range():
    trace = Trace("gpu.power", "Power", "W", (0, 1, 2), (70.5, 700.25, 300.0))
    assert repr(trace) == "Trace('gpu.power', 3 values, 70.5 to 700.2 W)"
    assert repr(replace(trace, times_ns=(), values=())) == "Trace('gpu.power', 0 values)"


@pytest.mark.parametrize(
    "part",
    ["benchmark", "build", "memory", "telemetry", "layers", "timeline"],
)
def test_nothing_prints_a_wall(part):
    report = large_report(50, 10, 2000)
    whole = getattr(report, part) or getattr(REPORT, part)
    each = whole if isinstance(whole, tuple) else (whole,)
    assert each
    for record in each:
        assert len(repr(record)) < 250
        assert "\n" not in repr(record)


def test_phases_are_only_counted():
    phases = QueryPhases(*((tuple(range(900)),) * 8))
    assert repr(phases) == "QueryPhases(900 queries)"

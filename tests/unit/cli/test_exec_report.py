"""trtexec's report, in the words of the device that ran."""

from dataclasses import replace

import pytest
from sample_reports import resnet_report

from trtlab.cli.exec_report import summary_block, trace_block
from trtlab.report.records import QueryPhases


@pytest.fixture(scope="module")
def benchmark():
    run = resnet_report().benchmark
    zeros = (0,) * len(run.samples_ms)
    ends = tuple(round(sample * 1e6) for sample in run.samples_ms)
    return replace(
        run, phases=QueryPhases(zeros, zeros, zeros, zeros, zeros, ends, zeros, zeros)
    )


def _text(benchmark, device):
    report = resnet_report()
    report = replace(report, device=replace(report.device, kind=device))
    return trace_block(benchmark, 10, device) + summary_block(report, benchmark, (99,))


def test_on_the_cpu_nothing_is_said_of_a_gpu(benchmark):
    shown = _text(benchmark, "cpu")
    assert "GPU" not in shown
    assert "H2D" not in shown
    assert "Compute latency: " in shown
    assert "\nCompute Time: min = " in shown
    assert "\nTotal Compute Time: " in shown


def test_on_a_gpu_the_words_are_trtexecs(benchmark):
    shown = _text(benchmark, "cuda")
    assert "GPU latency: " in shown
    for name in ("Enqueue Time", "H2D Latency", "GPU Compute Time", "D2H Latency"):
        assert f"\n{name}: min = " in shown
    assert "\nTotal GPU Compute Time: " in shown

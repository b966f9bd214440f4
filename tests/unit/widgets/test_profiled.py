"""The timeline says what profiling adds, and names the stretch in which the host waits."""

from dataclasses import replace

import pytest
from sample_reports import built_only, resnet_report
from trtlab_widgets.profiled import profiled_inferences, profiling_note

from trtlab.report.records import Report, Slice

US = 1000


def inference(
    iteration: int, at_us: int, *, wait_us: int = 270, copies: bool = True
) -> list[Slice]:
    """Copy in 350 µs, layers 800 µs, a wait, copy out 10 µs; 20 µs for the rest."""
    end = at_us + 370 + 800
    bars = [
        ("inference", -1, at_us, 370 + 800 + wait_us + 10, "inference"),
        ("enqueue", -1, at_us + 5, 1165 + wait_us, "enqueue"),
        ("a", 0, at_us + 370, 500, "layer"),
        ("b", 1, at_us + 870, 300, "layer"),
    ]
    if copies:
        bars += [
            ("copy in", -1, at_us + 20, 350, "copy"),
            ("copy out", -1, end + wait_us, 10, "copy"),
        ]
    return [
        Slice(layer, name, 0, start * US, took * US, category, iteration)
        for name, layer, start, took, category in bars
    ]


@pytest.fixture(scope="module")
def report() -> Report:
    return resnet_report(iterations=4)


def drawn(report: Report, *inferences: list[Slice]) -> Report:
    assert report.benchmark is not None
    latency = replace(report.benchmark.latency_ms, median=1.19)
    return replace(
        report,
        timeline=tuple(bar for bars in inferences for bar in bars),
        benchmark=replace(report.benchmark, latency_ms=latency),
    )


def test_the_wait_lies_between_the_last_layer_and_the_copy_out(report: Report) -> None:
    first, second = profiled_inferences(drawn(report, inference(0, 0), inference(1, 5000)))
    assert first.wait == (1170 * US, 1440 * US)
    assert second.wait == (6170 * US, 6440 * US)
    assert first.whole_ns == 1450 * US
    assert first.work_ns == 1160 * US


def test_the_sentence_says_what_profiling_adds(report: Report) -> None:
    slower = inference(1, 5000, wait_us=900)
    made = drawn(report, inference(0, 0), slower)
    number = len(made.layers[0].time_us.samples)
    assert number > 2
    assert profiling_note(made) == (
        f"2 of {number} profiled inferences are drawn. The median one of those drawn took"
        " 1.45 ms, of which 290 µs (20 %) are time stamps and waits:"
        " 270 µs lie between the last layer and the copy out, where the host waits for"
        " the layers' time stamps and reads them. This is no benchmark: without time stamps the"
        " median latency is 1.19 ms."
    )


def test_without_copies_the_wait_ends_with_the_inference(report: Report) -> None:
    (bare,) = profiled_inferences(drawn(report, inference(0, 0, copies=False)))
    assert bare.wait == (1170 * US, 1450 * US)
    note = profiling_note(drawn(report, inference(0, 0, copies=False)))
    assert "between the last layer and the end" in note


def test_a_short_wait_is_not_named(report: Report) -> None:
    made = drawn(report, inference(0, 0, wait_us=5))
    assert profiled_inferences(made)[0].wait is None
    assert "between the last layer" not in profiling_note(made)


def test_layers_side_by_side_count_once(report: Report) -> None:
    beside = Slice(2, "c", 1, 370 * US, 600 * US, "layer", 0)
    (found,) = profiled_inferences(drawn(report, [*inference(0, 0), beside]))
    assert found.work_ns == 1160 * US


def test_without_a_run_there_is_nothing_to_say(report: Report) -> None:
    assert profiling_note(built_only(report)) == ""
    unmeasured = replace(drawn(report, inference(0, 0)), benchmark=None)
    assert profiling_note(unmeasured).endswith("This is no benchmark.")

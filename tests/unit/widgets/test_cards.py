"""The key figures: every number has its unit, and the parts of a sum add up."""

import re
from dataclasses import replace

import pytest
from sample_reports import built_only, resnet_report
from trtlab_widgets.pages.cards import cards
from trtlab_widgets.pages.text import nbytes

from trtlab.report.records import Report


@pytest.fixture(scope="module")
def report() -> Report:
    return resnet_report(iterations=20)


def test_memory_is_the_sum_of_its_parts_at_named_shapes(report: Report) -> None:
    assert report.benchmark is not None
    mib = 1 << 20
    memory = replace(
        report.memory, weights_bytes=14 * mib, arena_bytes=6 * mib, workspace_bytes=mib,
        io_bytes=2 * mib, arena_max_bytes=184 * mib,
    )  # fmt: skip
    benchmark = replace(report.benchmark, shapes={"x": (1, 3, 224, 224)})
    dynamic = replace(report, memory=memory, benchmark=benchmark)
    html = cards(dynamic)
    assert f"<dt>Engine memory</dt><dd>{nbytes(20 * mib)}</dd>" in html
    for part in (
        "weights 14.0 MiB",
        "activations 6.00 MiB (1.00 MiB of it workspace)",
        "at 1×3×224×224; at max 184 MiB of activations",
        "22.0 MiB with the run&#x27;s inputs and outputs (2.00 MiB)",
    ):
        assert f">{part}</small>" in html
    for most in (None, 6 * mib):  # an older report, or one shape only
        same = replace(dynamic, memory=replace(memory, arena_max_bytes=most))
        assert ">at 1×3×224×224</small>" in cards(same)


def test_a_run_adds_to_the_memory_without_changing_its_headline(report: Report) -> None:
    def headline(html: str) -> str:
        return re.findall(r"<dt>Engine memory</dt><dd>([^<]*)</dd>", html)[0]

    ran = replace(report, memory=replace(report.memory, io_bytes=9 << 20))
    built = built_only(replace(report, memory=replace(report.memory, io_bytes=0)))
    assert headline(cards(built)) == headline(cards(ran))
    assert "inputs and outputs (9.00 MiB)" in cards(ran)
    assert "inputs and outputs" not in cards(built)


def test_throughput_counts_queries_and_what_is_in_them(report: Report) -> None:
    assert report.benchmark is not None
    images = {"x": (32, 3, 224, 224)}
    run = replace(
        report.benchmark, throughput_qps=1180.0, batch=32, iterations=700, shapes=images
    )
    html = cards(replace(report, benchmark=run))
    assert '<dd>1,180 <span class="t-unit">queries/s</span></dd>' in html
    assert ">37,760 images/s</small>" in html
    assert ">700 queries of 32</small>" in html
    words = replace(run, shapes={"ids": (32, 128), "mask": (32, 128)})
    assert ">37,760 samples/s</small>" in cards(replace(report, benchmark=words))
    single = cards(replace(report, benchmark=replace(run, batch=1)))
    assert "images/s" not in single
    assert ">700 queries</small>" in single


def test_a_build_below_a_second_is_told_in_milliseconds(report: Report) -> None:
    html = cards(replace(report, build=replace(report.build, seconds=0.0439)))
    assert "<dt>Build</dt><dd>43.9 ms</dd>" in html


def test_what_has_not_run_has_no_figures(report: Report) -> None:
    assert cards(built_only(report)).count(">Run to measure<") == 2

import re
from dataclasses import replace

import pytest
from sample_reports import built_only, large_report, resnet_report
from trtlab_widgets.pages import text
from trtlab_widgets.pages.build import build_page, contest_rows, contests, phases
from trtlab_widgets.pages.histogram import Beyond, histogram
from trtlab_widgets.pages.latency import distribution_svg, percentile_table, series_svg
from trtlab_widgets.pages.markup import element, stacked_bar, table
from trtlab_widgets.pages.overview import overview_page, two_sums, verdict
from trtlab_widgets.palette import part_colour

from trtlab.builder.build import CARRY, COMPILE, OPTIMIZE, PACK, PLAN, PROVE, SELECT
from trtlab.report.contests import timed_at
from trtlab.report.percent import MINUS
from trtlab.report.records import (
    BenchmarkRecord,
    ContenderRecord,
    RejectionRecord,
    Report,
    SelectionRecord,
)


@pytest.fixture(scope="module")
def report() -> Report:
    return resnet_report(iterations=20)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (0, "0"),
        (1234.5, "1,234"),
        (12.345, "12.3"),
        (1.2345, "1.23"),
        (0.01234, "0.0123"),
        (-5.5, f"{MINUS}5.50"),
    ],
)
def test_digits(value: float | None, written: str) -> None:
    assert text.digits(value) == written


def test_units_fit_the_size() -> None:
    assert text.time_us(1500) == "1.50 ms"
    assert text.time_us(0.5) == "500 ns"
    assert text.time_ms(2500) == "2.50 s"
    assert text.seconds(130) == "2 min 10 s"
    assert text.nbytes(3 << 20) == "3.00 MiB"
    assert text.count(25_557_032, "FLOP") == "25.6 MFLOP"
    assert text.shape(()) == "scalar"
    assert text.plural(2, "query") == "2 queries"
    assert text.gflop_rate(314_515) == "315 TFLOP/s"
    assert text.gflop_rate(99.5) == "99.5 GFLOP/s"
    assert text.gflop_rate(None) == "–"


def test_texts_and_attributes_are_escaped() -> None:
    assert element("p", class_='"><script>') == '<p class="&quot;&gt;&lt;script&gt;"></p>'
    assert "<b>" not in table(["<b>"], [["<b>"]])


def test_parts_of_a_bar_are_in_proportion() -> None:
    bar = stacked_bar([("a", 3, "conv"), ("b", 1, "move"), ("none", 0, "other")], "label")
    assert "flex-grow: 0.75" in bar
    assert "flex-grow: 0.25" in bar
    assert "none" not in bar


def test_histogram_counts_every_value_once() -> None:
    values = tuple(float(v % 17) for v in range(500))
    assert sum(n for *_, n in histogram(values).bins) == 500
    assert histogram(values).beyond is None
    assert histogram(()).bins == []
    assert histogram((2.0, 2.0)).bins == [(2.0, 2.0, 2)]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([*range(100), 5000.0], Beyond(99, 5000, 1)),
        ([*range(2997), 7e4, 8e4, 9e4], Beyond(2996, 9e4, 3)),
        ([*range(100), 150.0], None),  # not far out
        ([*range(9), 5000.0], None),  # too few to tell
        ([1.0] * 100 + [5000.0], None),  # an axis has to begin and end somewhere
        ([*range(2900), *range(70_000, 70_100)], None),  # more than one in a thousand
    ],
)
def test_the_axis_ends_before_the_few_that_lie_far_out(
    values: list[float], wanted: Beyond | None
) -> None:
    found = histogram(values)
    assert found.beyond == wanted
    counted = sum(n for *_, n in found.bins)
    assert counted + (wanted.count if wanted else 0) == len(values)
    assert found.bins[-1][1] == pytest.approx(wanted.end_ms if wanted else max(values))


def test_latencies_far_out_are_told_in_picture_and_table(report: Report) -> None:
    assert report.benchmark is not None
    assert "beyond" not in distribution_svg(report.benchmark)
    samples = (*(2 + i / 100 for i in range(50)), 12.4)
    latency = replace(report.benchmark.latency_ms, median=2.25, p99=12.4, max=12.4)
    far = replace(report.benchmark, samples_ms=samples, latency_ms=latency)
    picture, told = distribution_svg(far), percentile_table(far)
    assert "2.49 ms · 1 beyond, up to 12.4 ms" in picture
    assert 'class="t-beyond"' in picture
    assert "ends at 2.49 ms: 1 beyond, up to 12.4 ms." in told
    places = [float(found) for found in re.findall(r"left: ([\d.]+)%", picture)]
    assert 0 < places[0] < places[1] < 100


def test_verdict_begins_with_the_worst(report: Report) -> None:
    html = verdict(report)
    assert html.index("Throttled") < html.index("Unstable")


def test_a_clean_run_is_said_to_be_clean(report: Report) -> None:
    assert report.telemetry is not None
    assert report.benchmark is not None
    steady = replace(
        report.benchmark.compute_ms, stdev=0.001 * report.benchmark.compute_ms.mean
    )
    clean = replace(
        report,
        telemetry=replace(report.telemetry, throttling=(), verdict=""),
        benchmark=replace(report.benchmark, verdicts=(), compute_ms=steady),
    )
    html = verdict(clean)
    assert "No throttling was reported." in html
    assert "Compute time varies by 0.1 %" in html


def test_overview_before_a_run_has_no_latency(report: Report) -> None:
    html = overview_page(built_only(report))
    assert "Run to measure" in html
    assert "Distribution" not in html


def test_overview_shows_median_with_its_interval(report: Report) -> None:
    benchmark: BenchmarkRecord | None = report.benchmark
    assert benchmark is not None
    html = overview_page(report)
    assert text.time_ms(benchmark.latency_ms.median) in html
    assert "± " in html


def test_many_queries_are_thinned_to_their_extremes(report: Report) -> None:
    assert report.benchmark is not None
    values = (1.0,) * 5000 + (9.0,) + (1.0,) * 5000
    many = replace(
        report.benchmark, samples_ms=values, starts_ns=tuple(range(0, 10_001_000, 1000))
    )
    svg = series_svg(replace(report, benchmark=many))
    assert svg.count("h0") <= 4002
    assert " 6.0h0" in svg  # the outlier is still at the top


def test_contests_give_the_runner_ups_distance(report: Report) -> None:
    rows = contest_rows(report)
    selection, chosen = rows[0].selection, rows[0].time_us
    others = [
        c.time_us for c in selection.contenders if c.time_us and c.tactic != selection.chosen
    ]
    assert rows[0].gap == pytest.approx(min(others) / chosen - 1)
    times = [row.time_us for row in rows]
    assert times == sorted(times, reverse=True)


def test_layers_that_share_a_contest_are_one_row(report: Report) -> None:
    fast = (ContenderRecord("a/1", 2.0), ContenderRecord("a/2", 3.0))
    slow = (ContenderRecord("a/1", 9.0),)
    selections = (
        SelectionRecord("/encoder/0/query", "a/1", fast),
        SelectionRecord("<slow>", "a/1", slow),
        SelectionRecord("/encoder/1/query", "a/1", fast),
        SelectionRecord("reformatted", "a/2", fast),  # for its neighbours' format
    )
    shared = replace(report, build=replace(report.build, selections=selections))
    assert [row.layers for row in contest_rows(shared)] == [
        ("<slow>",), ("reformatted",), ("/encoder/0/query", "/encoder/1/query"),
    ]  # fmt: skip
    html = contests(shared)
    counts = re.findall(r'</td><td class="t-num">([^<]*)</td><td class="t-mono">', html)
    assert counts == ["1", "1", "2"]
    folded = html[html.index("<details") : html.index("</details>")]
    assert '<summary title="/encoder/0/query">encoder/0/query</summary>' in folded
    assert re.findall("<li>([^<]*)</li>", folded) == ["encoder/0/query", "encoder/1/query"]
    assert "&lt;slow&gt;" in html


def test_layers_that_share_memory_do_not_rank_among_contests(report: Report) -> None:
    slowest = contest_rows(report)[0].layers
    layers = tuple(
        replace(r, tactic="none (shares memory)") if r.name in slowest else r
        for r in report.layers
    )
    shared = replace(report, layers=layers)
    assert [row.layers for row in contest_rows(shared)] == [
        row.layers for row in contest_rows(report)[1:]
    ]
    many = "1 layer" if len(slowest) == 1 else f"{len(slowest)} layers"
    left_out = f"{many} left out: what shares memory with another runs nothing."
    assert left_out in build_page(shared)
    assert "left out" not in build_page(report)


def test_build_page_names_refusals_and_limits_long_lists() -> None:
    html = build_page(large_report(layers=120, slices=1000))
    assert "output has 2 readers" in html
    assert "The 60 slowest of 120 contests" in html


def test_no_layer_of_a_page_begins_with_a_slash(report: Report) -> None:
    declined = RejectionRecord("/layer4/Add", "another reads it", ("/layer4/conv1/Conv",))
    one = replace(report.build.passes[0], rejections=(declined,))
    html = build_page(replace(report, build=replace(report.build, passes=(one,))))
    assert ">layer4/Add<" in html
    assert "(layer4/conv1/Conv)" in html


def test_build_page_tells_what_does_not_apply_from_what_failed(report: Report) -> None:
    contenders = (
        ContenderRecord("cpu.convolution.matrix", 2.0),
        ContenderRecord("cpu.convolution.winograd", None, rejection="kernel is 1×1"),
        ContenderRecord("cpu.convolution.depthwise", None, rejection="not depthwise"),
        ContenderRecord(
            "cpu.convolution.lines", None, rejection="wrong: 1 of 8 values differ"
        ),
    )
    selection = SelectionRecord("conv", contenders[0].tactic, contenders)
    build = replace(
        report.build, selections=(selection,), tactics_tried=4, tactics_timed=1, cache_hits=0
    )
    html = build_page(replace(report, build=build))
    assert "4 tactics considered, 1 with a time, timed in this build" in html
    table = html[html.index("Runner-up") :]
    assert re.findall(r"<th[^>]*>([^<]*)</th>", table)[-2:] == ["Not timed", "Refused"]
    assert re.findall(r"<td[^>]*>([^<]*)</td>", table)[-3:] == ["1", "2", "1"]


def test_names_that_may_be_cut_off_tell_all_when_pointed_at(report: Report) -> None:
    long = "block/" * 40
    slowest = max(report.layers, key=lambda layer: layer.time_us.median or 0.0)
    layers = tuple(
        replace(layer, name=long) if layer is slowest else layer for layer in report.layers
    )
    html = overview_page(
        replace(report, layers=layers, model=replace(report.model, name="<" + long))
    )
    assert f'<h1 title="&lt;{long}">' in html
    assert f', {long}">' in html  # the card of the slowest layer
    cell = table(["Layer"], [[(long, "t-clip")]])
    assert f'<td class="t-clip" title="{long}">' in cell


def test_warnings_of_a_build_are_notes_on_both_pages(report: Report) -> None:
    warning = "cudnn could not be tried apart"
    build = replace(report.build, warnings=(warning,))
    warned = replace(report, build=build, warnings=(warning,))
    for html in (overview_page(warned), build_page(warned)):
        assert html.count(warning) == 1
        assert f"Note</b><span>{warning}</span>" in html
    assert 'aria-label="Notes"' not in build_page(report)


def test_a_phase_has_its_colour_however_long_it_takes(report: Report) -> None:
    names = (OPTIMIZE, COMPILE, PROVE, SELECT, PACK, CARRY, PLAN)
    for times in ((0.4, 20.0, 3.0, 9.0, 1.0, 0.2, 0.1), (9.0, 0.1, 0.2, 0.3, 0.4, 0.5, 20.0)):
        html = phases(replace(report.build, phases=dict(zip(names, times, strict=True))))
        for name in names:
            colour = f"var(--t-{part_colour(name)})"
            assert html.count(f'background: {colour}" title="{name}"') == 1
            assert html.count(f"background: {colour}") == 1
    assert "t-part-rest" not in html


def test_tactics_say_at_which_shapes_they_were_timed(report: Report) -> None:
    assert report.benchmark is not None
    low, opt, high = (1, 3, 224, 224), (1, 3, 224, 224), (32, 3, 224, 224)
    config = replace(report.config, profiles=({"x": (low, opt, high)},))
    at_opt = replace(
        report, config=config, benchmark=replace(report.benchmark, shapes={"x": opt})
    )
    assert "; timed at x 1×3×224×224, the profile&#x27;s opt</p>" in contests(at_opt)
    run = replace(report.benchmark, shapes={"x": (8, 3, 224, 224)})
    told = "x 1×3×224×224, the profile's opt; the layers' times are at x 8×3×224×224"
    assert timed_at(replace(at_opt, benchmark=run)) == told
    fixed = replace(config, profiles=({"x": (opt, opt, opt)},))
    assert timed_at(replace(at_opt, config=fixed)) == "x 1×3×224×224"
    assert timed_at(replace(at_opt, config=replace(config, profiles=()))) == ""


def test_the_picture_of_latencies_says_how_high_it_is(report: Report) -> None:
    samples = (2.0, 3.0, 8.0)
    benchmark = replace(report.benchmark, samples_ms=samples, starts_ns=(0, 10, 20))
    html = overview_page(replace(report, benchmark=benchmark))
    assert "Over time, from 2.00 ms at the bottom to 8.00 ms" in html


def test_two_sums_of_layers_are_named_where_they_read_differently(report: Report) -> None:
    medians_us = sum(layer.time_us.median or 0.0 for layer in report.layers)

    def spent(factor: float) -> Report:
        parts = {**report.reconciliation_ms, "layers": factor * medians_us / 1e3}
        return replace(report, reconciliation_ms=parts)

    told = two_sums(spent(1.02))
    assert f"add up to {text.time_us(medians_us)};" in told
    assert told.endswith(f"is {text.time_us(1.02 * medians_us)}.")
    assert f'<p class="t-dim">{told}</p>' in overview_page(spent(1.02))
    assert two_sums(spent(1.0)) == ""  # nothing to tell apart
    assert two_sums(spent(1.5)) == ""  # the verdict has the reason
    assert "Layer medians add up to" in verdict(spent(1.5))
    assert two_sums(built_only(report)) == ""

from collections.abc import Callable
from dataclasses import replace
from math import log10
from typing import Any

import pytest
from sample_reports import resnet_report

from trtlab.core.errors import UsageError
from trtlab.report.percent import MINUS
from trtlab.report.records import Report, TelemetryRecord, Trace

pytest.importorskip("plotly")

from trtlab_widgets.figures import build, latency, layers, run
from trtlab_widgets.figures.look import Theme, blank
from trtlab_widgets.figures.parts import part_ink
from trtlab_widgets.palette import FAMILIES, PARTS, WHOLE, part_of

Pair = tuple[Callable[..., Any], Callable[..., list[dict[str, object]]]]
PAIRS: list[Pair] = [
    (latency.latency_distribution, latency.latency_distribution_rows),
    (latency.latency_over_time, latency.latency_over_time_rows),
    (latency.latency_parts, latency.latency_parts_rows),
    (layers.time_by_type, layers.time_by_type_rows),
    (layers.slowest_layers, layers.slowest_layers_rows),
    (layers.roofline, layers.roofline_rows),
    (build.build_phases, build.build_phases_rows),
    (run.sensors, run.sensors_rows),
    (run.memory_plan, run.memory_plan_rows),
]
names = [figure.__name__ for figure, _ in PAIRS]


@pytest.fixture(scope="module")
def report() -> Report:
    return resnet_report(iterations=10)


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
@pytest.mark.parametrize(("figure", "rows"), PAIRS, ids=names)
def test_every_figure_says_something_and_has_a_twin(
    report: Report, figure: Any, rows: Any, theme: str
) -> None:
    made = figure(report, theme=theme)
    assert len(made.layout.title.text) > 10
    assert made.layout.paper_bgcolor == "rgba(0, 0, 0, 0)"
    assert made.data
    assert rows(report)
    assert len({tuple(row) for row in rows(report)}) == 1  # the same columns in every row


def test_outliers_are_marked(report: Report) -> None:
    rows = latency.latency_over_time_rows(report)
    assert {row["outlier"] for row in rows} == {True, False}
    shapes = latency.latency_over_time(report).layout.shapes
    assert len(shapes) == 1  # the throttled interval


def test_the_parts_add_up(report: Report) -> None:
    bars = latency.latency_parts(report).data[0]
    *parts, total = bars.y
    assert sum(parts) == pytest.approx(sum(report.reconciliation_ms.values()))
    assert total == pytest.approx(sum(parts))


def test_the_roof_breaks_at_the_ridge(report: Report) -> None:
    roof = layers.roofline(report).data[0]
    assert roof.y[1] == pytest.approx(roof.y[2])
    assert roof.y[0] < roof.y[1]


def test_layers_of_a_roofline_can_be_highlighted(report: Report) -> None:
    row = layers.roofline_rows(report)[0]
    name, x = str(row["layer"]), float(str(row["flop_per_byte"]))
    plain = layers.roofline(report)
    assert not plain.layout.annotations
    figure = layers.roofline(report, highlight={name: "the first"})
    (words,), ring = figure.layout.annotations, figure.data[-1]
    assert words.text == "the first"
    assert (words.x, words.y) == pytest.approx((log10(x), log10(ring.y[0])))
    assert ring.x[0] == x
    assert ring.y[0] in [y for trace in plain.data[1:] for y in trace.y]
    below = words.ay > 0  # words stand on their mark's side of the roof
    device = replace(report.device, peak_bytes_per_s=1.0)
    over = layers.roofline(replace(report, device=device), highlight={name: "beyond"})
    assert below
    assert over.layout.annotations[0].ay < 0
    with pytest.raises(UsageError, match="no layer 'nothing'"):
        layers.roofline(report, highlight={"nothing": ""})


def test_words_of_marks_that_lie_close_do_not_cover_each_other(report: Report) -> None:
    drawn = layers.roofline_rows(report)[0]["layer"]
    first = next(layer for layer in report.layers if layer.name == drawn)
    twin = replace(first, name="twin")
    far = replace(first, name="far", flops=first.flops * 10_000)
    both = replace(report, layers=(*report.layers, twin, far))
    figure = layers.roofline(both, highlight={first.name: "A", "twin": "B", "far": "C"})
    lifts = {words.text: abs(words.ay) for words in figure.layout.annotations}
    assert abs(lifts["A"] - lifts["B"]) >= 16  # the height of a line
    assert lifts["C"] == min(lifts.values())


def test_ticks_of_a_roofline_are_written_out(report: Report) -> None:
    figure = layers.roofline(report)
    drawn = {"xaxis": "x", "yaxis": "y"}
    for name, coordinate in drawn.items():
        axis = figure.layout[name]
        values = [v for trace in figure.data for v in getattr(trace, coordinate)]
        assert axis.range[0] < log10(min(values)) < log10(max(values)) < axis.range[1]
        assert [float(t.replace(",", "")) for t in axis.ticktext] == pytest.approx(
            axis.tickvals
        )
        shown = [v for v in axis.tickvals if axis.range[0] <= log10(v) <= axis.range[1]]
        assert len(shown) >= 3


def test_slowest_layers_stops_at_top(report: Report) -> None:
    assert len(layers.slowest_layers_rows(report, 3)) == 3


def test_a_contest_lists_refusals_last(report: Report) -> None:
    layer = max(report.build.selections, key=lambda s: len(s.contenders)).layer
    rows = build.tactic_contest_rows(report, layer)
    timed = [row["time_us"] is not None for row in rows]
    assert timed == sorted(timed, reverse=True)
    assert len(build.tactic_contest(report, layer).data) == sum(timed)
    with pytest.raises(UsageError, match="no contest"):
        build.tactic_contest(report, "nothing")


@pytest.mark.parametrize(
    "figure", [latency.latency_distribution, latency.latency_over_time, run.sensors]
)
def test_what_was_not_measured_is_not_drawn(report: Report, figure: Any) -> None:
    bare = replace(report, benchmark=None, telemetry=None)
    with pytest.raises(UsageError, match="the report has no"):
        figure(bare)


def test_an_overlap_goes_down_in_the_waterfall(report: Report) -> None:
    parts = {"launch": 1.0, "layers": 20.0, "unexplained": -1.0}
    over = replace(report, reconciliation_ms=parts)
    bars = latency.latency_parts(over).data[0]
    assert list(bars.x) == ["launch", "layers", "rest<br>(overlap<br>or noise)", "end to end"]
    assert list(bars.y) == [1.0, 20.0, -1.0, 20.0]
    assert list(bars.base) == [0.0, 1.0, 21.0, 0.0]
    assert bars.hovertext[2] == f"rest (overlap or noise): {MINUS}1.00 ms"
    assert bars.text[2] == f"{MINUS}1.00 ms"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_parts_have_their_own_colours_in_the_waterfall(report: Report, theme: Theme) -> None:
    named = replace(report, reconciliation_ms={"copy in": 1.0, "layers": 2.0, "news": 1.0})
    marker = latency.latency_parts(named, theme=theme).data[0].marker
    wanted = [part_of("copy in"), part_of("layers"), part_of("unexplained"), WHOLE]
    assert list(marker.color) == [getattr(part, theme) for part in wanted]
    assert list(marker.pattern.shape) == ["/", "", "|", ""]


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_no_latency_has_the_colour_of_a_layer_type(report: Report, theme: Theme) -> None:
    families = {colour for f in FAMILIES for colour in (f.light, f.dark)}
    for make in (
        latency.latency_distribution, latency.latency_over_time, latency.latency_parts
    ):  # fmt: skip
        inks = [trace.marker.color for trace in make(report, theme=theme).data]
        colours = {c for ink in inks for c in ([ink] if isinstance(ink, str) else ink)}
        assert colours
        assert not colours & families


def test_parts_show_on_light_and_on_dark_where_the_ground_is_not_known() -> None:
    for part in (*PARTS, WHOLE):
        value = sum(c * int(part_ink(part, "auto")[i : i + 2], 16) for c, i in _LUMA) / 255
        assert 0.3 < value < 0.8, part.key  # no near-black on dark, no near-white on light


_LUMA = ((0.2126, 1), (0.7152, 3), (0.0722, 5))


@pytest.mark.parametrize(("peak", "unit"), [(2e11, "GFLOP/s"), (7e14, "TFLOP/s")])
def test_rates_of_a_fast_device_are_told_in_trillions(
    report: Report, peak: float, unit: str
) -> None:
    device = replace(
        report.device, peak_flops_per_s={report.config.precision: peak}, peak_bytes_per_s=1e11
    )
    fast = replace(report, device=device)
    figure = layers.roofline(fast)
    assert figure.layout.yaxis.title.text == unit
    assert max(figure.data[0].y) == pytest.approx(peak / (1e12 if unit[0] == "T" else 1e9))
    drawn = [y for trace in figure.data[1:] for y in trace.y]
    scale = 1e3 if unit[0] == "T" else 1
    rates = [row["gflop_per_s"] for row in layers.roofline_rows(fast)]
    assert sorted(drawn) == pytest.approx(sorted(float(str(r)) / scale for r in rates))


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_every_row_of_the_sensors_has_the_themes_lines(theme):
    figure = run.sensors(resnet_report(), theme=theme)
    axes = [*figure.select_xaxes(), *figure.select_yaxes()]
    assert len(axes) == 2 * len(resnet_report().telemetry.traces)
    assert {axis.gridcolor for axis in axes} == {figure.layout.xaxis.gridcolor}
    assert figure.layout.xaxis.gridcolor.startswith("rgba")


def test_latencies_far_out_are_one_bar_that_says_so(report: Report) -> None:
    assert report.benchmark is not None
    samples = (*(2 + i / 100 for i in range(50)), 12.4)
    far = replace(report, benchmark=replace(report.benchmark, samples_ms=samples))
    rows = latency.latency_distribution_rows(far)
    assert rows[-1] == {"from_ms": 2.49, "to_ms": 12.4, "queries": 1}
    assert sum(int(str(row["queries"])) for row in rows) == 51
    figure = latency.latency_distribution(far)
    near, beyond = figure.data
    assert max(near.x) < 2.49 < beyond.x[0] < 3
    assert list(beyond.y) == [1]
    assert "1 beyond, up to 12.4 ms" in [note.text for note in figure.layout.annotations]


def test_the_toolbar_has_no_ground_of_its_own(report: Report) -> None:
    for figure in (run.sensors(report), latency.latency_parts(report)):
        assert figure.layout.modebar.bgcolor == "rgba(0, 0, 0, 0)"
        assert figure.layout.modebar.color.startswith("rgba(128")


def test_a_long_message_takes_more_lines_and_the_drawing_keeps_its_height() -> None:
    short, long = blank("short", "auto"), blank("many words " * 20, "auto")
    assert long.layout.title.text.count("<br>") == 2
    drawn = [f.layout.height - f.layout.margin.t for f in (short, long)]
    assert drawn[0] == drawn[1]


def test_sensors_beside_latencies(report: Report) -> None:
    assert report.telemetry is not None
    assert report.benchmark is not None
    first, second, *_ = report.telemetry.traces
    figure = run.sensors(report, [second.metric, first.metric], latency=True)
    titles = [note.text for note in figure.layout.annotations[:3]]
    assert titles[0] == "Latency of each query, ms"
    assert [t.split(",")[0] for t in titles[1:]] == [
        second.label.split(",")[0], first.label.split(",")[0],
    ]  # fmt: skip
    assert list(figure.data[0].y) == list(report.benchmark.samples_ms)
    assert figure.layout.height > 3 * 120
    with pytest.raises(UsageError, match="no trace of 'cpu"):
        run.sensors(report, ["cpu.none"])
    with pytest.raises(UsageError, match="no benchmark"):
        run.sensors(report.telemetry, latency=True)


@pytest.mark.parametrize(
    ("unit", "told", "scale"),
    [("bytes", "MiB", 2**20), ("bytes/s", "MiB/s", 2**20), ("W", "W", 1)],
)
def test_bytes_are_drawn_in_a_unit_that_fits(unit: str, told: str, scale: int) -> None:
    trace = Trace("a", "Memory", unit, (0, 10**9), (2.0**20, 300 * 2.0**20), limit=2.0**28)
    figure = run.sensors(TelemetryRecord("host", 50.0, (trace,), {}))
    assert figure.layout.annotations[0].text == f"Memory, {told}"
    assert list(figure.data[0].y) == [2**20 / scale, 300 * 2**20 / scale]
    assert figure.layout.shapes[0].y0 == 2**28 / scale

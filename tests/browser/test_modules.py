"""The JavaScript's pure functions, in the browser that runs them."""

import json
from itertools import pairwise
from typing import Any

import pytest
from shown_names import SHOWN
from trtlab_widgets.live.bundle import script
from trtlab_widgets.pages.histogram import histogram

from trtlab.report.percent import MINUS

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def modules(chromium: Any) -> Any:
    """A page where ``window.m`` holds every module of the explorer by name."""
    page = chromium.new_page()
    text = script("explorer")
    names = [line.split()[1][1:] for line in text.splitlines() if " = (() => {" in line]
    held = ", ".join(f"{name}: ${name}" for name in names)
    text = text.replace("export default $explorer.default;", f"window.m = {{ {held} }};")
    page.set_content(f"<body></body><script type='module'>{text}</script>")
    page.wait_for_function("window.m")
    yield page
    page.close()


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("digits(1234.5)", "1,235"),
        ("digits(0.01234)", "0.0123"),
        ("digits(null)", "–"),
        ("timeUs(1500)", "1.50 ms"),
        ("timeNs(NaN)", "–"),
        ("bytes(3 * 2 ** 20)", "3.00 MiB"),
        ("count(25557032, 'FLOP')", "25.6 MFLOP"),
        ("percent(0.0004)", "<0.1 %"),
        ("percent(null)", "–"),
        ("percent(-0.256)", f"{MINUS}26 %"),
        ("digits(-5.5)", f"{MINUS}5.50"),
        ("reading(-3, '°C')", f"{MINUS}3 °C"),
        ("tickLabel(-500000, 9000000, 500000)", f"{MINUS}0.5 ms"),
        ("increase(0.264)", "+26 %"),
        ("increase(0)", "0.0 %"),
        ("increase(1)", "+100 %"),
        ("increase(1.5)", "2.5 times"),
        ("increase(8.99)", "10 times"),
        ("increase(45)", "46 times"),
        ("increase(1233.6)", "1,235 times"),
        ("flopRate(0.87)", "0.870 GFLOP/s"),
        ("flopRate(999)", "999 GFLOP/s"),
        ("flopRate(314515)", "315 TFLOP/s"),
        ("byteRate(12.4)", "12.4 GB/s"),
        ("byteRate(4296.6)", "4.30 TB/s"),
        ("flopUnit(999)[1]", "GFLOP/s"),
        ("flopUnit(1000)[1]", "TFLOP/s"),
        ("flopUnit(0)[1]", "GFLOP/s"),
        ("shape([])", "scalar"),
        ("shape([1, 'batch'])", "1×batch"),
        ("shortTactic('cpu.convolution.winograd/4,m2,avx512')", "winograd/4,m2,avx512"),
        ("shortTactic('cuda.product.wgmma/128x256')", "wgmma/128x256"),
        ("shortTactic('cuda.cudnn.convolution/plan3')", "cudnn.convolution/plan3"),
        ("shortTactic('cpu.numpy/cast')", "numpy/cast"),
        ("shortTactic('ort.MatMul')", "ort.MatMul"),
        ("reading(2048, 'bytes')", "2.00 KiB"),
        ("reading(1980, 'MHz')", "1,980 MHz"),
        ("reading(20364940, 'bytes/s')", "19.4 MiB/s"),
        ("reading(0.005, '%')", "<0.1 %"),
        ("reading(0, '%')", "0 %"),
        ("reading(16, '')", "16"),
        ("reading(48.25, '°C')", "48.3 °C"),
    ],
)
def test_numbers_are_written_for_people(modules: Any, call: str, wanted: str) -> None:
    assert modules.evaluate(f"m.format.{call}") == wanted


@pytest.mark.parametrize(
    ("attained", "share", "more"),
    [
        ("null", "–", ""),
        ("0.31", "31 %", ""),
        ("1.004", "100 %", ""),
        ("1.14", ">100 %", "114 % of what the measured peaks allow."),
    ],
)
def test_more_than_the_limit_is_told_as_more(
    modules: Any, attained: str, share: str, more: str
) -> None:
    assert modules.evaluate(f"m.limit.ofLimit({attained})") == share
    told = modules.evaluate(f"m.limit.overLimit({attained})")
    assert told.startswith(more)
    assert bool(told) == bool(more)


def test_the_peaks_told_are_those_that_the_layers_are_held_against(modules: Any) -> None:
    peaks = "{ flops: { fp32: 5.1e13, fp16: 7.7e14, bf16: 8e14 }, bytes: 4.3e12 }"
    layers = "[{ flops: 9, precision: 'fp16' }, { flops: 0, precision: 'fp32' }]"
    found = modules.evaluate(f"m.limit.peaksText({{ peaks: {peaks}, layers: {layers} }})")
    assert found == "fp16 770 TFLOP/s, memory 4.30 TB/s"
    none = "{ peaks: { flops: {}, bytes: null }, layers: [] }"
    assert modules.evaluate(f"m.limit.peaksText({none})") == ""


@pytest.mark.parametrize(
    ("tactic", "kind", "words"),
    [
        ("cpu.move.strided", "CONCATENATION", ""),
        ("none (shares memory)", "CONCATENATION", "write straight into its output's memory"),
        ("none (shares memory)", "SHUFFLE", "its input and its output are the same memory"),
        ("none (known from shapes)", "SHAPE", "follows from the tensors' shapes"),
        ("none (something new)", "SHAPE", "Not needed: something new."),
        ("none", "SHAPE", "Not needed."),
        ("nonesuch.product", "MATRIX_MULTIPLY", ""),
    ],
)
def test_why_a_layer_runs_nothing(modules: Any, tactic: str, kind: str, words: str) -> None:
    layer = json.dumps({"tactic": tactic, "type": kind})
    told = modules.evaluate(f"m.contest.notNeeded({layer})")
    assert words in told
    assert bool(told) == bool(words)


@pytest.mark.parametrize(
    ("values", "unit", "wanted"),
    [
        ([248512512, 249561088], "bytes", "237 – 238 MiB"),
        ([1024, 3 * 2**20], "bytes", "1.00 KiB – 3.00 MiB"),
        ([39, 58], "°C", "39 – 58 °C"),
        ([5, 5], "", "5"),
    ],
)
def test_a_span_says_its_unit_once(
    modules: Any, values: list[float], unit: str, wanted: str
) -> None:
    span = f"m.gutter.spanText({{ values: {values}, unit: '{unit}' }})"
    assert modules.evaluate(span) == wanted


@pytest.mark.parametrize(
    ("letters", "wanted"),
    [
        (60, "features.2.conv/0/0/Conv + features.2.conv/0/Clip"),
        (30, "features.2.conv/0/0/Conv"),
        (20, "features.2.conv/0/0"),
        (18, "f.2.conv/0/0"),
        (11, "f.2.c/0/0"),
        (8, ""),
    ],
)
def test_a_bar_shows_what_tells_its_layer_apart(
    modules: Any, letters: int, wanted: str
) -> None:
    name = "/features.2.conv/0/0/Conv + /features.2.conv/0/Clip"
    found = modules.evaluate(f"m.names.barName('{name}', {letters}, (text) => text.length)")
    assert found == wanted


def test_the_last_word_of_a_name_goes_last(modules: Any) -> None:
    name = "/encoder/layer.0/attention/self/query/MatMul"
    found = modules.evaluate(f"m.names.barName('{name}', 16, (text) => text.length)")
    assert found == "e/l.0/a/s/query"
    found = modules.evaluate(f"m.names.barName('{name}', 24, (text) => text.length)")
    assert found == "e/l.0/a/self/query"


@pytest.mark.parametrize(("name", "letters", "wanted"), SHOWN)
def test_a_name_that_must_stand_somewhere_is_never_empty(
    modules: Any, name: str, letters: int, wanted: str
) -> None:
    assert modules.evaluate(f"m.names.shortName('{name}', {letters})") == wanted


def test_a_bar_of_a_cast_drops_the_slash_too(modules: Any) -> None:
    found = modules.evaluate("""(() => {
        const data = { categories: ["layer"], layers: [{ name: "/Cast_output_0 to fp16" }],
          slices: { layer: [0], category: [0], iteration: [0], name: [-1], names: [] } };
        const ctx = { measureText: (text) => ({ width: text.length }) };
        return m.slice_track.labelOf(ctx, data, 0, 40);
    })()""")
    assert found == "Cast_output_0 to fp16"


@pytest.mark.parametrize(("by", "strengths"), [("type", [0.26, 1]), ("headroom", [1, 1])])
def test_pale_means_one_thing(modules: Any, by: str, strengths: list[float]) -> None:
    """Unselected bars are pale, but not where a pale colour is little headroom."""
    found = modules.evaluate(
        """(by) => {
             const ink = { fill: 'red', ink: 'black' };
             const colours = { families: [ink], heat: [ink, ink, ink, ink, ink], unknown: ink };
             const layer = { name: 'a', family: 0, attained: 0.5 };
             const data = {
               categories: ['layer'], layers: [layer, layer],
               slices: { start: [0, 50], duration: [40, 40], layer: [0, 1], category: [0, 0],
                 iteration: [0, 0], stream: [0, 0], name: [-1, -1], names: [] },
             };
             const drawn = [];
             let outlines = 0;
             const ctx = {
               globalAlpha: 1, measureText: () => ({ width: 1e9 }), fillText: () => {},
               fillRect() { drawn.push(this.globalAlpha); }, strokeRect: () => { outlines += 1; },
             };
             const track = { order: [0, 1], longest: 40 };
             const frame = { from: 0, to: 100, width: 100, y: 0, height: 28 };
             m.slice_track.drawSlices(ctx, data, track, frame, { colours, marked: [0, 1], by });
             return [drawn, outlines];
           }""",
        by,
    )
    assert found == [strengths, 1]


def test_labels_of_an_axis_stay_inside_and_apart(modules: Any) -> None:
    """At every width and place; a label that an edge would cut moves in."""
    drawn = modules.evaluate(
        """(() => {
             const all = [];
             for (let width = 60; width < 900; width += 37) {
               const row = [];
               const ctx = { beginPath() {}, moveTo() {}, lineTo() {}, stroke() {},
                 measureText: (text) => ({ width: 6 * text.length }),
                 fillText: (text, x) => row.push([x, x + 6 * text.length]) };
               m.time_axis.drawRuler(ctx, { from: 0, to: 9e6, width }, 0, 100, {});
               all.push({ width, row });
             }
             return all;
           })()"""
    )
    for each in drawn:
        row = each["row"]
        assert row
        assert row[0][0] >= 0
        assert row[-1][1] <= each["width"]
        assert all(left[1] < right[0] for left, right in pairwise(row))


def test_a_sensors_remark_is_left_out_where_room_is_short(modules: Any) -> None:
    short = modules.evaluate("m.format.shortLabel('Load of this process (100 % = one core)')")
    assert short == "Load of this process"
    assert (
        modules.evaluate("m.format.shortLabel('Power, 1 s average')") == "Power, 1 s average"
    )


def test_ticks_are_round_and_inside(modules: Any) -> None:
    found = modules.evaluate("m.format.ticks(13, 97, 5)")
    assert found == {"step": 20, "values": [20, 40, 60, 80]}
    assert modules.evaluate("m.format.ticks(5, 5, 5).values") == []


def test_tick_labels_of_an_axis_share_a_unit(modules: Any) -> None:
    assert modules.evaluate("m.format.tickLabel(1500000, 9000000, 500000)") == "1.5 ms"
    assert modules.evaluate("m.format.tickLabel(0, 9000000, 500000)") == "0.0 ms"


def test_zooming_keeps_the_point_under_the_pointer(modules: Any) -> None:
    low, high = modules.evaluate("m.zoom.zoomRange([1e6, 5e6], 2e6, 0.5, [0, 1e7])")
    assert high - low == 2e6
    assert (2e6 - low) / (high - low) == 0.25


def test_ranges_stay_within_their_limits(modules: Any) -> None:
    assert modules.evaluate("m.zoom.clampRange([-5000, 5000], [0, 1e6])") == [0, 10_000]
    assert modules.evaluate("m.zoom.clampRange([0, 9e9], [0, 1e6])") == [0, 1e6]
    assert modules.evaluate("m.zoom.zoomRange([0, 1e6], 5e5, 100, [0, 1e6])") == [0, 1e6]


def test_memory_in_use_and_its_peak(modules: Any) -> None:
    # tensor, offset, size, first, last: an input, and two that overlap at step 1
    plan = "[['in', 0, 8, -1, 0], ['a', 8, 16, 0, 1], ['b', 0, 4, 1, 2]]"
    found = modules.evaluate(
        f"(() => {{ const p = m.memory_view.memoryProfile({plan}, 3);"
        " return { live: [...p.live], peak: p.peak }; })()"
    )
    assert found == {"live": [24, 20, 4], "peak": 0}


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 2, 3, 9],
        [2, 2],
        [],
        [*range(100), 150],
        [*range(100), 5000],
        [*range(1999), 70_000],
        [*range(2997), 7e4, 8e4, 9e4],
        [1] * 100 + [5000],
    ],
)
def test_samples_are_counted_as_on_the_pages(modules: Any, values: list[float]) -> None:
    """One rule in two languages: the same bins, the same few beyond the axis."""
    found = modules.evaluate(f"m.small_charts.distribution({values}, 48)")
    wanted = histogram(values)
    counts = [n for *_, n in wanted.bins]
    assert [each["n"] for each in found["bins"]] == ([] if len(counts) == 1 else counts)
    beyond = wanted.beyond and {
        "n": wanted.beyond.count, "from": wanted.beyond.end_ms, "to": wanted.beyond.largest_ms
    }  # fmt: skip
    assert found["beyond"] == beyond


def test_samples_far_out_are_told_beside_the_others(modules: Any) -> None:
    def drawn(samples: list[float]) -> list[Any]:
        return modules.evaluate(
            f"""(() => {{
                 const el = m.small_charts.histogram({samples}, 120, 'conv');
                 const [svg, caption] = el.children;
                 return [svg.getAttribute('aria-label'), caption.textContent,
                         svg.querySelectorAll('.t-beyond').length];
               }})()"""
        )

    near = [100 + i for i in range(50)]
    label, caption, bars = drawn([*near, 12_400])
    assert "1 beyond, up to 12.4 ms" in label
    assert "149 µs · 1 beyond, up to 12.4 ms" in caption
    assert bars == 1
    label, caption, bars = drawn(near)
    assert "beyond" not in label + caption
    assert bars == 0


def test_listeners_hear_of_real_changes_only(modules: Any) -> None:
    heard = modules.evaluate(
        """(() => {
             const store = m.store.createStore({ selection: [1], hover: -1 });
             const heard = [];
             const off = store.on(['selection'], (state, source) => heard.push(source));
             store.set({ selection: [1] }, 'same');
             store.set({ hover: 3 }, 'other');
             store.set({ selection: [2] }, 'real');
             off();
             store.set({ selection: [3] }, 'late');
             return heard;
           })()"""
    )
    assert heard == ["real"]


def test_csv_quotes_what_needs_it(modules: Any) -> None:
    text = modules.evaluate(
        """m.grid.toCsv(
             [{ title: 'Name', value: (r) => r.name }, { title: 'n', value: (r) => r.n }],
             [{ name: 'a,"b"', n: 1 }, { name: 'c', n: null }])"""
    )
    assert text == 'Name,n\n"a,""b""",1\nc,\n'


def test_the_last_sample_before_a_time(modules: Any) -> None:
    times = "[10, 20, 30]"
    calls = [f"m.trace_track.sampleAt({times}, {t})" for t in (5, 10, 25, 99)]
    assert [modules.evaluate(call) for call in calls] == [-1, 0, 1, 2]


@pytest.mark.parametrize(
    ("window", "wanted"),
    [
        ((0, 5), "no queries in this window"),
        ((0, 10), ""),
        ((12e6, 12.5e6), "no query begins in this window"),
        ((20e6, 30e6), "no queries in this window"),
    ],
)
def test_a_window_without_queries_says_so(
    modules: Any, window: tuple[float, float], wanted: str
) -> None:
    track = "{ times: [10, 11e6], values: [9, 2], dots: true }"
    note = f"m.trace_track.emptyNote({track}, {{ from: {window[0]}, to: {window[1]} }})"
    assert modules.evaluate(note) == wanted


@pytest.mark.parametrize(
    ("dots", "window", "wanted"),
    [(True, "[20, 40]", "–"), (True, "[5, 40]", "427 ms"), (False, "[20, 40]", "427 ms")],
)
def test_a_query_out_of_view_is_not_read(
    modules: Any, dots: bool, window: str, wanted: str
) -> None:
    track = f"{{ times: [10], values: [427], unit: 'ms', dots: {json.dumps(dots)} }}"
    assert modules.evaluate(f"m.gutter.valueText({track}, 30, {window})") == wanted


@pytest.mark.parametrize(
    ("window", "wanted"),
    [
        ((20e6, 21e6), [["dash", 5, 5], ["line", 0, 200], "no sample in this window"]),
        ((45e6, 46e6), ["no sample in this window"]),
        ((25e6, 35e6), [["line", -500, 100, 300]]),
    ],
)
def test_what_no_sensor_measured_is_dashed_or_left_out(
    modules: Any, window: tuple[float, float], wanted: list[Any]
) -> None:
    drawn = modules.evaluate(
        """([from, to]) => {
             const drawn = [];
             let line = [];
             const ctx = new Proxy({
               beginPath: () => { line = []; },
               moveTo: (x) => line.push(Math.round(x)),
               lineTo: (x) => line.push(Math.round(x)),
               stroke: () => drawn.push(['line', ...line]),
               setLineDash: (dash) => { if (dash.length) drawn.push(['dash', ...dash]); },
               fillText: (text) => drawn.push(text),
               fillRect: () => {},
             }, { set: () => true });
             const track = {
               times: [0, 30e6, 40e6], values: [80, 90, 70],
               unit: 'W', limit: null, dots: false, scale: [60, 100],
             };
             m.trace_track.drawTrace(ctx, track, { from, to, width: 200, y: 0, height: 40 }, {});
             return drawn;
           }""",
        list(window),
    )
    assert drawn == wanted


@pytest.mark.parametrize(
    ("time", "wanted"), [(12e6, "806 W"), (58.4e6, "806 W, 48 ms before"), (5e6, "–")]
)
def test_an_old_sample_tells_its_age(modules: Any, time: float, wanted: str) -> None:
    track = "{ times: [10e6, 90e6], values: [806, 300], unit: 'W', dots: false }"
    assert modules.evaluate(f"m.gutter.valueText({track}, {time}, [0, 1e8])") == wanted


def _tracks(*rows: tuple[str, str, str, list[float], float | None]) -> str:
    """Sensor tracks as JavaScript: metric, label, unit, values and limit each."""
    keys = ("key", "label", "unit", "values", "limit")
    return json.dumps([dict(zip(keys, row, strict=True)) | {"kind": "trace"} for row in rows])


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (("gpu.memory_clock", "", "MHz", [3201, 3201], 3201), True),
        (("cpu.frequency", "", "MHz", [2100, 2100], None), True),
        (("gpu.temperature", "", "°C", [36, 36], 89), True),
        (("gpu.pcie_width", "", "", [16], 16), True),
        (("cpu.throttled", "", "ns", [0, 0], None), True),
        (("gpu.memory_clock", "", "MHz", [3201, 3201, 3200], 3201), False),
        # Throttling that begins before the run and never ends changes nothing, and matters.
        (("gpu.sm_clock", "", "MHz", [1380, 1380], 1980), False),
        (("gpu.temperature", "", "°C", [89, 89], 89), False),
        (("gpu.power", "", "W", [700, 700], 700), False),
        (("cpu.throttled", "", "ns", [5, 5], None), False),
        (("latency", "", "ms", [2, 2], None), False),
    ],
)
def test_a_sensor_where_something_happened_is_never_folded(
    modules: Any, row: tuple[str, str, str, list[float], float | None], wanted: bool
) -> None:
    assert modules.evaluate(f"m.fold.isUnchanged({_tracks(row)}[0])") is wanted


def test_a_gap_in_a_sensors_readings_is_something_that_happened(modules: Any) -> None:
    track = "{ kind: 'trace', key: 'gpu.power', unit: 'W', limit: null, values: [5, NaN, 5] }"
    assert modules.evaluate(f"m.fold.isUnchanged({track})") is False


def test_details_are_folded_where_another_sensor_tells_them(modules: Any) -> None:
    rows = _tracks(
        ("gpu.power", "Power", "W", [1, 2], 700),
        ("gpu.power_average", "Power, 1 s average", "W", [1, 2], 700),
        ("gpu.utilization", "Time that a kernel ran", "%", [1, 2], None),
        ("gpu.temperature", "GPU temperature", "°C", [40, 41], 89),
        ("gpu.memory_temperature", "Memory temperature", "°C", [40, 95], 95),
        ("gpu.memory_clock", "Memory clock", "MHz", [3201, 3201], 3201),
    )
    shown, text = modules.evaluate(
        f"""(() => {{
             const found = m.fold.foldTracks({rows});
             const text = m.fold.foldText(found.details, found.unchanged);
             return [found.shown.map((t) => t.key), text];
           }})()"""
    )
    # Nothing else tells the utilization here, and the memory reached its limit.
    assert shown == [
        "gpu.power", "gpu.utilization", "gpu.temperature", "gpu.memory_temperature",
    ]  # fmt: skip
    assert text == "1 more: power (1 s average) · 1 unchanged: memory clock 3,201 MHz"


def test_folded_sensors_are_told_in_one_line(modules: Any) -> None:
    tracks = _tracks(
        ("cpu.frequency", "Core frequency, mean", "MHz", [2100], None),
        ("gpu.memory_clock", "Memory clock", "MHz", [3201], 3201),
        ("gpu.temperature", "GPU temperature", "°C", [36], 89),
        ("gpu.pcie_generation", "PCIe generation", "", [4], 5),
        ("gpu.pcie_width", "PCIe lanes", "", [16], 16),
    )
    assert modules.evaluate(f"m.fold.unchangedText({tracks})") == (
        "5 unchanged: core frequency (mean) 2,100 MHz · memory clock 3,201 MHz"
        " · GPU temperature 36 °C · PCIe link gen 4 of 5 ×16"
    )
    lanes = _tracks(("gpu.pcie_width", "PCIe lanes", "", [8], 16))
    found = modules.evaluate(f"m.fold.unchangedText({lanes})")
    assert found == "1 unchanged: PCIe lanes 8 of 16"

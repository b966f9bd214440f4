"""What sensors read in a window, and which of them are folded into one line."""

import json
from typing import Any

import pytest

pytestmark = pytest.mark.browser


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

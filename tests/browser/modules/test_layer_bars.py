"""The bars of layers on their time axis: names, strength, ticks and zoom."""

from itertools import pairwise
from typing import Any

import pytest
from shown_names import SHOWN

pytestmark = pytest.mark.browser


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


def test_zooming_keeps_the_point_under_the_pointer(modules: Any) -> None:
    low, high = modules.evaluate("m.zoom.zoomRange([1e6, 5e6], 2e6, 0.5, [0, 1e7])")
    assert high - low == 2e6
    assert (2e6 - low) / (high - low) == 0.25


def test_ranges_stay_within_their_limits(modules: Any) -> None:
    assert modules.evaluate("m.zoom.clampRange([-5000, 5000], [0, 1e6])") == [0, 10_000]
    assert modules.evaluate("m.zoom.clampRange([0, 9e9], [0, 1e6])") == [0, 1e6]
    assert modules.evaluate("m.zoom.zoomRange([0, 1e6], 5e5, 100, [0, 1e6])") == [0, 1e6]

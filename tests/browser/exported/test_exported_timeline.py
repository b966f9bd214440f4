"""The timeline of an exported file: what it shows, mouse and keys."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from page_canvas import CHOSEN, TIME, fingerprint, painted
from sample_reports import resnet_report
from trtlab_widgets.export import report_html

from trtlab.report.records import Slice

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1900, 1280, 1100, 900, 480])
def test_the_timelines_message_is_cut_off_and_moves_nothing(
    show: Callable[..., Any], width: int
) -> None:
    page = show(width=width)
    head = page.locator(".t-panel-head", has=page.locator(".t-stepper"))
    message = head.locator("p")
    assert message.get_attribute("title").startswith(message.inner_text())
    colour = head.get_by_role("button", name="Headroom", exact=True)
    colour.scroll_into_view_if_needed()
    before = head.bounding_box()
    parts = head.locator("h2, p, button, output")
    places = [part.bounding_box() for part in parts.all()]
    colour.click()
    legend = page.locator(".t-heat").bounding_box()
    gutter = page.locator(".t-time .t-gutter").first.bounding_box()
    assert gutter["x"] < legend["x"]
    assert legend["x"] + legend["width"] < gutter["x"] + gutter["width"]
    first = page.locator(".t-gutter-row").first.bounding_box()
    assert legend["y"] + legend["height"] <= first["y"]
    assert head.bounding_box()["height"] == before["height"]
    assert [part.bounding_box() for part in parts.all()] == places
    message.evaluate("(el) => { el.textContent = 'a long message '.repeat(40); }")
    assert head.bounding_box()["height"] == before["height"]
    assert message.evaluate("(el) => el.scrollWidth > el.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_bar_of_the_timeline_scrolls_the_table_to_its_row(show: Callable[..., Any]) -> None:
    page = show("large")
    stage = page.locator(TIME).first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.62, box["y"] + 92)
    (layer,) = page.evaluate(CHOSEN)
    row = page.locator(f'.t-table .t-grid-row[data-id="{layer}"]:visible')
    row.wait_for()
    table = page.locator(".t-table .t-grid").bounding_box()
    place = row.bounding_box()
    assert table["y"] <= place["y"] <= table["y"] + table["height"] - place["height"] + 1


def test_the_timeline_works_from_the_keyboard(show: Callable[..., Any]) -> None:
    page = show()
    page.locator(TIME).first.focus()
    page.keyboard.press("ArrowRight")
    first = page.evaluate(CHOSEN)[0]
    page.keyboard.press("ArrowRight")
    assert page.evaluate(CHOSEN)[0] != first
    step = page.locator(".t-step")
    before = step.inner_text()
    page.keyboard.press("]")
    assert step.inner_text() != before
    picture = fingerprint(page, TIME)
    page.keyboard.press("w")
    assert fingerprint(page, TIME) != picture
    page.keyboard.press("Home")
    assert step.inner_text() == "All 40 inferences"


def test_the_first_arrow_begins_with_a_layer_in_view(show: Callable[..., Any]) -> None:
    page = show()
    page.locator(TIME).first.focus()
    for key in "wwww":
        page.keyboard.press(key)
    page.keyboard.press("ArrowRight")
    first = page.evaluate(CHOSEN)[0]
    assert 5 < first < 50
    page.keyboard.press("Escape")
    for key in "dddd":
        page.keyboard.press(key)
    page.keyboard.press("ArrowRight")
    assert page.evaluate(CHOSEN)[0] > first


def test_the_wheel_scrolls_the_page_until_the_timeline_is_chosen(
    show: Callable[..., Any],
) -> None:
    page = show(height=700)
    stage = page.locator(TIME).first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + 60
    page.mouse.move(*middle)
    picture = fingerprint(page, TIME)
    scrolled = page.evaluate("scrollY")
    page.mouse.wheel(0, -60)
    page.wait_for_function(f"scrollY < {scrolled}")
    page.keyboard.down("Control")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    assert fingerprint(page, TIME) != picture


def test_dragging_pans(show: Callable[..., Any]) -> None:
    page = show()
    stage = page.locator(TIME).first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    picture = fingerprint(page, TIME)
    page.mouse.move(box["x"] + 500, box["y"] + 90)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 90, steps=4)
    page.mouse.up()
    assert fingerprint(page, TIME) != picture
    assert page.evaluate(CHOSEN) == []  # a drag is no click


def test_inferences_can_be_chosen(show: Callable[..., Any]) -> None:
    page = show()
    step = page.locator(".t-step")
    page.get_by_role("button", name="Show the slowest inference").click()
    assert "133 ms" in step.inner_text()
    page.get_by_role("button", name="Show the inference of median length").click()
    assert "88.9 ms" in step.inner_text()
    page.get_by_role("button", name="Next inference").click()
    page.get_by_role("button", name="Show the whole recording").click()
    assert step.inner_text() == "All 40 inferences"


def test_unchanged_sensors_unfold_from_the_keyboard(show: Callable[..., Any]) -> None:
    page = show("steady")
    line = page.get_by_role("button", name="1 unchanged: memory clock 3,201 MHz")
    rest = page.locator(f"#{line.get_attribute('aria-controls')}")
    assert line.get_attribute("aria-expanded") == "false"
    assert rest.is_hidden()
    for sensor in ("SM clock", "Power", "Temperature", "CPU load"):
        assert page.locator(".t-gutter-row", has_text=sensor).is_visible()
    folded = page.locator(TIME).first.bounding_box()
    line.focus()
    page.keyboard.press("Enter")
    assert line.get_attribute("aria-expanded") == "true"
    assert "Memory clock\n3,201 MHz" in rest.inner_text()
    unfolded = page.locator(TIME).first.bounding_box()
    assert unfolded["height"] > folded["height"]
    assert painted(page, TIME) > 5
    page.keyboard.press("Space")
    assert rest.is_hidden()
    assert page.locator(TIME).first.bounding_box()["height"] == folded["height"]


def test_no_line_is_there_where_every_sensor_changed(show: Callable[..., Any]) -> None:
    assert show().locator(".t-fold").count() == 0


@pytest.mark.parametrize("width", [1440, 480])
def test_the_line_of_unchanged_sensors_stays_one_line(
    show: Callable[..., Any], width: int
) -> None:
    page = show("steady", width=width)
    line = page.locator(".t-fold")
    stage = page.locator(TIME).first.bounding_box()
    place = line.bounding_box()
    assert place["y"] + place["height"] == stage["y"] + stage["height"]
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_what_profiling_adds_is_told_whole_and_the_wait_has_a_name(
    new_page: Callable[..., Any], tmp_path: Path
) -> None:
    ms = 1_000_000
    bars = [("inference", -1, 0, 20, "inference"), ("conv", 0, 2, 8, "layer")]
    bars += [("copy in", -1, 0, 2, "copy"), ("copy out", -1, 18, 1, "copy")]
    timeline = tuple(
        Slice(n, name, 0, at * ms, took * ms, kind) for name, n, at, took, kind in bars
    )
    file = tmp_path / "waits.html"
    file.write_text(report_html(replace(resnet_report(iterations=3), timeline=timeline)))
    page = new_page()
    page.goto(file.as_uri())
    note = page.locator(".t-note", has_text="are time stamps and waits")
    note.wait_for()
    assert note.evaluate("(e) => e.scrollWidth <= e.clientWidth + 1")
    stage = page.locator(".t-time .t-stage").first
    stage.evaluate("(e) => e.scrollIntoView()")
    box = stage.bounding_box()
    row = page.locator(".t-gutter-row", has_text="Stream 0").bounding_box()
    page.mouse.move(box["x"] + 0.7 * box["width"], row["y"] + row["height"] / 2)
    page.get_by_role("tooltip").get_by_text("host takes the time stamps").wait_for()
    assert page.get_by_role("tooltip").get_by_text("8.00 ms").is_visible()

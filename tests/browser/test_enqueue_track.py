"""The timeline's track of the host's part: it says whether waiting is in there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from trtlab_widgets.export import report_html

from trtlab.report.records import Report

pytestmark = pytest.mark.browser

RECORDED = Path(__file__).parents[2] / "notebooks/recorded/bert_base-fp16-b32.json.gz"


@pytest.mark.parametrize(
    ("took_ns", "label", "told"),
    [
        (
            None,
            "Enqueue and wait",
            "enqueue, then waiting for the layers and their time stamps",
        ),
        (200_000, "Host enqueue", "enqueue"),
    ],
)
def test_waiting_for_the_layers_is_no_launching(
    new_page: Callable[..., Any], tmp_path: Path, took_ns: int | None, label: str, told: str
) -> None:
    report = Report.load(RECORDED)
    if took_ns is not None:  # as where nothing waits: asking ends long before the work
        timeline = tuple(
            replace(bar, duration_ns=took_ns) if bar.category == "enqueue" else bar
            for bar in report.timeline
        )
        report = replace(report, timeline=timeline)
    file = tmp_path / "enqueue.html"
    file.write_text(report_html(report), encoding="utf-8")
    page = new_page()
    page.goto(file.as_uri())
    row = page.locator(".t-gutter-row.is-enqueue")
    row.wait_for()
    assert row.locator(".t-gutter-label").inner_text() == label
    assert ("waits until" in row.get_attribute("title")) == (took_ns is None)
    stage = page.locator(".t-time .t-stage").first
    stage.evaluate("(e) => e.scrollIntoView()")
    box, place = stage.bounding_box(), row.bounding_box()
    page.mouse.move(box["x"] + 0.06 * box["width"], place["y"] + place["height"] / 2)
    assert page.locator(".t-tip-head").inner_text() == told

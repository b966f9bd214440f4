"""Exported files of several reports, to be opened as files."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sample_reports import HOSTILE, built_only, large_report, resnet_report
from trtlab_widgets.export import report_html

from trtlab.report.records import Trace


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    small = resnet_report()
    hostile = replace(
        small, layers=(replace(small.layers[0], name=HOSTILE), *small.layers[1:])
    )
    assert small.telemetry is not None
    times = small.telemetry.traces[0].times_ns
    clock = Trace("gpu.memory_clock", "Memory clock", "MHz", times, (3201.0,) * len(times))
    steady = replace(
        small, telemetry=replace(small.telemetry, traces=(*small.telemetry.traces, clock))
    )
    reports = {
        "small": small,
        "steady": steady,
        "large": large_report(),
        "built": built_only(replace(small, memory=replace(small.memory, io_bytes=0))),
        "hostile": hostile,
    }
    for name, report in reports.items():
        (folder / f"{name}.html").write_text(report_html(report), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in reports}


@pytest.fixture
def show(new_page: Callable[..., Any], pages: dict[str, Path]) -> Callable[..., Any]:
    def open_page(name: str = "small", **options: Any) -> Any:
        page = new_page(**options)
        page.goto(pages[name].as_uri())
        page.wait_for_selector(".trtl-explorer .t-grid-row")
        return page

    return open_page

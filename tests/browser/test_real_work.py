"""The workbench in a live JupyterLab doing real work: what the README's picture shows."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "workbench.png"
CELL = """import trtlab

workbench = trtlab.Workbench("zoo:mobilenet_v2")
workbench"""
BUILD = ".trtl-actions button:has-text('Build')"
RUN = ".trtl-actions button:has-text('Run')"


def test_a_real_model_from_click_to_selected_layer(
    lab: Any, new_page: Callable[..., Any], tmp_path: Path
) -> None:
    """Set TRTLAB_UPDATE_PICTURE=1 to renew the README's picture."""
    page = new_page(width=1440, height=1500)
    lab.open(page, "real", CELL)
    lab.run_all(page)
    page.get_by_text("Ready to build.").wait_for()
    page.locator(BUILD).click()
    # A build that is cancelled leaves the workbench ready for the next one.
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("cancelled", exact=False).first.wait_for()
    page.locator(RUN).click()
    page.get_by_text("queries: median latency").wait_for(timeout=180_000)
    assert lab.run_code(page, "print(workbench.report.benchmark is not None)") == "True"
    page.get_by_role("tab", name="Layers & timeline").click()
    rows = page.locator(".trtl-explorer .t-grid-row")
    rows.first.wait_for()
    rows.first.click()
    selected = lab.run_code(page, "print(workbench.selected[0].name)")
    page.locator(".trtl-explorer .t-detail h3", has_text=selected).wait_for()
    page.mouse.move(5, 5)
    page.wait_for_timeout(400)
    picture = PICTURE if os.environ.get("TRTLAB_UPDATE_PICTURE") else tmp_path / PICTURE.name
    page.screenshot(path=str(picture))
    assert picture.stat().st_size > 30_000

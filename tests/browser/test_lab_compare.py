"""The workbench's tab that compares two runs of a model, in a live JupyterLab."""

from collections.abc import Callable
from typing import Any

import pytest
from lab_workbench import RUN, TABS_TOP, WORKBENCH

pytestmark = pytest.mark.browser

TAB = ".trtl-compare"


@pytest.mark.parametrize(("theme", "width"), [("Light", 1440), ("Dark", 900)])
def test_a_tweak_and_what_it_changed(
    lab: Any, new_page: Callable[..., Any], theme: str, width: int
) -> None:
    page = new_page(width=width, scheme=theme.lower())
    lab.open(page, f"tweak-{theme}", WORKBENCH, theme=theme)
    lab.run_all(page)
    page.get_by_text("Ready to build.").wait_for()
    page.get_by_role("tab", name="Compare").click()
    tab = page.locator(TAB)
    page.locator(RUN).click()
    tab.get_by_text("Run again with other options").wait_for()
    assert not tab.get_by_label("Compare with").is_visible()
    top = page.evaluate(TABS_TOP)
    lab.run_code(page, "wb._desk.options.precision._precision.value = 'fp16'")
    page.locator(RUN).click()
    tab.get_by_text("Latency 88.9 ms → 62.2 ms").wait_for()
    assert page.evaluate(TABS_TOP) == top
    chosen = tab.get_by_label("Compare with")
    told = chosen.locator("option:checked").text_content()
    assert " ".join(told.split()).startswith("fp32 · 1×3×224×224 · 88.9 ms")
    rows = tab.locator("tbody tr")
    assert rows.count() == 59
    first = rows.first.locator("td").all_inner_texts()
    assert first[0] in rows.first.locator("td").first.get_attribute("title")
    assert "faster" in first
    wide = page.evaluate(
        """[...document.querySelectorAll('.trtl-compare, .trtl-compare > *, .t-panel-body')]
           .filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)
           .map((e) => e.className)"""
    )
    assert wide == []
    lab.run_code(page, "wb.run(); wb.wait(60)")  # the same again: the run that it was
    assert chosen.locator("option").count() == 1

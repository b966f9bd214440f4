"""Keys typed in a live view belong to the view: a notebook has commands on plain letters."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser

VIEWS = """from sample_reports import resnet_report
from trtlab_widgets.live.code_view import CodeView
from trtlab_widgets.live.explorer import Explorer
from IPython.display import display

display(Explorer(resnet_report()), CodeView("import trtlab"))"""
NOTEBOOK = "window.jupyterapp.shell.currentWidget"
CELLS = f"{NOTEBOOK}.content.widgets.map((cell) => cell.model.sharedModel.getSource())"
DIRTY = f"{NOTEBOOK}.context.model.dirty"
ROW = ".t-table .t-grid-row"
PLACES = [
    ".t-table .t-grid",
    ".t-table .t-grid-sort",
    "button:text-is('Median')",
    "button:text-is('All')",
    ".t-chip",
    ".t-detail",
    ".t-time .t-stage",
    ".t-memory-stage",
    ".trtl-code .t-code",
    ".trtl-code button",
]


def test_letters_stay_in_the_view_and_shortcuts_do_not(
    lab: Any, new_page: Callable[..., Any]
) -> None:
    page = new_page(height=1400)
    lab.open(page, "keys", VIEWS, "x = 1")
    lab.run_all(page)
    page.locator(ROW).first.wait_for()
    page.locator(".trtl-code").wait_for()
    before = page.evaluate(CELLS)
    page.locator(ROW).first.click()  # also leaves the cell's editor
    for place in PLACES:
        page.locator(place).first.focus()
        for key in ("d", "d", "a", "b", "Shift+M"):
            page.keyboard.press(key)
        page.wait_for_timeout(100)  # the notebook's commands take a moment
        assert page.evaluate(CELLS) == before, place
    page.evaluate(f"{DIRTY} = true")
    page.locator(PLACES[0]).first.focus()
    page.keyboard.press("Control+s")
    page.wait_for_function(f"!{DIRTY}")
    page.locator(PLACES[0]).first.focus()
    page.keyboard.press("Tab")
    assert page.locator(PLACES[0]).first.evaluate("(e) => e !== document.activeElement")

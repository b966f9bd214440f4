"""The workbench in a live JupyterLab, with a session that only pretends to work."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

WORKBENCH = """from fake_session import FakeSession
from trtlab_widgets.workbench import Workbench

wb = Workbench("zoo:resnet50", session=FakeSession({step_s}))
wb"""
EXPLORER = """from sample_reports import resnet_report
from trtlab_widgets.live.explorer import Explorer

explorer = Explorer(resnet_report())
explorer"""
TABS = ".trtl-workbench .trtl-tabs"
RUN = ".trtl-actions button:has-text('Run')"


@pytest.fixture
def notebook(lab: Any, new_page: Callable[..., Any]) -> Callable[..., Any]:
    def run(name: str, *cells: str, theme: str = "Light", **options: Any) -> Any:
        page = new_page(**options)
        lab.open(page, name, *cells, theme=theme)
        lab.run_all(page)
        return page

    return run


def test_the_first_picture_comes_by_itself(notebook: Callable[..., Any]) -> None:
    page = notebook("first", WORKBENCH.format(step_s=0.0))
    page.wait_for_selector(TABS)
    page.wait_for_selector(".trtl-model-card b")


@pytest.mark.parametrize(("theme", "width"), [("Light", 1440), ("Dark", 1440), ("Light", 900)])
def test_from_a_click_to_all_results(
    lab: Any, notebook: Callable[..., Any], theme: str, width: int
) -> None:
    page = notebook(
        f"click-{theme}-{width}", WORKBENCH.format(step_s=0.005), theme=theme, width=width
    )
    page.get_by_text("Ready to build.").wait_for()
    page.locator(RUN).click()
    page.get_by_text("Measured 40 queries: median latency 88.9 ms.").wait_for()
    page.locator(".t-cards").get_by_text("88.9 ms").wait_for()
    page.get_by_role("button", name="Save page").click()
    told = page.get_by_text("Saved the page: ")
    told.wait_for()
    assert (lab.folder / Path(told.inner_text()).name).stat().st_size > 100_000
    page.get_by_role("tab", name="Layers & timeline").click()
    page.locator(".trtl-explorer .t-grid-row").first.wait_for()
    page.wait_for_selector(f".trtl-explorer[data-theme='{theme.lower()}']")
    page.get_by_role("tab", name="Build").click()
    page.get_by_text("fold-batch-norm").first.wait_for()
    page.get_by_role("tab", name="Python").click()
    assert "trtlab.build(" in page.locator(".t-code").inner_text()
    assert "report.save(" in page.locator(".t-code").inner_text()


def test_the_theme_can_change_while_it_is_shown(notebook: Callable[..., Any]) -> None:
    page = notebook("theme", EXPLORER)
    page.locator(".trtl-explorer .t-grid-row").first.wait_for()
    background = "getComputedStyle(document.querySelector('.trtl .t-panel')).backgroundColor"
    light = page.evaluate(background)
    page.evaluate(
        "window.jupyterapp.commands.execute('apputils:change-theme',"
        " { theme: 'JupyterLab Dark' })"
    )
    page.wait_for_selector(".trtl-explorer[data-theme='dark']")
    page.wait_for_function(f"({background}) !== '{light}'")
    page.wait_for_function("document.querySelector('.t-table .t-grid').clientHeight > 0")
    page.locator(".trtl-explorer .t-table .t-grid-row:visible").nth(9).wait_for()


def test_selection_goes_both_ways(lab: Any, notebook: Callable[..., Any]) -> None:
    page = notebook("selection", EXPLORER)
    page.locator(".trtl-explorer .t-grid-row").first.wait_for()
    assert lab.run_code(page, "explorer.select('fc')") == ""
    page.locator(".t-detail h3", has_text="fc").wait_for()
    page.locator(".t-table .t-grid-row[aria-selected='true']", has_text="fc").wait_for()
    page.get_by_label("Filter layers").fill("avgpool")
    page.locator(".t-table .t-grid-row:visible", has_text="avgpool").first.click()
    page.locator(".t-detail h3", has_text="avgpool").wait_for()
    assert lab.run_code(page, "print([x.name for x in explorer.selected])") == "['avgpool']"


def test_progress_and_cancel_while_a_build_runs(notebook: Callable[..., Any]) -> None:
    page = notebook("cancel", WORKBENCH.format(step_s=0.5))
    page.get_by_text("Ready to build.").wait_for()
    page.locator(RUN).click()
    bar = page.get_by_role("progressbar").first
    bar.wait_for()
    page.wait_for_function(
        "Number(document.querySelector('[role=progressbar]')?.ariaValueNow) >= 10"
    )
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Cancelled.").first.wait_for()
    page.wait_for_selector(f"{RUN}:enabled")


def test_progress_and_cancel_are_in_sight_with_the_options_open(
    notebook: Callable[..., Any],
) -> None:
    page = notebook("sight", WORKBENCH.format(step_s=0.5), width=1280)
    page.get_by_text("Ready to build.").wait_for()
    options = page.locator(".trtl-options")
    page.get_by_role("button", name="Options").click()
    options.wait_for()
    before = options.bounding_box()
    page.locator(RUN).click()
    bar = page.get_by_role("progressbar").first
    bar.wait_for()
    assert bar.bounding_box()["y"] < before["y"]
    cancel = page.get_by_role("button", name="Cancel")
    assert cancel.bounding_box()["y"] < before["y"] < 400
    assert options.bounding_box() == before  # nothing jumps
    assert before["height"] < 560
    cancel.click()
    page.get_by_text("Cancelled.").first.wait_for()


def test_progress_goes_on_while_a_cell_is_busy(lab: Any, notebook: Callable[..., Any]) -> None:
    busy = "import time\nwb.wait(); wb.build(); time.sleep(300)"
    page = notebook("busy", WORKBENCH.format(step_s=1.0), busy)
    page.wait_for_selector("[role=progressbar][aria-label^=tactics]")
    share = "Number(document.querySelector('[aria-label^=tactics]').ariaValueNow)"
    first = page.evaluate(share)
    page.wait_for_function(f"{share} > {first}")
    # The kernel's status also tells of the widget's own messages; the cell's prompt does not.
    assert page.locator(".jp-InputPrompt", has_text="[*]").count() == 1


def test_problems_appear_beside_their_field(notebook: Callable[..., Any]) -> None:
    page = notebook("fields", WORKBENCH.format(step_s=0.0))
    page.get_by_text("Ready to build.").wait_for()
    page.get_by_role("button", name="Options").click()
    page.get_by_label("min", exact=True).fill("9,3,224,224")
    page.get_by_text("dimension 0: min 9 is above opt 1", exact=True).wait_for()
    page.get_by_text("Not ready: input: dimension 0").wait_for()
    page.wait_for_selector(f"{RUN}:disabled")
    page.get_by_label("min", exact=True).fill("1,3,224,224")
    page.wait_for_selector(f"{RUN}:enabled")
    page.get_by_text("Ready to build.").wait_for()


def test_sensors_run_only_while_they_are_seen(lab: Any, notebook: Callable[..., Any]) -> None:
    page = notebook("sensors", WORKBENCH.format(step_s=0.0))
    page.get_by_text("Ready to build.").wait_for()
    running = "print(sum(not w._closed.is_set() for w in wb._session.watches))"
    assert lab.run_code(page, running) == "0"
    page.get_by_role("button", name="Sensors").click()
    page.locator(".t-strip", has_text="CPU load").wait_for()
    page.locator(".t-strip").nth(1).wait_for()
    assert lab.run_code(page, running) == "1"
    page.get_by_role("button", name="Sensors").click()
    for _ in range(600):
        if lab.run_code(page, running) == "0":
            return
        page.wait_for_timeout(100)
    raise AssertionError("the sensors go on")


def test_a_saved_notebook_shows_a_summary_without_its_kernel(
    lab: Any, notebook: Callable[..., Any], new_page: Callable[..., Any]
) -> None:
    page = notebook("saved", WORKBENCH.format(step_s=0.0))
    page.get_by_text("Ready to build.").wait_for()
    page.locator(RUN).click()
    page.get_by_text("Measured 40 queries").wait_for()
    fallback = page.locator(".trtl-fallback")
    fallback.get_by_text("median latency").wait_for(state="attached")
    page.wait_for_timeout(300)
    assert not fallback.is_visible()  # the live view is there
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    reader = new_page()
    reader.goto(f"http://127.0.0.1:{lab.port}/lab/workspaces/reader/tree/saved.ipynb?reset")
    reader.locator(".trtl-fallback").get_by_text("88.880 ms").wait_for()
    reader.get_by_text("A saved summary; run the cell for the live view.").wait_for()

"""What the workbench says above its tabs, in a live JupyterLab: whose results, and errors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab_workbench import RUN, TABS_TOP, WORKBENCH

pytestmark = pytest.mark.browser

LINE = ".trtl-shown-line"
OPACITY = "getComputedStyle(document.querySelector('.trtl-tabs .t-page')).opacity"


@pytest.fixture
def measured(lab: Any, new_page: Callable[..., Any]) -> Callable[..., Any]:
    """A workbench that has run once."""

    def open_page(name: str, **options: Any) -> Any:
        page = new_page(**options)
        lab.open(page, name, WORKBENCH)
        lab.run_all(page)
        page.get_by_text("Ready to build.").wait_for()
        page.locator(RUN).click()
        page.get_by_text("Measured 40 queries").wait_for()
        page.locator(LINE).get_by_text("Matches the form.").wait_for()
        return page

    return open_page


@pytest.mark.parametrize("width", [1440, 900])
def test_results_of_another_model_are_marked_on_every_tab(
    measured: Callable[..., Any], width: int
) -> None:
    page = measured(f"marked-{width}", width=width)
    top = page.evaluate(TABS_TOP)
    page.locator(".trtl-row select").select_option("transformer")
    page.locator(LINE).get_by_text("The form has changed since: ").wait_for()
    page.get_by_text("Ready to build.").wait_for()
    assert page.evaluate(TABS_TOP) == top
    page.wait_for_function(f"{OPACITY} < 1")
    for tab in ("Layers & timeline", "Build", "Python"):
        page.get_by_role("tab", name=tab).click()
        assert page.locator(LINE).get_by_text("Shown: resnet50_sample · fp32").is_visible()
    assert "resnet50_sample" in page.get_by_role("button", name="Save engine").get_attribute(
        "title"
    )


def test_an_error_is_shown_whole_until_it_is_dismissed(measured: Callable[..., Any]) -> None:
    page = measured("told")
    path = page.get_by_placeholder("or the path of")
    path.fill("broken.onnx")
    path.press("Enter")
    box = page.locator(".trtl-error")
    box.get_by_text("export it again").wait_for()
    assert page.get_by_text("broken.onnx is not an ONNX file").count() == 1
    box.get_by_role("button", name="Dismiss").click()
    box.wait_for(state="hidden")


def test_a_report_that_was_saved_opens_again(lab: Any, measured: Callable[..., Any]) -> None:
    page = measured("again")
    page.get_by_role("button", name="Save report").click()
    told = page.get_by_text("Saved the report: ")
    told.wait_for()
    name = Path(told.inner_text()).name
    assert (lab.folder / name).exists()
    path = page.get_by_placeholder("or the path of")
    path.fill(name)
    path.press("Enter")
    page.locator(LINE).get_by_text(f"loaded from {name}.").wait_for()
    page.wait_for_selector(f"{RUN}:enabled")


@pytest.mark.parametrize("width", [1440, 900])
def test_open_options_fit_and_are_counted(measured: Callable[..., Any], width: int) -> None:
    page = measured(f"fit-{width}", width=width)
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Precision").select_option("fp16 (emulated)")
    page.get_by_role("button", name="Options · 1 changed").wait_for()
    page.get_by_text("Ready to build. fp16").wait_for()
    wide = page.evaluate(
        """[...document.querySelectorAll('.trtl-workbench, .trtl-options, .trtl-options *')]
           .filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)
           .filter((e) => !['INPUT', 'SELECT', 'SPAN', 'LABEL'].includes(e.tagName))
           .map((e) => `${e.tagName} ${e.className}`)"""
    )
    assert wide == []
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("button", name="Options", exact=True).wait_for()
    page.locator(LINE).get_by_text("Matches the form.").wait_for()


def test_a_saved_report_tells_the_code_that_asks_for_it(
    lab: Any, new_page: Callable[..., Any]
) -> None:
    page = new_page()
    cell = """from fake_session import FakeSession
from sample_reports import resnet_report
from trtlab_widgets.workbench import Workbench

wb = Workbench(report=resnet_report(iterations=3), session=FakeSession())
wb"""
    lab.open(page, "code-of-a-report", cell)
    lab.run_all(page)
    page.locator(LINE).get_by_text("A recorded report").wait_for()
    page.get_by_role("tab", name="Python").click()
    page.get_by_text("A script that asks for the same, from the report").wait_for()
    page.locator(".t-code", has_text="trtlab.build(").wait_for()

"""The drawer beside the table: what it says of a layer, and that all of it can be seen."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sample_reports import resnet_report
from trtlab_widgets.export import report_html

from trtlab.report.records import LayerRecord, Report, Samples

pytestmark = pytest.mark.browser

RECORDED = Path(__file__).parents[2] / "notebooks/recorded"
IDLE = 9  # the sample's layer that is made to run nothing
SINGLE = 3  # the one that is made to compute through fp32


def _idle(layer: LayerRecord) -> LayerRecord:
    return replace(
        layer, type="CONCATENATION", tactic="none (shares memory)", time_us=Samples(())
    )


def _with_idle(report: Report) -> Report:
    layers = list(report.layers)
    layers[IDLE] = _idle(layers[IDLE])
    return replace(report, layers=tuple(layers))


def _with_low_peak(report: Report) -> Report:
    """The same run on a device whose memory was measured ten times too slow."""
    peak = (report.device.peak_bytes_per_s or 0.0) / 10
    return replace(report, device=replace(report.device, peak_bytes_per_s=peak))


def _emulated(report: Report) -> Report:
    """The same run as if it computed fp16 through fp32: no peak of fp16 is known."""
    layers = tuple(_through_fp32(layer) for layer in report.layers)
    config = replace(report.config, precision="fp16", emulated=True)
    return replace(report, layers=layers, config=config)


def _through_fp32(layer: LayerRecord) -> LayerRecord:
    return replace(layer, precision="fp16", tactic=f"{layer.tactic}~fp16")


def _with_single(report: Report) -> Report:
    """Built in fp32 but for one layer."""
    layers = list(report.layers)
    layers[SINGLE] = _through_fp32(layers[SINGLE])
    return replace(report, layers=tuple(layers))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pages")
    recorded = {
        name: Report.load(RECORDED / f"{name}.json.gz")
        for name in ("bert_base-fp16-b32", "resnet50-fp16-b32")
    }
    reports = {
        **recorded,
        "idle": _with_idle(resnet_report()),
        "above": _with_low_peak(recorded["resnet50-fp16-b32"]),
        "emulated": _emulated(resnet_report()),
        "single": _with_single(resnet_report()),
    }
    for name, report in reports.items():
        (folder / f"{name}.html").write_text(report_html(report), encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in reports}


@pytest.fixture
def show(new_page: Callable[..., Any], pages: dict[str, str]) -> Callable[..., Any]:
    def open_page(name: str, **options: Any) -> Any:
        page = new_page(**options)
        page.goto(pages[name])
        page.wait_for_selector(".trtl-explorer .t-grid-row")
        return page

    return open_page


@pytest.mark.parametrize("width", [1440, 1100, 900, 480])
@pytest.mark.parametrize("name", ["bert_base-fp16-b32", "resnet50-fp16-b32"])
def test_every_layer_fits_the_drawer(show: Callable[..., Any], name: str, width: int) -> None:
    page = show(name, width=width)
    count, wide = page.evaluate(
        """(() => {
             const drawer = document.querySelector('.t-detail');
             const room = () => drawer.getBoundingClientRect().left + drawer.clientWidth;
             const count = parseInt(document.querySelector('.t-table .t-foot').innerText);
             const wide = [];
             for (let i = 0; i < count; i += 1) {
               trtlab.model.set('selection', [i]);
               for (const el of drawer.querySelectorAll('details')) el.open = true;
               const cut = [...drawer.querySelectorAll('.t-tag, .t-arena-time, .t-tensors td')]
                 .filter((el) => el.getBoundingClientRect().right > room());
               if (drawer.scrollWidth > drawer.clientWidth || cut.length) wide.push(i);
             }
             return [count, wide];
           })()"""
    )
    assert count > 50
    assert wide == []


def test_a_tensors_facts_are_all_there(show: Callable[..., Any]) -> None:
    page = show("resnet50-fp16-b32")
    page.evaluate("trtlab.model.set('selection', [5])")
    row = page.locator(".t-tensors tbody tr").first
    assert row.inner_text().split() == [
        "in", "/MaxPool_output_0", "32×64×56×56", "fp16", "hwc", "12.3", "MiB",
    ]  # fmt: skip


def test_rates_of_a_gpu_read_in_one_unit_everywhere(show: Callable[..., Any]) -> None:
    page = show("resnet50-fp16-b32")
    assert page.get_by_role("columnheader", name="TFLOP/s").is_visible()
    page.evaluate("trtlab.model.set('selection', [5])")
    drawer = page.locator(".t-detail").inner_text()
    assert "TFLOP/s" in drawer
    assert "GFLOP/s" not in drawer
    device = Report.load(RECORDED / "resnet50-fp16-b32.json.gz").device
    flops = f"{device.peak_flops_per_s['fp16'] / 1e12:.0f} TFLOP/s"
    memory = f"{(device.peak_bytes_per_s or 0.0) / 1e12:.2f} TB/s"
    assert f"measured peaks: {flops}, {memory}" in drawer
    assert "GiB/s" not in drawer
    hint = page.locator(".t-grid-sort", has_text="Of limit").get_attribute("title")
    assert hint.endswith(f": fp16 {flops}, memory {memory}")


def test_a_layer_is_numbered_as_in_the_table(show: Callable[..., Any]) -> None:
    page = show("resnet50-fp16-b32")
    page.evaluate("trtlab.model.set('selection', [56])")
    row = page.locator(".t-table .t-grid-row[aria-selected='true']")
    assert row.locator(".t-cell").first.inner_text() == "56"
    assert "layer #56 ·" in page.locator(".t-detail-head").inner_text()


def test_more_than_the_limit_is_said_and_explained(show: Callable[..., Any]) -> None:
    page = show("above")
    cell = page.locator(".t-table .t-cell", has_text=">100 %").first
    assert "The peak is a measurement too" in cell.get_attribute("title")
    cell.click()
    fact = page.locator(".t-facts > div", has_text="Of the limit")
    assert fact.inner_text().split("\n") == [
        "Of the limit",
        ">100 %",
        "above the peak",
    ]
    assert fact.get_attribute("title") == cell.get_attribute("title")


def test_a_layer_that_never_runs_has_no_chosen_tactic(show: Callable[..., Any]) -> None:
    page = show("idle")
    page.evaluate(f"trtlab.model.set('selection', [{IDLE}])")
    drawer = page.locator(".t-detail")
    winner = resnet_report().build.selections[IDLE].chosen
    words = drawer.locator(".t-arena-idle").inner_text()
    assert "write straight into its output's memory" in words
    assert words.endswith(f"the contest's winner would run: {winner}.")
    assert drawer.locator(".t-arena").first.is_visible()
    assert drawer.get_by_text("chosen", exact=True).count() == 0
    assert drawer.locator(".is-chosen").count() == 0
    page.evaluate(f"trtlab.model.set('selection', [{IDLE - 1}])")
    assert drawer.get_by_text("chosen", exact=True).count() == 1
    assert drawer.locator(".t-arena-idle").count() == 0


def test_where_no_peak_was_measured_it_is_said(show: Callable[..., Any]) -> None:
    page = show("emulated")
    why = "No peak of fp16 was measured: it is emulated through fp32"
    colour = page.get_by_role("button", name="Headroom", exact=True)
    assert colour.is_disabled()
    assert why in colour.get_attribute("title")
    page.evaluate("trtlab.model.set('selection', [3])")
    limit = page.locator(".t-facts > div", has_text="Of the limit")
    assert limit.locator("dd").inner_text() == "–\nno peak of fp16"
    assert why in limit.get_attribute("title")


def test_a_single_emulated_layer_is_told_from_the_others(show: Callable[..., Any]) -> None:
    page = show("single")
    said = page.locator(".t-detail-head p")
    page.evaluate(f"trtlab.model.set('selection', [{SINGLE}])")
    assert " · fp16 (emulated) · " in said.inner_text()
    limit = page.locator(".t-facts > div", has_text="Of the limit")
    assert "it is emulated through fp32" in limit.get_attribute("title")
    page.evaluate(f"trtlab.model.set('selection', [{SINGLE + 1}])")
    assert " · fp32 · " in said.inner_text()
    page.get_by_label("Filter layers").fill("emulated")
    assert page.locator(".t-table .t-foot").inner_text().startswith("1 of 59 layers")
    cell = page.locator(".t-table .t-grid-row:visible").get_by_text("fp16*", exact=True)
    assert cell.get_attribute("title") == "fp16 (emulated)"
    head = page.get_by_role("columnheader", name="Prec.").get_by_role("button")
    assert "* emulated through fp32" in head.get_attribute("title")


def test_a_hovered_bar_says_that_its_layer_is_emulated(show: Callable[..., Any]) -> None:
    page = show("emulated")
    stage = page.locator(".t-stage").first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + 0.62 * box["width"], box["y"] + 92)
    assert " · fp16 (emulated)" in page.locator(".t-tip").inner_text()


def test_colours_of_headroom_are_there_where_peaks_are(show: Callable[..., Any]) -> None:
    page = show("resnet50-fp16-b32")
    assert page.get_by_role("button", name="Headroom", exact=True).is_enabled()


def test_times_say_their_shapes_and_how_many_inferences_they_are_of(
    show: Callable[..., Any],
) -> None:
    page = show("resnet50-fp16-b32")
    page.locator(".t-table .t-grid-row:visible").first.click()
    page.locator(".t-detail").get_by_text("Timed alone at x 32×3×224×224.").wait_for()
    page.get_by_text("3 of 50 profiled inferences are drawn, median").wait_for()
    page.get_by_text("; medians of 50 profiled inferences").wait_for()

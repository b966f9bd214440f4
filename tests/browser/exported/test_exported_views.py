"""An exported file as a whole: what a person sees, light and dark, wide and narrow."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from page_canvas import CHOSEN, MEMORY, TIME, fingerprint, painted, settle
from sample_reports import HOSTILE, resnet_report
from trtlab_widgets.export import report_html

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 900, 480])
def test_all_views_are_drawn(show: Callable[..., Any], scheme: str, width: int) -> None:
    page = show(scheme=scheme, width=width)
    assert painted(page, TIME) > 5
    assert painted(page, MEMORY) > 5
    assert page.locator(".t-grid-row:visible").count() >= 8
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0


def test_dark_follows_the_system_while_open(show: Callable[..., Any]) -> None:
    page = show()
    before = fingerprint(page, TIME)
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector(".trtl-explorer[data-theme='dark']")
    assert fingerprint(page, TIME) != before


def test_a_block_of_memory_selects_its_writer(show: Callable[..., Any]) -> None:
    page = show()
    stage = page.locator(MEMORY)
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 40)
    assert "Written by" in page.locator(".t-tip").inner_text()
    page.mouse.click(box["x"] + box["width"] * 0.2, box["y"] + 40)
    assert len(page.evaluate(CHOSEN)) == 1


def test_pictures_have_tables_as_twins(show: Callable[..., Any]) -> None:
    page = show()
    page.get_by_role("button", name="Table").first.click()
    slices = page.get_by_role("grid", name="Slices in view")
    assert slices.is_visible()
    assert "Inference 9" in slices.inner_text()
    page.get_by_role("button", name="Table").nth(1).click()
    tensors = page.get_by_role("grid", name="Tensors in the arena")
    assert tensors.is_visible()
    tensors.locator(".t-grid-row").first.click()
    assert len(page.evaluate(CHOSEN)) == 1
    assert slices.locator('[aria-selected="true"]').count() >= 1


def test_every_control_has_a_name(show: Callable[..., Any]) -> None:
    page = show()
    nameless = page.evaluate(
        """[...document.querySelectorAll('button, input, [tabindex="0"], [role="img"]')]
           .filter((el) => !(el.getAttribute('aria-label') || el.textContent.trim()))
           .map((el) => el.outerHTML.slice(0, 80))"""
    )
    assert nameless == []


def test_an_unmeasured_report_says_what_to_do(show: Callable[..., Any]) -> None:
    page = show("built")
    assert page.get_by_text("Not measured yet", exact=True).is_visible()
    page.locator(".t-table .t-grid-row").first.click()
    assert "not run" in page.locator(".t-detail").inner_text()
    assert painted(page, MEMORY) > 5


def test_latencies_have_no_layer_types_colour(show: Callable[..., Any]) -> None:
    fill, dots, whole = show().evaluate(
        """(() => {
             const probe = document.createElement('i');
             document.querySelector('.t-plot').append(probe);
             probe.style.color = 'var(--t-part-whole)';
             const style = (selector) => getComputedStyle(document.querySelector(selector));
             return [style('.t-plot rect').fill, style('.t-dots').stroke, style('.t-plot i').color];
           })()"""
    )
    assert fill == dots == whole


@pytest.mark.parametrize(("name", "told"), [("small", True), ("built", False)])
def test_memory_of_bindings_is_told_of_runs_only(
    show: Callable[..., Any], name: str, *, told: bool
) -> None:
    foot = show(name).locator(".t-panel:has(.t-memory-stage) .t-foot")
    words = foot.first.inner_text()
    assert "Arena" in words
    assert ("The run's inputs and outputs" in words) == told


def test_names_from_models_stay_text(show: Callable[..., Any]) -> None:
    page = show("hostile")
    page.evaluate("trtlab.model.set('selection', [0])")
    page.locator(TIME).first.hover()
    settle(page)
    assert page.locator(".t-detail h3").inner_text() == HOSTILE
    assert page.title() != "owned"


def measured_apart(page: Any) -> dict[str, float]:
    """The smallest contrast and the smallest letters of the texts that are shown."""
    return page.evaluate(
        """() => {
             const unit = (c) => c.startsWith('color(') ? 1 : 255;
             const parts = (c) => c.match(/[\\d.]+(?![\\w(])/g).map((v) => Number(v) / unit(c));
             const light = (c) => parts(c).slice(0, 3)
               .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
               .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
             const ground = getComputedStyle(document.body).backgroundColor;
             const found = [...document.querySelectorAll('.t-dim, .t-note, .t-title p, small')]
               .filter((e) => e.clientWidth && e.textContent.trim()).map((e) => {
                 const style = getComputedStyle(e);
                 const [a, b] = [light(style.color), light(ground)].sort((x, y) => y - x);
                 return [(a + 0.05) / (b + 0.05), parseFloat(style.fontSize)];
               });
             return { contrast: Math.min(...found.map((f) => f[0])),
                      pixels: Math.min(...found.map((f) => f[1])) };
           }"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_quiet_texts_are_readable(show: Callable[..., Any], scheme: str) -> None:
    found = measured_apart(show(scheme=scheme))
    assert found["contrast"] >= 4.5
    assert found["pixels"] >= 11


def test_facts_of_the_head_stay_whole(show: Callable[..., Any]) -> None:
    lines = show(width=900).evaluate(
        "[...document.querySelectorAll('.t-title p span')].map((e) => e.getClientRects().length)"
    )
    assert set(lines) == {1}


@pytest.mark.parametrize("width", [700, 760, 1280])
def test_cards_hold_what_they_say(
    new_page: Callable[..., Any], tmp_path: Path, width: int
) -> None:
    report = resnet_report()
    assert report.benchmark is not None
    fast = replace(report, benchmark=replace(report.benchmark, throughput_qps=6803.0))
    path = tmp_path / "fast.html"
    path.write_text(report_html(fast), encoding="utf-8")
    page = new_page(width=width)
    page.goto(path.as_uri())
    assert page.locator(".t-cards dd", has_text="6,803 queries/s").is_visible()
    cut = page.evaluate(
        """[...document.querySelectorAll('.t-cards dd, .t-cards small')].filter((e) =>
             e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight + 1
           ).map((e) => e.textContent)"""
    )
    assert cut == []


@pytest.mark.parametrize("width", [760, 1280])
def test_paper_has_all_layers_and_no_controls(show: Callable[..., Any], width: int) -> None:
    page = show(width=width)
    assert page.locator(".t-printed tr").count() == 0
    page.emulate_media(media="print")
    rows = page.locator(".t-printed tbody tr")
    rows.nth(58).wait_for()
    assert rows.count() == 59
    heads = page.locator(".t-printed th").all_inner_texts()
    assert {"Layer", "Median time", "Share", "Tactic", "Of limit"} <= set(heads)
    cut = page.evaluate(
        """[...document.querySelectorAll('.t-printed th, .t-printed td')].filter((cell) => {
             const panel = cell.closest('.t-panel').getBoundingClientRect();
             return cell.getBoundingClientRect().right > panel.right;
           }).map((cell) => cell.textContent)"""
    )
    assert cut == []
    controls = page.locator("button:visible, input:visible, summary:visible, kbd:visible")
    assert controls.all_inner_texts() == []
    page.emulate_media(media="screen")
    page.locator(".t-grid-row:visible").first.wait_for()
    page.wait_for_function("!document.querySelector('.t-printed tr')")

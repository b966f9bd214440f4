"""The linked views where CSS enlarges them, as JupyterLab's *View → Zoom* does.

Every test does the same thing at the same part of a picture, once as it is and once zoomed:
what the pointer means must not depend on the zoom.
"""

from collections.abc import Callable
from typing import Any

import pytest
from sample_reports import resnet_report
from trtlab_widgets.export import report_html

pytestmark = pytest.mark.browser

ZOOMS = (0.8, 1.3, 1.5)
TIME, MEMORY = ".t-stage", ".t-memory-stage"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("zoomed") / "report.html"
    path.write_text(report_html(resnet_report()), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def show(new_page: Callable[..., Any], address: str) -> Callable[[], Any]:
    def open_page() -> Any:
        page = new_page()
        page.goto(address)
        page.wait_for_selector(".trtl-explorer .t-grid-row")
        return page

    return open_page


def zoom_to(page: Any, zoom: float) -> None:
    """Zoom the page's contents; ends after they have been laid out and painted."""
    page.evaluate(
        """async (zoom) => {
             const frame = () => new Promise((done) => requestAnimationFrame(done));
             document.body.style.zoom = String(zoom);
             await frame(), await frame(), await frame();
           }""",
        zoom,
    )


def place(page: Any, selector: str, zoom: float, part: float, down: float) -> dict[str, float]:
    """A point of a picture in window pixels: a part of its width, and its own pixels down."""
    picture = page.locator(selector).first
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    return {"x": box["x"] + part * box["width"], "y": box["y"] + down * zoom}


def tip(page: Any) -> str:
    return page.locator(".t-tip").inner_text()


def selected(page: Any) -> list[int]:
    return page.evaluate("trtlab.model.get('selection')")


@pytest.mark.parametrize("zoom", ZOOMS)
@pytest.mark.parametrize(
    ("selector", "part", "down"),
    [(TIME, 0.15, 92.0), (TIME, 0.62, 92.0), (TIME, 0.9, 92.0), (MEMORY, 0.2, 40.0)],
)
def test_the_pointer_finds_the_same(
    show: Callable[[], Any], zoom: float, selector: str, part: float, down: float
) -> None:
    page = show()
    found: list[tuple[str, list[int]]] = []
    for each in (1.0, zoom):
        zoom_to(page, each)
        point = place(page, selector, each, part, down)
        page.mouse.move(point["x"], point["y"])
        told = tip(page)
        page.mouse.click(point["x"], point["y"])
        found.append((told, selected(page)))
        page.evaluate("trtlab.model.set('selection', [])")
        page.mouse.move(0, 0)
    assert len(found[0][1]) == 1
    assert found[1] == found[0]


@pytest.mark.parametrize("zoom", ZOOMS)
def test_the_line_and_the_tooltip_stand_at_the_pointer(
    show: Callable[[], Any], zoom: float
) -> None:
    page = show()
    zoom_to(page, zoom)
    point = place(page, TIME, zoom, 0.4, 92.0)
    page.mouse.move(point["x"], point["y"])
    line = page.evaluate(
        """async () => {
             const frame = () => new Promise((done) => requestAnimationFrame(done));
             await frame(), await frame();
             const el = document.querySelectorAll('.t-stage canvas')[1];
             const row = el.getContext('2d').getImageData(0, el.height - 2, el.width, 1).data;
             const box = el.getBoundingClientRect();
             const dark = [...Array(el.width).keys()].filter((x) => row[4 * x + 3]);
             return dark.map((x) => box.left + ((x + 0.5) / el.width) * box.width);
           }"""
    )
    assert line
    assert all(abs(x - point["x"]) < 2 * zoom for x in line)
    for selector, part, down in ((TIME, 0.4, 92.0), (TIME, 0.96, 92.0), (MEMORY, 0.2, 40.0)):
        point = place(page, selector, zoom, part, down)
        page.mouse.move(point["x"], point["y"])
        box = page.locator(".t-tip").bounding_box()
        right, bottom = box["x"] + box["width"], box["y"] + box["height"]
        beside = max(box["x"] - point["x"], point["x"] - right, 0)
        above = max(box["y"] - point["y"], point["y"] - bottom, 0)
        assert beside < 20 * zoom
        assert above < 20 * zoom
        assert right <= page.viewport_size["width"]


@pytest.mark.parametrize("zoom", ZOOMS)
def test_what_is_dragged_or_zoomed_stays_under_the_pointer(
    show: Callable[[], Any], zoom: float
) -> None:
    page = show()
    told: list[str] = []
    for each in (1.0, zoom):
        page.get_by_role("button", name="Show the inference of median length").click()
        zoom_to(page, each)
        point = place(page, TIME, each, 0.6, 92.0)
        page.mouse.move(point["x"], point["y"])
        told.append(tip(page))
        page.keyboard.down("Control")
        page.mouse.wheel(0, -500)
        page.keyboard.up("Control")
        page.mouse.move(point["x"] + 1, point["y"])
        told.append(tip(page))
        page.mouse.down()
        page.mouse.move(point["x"] - 400, point["y"], steps=4)
        page.mouse.up()
        page.mouse.move(point["x"] - 401, point["y"])
        told.append(tip(page))
        page.mouse.move(0, 0)
    assert told[0]
    assert len(set(told)) == 1
    assert selected(page) == []

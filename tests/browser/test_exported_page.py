"""The exported file, opened as a file: what a person sees, clicks and types."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sample_reports import built_only, large_report, resnet_report
from trtlab_widgets.export import report_html

from trtlab.report.records import Slice, Trace

pytestmark = pytest.mark.browser

CHOSEN = "trtlab.model.get('selection')"
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"


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
        "built": built_only(small),
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


def painted(page: Any, selector: str) -> int:
    """How many different colours a canvas shows: an empty one has none."""
    return page.evaluate(
        """async (selector) => {
             const frame = () => new Promise((done) => requestAnimationFrame(done));
             await frame(), await frame();
             const el = document.querySelector(`${selector} canvas`);
             const { data } = el.getContext('2d').getImageData(0, 0, el.width, el.height);
             const colours = new Set();
             for (let i = 0; i < data.length; i += 4) {
               if (data[i + 3]) colours.add(data.slice(i, i + 3).join());
             }
             return colours.size;
           }""",
        selector,
    )


def fingerprint(page: Any, selector: str) -> str:
    """The picture that a canvas shows now."""
    return page.evaluate(
        """async (selector) => {
             const frame = () => new Promise((done) => requestAnimationFrame(done));
             await frame(), await frame();
             return document.querySelector(`${selector} canvas`).toDataURL();
           }""",
        selector,
    )


def settle(page: Any) -> None:
    """Wait until what was asked for is laid out and painted."""
    page.evaluate(
        """async () => {
             const frame = () => new Promise((done) => requestAnimationFrame(done));
             await frame(), await frame(), await frame();
             await new Promise((done) => setTimeout(done));
           }"""
    )


TIME, MEMORY = ".t-stage", ".t-memory-stage"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 900, 480])
def test_all_views_are_drawn(show: Callable[..., Any], scheme: str, width: int) -> None:
    page = show(scheme=scheme, width=width)
    assert painted(page, TIME) > 5
    assert painted(page, MEMORY) > 5
    assert page.locator(".t-grid-row:visible").count() >= 8
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0


@pytest.mark.parametrize("width", [1400, 1100, 900, 480])
def test_the_timelines_message_is_cut_off_and_moves_nothing(
    show: Callable[..., Any], width: int
) -> None:
    page = show(width=width)
    head = page.locator(".t-panel-head", has=page.locator(".t-stepper"))
    message = head.locator("p")
    assert message.get_attribute("title").startswith(message.inner_text())
    colour = head.get_by_role("button", name="Headroom", exact=True)
    colour.scroll_into_view_if_needed()
    before = head.bounding_box()
    place = colour.bounding_box()
    colour.click()
    assert page.locator(".t-heat").is_visible()
    assert head.bounding_box()["height"] == before["height"]
    assert colour.bounding_box() == place
    message.evaluate("(el) => { el.textContent = 'a long message '.repeat(40); }")
    assert head.bounding_box()["height"] == before["height"]
    assert message.evaluate("(el) => el.scrollWidth > el.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_dark_follows_the_system_while_open(show: Callable[..., Any]) -> None:
    page = show()
    before = fingerprint(page, TIME)
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector(".trtl-explorer[data-theme='dark']")
    assert fingerprint(page, TIME) != before


def test_a_row_selects_everywhere(show: Callable[..., Any]) -> None:
    page = show()
    before = fingerprint(page, TIME), fingerprint(page, MEMORY)
    page.get_by_label("Filter layers").fill("layer2.0.conv2")
    page.locator(".t-table .t-grid-row:visible").first.click()
    layer = page.evaluate(CHOSEN)[0]
    assert "layer2.0.conv2" in page.locator(".t-detail h3").inner_text()
    assert fingerprint(page, TIME) != before[0]
    assert fingerprint(page, MEMORY) != before[1]
    assert (
        page.locator(f'.t-table .t-grid-row[data-id="{layer}"]').get_attribute("aria-selected")
        == "true"
    )


def test_a_bar_of_the_timeline_scrolls_the_table_to_its_row(show: Callable[..., Any]) -> None:
    page = show("large")
    stage = page.locator(TIME).first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.62, box["y"] + 92)
    (layer,) = page.evaluate(CHOSEN)
    row = page.locator(f'.t-table .t-grid-row[data-id="{layer}"]:visible')
    row.wait_for()
    table = page.locator(".t-table .t-grid").bounding_box()
    place = row.bounding_box()
    assert table["y"] <= place["y"] <= table["y"] + table["height"] - place["height"] + 1


def test_a_block_of_memory_selects_its_writer(show: Callable[..., Any]) -> None:
    page = show()
    stage = page.locator(MEMORY)
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 40)
    assert "Written by" in page.locator(".t-tip").inner_text()
    page.mouse.click(box["x"] + box["width"] * 0.2, box["y"] + 40)
    assert len(page.evaluate(CHOSEN)) == 1


def test_the_drawer_explains_a_layer(show: Callable[..., Any]) -> None:
    page = show()
    page.evaluate("trtlab.model.set('selection', [9])")
    text = page.locator(".t-detail").inner_text()
    for part in (
        "layer1.1.add (Add)", "fuse-residual", "Tactics that competed", "chosen",
        "Distribution of times", "Against the device's limit", "Tensors", "nhwc8",
        "kernel_size_nd", "FLOP/B", "GFLOP/s",
    ):  # fmt: skip
        assert part in text, part


def test_the_table_shows_the_end_of_a_tactics_name(show: Callable[..., Any]) -> None:
    cell = show().locator(".t-table .t-grid-row .t-cell.t-mono").first
    short, whole = cell.inner_text(), cell.get_attribute("title")
    assert short
    assert whole != short
    assert whole.endswith(f".{short}")


def test_refused_tactics_give_their_reason(show: Callable[..., Any]) -> None:
    page = show()
    refused = page.evaluate(
        """(() => {
             for (let i = 0; i < 59; i += 1) {
               trtlab.model.set('selection', [i]);
               const why = document.querySelector('.t-arena-why');
               if (why) return why.textContent;
             }
             return '';
           })()"""
    )
    assert "needs 3×3" in refused or "not 1×1" in refused


def test_filters_and_types_narrow_the_table(show: Callable[..., Any]) -> None:
    page = show()
    tactic = resnet_report().layer("layer2.0.downsample").tactic
    page.get_by_label("Filter layers").fill(f"LAYER2 downsample {tactic}")
    foot = page.locator(".t-table .t-foot")
    assert foot.inner_text().startswith("1 of 59 layers")
    page.get_by_label("Filter layers").fill("no such layer")
    assert page.get_by_text("No layer matches the filter.").is_visible()
    page.get_by_label("Filter layers").fill("")
    page.get_by_role("button", name="Pool & reduce").click()
    assert foot.inner_text().startswith("2 of 59 layers")


def test_sorting_by_a_column_and_back(show: Callable[..., Any]) -> None:
    page = show()

    def top() -> str:
        settle(page)
        return page.evaluate(
            """[...document.querySelectorAll('.t-table .t-grid-row:not([hidden])')]
               .map((r) => [new DOMMatrix(getComputedStyle(r).transform).f, r.dataset.id])
               .sort((a, b) => a[0] - b[0])[0][1]"""
        )

    slowest = top()
    head = page.get_by_role("columnheader", name="Median time")
    assert head.get_attribute("aria-sort") == "descending"
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert top() != slowest
    page.get_by_role("columnheader", name="#").get_by_role("button").click()
    page.get_by_role("columnheader", name="#").get_by_role("button").click()
    assert top() == "0"


def test_the_table_works_from_the_keyboard(show: Callable[..., Any]) -> None:
    page = show()
    page.locator(".t-table .t-grid").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    third = page.evaluate(CHOSEN)
    assert len(third) == 1
    page.keyboard.press("Shift+ArrowDown")
    assert len(page.evaluate(CHOSEN)) == 2
    assert "2 selected" in page.locator(".t-table .t-foot").inner_text()
    page.keyboard.press("End")
    active = page.locator(".t-table .t-grid").get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").get_attribute("aria-selected") == "true"
    page.keyboard.press("Escape")
    assert page.evaluate(CHOSEN) == []


def test_the_timeline_works_from_the_keyboard(show: Callable[..., Any]) -> None:
    page = show()
    page.locator(TIME).first.focus()
    page.keyboard.press("ArrowRight")
    first = page.evaluate(CHOSEN)[0]
    page.keyboard.press("ArrowRight")
    assert page.evaluate(CHOSEN)[0] != first
    step = page.locator(".t-step")
    before = step.inner_text()
    page.keyboard.press("]")
    assert step.inner_text() != before
    picture = fingerprint(page, TIME)
    page.keyboard.press("w")
    assert fingerprint(page, TIME) != picture
    page.keyboard.press("Home")
    assert step.inner_text() == "All 40 inferences"


def test_the_wheel_scrolls_the_page_until_the_timeline_is_chosen(
    show: Callable[..., Any],
) -> None:
    page = show(height=700)
    stage = page.locator(TIME).first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + 60
    page.mouse.move(*middle)
    picture = fingerprint(page, TIME)
    scrolled = page.evaluate("scrollY")
    page.mouse.wheel(0, -60)
    page.wait_for_function(f"scrollY < {scrolled}")
    page.keyboard.down("Control")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    assert fingerprint(page, TIME) != picture


def test_dragging_pans(show: Callable[..., Any]) -> None:
    page = show()
    stage = page.locator(TIME).first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    picture = fingerprint(page, TIME)
    page.mouse.move(box["x"] + 500, box["y"] + 90)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 90, steps=4)
    page.mouse.up()
    assert fingerprint(page, TIME) != picture
    assert page.evaluate(CHOSEN) == []  # a drag is no click


def test_inferences_can_be_chosen(show: Callable[..., Any]) -> None:
    page = show()
    step = page.locator(".t-step")
    page.get_by_role("button", name="Show the slowest inference").click()
    assert "133 ms" in step.inner_text()
    page.get_by_role("button", name="Show the inference of median length").click()
    assert "88.9 ms" in step.inner_text()
    page.get_by_role("button", name="Next inference").click()
    page.get_by_role("button", name="Show the whole recording").click()
    assert step.inner_text() == "All 40 inferences"


def test_unchanged_sensors_unfold_from_the_keyboard(show: Callable[..., Any]) -> None:
    page = show("steady")
    line = page.get_by_role("button", name="1 unchanged: memory clock 3,201 MHz")
    rest = page.locator(f"#{line.get_attribute('aria-controls')}")
    assert line.get_attribute("aria-expanded") == "false"
    assert rest.is_hidden()
    for sensor in ("SM clock", "Power", "Temperature", "CPU load"):
        assert page.locator(".t-gutter-row", has_text=sensor).is_visible()
    folded = page.locator(TIME).first.bounding_box()
    line.focus()
    page.keyboard.press("Enter")
    assert line.get_attribute("aria-expanded") == "true"
    assert "Memory clock\n3,201 MHz" in rest.inner_text()
    unfolded = page.locator(TIME).first.bounding_box()
    assert unfolded["height"] > folded["height"]
    assert painted(page, TIME) > 5
    page.keyboard.press("Space")
    assert rest.is_hidden()
    assert page.locator(TIME).first.bounding_box()["height"] == folded["height"]


def test_no_line_is_there_where_every_sensor_changed(show: Callable[..., Any]) -> None:
    assert show().locator(".t-fold").count() == 0


@pytest.mark.parametrize("width", [1440, 480])
def test_the_line_of_unchanged_sensors_stays_one_line(
    show: Callable[..., Any], width: int
) -> None:
    page = show("steady", width=width)
    line = page.locator(".t-fold")
    stage = page.locator(TIME).first.bounding_box()
    place = line.bounding_box()
    assert place["y"] + place["height"] == stage["y"] + stage["height"]
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


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


def test_names_from_models_stay_text(show: Callable[..., Any]) -> None:
    page = show("hostile")
    page.evaluate("trtlab.model.set('selection', [0])")
    page.locator(TIME).first.hover()
    settle(page)
    assert page.locator(".t-detail h3").inner_text() == HOSTILE
    assert page.title() != "owned"


def test_a_selection_among_a_thousand_layers_is_painted_with_the_next_frame(
    show: Callable[..., Any],
) -> None:
    page = show("large")
    page.get_by_role("button", name="Show the whole recording").click()
    settle(page)
    head, chosen = page.evaluate(
        """async () => {
             trtlab.model.set('selection', [997]);
             await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
             const row = document.querySelector(".t-table .t-grid-row[aria-selected='true']");
             return [document.querySelector('.t-detail h3').innerText, row.dataset.id];
           }"""
    )
    assert chosen == "997"
    name = page.locator(".t-table .t-grid-row[aria-selected='true'] .t-clip").first
    assert name.get_attribute("title") == head


@pytest.mark.parametrize("width", [1440, 700])
def test_names_are_shortened_until_they_fit(show: Callable[..., Any], width: int) -> None:
    page = show("large", width=width)
    settle(page)
    rooms = page.evaluate(
        """[...document.querySelectorAll('.t-table .t-grid-row .t-clip, .t-links .t-clip')]
           .map((name) => [name.scrollWidth, name.clientWidth])"""
    )
    assert len(rooms) > 10
    assert all(needs <= has for needs, has in rooms)


def test_the_table_keeps_few_rows_in_the_page(show: Callable[..., Any]) -> None:
    page = show("large")
    assert page.locator(".t-table .t-grid-row").count() < 40
    page.evaluate("document.querySelector('.t-table .t-grid').scrollTop = 20000")
    settle(page)
    assert page.locator(".t-table .t-grid-row:visible").count() >= 10


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


def test_what_profiling_adds_is_told_whole_and_the_wait_has_a_name(
    new_page: Callable[..., Any], tmp_path: Path
) -> None:
    ms = 1_000_000
    bars = [("inference", -1, 0, 20, "inference"), ("conv", 0, 2, 8, "layer")]
    bars += [("copy in", -1, 0, 2, "copy"), ("copy out", -1, 18, 1, "copy")]
    timeline = tuple(
        Slice(n, name, 0, at * ms, took * ms, kind) for name, n, at, took, kind in bars
    )
    file = tmp_path / "waits.html"
    file.write_text(report_html(replace(resnet_report(iterations=3), timeline=timeline)))
    page = new_page()
    page.goto(file.as_uri())
    note = page.locator(".t-note", has_text="are time stamps and waits")
    note.wait_for()
    assert note.evaluate("(e) => e.scrollWidth <= e.clientWidth + 1")
    stage = page.locator(".t-time .t-stage").first
    stage.evaluate("(e) => e.scrollIntoView()")
    box = stage.bounding_box()
    row = page.locator(".t-gutter-row", has_text="Stream 0").bounding_box()
    page.mouse.move(box["x"] + 0.7 * box["width"], row["y"] + row["height"] / 2)
    page.get_by_role("tooltip").get_by_text("host takes the time stamps").wait_for()
    assert page.get_by_role("tooltip").get_by_text("8.00 ms").is_visible()


@pytest.mark.parametrize("width", [1440, 1024])
def test_every_filter_of_types_can_be_read(show: Callable[..., Any], width: int) -> None:
    cut = show("large", width=width).evaluate(
        """[...document.querySelectorAll('.t-chip')].filter((chip) => {
             const [a, b] = [chip, chip.parentElement].map((e) => e.getBoundingClientRect());
             return a.right > b.right + 1 || a.bottom > b.bottom + 1;
           }).length"""
    )
    assert cut == 0


def test_facts_of_the_head_stay_whole(show: Callable[..., Any]) -> None:
    lines = show(width=900).evaluate(
        "[...document.querySelectorAll('.t-title p span')].map((e) => e.getClientRects().length)"
    )
    assert set(lines) == {1}

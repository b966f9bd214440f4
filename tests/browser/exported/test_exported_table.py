"""The table of layers and the drawer of an exported file: selecting, filtering, sorting, keys."""

from collections.abc import Callable
from typing import Any

import pytest
from page_canvas import CHOSEN, MEMORY, TIME, fingerprint, settle
from sample_reports import resnet_report

pytestmark = pytest.mark.browser


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
    foot = page.locator(".t-table .t-foot")
    assert "2 selected" in foot.inner_text()
    assert ", sum of medians · " in foot.inner_text()
    assert ", sum of medians" in page.locator(".t-detail").inner_text()
    page.get_by_label("Filter layers").fill("layer2.0.downsample")
    page.evaluate("trtlab.model.set('selection', [])")
    assert foot.inner_text().startswith("1 of 59 layers")
    assert "sum of medians" not in foot.inner_text()
    page.get_by_label("Filter layers").fill("")
    page.locator(".t-table .t-grid").focus()
    page.keyboard.press("End")
    active = page.locator(".t-table .t-grid").get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").get_attribute("aria-selected") == "true"
    page.keyboard.press("Escape")
    assert page.evaluate(CHOSEN) == []


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


def test_the_table_keeps_few_rows_in_the_page(show: Callable[..., Any]) -> None:
    page = show("large")
    assert page.locator(".t-table .t-grid-row").count() < 40
    page.evaluate("document.querySelector('.t-table .t-grid').scrollTop = 20000")
    settle(page)
    assert page.locator(".t-table .t-grid-row:visible").count() >= 10


@pytest.mark.parametrize("width", [1440, 1024])
def test_every_filter_of_types_can_be_read(show: Callable[..., Any], width: int) -> None:
    cut = show("large", width=width).evaluate(
        """[...document.querySelectorAll('.t-chip')].filter((chip) => {
             const [a, b] = [chip, chip.parentElement].map((e) => e.getBoundingClientRect());
             return a.right > b.right + 1 || a.bottom > b.bottom + 1;
           }).length"""
    )
    assert cut == 0


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


@pytest.mark.parametrize("width", [1900, 1280, 700])
def test_titles_and_their_arrows_are_whole(show: Callable[..., Any], width: int) -> None:
    page = show(width=width)
    cut = page.evaluate(
        """[...document.querySelectorAll('.t-table .t-grid-sort')].flatMap((head) => {
             const title = head.textContent;
             return [0, 1].filter(() => {
               head.click();
               const shown = getComputedStyle(head, '::after').content.match(/[↑↓]/);
               return !shown || head.scrollWidth > head.clientWidth;
             }).map(() => title);
           })"""
    )
    assert cut == []
    cells = page.locator(".t-table .t-grid-row:visible").first.locator(".t-cell")
    for cell in cells.all()[-2:]:
        assert cell.evaluate("(e) => e.scrollWidth <= e.clientWidth"), cell.inner_text()


@pytest.mark.parametrize("width", [700, 1000, 1280, 1680])
@pytest.mark.parametrize("name", ["small", "large"])
def test_columns_fit_beside_each_other(
    show: Callable[..., Any], width: int, name: str
) -> None:
    page = show(name, width=width)
    settle(page)
    titles, cut = page.evaluate(
        """(() => {
             const grid = document.querySelector('.t-table .t-grid');
             const right = grid.getBoundingClientRect().left + grid.clientWidth;
             const shown = [...grid.querySelectorAll('[role=columnheader]:not([hidden])')];
             const row = grid.querySelector('.t-grid-row:not([hidden])');
             const cells = [...shown, ...row.querySelectorAll('.t-cell:not([hidden])')];
             return [
               shown.map((head) => head.textContent),
               cells.filter((cell) => cell.getBoundingClientRect().right > right + 1)
                 .map((cell) => cell.textContent),
             ];
           })()"""
    )
    assert cut == []
    assert {"Layer", "Median time", "Share", "Tactic", "Of limit"} <= set(titles)
    told = page.locator(".t-noroom").inner_text().removeprefix("no room for ")
    every = [
        "#", "Layer", "Median time", "Share", "Cum.", "Type", "Prec.", "Tactic", "Of limit",
        "GFLOP/s", "Bytes", "FLOP/B", "Output", "Stream",
    ]  # fmt: skip
    assert sorted([*titles, *filter(None, told.split(", "))]) == sorted(every)
    assert width < 1280 or "Prec." in titles


def test_a_table_with_no_room_for_its_key_columns_scrolls(show: Callable[..., Any]) -> None:
    page = show(width=360)
    settle(page)
    grid = page.locator(".t-table .t-grid")
    assert grid.evaluate("(e) => e.scrollWidth > e.clientWidth")
    head = page.get_by_role("columnheader", name="Median time").get_by_role("button")
    head.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "Of limit"


def test_a_filter_without_a_match_says_so_however_far_the_table_is_scrolled(
    show: Callable[..., Any],
) -> None:
    page = show(width=1280)
    page.get_by_role("columnheader", name="Of limit").get_by_role("button").click()
    grid = page.locator(".t-table .t-grid")
    grid.evaluate("(e) => { e.scrollLeft = e.scrollWidth; }")
    page.get_by_label("Filter layers").fill("no such layer")
    box = grid.bounding_box()
    told = page.get_by_text("No layer matches the filter.").bounding_box()
    assert box["x"] <= told["x"]
    assert told["x"] + told["width"] <= box["x"] + box["width"]
    assert box["y"] + 28 <= told["y"] < box["y"] + box["height"] / 2


def test_types_are_counted_among_what_the_words_find(show: Callable[..., Any]) -> None:
    page = show()
    chips = page.locator(".t-chip")

    def places() -> list[tuple[int, int]]:
        boxes = [chip.bounding_box() for chip in chips.all()]
        return [(round(box["x"]), round(box["width"])) for box in boxes]

    before = places()
    counts = ".t-chip-count"
    assert sum(int(n) for n in page.locator(counts).all_inner_texts()) == 59
    page.get_by_label("Filter layers").fill("layer2.0")
    settle(page)
    found = int(page.locator(".t-table .t-foot").inner_text().split()[0])
    assert 0 < found < 59
    assert sum(int(n) for n in page.locator(counts).all_inner_texts()) == found
    assert places() == before
    page.locator(".t-chip", has_text="Pool & reduce").click()
    assert sum(int(n) for n in page.locator(counts).all_inner_texts()) == found

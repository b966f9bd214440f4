"""Text around figures: in the page's colour, in even lines, and facts that stay whole."""

from copy import deepcopy
from typing import Any

import pytest
from sample_reports import resnet_report

pytest.importorskip("plotly")

from trtlab_widgets.figures import latency, layers, run
from trtlab_widgets.figures.ink import FALLBACK
from trtlab_widgets.figures.lines import fact_lines, title_lines, with_facts
from trtlab_widgets.figures.look import blank

PAGES = "color:var(--jp-ui-font-color1,"


def luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_colour_without_a_page_reads_on_white_and_on_black() -> None:
    grey = luminance(FALLBACK) + 0.05
    assert 1.05 / grey >= 4.5
    assert grey / 0.05 >= 4.5


def test_a_figure_has_the_pages_colour_when_drawn_and_plain_text_in_python() -> None:
    figure = run.sensors(resnet_report(iterations=6))
    assert "<span" not in figure.layout.title.text
    drawn = figure.to_dict()["layout"]
    assert PAGES in drawn["title"]["text"]
    assert all(PAGES in note["text"] for note in drawn["annotations"])
    axes = [value for key, value in drawn.items() if key[1:].startswith("axis")]
    assert len(axes) == len([*figure.select_xaxes(), *figure.select_yaxes()])
    assert all(PAGES in axis["tickprefix"] for axis in axes)
    assert PAGES in axes[-1].get("title", {}).get("text", PAGES)


def test_names_of_traces_and_ticks_and_numbers_beside_bars_have_it_too() -> None:
    report = resnet_report(iterations=6)
    legend = latency.latency_over_time(report).to_dict()["data"]
    assert all(PAGES in trace["name"] for trace in legend)
    bars = latency.latency_parts(report).to_dict()["data"][0]
    assert all(PAGES in text for text in bars["text"])
    named = layers.slowest_layers(report, 3).to_dict()["layout"]["yaxis"]
    assert len(named["ticktext"]) == 3
    assert all(PAGES in text for text in named["ticktext"])
    assert "tickprefix" not in named


def test_a_copy_has_it_once() -> None:
    copied = deepcopy(latency.latency_over_time(resnet_report(iterations=6)))
    assert copied.to_dict()["layout"]["title"]["text"].count(PAGES) == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_named_theme_has_its_own_colour(theme: Any) -> None:
    drawn = run.sensors(resnet_report(iterations=6), theme=theme).to_dict()["layout"]
    assert "<span" not in drawn["title"]["text"]


TITLE = (
    "cuda.product.wgmma/128x128s3c1b2 won encoder.layer.0/intermediate/dense: 20 tactics with a"
    " time (from the timing cache), 15 not timed, 0 refused"
)


def test_no_word_of_a_title_stands_alone() -> None:
    lines = title_lines(TITLE)
    assert len(lines) == 2
    assert min(map(len, lines)) > 0.7 * max(map(len, lines))
    assert " ".join(lines) == TITLE
    assert title_lines("short") == ["short"]
    assert title_lines("") == []


def test_hyphens_break_no_title() -> None:
    title = f"{'a' * 100} 2026-11-21"
    assert title_lines(title)[-1].endswith("2026-11-21")


FACTS = ["NVIDIA H200", "input_ids 32×128", "token_type_ids 32×128", "2026-11-21 12:24"]


def test_a_fact_stands_in_one_line() -> None:
    lines = fact_lines(FACTS, 40)
    assert lines == [
        "NVIDIA H200 · input_ids 32×128",
        "token_type_ids 32×128 · 2026-11-21 12:24",
    ]
    assert fact_lines(["x" * 50], 40) == ["x" * 50]


def test_facts_stand_below_the_title_and_are_large_enough() -> None:
    bare = blank("A title", "light")
    told = with_facts(blank("A title", "light"), FACTS * 3)
    lines = told.layout.title.subtitle.text.count("<br>") + 1
    assert lines > 1
    assert told.layout.height - bare.layout.height == 20 * lines
    drawn = [f.layout.height - f.layout.margin.t for f in (bare, told)]
    assert drawn[0] == drawn[1]
    assert told.layout.title.subtitle.font.size >= 11

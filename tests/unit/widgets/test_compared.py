"""A picture of two reports: what was saved, what was lost, and what may be chance."""

from dataclasses import replace

import pytest
from sample_reports import resnet_report

from trtlab.profiling.comparison import compare_reports
from trtlab.report.records import Samples

pytest.importorskip("plotly")

from trtlab_widgets.figures.compared import compared, compared_rows
from trtlab_widgets.figures.look import ACCENT, BAD


def _times(layer, factor):
    return replace(layer, time_us=Samples(tuple(factor * x for x in layer.time_us.samples)))


@pytest.fixture(scope="module")
def found():
    """The second layer takes half as long, the third twice as long, the rest the same."""
    before = resnet_report()
    first, second, third, *rest = before.layers
    layers = (first, _times(second, 0.5), _times(third, 2.0), *rest)
    return compare_reports(before, replace(before, layers=layers))


def test_bars_and_message(found):
    figure = compared(found, most=4)
    (bars,) = figure.data
    assert len(bars.x) == 4
    colours = dict(zip(bars.x, bars.marker.color, strict=True))
    assert colours[min(bars.x)] == ACCENT  # less time
    assert colours[max(bars.x)] == BAD
    text = figure.layout.title.text.replace("<br>", " ")
    assert "1 part faster, 1 slower, 57 the same or undecided" in text


def test_intervals_hold_the_bars(found):
    (bars,) = compared(found).data
    assert min(bars.error_x.array) >= 0
    assert min(bars.error_x.arrayminus) >= 0


def test_rows_are_the_twin(found):
    rows = compared_rows(found)
    assert len(rows) == len(found.parts)
    assert rows[0]["saved_us"] == found.parts[0].saved_us
    assert {row["verdict"] for row in rows} <= {"real", "noise", "undecided"}

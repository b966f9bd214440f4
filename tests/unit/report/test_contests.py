"""Where times of tactics come from, each counted once."""

from dataclasses import replace

import pytest
from small_report import REPORT
from trtlab_widgets.pages.build import build_page
from trtlab_widgets.pages.cards import cards

from trtlab.report.contests import Timed, timed, timed_in
from trtlab.report.records import ContenderRecord, SelectionRecord

CACHED = ContenderRecord("a", 2.0, (2.0, 2.1), from_cache=True)
HERE = ContenderRecord("b", 3.0, (3.0, 3.1))
UNFIT = ContenderRecord("c", None, rejection="kernel is 1×1")


@pytest.mark.parametrize(
    ("contenders", "found", "told"),
    [
        ((CACHED, UNFIT), Timed(0, 1), "from the timing cache"),
        ((HERE, UNFIT), Timed(1, 0), "timed in this build"),
        ((HERE, CACHED), Timed(1, 1), "1 timed in this build, 1 from the timing cache"),
        ((UNFIT,), Timed(0, 0), "none timed"),
    ],
)
def test_times_say_where_they_come_from(contenders, found, told):
    assert timed(contenders) == found
    assert str(found) == told


def test_a_contest_that_layers_share_counts_once():
    shared = (CACHED, UNFIT)
    selections = tuple(SelectionRecord(f"layer {n}", "a", shared) for n in range(5))
    own = SelectionRecord("other", "b", (HERE,))
    # Looking a tactic up twice is two hits: the number of hits is not that of tactics.
    build = replace(
        REPORT.build,
        selections=(*selections, own),
        tactics_tried=3,
        tactics_timed=2,
        cache_hits=9,
    )
    assert timed_in(build) == Timed(1, 1)
    report = replace(REPORT, build=build)
    told = (
        "3 tactics considered, 2 with a time (1 timed in this build, 1 from the timing cache)"
    )
    assert told in build_page(report)
    assert "2 tactics with a time: 1 timed in this build" in cards(report)
    only = replace(report, build=replace(build, selections=selections, tactics_tried=2))
    assert "2 tactics considered, 1 with a time, from the timing cache;" in build_page(only)

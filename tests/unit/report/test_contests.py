"""Where times of tactics come from, each counted once."""

from dataclasses import replace

import pytest
from small_report import REPORT
from trtlab_widgets.pages.build import build_page
from trtlab_widgets.pages.cards import cards

from tests.support.tiny_models import mlp
from trtlab.core.settings import settings
from trtlab.report.contests import Timed, counts_text, distinct_contenders, timed, timed_in
from trtlab.report.records import ContenderRecord, SelectionRecord
from trtlab.session.one_call import build

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


def test_counts_of_tactics_add_up():
    passed = ContenderRecord("d", None, rejection="not timed: estimated at 9.0 µs, a at 1.0")
    failed = ContenderRecord("e", None, rejection="wrong: 1 of 8 values differ")
    chosen = ContenderRecord("f", None)  # by its estimate, where nothing is timed
    contests = [(CACHED, UNFIT, passed), (HERE, failed, UNFIT), (chosen,)]
    selections = [SelectionRecord(str(i), c[0].tactic, c) for i, c in enumerate(contests)]
    twice = (*selections, SelectionRecord("again", "a", contests[0]))
    build = replace(REPORT.build, selections=twice)
    assert counts_text(build) == (
        "7 tactics considered: 1 timed in this build, 1 with a time from the timing cache, "
        "2 declined, 1 passed over by their estimates, 1 failed, 1 not timed"
    )


def test_a_second_build_times_nothing_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("TRTLAB_CACHE_DIR", str(tmp_path))
    settings.cache_clear()
    try:
        records = [build(mlp()).engine.build for _ in range(2)]
    finally:
        settings.cache_clear()
    first, second = records
    assert first.tactics_timed > 0 == first.cache_hits
    assert (second.tactics_timed, second.cache_hits) == (0, first.tactics_timed)
    for record in records:
        untimed = [c for c in distinct_contenders(record.selections) if c.time_us is None]
        times = record.tactics_timed + record.cache_hits
        assert times + len(untimed) == record.tactics_tried
        assert all(c.rejection for c in untimed)

"""The parts of a latency: what they are called, and the replay that some of them make up."""

from dataclasses import replace

import pytest
from fake_target import FakeClock, SyncTarget
from small_report import REPORT

from trtlab.profiling.layers import ProfileOptions, profile_layers
from trtlab.profiling.reconciliation import reconcile
from trtlab.report.latency_parts import MEANINGS, latency_parts, replay_ms

PARTS = {
    "launch": 0.02,
    "layers": 0.8,
    "gaps": 0.05,
    "begin and end": 0.02,
    "hand-over": 0.08,
    "unexplained": -0.01,
}


def test_every_part_is_explained_in_the_order_of_time():
    target = SyncTarget(FakeClock(), layers=((0, 300), (1, 600)))
    turns = profile_layers(target, ProfileOptions(3), now_ns=target.clock)
    told = [replace(q, device=replace(q.device, edges_ns=1)) for q in turns.profiled]
    assert list(reconcile(turns._replace(profiled=told))) == list(MEANINGS)
    left_out = set(MEANINGS) - set(reconcile(turns))
    assert left_out == {"begin and end"}  # not every device tells it


def test_the_replay_is_what_computing_takes():
    report = replace(REPORT, reconciliation_ms=PARTS)
    assert replay_ms(report) == pytest.approx(0.86)
    assert replay_ms(replace(REPORT, reconciliation_ms={})) is None


def test_the_table_adds_up():
    rows = latency_parts(replace(REPORT, reconciliation_ms=PARTS | {"copies": 0.04}))
    assert rows["part"] == [*PARTS, "copies"]
    assert sum(rows["time_ms"]) == pytest.approx(1.0)
    assert rows["percent"] == pytest.approx([2, 80, 5, 2, 8, -1, 4])
    assert rows["meaning"][:2] == [MEANINGS["launch"], MEANINGS["layers"]]
    assert rows["meaning"][-1] == ""  # a report that names parts of its own

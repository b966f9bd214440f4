from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from trtlab.core.errors import DeviceError, DeviceLostError, UnsupportedError
from trtlab.core.types import DataType
from trtlab.layers.activation import Activation
from trtlab.tactics.contest import ContestRules, RefusedTacticError, hold_contest
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.tactic import Rejection, Tactic
from trtlab.tactics.timing_cache import TimingCache

x = Operand(DataType.FLOAT, (1, 8))
PROBLEM = Problem(Activation(), (x,), (x,))


class Fake(Tactic):
    def __init__(
        self, name, time_us, *, hint=1.0, workspace=0, refuses="", fails=False, ranked=False
    ):
        self.name = name
        self.time_us = time_us
        self.hint = hint
        self.workspace = workspace
        self.refuses = refuses
        self.fails = fails
        self.ranked = ranked

    def check(self, problem):
        return Rejection(self.refuses) if self.refuses else None

    def workspace_bytes(self, problem):
        return self.workspace

    def cost_hint_us(self, problem):
        return self.hint

    def bind(self, problem, buffers):
        return []


@dataclass
class FakeTimer:
    runs: list

    @contextmanager
    def bench(self, problem):
        yield self

    def trial(self, tactic):
        if isinstance(tactic.fails, Exception):
            raise tactic.fails
        if tactic.fails:
            raise DeviceError("it faulted")

        def once():
            self.runs.append(tactic.name)
            return tactic.time_us

        return once


def contest(*tactics, rules=None, cache=None, runs=None, others=()):
    registry = TacticRegistry()
    registry.add(Activation, tactics)
    timer = FakeTimer([] if runs is None else runs)
    return hold_contest(
        PROBLEM,
        registry,
        timer,
        TimingCache("d") if cache is None else cache,
        rules or ContestRules(),
        others,
    )


def test_who_refuses_the_same_at_another_shape_takes_no_part():
    class OnlyEight(Fake):
        def check(self, problem):
            return None if problem.inputs[0].shape == (1, 8) else Rejection("wants 8 values")

    small = Operand(DataType.FLOAT, (1, 1))
    result = contest(
        OnlyEight("quick", 1.0),
        Fake("slow", 9.0),
        others=[Problem(Activation(), (small,), (small,))],
    )
    assert result.chosen.name == "slow"
    (refused,) = [c for c in result.contenders if c.tactic == "quick"]
    assert refused.rejection.startswith("wants 8 values (where the profile's shapes make")
    assert not refused.refused


def test_the_fastest_wins_and_everyone_is_on_record():
    result = contest(
        Fake("slow", 9.0), Fake("fast", 2.0), Fake("picky", 1.0, refuses="needs 4 dimensions")
    )
    assert result.chosen.name == "fast"
    assert result.time_us == 2.0
    assert [(c.tactic, c.time_us, c.rejection) for c in result.contenders] == [
        ("fast", 2.0, ""),
        ("slow", 9.0, ""),
        ("picky", None, "needs 4 dimensions"),
    ]


def test_candidates_take_turns_and_the_hopeless_leave_early():
    runs = []
    contest(
        Fake("a", 2.0), Fake("b", 3.0), Fake("hopeless", 50.0), runs=runs,
        rules=ContestRules(rounds=3, budget_ms=1e9),
    )  # fmt: skip
    assert runs == ["a", "a", "b", "b", "hopeless", "hopeless", "a", "b"]


def test_the_workspace_pool_is_a_limit():
    result = contest(
        Fake("big", 1.0, workspace=4096), Fake("small", 5.0),
        rules=ContestRules(workspace_limit_bytes=1024),
    )  # fmt: skip
    assert result.chosen.name == "small"
    assert result.contenders[-1].rejection == (
        "needs 4,096 bytes of workspace, the pool allows 1,024"
    )


def test_a_candidate_that_fails_is_refused_not_fatal():
    result = contest(Fake("broken", 1.0, fails=True), Fake("sound", 5.0))
    assert result.chosen.name == "sound"
    assert "it faulted" in result.contenders[1].rejection


@pytest.mark.parametrize(
    ("error", "reason", "lasts"),
    [
        (
            RefusedTacticError("faulted while being tried: 700"),
            "faulted while being tried",
            True,
        ),
        (RefusedTacticError("no answer", lasts=False), "no answer", False),
        (
            UnsupportedError("ranks fewer than 5 plans"),
            "failed while being timed: ranks",
            True,
        ),
        (UnsupportedError("declines: ALLOC_FAILED"), "failed while being timed: decl", False),
        (DeviceError("cannot allocate 8 bytes"), "failed while being timed: cannot", False),
        (MemoryError(), "failed while being timed: MemoryError", False),
    ],
)
def test_a_refusal_is_kept_for_the_next_build_unless_memory_was_short(error, reason, lasts):
    cache = TimingCache("d")
    tactics = Fake("broken", 1.0, fails=error), Fake("sound", 5.0)
    result = contest(*tactics, cache=cache)
    assert result.contenders[1].rejection.startswith(reason)
    runs = []
    again = contest(*tactics, cache=cache, runs=runs)
    assert again.contenders[1].rejection == result.contenders[1].rejection
    assert bool(runs) is not lasts  # all is known: nothing runs


def test_a_lost_device_ends_the_contest():
    broken = Fake("broken", 1.0, fails=DeviceLostError("an illegal address"))
    with pytest.raises(DeviceLostError, match="restart the kernel"):
        contest(broken, Fake("sound", 5.0))


def test_known_times_are_not_measured_again():
    cache = TimingCache("d")
    contest(Fake("a", 2.0), Fake("b", 3.0), cache=cache)
    runs = []
    result = contest(Fake("a", 2.0), Fake("b", 3.0), cache=cache, runs=runs)
    assert runs == []
    assert result.chosen.name == "a"
    assert all(c.from_cache for c in result.contenders)


def test_without_timing_the_hint_decides():
    result = contest(
        Fake("a", 1.0, hint=5.0), Fake("b", 9.0, hint=2.0), rules=ContestRules(timed=False)
    )
    assert result.chosen.name == "b"


def test_who_was_not_timed_is_told_why():
    fast, far, near = (
        Fake("fast", 9.0, hint=2.0), Fake("far", 1.0, hint=20.0), Fake("near", 1.0, hint=3.0),
    )  # fmt: skip
    rules = ContestRules(hint_ratio=8.0, max_tactics=1)
    result = contest(fast, far, near, rules=rules)
    assert {c.tactic: c.rejection for c in result.contenders} == {
        "fast": "",
        "near": "not timed: estimated at 3.0 µs, which is not among the best 1",
        "far": "not timed: estimated at 20.0 µs, more than 8 times the best estimate, 2.0 µs",
    }
    assert not any(c.refused for c in result.contenders)
    untimed = contest(fast, far, rules=ContestRules(timed=False))
    assert [(c.tactic, c.rejection) for c in untimed.contenders] == [
        ("fast", ""), ("far", "not timed: estimated at 20.0 µs, fast at 2.0"),
    ]  # fmt: skip


def test_nobody_accepts():
    result = contest(Fake("a", 1.0, refuses="no"))
    assert result.chosen is None
    assert result.time_us == float("inf")


def test_sources_can_be_switched_off():
    result = contest(Fake("a", 1.0), rules=ContestRules(sources=frozenset({"NUMPY"})))
    assert result.contenders[0].rejection == "tactic source GENERATED is switched off"


def test_without_timing_a_library_is_asked_whether_it_has_what_the_hint_supposes():
    missing = UnsupportedError("ranks fewer than 5 plans")
    tactics = (
        Fake("lib/4", 1.0, hint=1.0, fails=missing, ranked=True),
        Fake("lib/0", 1.0, hint=2.0, ranked=True),
        Fake("own", 1.0, hint=3.0),
    )
    cache = TimingCache("d")
    result = contest(*tactics, rules=ContestRules(timed=False), cache=cache)
    assert (result.chosen.name, result.time_us) == ("lib/0", 2.0)
    assert [(c.tactic, "ranks fewer" in c.rejection) for c in result.contenders] == [
        ("lib/0", False), ("own", False), ("lib/4", True),
    ]  # fmt: skip
    assert cache.refusal(PROBLEM, "lib/4")


def test_without_timing_nothing_else_is_run():
    tactics = Fake("own", 1.0, fails=True), Fake("slow", 1.0, hint=2.0)
    assert contest(*tactics, rules=ContestRules(timed=False)).chosen.name == "own"


def test_what_a_hint_ruled_out_serves_when_all_others_fail():
    tactics = Fake("a", 1.0, fails=True), Fake("b", 1.0, fails=True), Fake("c", 1.0, hint=90.0)
    result = contest(*tactics)
    assert (result.chosen.name, result.time_us) == ("c", 90.0)
    assert [c.tactic for c in result.contenders] == ["c", "a", "b"]

"""Places in a library's ranking are chosen again where results are written in place."""

from contextlib import contextmanager

import pytest
from rewriting import Graph

from trtlab.builder.reformats import choice_of
from trtlab.builder.reranking import rerank
from trtlab.builder.timer import DeviceTimer
from trtlab.core.errors import UnsupportedError
from trtlab.core.types import DataType, TensorFormat
from trtlab.devices.cpu.device import CpuDevice
from trtlab.devices.cpu.program import HostCommand
from trtlab.layers.activation import Activation
from trtlab.layers.shuffle import Concatenation
from trtlab.tactics.contest import Contest, ContestRules, hold_contest
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.tactic import Tactic
from trtlab.tactics.timing_cache import TimingCache

SHAPES = {"x": (4, 8)}


class Place(Tactic):
    """Takes its two times: on dense operands, and where they have holes."""

    def __init__(self, name, dense_us, holes_us, *, ranked=True):
        self.name = name
        self.times = dense_us, holes_us
        self.ranked = ranked

    def check(self, problem):
        return None

    def bind(self, problem, buffers):
        return ()


class Timer:
    """Tells the tactics' times, and remembers what it was asked for."""

    def __init__(self, failing=()):
        self.asked = []
        self.failing = failing

    @contextmanager
    def bench(self, problem):
        self.problem = problem
        yield self

    def trial(self, tactic):
        self.asked.append(tactic.name)
        if tactic.name in self.failing:
            raise UnsupportedError("the library declines")
        time_us = tactic.times[not self.problem.outputs[0].is_dense]
        return lambda: time_us


def chosen_again(*places, timer=None, in_place=True, **rules):
    """What `rerank` makes of a first contest on dense operands."""
    graph = Graph()
    x = graph.input("x", *SHAPES["x"])
    y = graph.add(Activation(), x, name="first")
    z = graph.add(Activation(), x, name="second")
    network = graph.output(*([graph.add(Concatenation(axis=1), y, z)] if in_place else [y, z]))
    registry = TacticRegistry()
    registry.add(Activation, places)
    timer, cache, asked = timer or Timer(), TimingCache(""), ContestRules(**rules)
    operand = Operand(DataType.FLOAT, SHAPES["x"])
    first = first_contest(registry, cache, ContestRules(), operand)
    chosen = {
        layer.name: (choice_of(TensorFormat.LINEAR, contest), contest)
        for layer in network.layers
        for contest in [first if isinstance(layer.op, Activation) else None]
    }
    result = rerank(network, chosen, SHAPES, registry, timer, cache, asked)
    return {name: choice.tactic for name, (choice, _) in result.items()}, result, timer


def first_contest(registry, cache, rules, operand) -> Contest:
    problem = Problem(Activation(), (operand,), (operand,))
    return hold_contest(problem, registry, Timer(), cache, rules)


def test_a_place_that_is_slow_with_holes_is_given_up():
    names, result, _ = chosen_again(Place("lib/0", 1.0, 35.0), Place("lib/1", 1.1, 1.2))
    assert (names["first"], names["second"]) == ("lib/1", "lib/1")
    choice, contest = result["first"]
    assert choice.time_us == 1.2
    assert [c.time_us for c in contest.contenders] == [1.2, 35.0]


def test_layers_of_one_problem_share_a_contest_of_this_build():
    _, result, timer = chosen_again(Place("p0", 10.0, 90.0), Place("p1", 12.0, 15.0))
    first, second = (result[name][1] for name in ("first", "second"))
    assert first is second
    assert not any(contender.from_cache for contender in first.contenders)
    assert sorted(timer.asked) == ["p0", "p1"]


def test_what_was_far_behind_is_not_timed_again():
    _, _, timer = chosen_again(Place("lib/0", 1.0, 1.0), Place("slow", 3.0, 0.1))
    assert timer.asked == ["lib/0"]


def test_own_kernels_keep_their_place():
    names, _, timer = chosen_again(
        Place("own", 1.0, 35.0, ranked=False), Place("lib/0", 1.1, 1.0)
    )
    assert names["first"] == "own"
    assert not timer.asked


def test_dense_results_are_not_timed_again():
    names, _, timer = chosen_again(Place("lib/0", 1.0, 35.0), in_place=False)
    assert names["first"] == "lib/0"
    assert not timer.asked


def test_nothing_is_timed_where_a_build_does_not_time():
    _, _, timer = chosen_again(Place("lib/0", 1.0, 35.0), timed=False)
    assert not timer.asked


def test_the_choice_stays_where_no_place_can_be_timed():
    names, _, _ = chosen_again(Place("lib/0", 1.0, 35.0), timer=Timer(failing={"lib/0"}))
    assert names["first"] == "lib/0"


@pytest.mark.parametrize("strides", [(16, 1), (1, 4), (0, 1)])
def test_the_bench_has_memory_up_to_the_last_element(strides):
    operand = Operand(DataType.FLOAT, (4, 8), strides=strides)
    dense = Operand(DataType.FLOAT, (4, 8))
    last = 3 * strides[0] + 7 * strides[1]
    assert operand.span == last + 1
    device = CpuDevice(1)
    given = []
    allocate = device.allocate
    device.allocate = lambda n: given.append(n) or allocate(n)

    class Nothing(Place):
        def bind(self, problem, buffers):
            return (HostCommand(lambda: None),)

    with DeviceTimer(device).bench(Problem(Activation(), (operand,), (dense,))) as bench:
        bench.trial(Nothing("n", 1, 1))()
    assert 4 * (last + 1) in given

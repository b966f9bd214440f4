"""Where a ranked tactic has no plan for the shapes at hand, others of its library serve."""

import logging

import numpy as np
import pytest
from rewriting import Graph

from tests.support.runtime_engines import data, engine_on
from trtlab.builder import carried_code as carried
from trtlab.core.errors import UnsupportedError
from trtlab.core.types import Dim, TensorFormat
from trtlab.devices.cuda.code import CompiledCode
from trtlab.devices.cuda.device import CudaDevice
from trtlab.devices.protocol import Scheduled
from trtlab.engine.engine import ShapeProfile
from trtlab.layers.activation import Activation
from trtlab.planner.plan import LayerChoice
from trtlab.runtime.devices import open_runtime
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.tactic import Tactic


class Place(Tactic):
    ranked = True

    def __init__(self, rank):
        self.rank, self.name = rank, f"place{rank}"

    def check(self, problem):
        return None

    def bind(self, problem, buffers):
        return ((self.rank, problem.outputs[0].shape[0]),)


class Other(Place):
    def __init__(self, rank):
        super().__init__(rank)
        self.name = f"other{rank}"


@pytest.fixture
def registry():
    found = TacticRegistry()
    found.add(Activation, [Place(0), Other(0), Place(1), Other(1), Place(2)])
    return found


def names(tactics):
    return [tactic.name for tactic in tactics]


def test_other_places_of_the_same_kind_stand_in(registry, monkeypatch):
    op = Activation()
    assert names(registry.stand_ins(registry.find("place1"), op)) == ["place0", "place2"]
    assert names(registry.stand_ins(registry.find("other0"), op)) == ["other1"]
    monkeypatch.setattr(Place, "ranked", False)
    assert registry.stand_ins(registry.find("place1"), op) == ()


@pytest.fixture
def device(monkeypatch):
    """A GPU whose library has as many plans as the batch is large."""

    def code_of(self, launches):
        ((rank, batch),) = launches
        if rank >= batch:
            raise UnsupportedError(f"the library ranks fewer than {rank + 1} plans")
        return [CompiledCode("fake", f"{rank} for {batch}", "here", b"")]

    monkeypatch.setattr(CudaDevice, "code_of", code_of)
    monkeypatch.setattr(CudaDevice, "compile_ahead", lambda self, launches: None)
    monkeypatch.setattr(CudaDevice, "finish_compiling", lambda self: None)
    return object.__new__(CudaDevice)


def test_an_engine_carries_the_plans_that_will_stand_in(registry, device):
    graph = Graph()
    x = graph.input("x", Dim("n"), 8)
    network = graph.output(graph.add(Activation(), x, name="relu"))
    choices = {"relu": LayerChoice("place2", TensorFormat.LINEAR)}
    profiles = (ShapeProfile({"x": ((1, 8), (4, 8), (9, 8))}),)
    code = carried.carried_code(network, choices, profiles, registry, device)
    assert [c.key for c in code] == ["0 for 1", "2 for 4", "2 for 9"]


def test_contexts_hand_over_what_may_stand_in(monkeypatch, caplog):
    """Every tactic of the CPU stands in for itself."""
    device, _ = open_runtime("cpu")
    make, seen = type(device).program, []

    def program(self, steps, streams):
        seen.extend(step.instead for step in steps)
        return make(self, [Scheduled(step.instead[0]()) for step in steps], streams)

    engine = engine_on()
    wanted = engine.create_execution_context().infer(data(2))["y"]
    monkeypatch.setattr(type(device), "program", program)
    monkeypatch.setattr(TacticRegistry, "stand_ins", lambda self, tactic, op: (tactic,))
    with caplog.at_level(logging.WARNING):
        got = engine.create_execution_context().infer(data(2))["y"]
    np.testing.assert_array_equal(got, wanted)
    assert len(seen) > 2
    assert caplog.text.count("is tried in its place") == len(seen)

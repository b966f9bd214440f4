"""What speaks against a candidate, on host memory in the GPU's place."""

import numpy as np
import pytest
from host_gpu import host_gpu, view
from kernel_cases import CASES
from kernel_conformance import narrowed

from trtlab.builder import agreement
from trtlab.builder.proof import prove
from trtlab.core.errors import DeviceError, UnsupportedError
from trtlab.core.types import DataType, TensorFormat
from trtlab.devices.cpu.program import HostCommand
from trtlab.kernels.catalog import cpu_registry
from trtlab.layers.activation import Activation
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Tactic

COUNT = 2 * 6 * 5 * 4
TYPES = (DataType.FLOAT, DataType.HALF, DataType.BF16)


@pytest.fixture
def device(monkeypatch):
    return host_gpu(monkeypatch)


def relu(dtype=DataType.FLOAT, layout=TensorFormat.HWC):
    x = Operand(dtype, (2, 6, 5, 4), layout)
    return Problem(Activation(), (x,), (x,))


class Relu(Tactic):
    """ReLU with a slip at its end."""

    def __init__(self, slip):
        self.slip = slip
        self.name = getattr(slip, "__name__", "sound")

    def check(self, problem):
        return None

    def workspace_bytes(self, problem):
        return 64

    def bind(self, problem, buffers):
        def run():
            dtype = problem.outputs[0].dtype.numpy
            x = view(buffers.inputs[0], dtype, COUNT)
            y = view(buffers.outputs[0] - 64, dtype, COUNT + 128 // dtype.itemsize)
            body = y[64 // dtype.itemsize :][:COUNT]
            body[...] = np.maximum(x, 0)
            self.slip(x, y, body, view(buffers.workspace, np.uint8, 80))

        return (HostCommand(run),)


def sound(x, y, body, scratch):
    scratch[:64] = 1


def biased(x, y, body, scratch):
    body += 0.5


def one_map_off(x, y, body, scratch):
    body.reshape(2, 20, 6)[:, :, 3] = 1  # HWC: the channel is fastest


def short(x, y, body, scratch):
    body.view(f"u{body.itemsize}")[-1] = np.iinfo(f"u{body.itemsize}").max


def before(x, y, body, scratch):
    y[0] = 0


def behind(x, y, body, scratch):
    y[-1] = 0


def scratched(x, y, body, scratch):
    scratch[64] = 0


def spoiled(x, y, body, scratch):
    x[7] = 3


def declined(x, y, body, scratch):
    raise UnsupportedError("the library ranks fewer than 5 plans")


def hungry(x, y, body, scratch):
    raise DeviceError("the GPU cannot allocate 8 bytes")


def heard(device, problem, *slips):
    told = []
    prove(device, problem, [Relu(s) for s in slips], lambda *message: told.append(message))
    assert [name for kind, name, _ in told if kind == "begin"] == [
        *(s.__name__ for s in slips),
        "",
    ]
    return {name: (kind, why) for kind, name, why in told if kind != "begin"}


@pytest.mark.parametrize("dtype", TYPES, ids=lambda d: d.value)
@pytest.mark.parametrize("layout", [TensorFormat.LINEAR, TensorFormat.HWC])
def test_each_slip_is_named_and_the_sound_one_passes(device, dtype, layout):
    slips = (sound, biased, short, before, behind, scratched, spoiled, declined, hungry, sound)
    found = heard(device, relu(dtype, layout), *slips)
    assert "sound" not in found
    kinds, whys = zip(*(found[s.__name__] for s in slips if s is not sound), strict=True)
    assert kinds == ("refused",) * 7 + ("unproved",)
    assert whys[0].startswith("wrong: 240 of 240 values differ, by up to 0.5")
    assert whys[0].endswith("from the layer's meaning")
    assert whys[1] == "left 1 of 240 values unwritten"
    assert whys[2] == whys[3] == "wrote outside its output"
    assert whys[4] == "wrote outside its workspace"
    assert whys[5] == "wrote into its inputs, or beside them"
    assert whys[6] == "failed while being tried: the library ranks fewer than 5 plans"
    assert whys[7] == "failed while being tried: the GPU cannot allocate 8 bytes"


def test_large_problems_are_put_to_the_vote(device, monkeypatch):
    monkeypatch.setattr(agreement, "_SMALL_FLOPS", 0)
    monkeypatch.setattr(agreement, "_MOST_VALUES", 0)
    found = heard(device, relu(), one_map_off, sound, biased, sound)
    assert set(found) == {"one_map_off", "biased"}
    assert found["biased"][1].endswith("differ, by up to 0.5, from sound")
    assert found["one_map_off"][1].startswith("wrong: ")
    assert found["one_map_off"][1].endswith(" from sound")


def test_makes_are_counted_before_candidates(device, monkeypatch):
    """Tiles of one kernel share its mistake."""
    monkeypatch.setattr(agreement, "_SMALL_FLOPS", 0)
    monkeypatch.setattr(agreement, "_MOST_VALUES", 0)
    tactics = [Relu(slip) for slip in (biased, biased, biased, sound, sound)]
    names = ["own/64", "own/128", "own/256", "library/0", "plain"]
    for tactic, name in zip(tactics, names, strict=True):
        tactic.name = name
    told = []
    prove(device, relu(), tactics, lambda *said: told.append(said))
    refused = {name for kind, name, _ in told if kind == "refused"}
    assert refused == {"own/64", "own/128", "own/256"}


def test_where_candidates_disagree_numpy_is_asked_about_larger_ones(device, monkeypatch):
    monkeypatch.setattr(agreement, "_SMALL_FLOPS", 0)
    found = heard(device, relu(), biased, biased, sound)
    assert set(found) == {"biased"}  # though outvoting the sound one
    assert "from the layer's meaning" in found["biased"][1]


def test_layers_of_ambiguous_meaning_are_not_compared(device, monkeypatch):
    monkeypatch.setattr(agreement, "_AMBIGUOUS", {"ACTIVATION"})
    assert set(heard(device, relu(), sound, biased, short)) == {"short"}


@pytest.mark.parametrize("number", range(3))
def test_no_sound_tactic_is_refused(device, number):
    """Tactics of the CPU on its conformance cases."""
    registry = cpu_registry()
    tried = 0
    told = []
    for case in CASES[number::12]:
        typed = case if number == 0 else narrowed(case, TYPES[number])
        problem = typed.problem(typed.arrays(np.random.default_rng(0)))
        operands = [o for o in (*problem.inputs, *problem.outputs) if o is not None]
        if case.values or problem.has_empty_operand or not all(o.is_dense for o in operands):
            continue
        tactics = [t for t in registry.candidates(problem.op) if t.check(problem) is None]
        tried += len(tactics)
        prove(device, problem, tactics, lambda *message: told.append(message))
    assert tried > 30
    assert [message for message in told if message[0] != "begin"] == []

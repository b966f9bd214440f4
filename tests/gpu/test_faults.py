"""Candidates that fault, hang, lie or trespass: refused with a reason, and the process lives."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from cuda_cases import ALL_CASES as CASES
from cuda_conformance import bound_kernels, compile_all, in_type
from faulty_tactics import KINDS, FaultyRelu
from gpu_conditions import build_relu, context_of, reasons

from trtlab.builder.proof import prove
from trtlab.builder.proving import Proving
from trtlab.core.types import DataType
from trtlab.kernels.cuda.catalog import cuda_registry
from trtlab.tactics.timing_cache import TimingCache

pytestmark = pytest.mark.gpu
HERE = Path(__file__).parent
TYPES = (DataType.FLOAT, DataType.HALF, DataType.BF16)
# Plans that are missing, or want more memory than they may have.
OF_THE_LIBRARY = tuple(f"failed while being tried: the {what}" for what in ("library", "plan"))
PARTS = 8  # of which each takes seconds where kernels are compiled, minutes where they are not


@pytest.fixture(scope="module")
def device():
    from trtlab.devices.open import open_device

    return open_device("cuda")


def outputs(engine):
    x = np.random.default_rng(1).standard_normal((4, 4096)).astype(np.float32)
    with context_of(engine) as context:
        return context.infer({"x": x})["y"], np.maximum(x, 0)


def test_a_build_outlives_every_kind_of_bad_candidate(device):
    kinds = [kind for kind in KINDS if kind != "hang"]
    cache = TimingCache(device.fingerprint)
    engine = build_relu(device, *kinds, cache=cache)
    refused = reasons(engine)
    assert refused["fault"].startswith("faulted while being tried: ")
    assert re.search("illegal.?address", refused["fault"], re.IGNORECASE)
    assert refused["wrong"].startswith("wrong: ")
    assert "from the layer's meaning" in refused["wrong"]
    assert refused["short"] == "left 1 of 16,384 values unwritten"
    assert refused["trespass"] == "wrote outside its output"
    assert refused["spoil"] == "wrote into its inputs, or beside them"
    assert "sound" not in refused
    assert engine.build.warnings == ()
    np.testing.assert_array_equal(*outputs(engine))
    assert not psutil.Process().children(recursive=True)
    again = build_relu(device, *kinds, cache=cache)
    assert reasons(again) == refused  # known: nothing is tried again
    assert again.build.phases["Prove tactics"] < 1


@pytest.mark.alone
def test_a_candidate_that_never_ends_is_ended(device):
    began = time.monotonic()
    with Proving(device.index, 1, patience_s=12.0) as proving:
        problem = _relu_problem()
        proving.submit(problem, [FaultyRelu("hang"), FaultyRelu("wrong")])
        proofs = proving.finish(lambda waiting: None)
    hang = proofs.refusals[problem, "cuda.test.relu/hang"]
    assert hang.reason == "faulted while being tried: no answer within 12 s"
    assert not hang.lasts
    assert proofs.refusals[problem, "cuda.test.relu/wrong"].reason.startswith("wrong: ")
    assert time.monotonic() - began < 60
    assert (device.read(device.hold(np.arange(8)).address, np.dtype(int), (8,)) < 8).all()


def test_large_results_are_put_to_the_vote(device):
    """NumPy is not asked: the group of most makes that agree is right."""
    engine = build_relu(device, "wrong", "sound", shape=(32, 1 << 20))
    refused = reasons(engine)
    assert refused["wrong"].startswith("wrong: ")
    assert " from cuda." in refused["wrong"]
    assert "sound" not in refused


def test_without_provers_a_fault_says_that_the_context_is_lost():
    done = _child(
        "from gpu_conditions import build_relu\n"
        "from trtlab.devices.open import open_device\n"
        "build_relu(open_device('cuda'), 'fault', prove=False)\n"
    )
    assert done.returncode == 1
    last = done.stderr[done.stderr.rindex("DeviceLostError: ") :]
    assert "timing cuda.test.relu/fault: " in last
    assert "restart the kernel" in last


def test_a_fault_while_running_says_that_the_context_is_lost():
    done = _child(
        "import numpy as np\n"
        "from faulty_tactics import FaultyRelu\n"
        "from gpu_conditions import build_relu, context_of\n"
        "from trtlab.core.errors import DeviceLostError\n"
        "from trtlab.devices.open import open_device\n"
        "only = frozenset({'TEST'})\n"
        "engine = build_relu(open_device('cuda'), 'sound', prove=False, tactic_sources=only)\n"
        "sound = FaultyRelu.bind\n"
        "FaultyRelu.bind = lambda self, p, b: sound(FaultyRelu('fault'), p, b)\n"
        "context = context_of(engine)\n"
        "for _ in range(2):\n"
        "    try:\n"
        "        context.infer({'x': np.ones((4, 4096), np.float32)})\n"
        "    except DeviceLostError as error:\n"
        "        print('told:', error.hint)\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("told: the CUDA context of this process is lost") == 2


@pytest.mark.parametrize("part", range(PARTS))
def test_no_sound_candidate_is_called_wrong(device, part):
    """Every tactic on every case of the conformance tests, each in one of three types."""
    registry = cuda_registry()
    tasks = []
    for number, case in enumerate(CASES):
        dtype = TYPES[number % len(TYPES)]
        if number % PARTS != part:
            continue
        typed = case if dtype is DataType.FLOAT else in_type(case, dtype)
        problem = typed.problem(typed.arrays(np.random.default_rng(0)))
        operands = (*problem.inputs, *problem.outputs)
        if not case.values and all(o is None or o.is_dense for o in operands):
            found = [t for t in registry.candidates(problem.op) if t.check(problem) is None]
            tasks.append((problem, found))
    compile_all(
        (x for problem, found in tasks for t in found for x in bound_kernels(t, problem)),
        device.arch,
    )
    refused = []
    for problem, found in tasks:

        def hear(kind, name, why, about=problem):
            if kind == "refused" and not why.startswith(OF_THE_LIBRARY):
                refused.append(f"{name} on {about}: {why}")

        prove(device, problem, found, hear)
    assert sum(len(found) for _, found in tasks) > 1000 / PARTS
    assert not refused, f"{len(refused)}:\n" + "\n".join(refused[:40])


def _relu_problem():
    from trtlab.layers.activation import Activation
    from trtlab.tactics.problem import Operand, Problem

    x = Operand(DataType.FLOAT, (4, 4096))
    return Problem(Activation(), (x,), (x,))


def _child(code):
    path = os.pathsep.join([str(HERE.parent / "support"), *sys.path])
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

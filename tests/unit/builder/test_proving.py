import os
import subprocess
import sys
import time
from pathlib import Path

import fake_prover
import psutil
import pytest
from fake_prover import Named

from trtlab.builder.proving import Proving
from trtlab.core.errors import CancelledError
from trtlab.core.types import DataType
from trtlab.layers.activation import Activation
from trtlab.tactics.problem import Operand, Problem

SCRIPT = Path(fake_prover.__file__)


def problem(extent):
    x = Operand(DataType.FLOAT, (1, extent))
    return Problem(Activation(), (x,), (x,))


def proving(manner="well", most=1, patience_s=120.0):
    return Proving(0, most, patience_s, (sys.executable, str(SCRIPT), manner))


def prove(*names, **options):
    with proving(**options) as place:
        place.submit(problem(8), [Named(name) for name in names])
        proofs = place.finish(lambda waiting: None)
    said = {name: refusal.reason for (_, name), refusal in proofs.refusals.items()}
    return said, proofs.warnings


def provers():
    """Those of this process that live; other tests' children are not meant."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if str(SCRIPT) in _command(child)]


def _command(process):
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def test_sound_candidates_are_not_spoken_of():
    assert prove("a", "b") == ({}, [])
    assert not provers()


def test_one_that_faults_is_refused_and_the_rest_is_tried_by_another_process():
    refusals, warnings = prove("fault", "b", "wrong", "fault again", "c")
    assert refusals == {
        "fault": "faulted while being tried: cudaErrorIllegalAddress: an illegal memory access "
        "was encountered",
        "wrong": "wrong: 7 of 8 values differ",
        "fault again": "faulted while being tried: cudaErrorIllegalAddress: an illegal memory "
        "access was encountered",
    }
    assert warnings == []


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("segfault", "the process was ended by signal 11"),
        ("raise", "ValueError: an index is out of range"),
    ],
)
def test_a_crash_is_told_with_its_cause(name, how):
    refusals, _ = prove("a", name, "b")
    assert refusals == {name: f"faulted while being tried: {how}"}


def test_one_that_hangs_is_ended():
    refusals, _ = prove("hang", "wrong", patience_s=4.0)
    assert refusals["hang"] == "faulted while being tried: no answer within 4 s"
    assert refusals["wrong"]
    assert not provers()


@pytest.mark.parametrize(
    ("name", "lasts"),
    [("hang", False), ("killed", False), ("segfault", True), ("wrong", True)],
)
def test_only_what_the_candidate_did_itself_is_remembered(name, lasts):
    with proving(patience_s=4.0 if name == "hang" else 120.0) as place:
        place.submit(problem(8), [Named(name)])
        proofs = place.finish(lambda waiting: None)
    assert [refusal.lasts for refusal in proofs.refusals.values()] == [lasts]


def test_what_cannot_be_tried_for_want_of_memory_is_left_to_the_builder():
    refusals, warnings = prove("no memory", "wrong")
    assert list(refusals) == ["wrong"]
    assert len(warnings) == 1
    assert warnings[0].endswith("tried apart: no memory: failed while being tried: no memory")


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        ("unable", "all CUDA-capable devices are busy or unavailable"),
        ("stillborn", "no module named such"),
        ("forgetful", "ACTIVATION: the operands do not unpickle"),
    ],
)
def test_without_provers_the_build_goes_on_with_a_warning(manner, said):
    refusals, warnings = prove("wrong", manner=manner)
    assert refusals == {}
    assert len(warnings) == 1
    assert said in warnings[0]
    assert not provers()


def test_no_process_no_provers():
    with Proving(0, 1, command=("/does/not/exist",)) as place:
        place.submit(problem(8), [Named("a")])
        proofs = place.finish(lambda waiting: None)
    assert "no process can be started" in proofs.warnings[0]


def test_candidates_that_no_other_process_can_import_stay_here():
    class Local(Named):
        pass

    with proving() as place:
        place.submit(problem(8), [Local("mine"), Named("wrong")])
        proofs = place.finish(lambda waiting: None)
    assert [name for _, name in proofs.refusals] == ["wrong"]
    assert "mine: defined where no other process can import it" in proofs.warnings[0]


def test_many_problems_on_several_provers():
    with proving(most=2) as place:
        for extent in range(1, 9):
            place.submit(problem(extent), [Named("a"), Named(f"wrong {extent}")])
        proofs = place.finish(lambda waiting: None)
    assert {name for _, name in proofs.refusals} == {f"wrong {n}" for n in range(1, 9)}
    assert all(found.inputs[0].shape[1] == int(name[-1]) for found, name in proofs.refusals)


def test_a_cancelled_build_ends_its_provers():
    def stop(waiting):
        if any(prover.begun for prover in place._provers):
            raise CancelledError("stopped")

    place = proving()
    place.submit(problem(8), [Named("hang")])
    with pytest.raises(CancelledError):
        place.finish(stop)
    assert not provers()


def test_a_prover_ends_with_its_parent():
    """The real one; without a GPU it says so, with one it waits for work."""
    code = (
        "import os, sys, subprocess; from multiprocessing import Pipe; a, b = Pipe();"
        "p = subprocess.Popen([sys.executable, '-m', 'trtlab.builder.prover', str(b.fileno()),"
        "'0'], pass_fds=(b.fileno(),)); print(p.pid, flush=True); b.close();"
        "print(a.recv()[0], flush=True); os._exit(0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    number, said = done.stdout.split()
    assert said in {"unable", "ready"}
    for _ in range(3000):
        if not psutil.pid_exists(int(number)):
            return
        time.sleep(0.1)
    raise AssertionError("it lives on")

"""Every tactic of the CPU device against the NumPy meaning of its layers."""

from dataclasses import replace

import numpy as np
import pytest
from kernel_cases import CASES
from kernel_conformance import assert_close, narrowed, run

from trtlab.core.types import DataType
from trtlab.kernels.catalog import cpu_registry
from trtlab.layers.catalog import OPS
from trtlab.tactics.tactic import Rejection

REGISTRY = cpu_registry()
TACTICS = [REGISTRY.find(name) for name in REGISTRY.names()]


# Winograd's transforms multiply and cancel larger numbers than the convolution itself has.
ROUNDING = {"winograd": 4.0}
EMULATED_CASES = 3  # for an emulated tactic: the inner one has been tested on all


def _cases(tactic):
    slack = next((f for part, f in ROUNDING.items() if part in tactic.name), 1.0)
    for case in CASES:
        if tactic in REGISTRY.candidates(case.op):
            loose = replace(case, atol=slack * case.atol)
            if tactic.emulated:
                yield narrowed(loose, DataType(tactic.name.rpartition("~")[2]))
            else:
                yield loose


def test_every_layer_type_has_cases():
    kinds = {case.op.kind for case in CASES}
    assert kinds == set(OPS) - {"CONSTANT"}


@pytest.mark.parametrize("tactic", TACTICS, ids=lambda t: t.name)
def test_tactic_agrees_with_numpy(tactic):
    accepted = 0
    for case in _cases(tactic):
        problem = case.problem(case.arrays(np.random.default_rng(0)))
        refusal = tactic.check(problem)
        if refusal is not None:
            assert isinstance(refusal, Rejection)
            assert refusal.reason
            continue
        accepted += 1
        if tactic.emulated and accepted > EMULATED_CASES:
            break
        for threads in (1, 2, 3):
            results, expected, _ = run(tactic, case, threads, seed=threads)
            for result, reference in zip(results, expected, strict=True):
                try:
                    assert_close(case, result, reference)
                except AssertionError as error:
                    raise AssertionError(f"{case.name}, {threads} threads: {error}") from error
    assert accepted, "no case exercises this tactic"


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.op.kind.lower()}-{c.name}")
def test_some_tactic_takes_the_problem(case):
    problem = case.problem(case.arrays(np.random.default_rng(0)))
    refusals = {t.name: t.check(problem) for t in REGISTRY.candidates(case.op)}
    assert None in refusals.values(), refusals

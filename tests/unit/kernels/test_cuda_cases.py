"""Of what the conformance cases ask for, nothing needs a library."""

import numpy as np
import pytest
from cuda_cases import ALL_CASES
from cuda_conformance import in_type
from cuda_texts import TYPES, is_library

from trtlab.core.types import DataType
from trtlab.kernels.cuda.catalog import cuda_registry

# What decides shapes runs on the host.
HOST = {"SHAPE", "NON_ZERO"}


@pytest.mark.parametrize("dtype", TYPES, ids=lambda d: d.value)
def test_some_kernel_takes_every_problem(dtype):
    registry = cuda_registry()
    untaken = {}
    for case in ALL_CASES:
        typed = case if dtype is DataType.FLOAT else in_type(case, dtype)
        problem = typed.problem(typed.arrays(np.random.default_rng(0)))
        own = [t for t in registry.candidates(case.op) if not is_library(t.name)]
        refusals = {t.name: t.check(problem) for t in own}
        known = case.op.kind in HOST or "dynamic" in case.name
        if None not in refusals.values() and not known:
            untaken[case.op.kind, case.name] = {n: r.reason for n, r in refusals.items() if r}
    assert not untaken

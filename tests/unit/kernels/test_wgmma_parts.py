"""Clusters whose last blocks have no part of the sum left begin it with zeros."""

import re

import pytest
from cuda_conformance import bound_kernels

from trtlab.core.types import DataType
from trtlab.kernels.cuda.catalog import cuda_registry
from trtlab.layers.linear import MatrixMultiply
from trtlab.tactics.problem import Operand, Problem


@pytest.mark.parametrize(
    ("depth", "uneven"), [(576, True), (512, False), (960, False), (1280, False), (640, False)]
)
def test_a_block_without_work_begins_with_zeros(depth, uneven):
    a = Operand(DataType.HALF, (49, depth))
    b = Operand(DataType.HALF, (depth, 384), constant=True)
    problem = Problem(MatrixMultiply(), (a, b), (Operand(DataType.HALF, (49, 384)),))
    found = [
        t
        for t in cuda_registry().candidates(problem.op)
        if ".wgmma/" in t.name and t.name.endswith("k4") and t.check(problem) is None
    ]
    assert found
    for tactic in found:
        (text,) = bound_kernels(tactic, problem)
        assert (re.search(r"float sum\[\d+\] = {};", text) is not None) is uneven

"""Gathers of whole rows: what is taken, what is declined, how much a thread does."""

import numpy as np
import pytest
from kernel_conformance import Case, Spec

from trtlab.core.enums import GatherMode
from trtlab.core.types import DataType
from trtlab.kernels.cuda.gather_rows import GatherRowsTactic
from trtlab.layers.gather import Gather

HALF, INT64 = DataType.HALF, DataType.INT64
TACTIC = GatherRowsTactic()


def _problem(op, data, places, **options):
    low, high = -data[0], data[0]
    inputs = (Spec(data, HALF, **options), Spec(places, INT64, low=low, high=high))
    case = Case("gather", op, inputs)
    return case.problem(case.arrays(np.random.default_rng(0)))


def test_an_embedding_is_read_in_vectors_of_sixteen_bytes():
    problem = _problem(Gather(), (1000, 768), (32, 128))
    assert TACTIC.check(problem) is None
    kernel = TACTIC.kernel(problem, aligned=True)
    assert "Vec<half_t, 8> v[4];" in kernel.text
    assert kernel.grid[0] == 32 * 128 * 96 // 4 // 256


def test_few_rows_are_spread_over_as_many_threads_as_there_are():
    kernel = TACTIC.kernel(_problem(Gather(), (50, 64), (3, 5)), aligned=True)
    assert "Vec<half_t, 8> v[1];" in kernel.text


def test_rows_at_odd_addresses_are_read_element_by_element():
    kernel = TACTIC.kernel(_problem(Gather(), (50, 64), (3, 5)), aligned=False)
    assert "Vec<half_t, 1> v[" in kernel.text


@pytest.mark.parametrize(
    ("op", "data", "places", "options", "reason"),
    [
        (Gather(axis=1), (8, 8, 16), (3,), {}, "first axis"),
        (Gather(mode=GatherMode.ELEMENT), (8, 16), (3, 16), {}, "first axis"),
        (Gather(axis=1, num_elementwise_dims=1), (8, 8), (8, 2), {}, "first axis"),
        (Gather(), (8, 12), (3,), {}, "no whole vectors"),
        (Gather(), (8, 16), (3,), {"hole": 4}, "no whole vectors"),
        (Gather(), (8, 4, 16), (3,), {"hole": 8}, "holes"),
        (Gather(), (8, 16), (0,), {}, "empty"),
    ],
)
def test_others_are_declined(op, data, places, options, reason):
    refused = TACTIC.check(_problem(op, data, places, **options))
    assert refused is not None
    assert reason in refused.reason

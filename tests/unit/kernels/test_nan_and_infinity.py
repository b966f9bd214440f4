"""What maximum and minimum on the CPU make of NaN and of nothing but infinity."""

import numpy as np
import pytest
from kernel_conformance import Case, Spec, run

from trtlab.core.enums import PoolingType, ReduceOperation
from trtlab.kernels.catalog import cpu_registry
from trtlab.layers.pooling import Pooling
from trtlab.layers.reduction import Reduce

REGISTRY = cpu_registry()


@pytest.mark.parametrize("columns", [3, 41, 130])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("operation", [ReduceOperation.MAX, ReduceOperation.MIN])
def test_reductions_keep_nan_and_infinity(operation, axis, columns):
    values = np.random.default_rng(5).uniform(-2, 2, (23, columns)).astype(np.float32)
    bound = -np.inf if operation is ReduceOperation.MAX else np.inf
    values[1], values[:, 2] = bound, bound
    x = Spec(values.shape)
    # Any place of NaN must do: the lanes, pairs of vectors and tails are walked apart.
    for place in (1, *range(3, values.size, 37)):
        poisoned = values.copy()
        poisoned.ravel()[place] = np.nan
        case = Case("nan", Reduce(operation, (axis,)), (x,), values={0: poisoned})
        results, expected, _ = run(REGISTRY.find("cpu.reduce.vector"), case, threads=1)
        assert np.isnan(expected[0]).sum() == 1
        np.testing.assert_array_equal(results[0], expected[0])


@pytest.mark.parametrize("hwc", [False, True])
def test_a_window_of_nothing_but_minus_infinity(hwc):
    values = np.full((1, 3, 9, 19), -np.inf, np.float32)
    values[0, 1, 4:] = 1.0
    x = Spec(values.shape, hwc=hwc)
    pool = Pooling(PoolingType.MAX, (3, 3), (2, 2), (1, 1), (1, 1))
    case = Case("lowest", pool, (x,), (Spec((), hwc=hwc),), values={0: values})
    tactic = REGISTRY.find("cpu.pooling.vector")
    results, expected, _ = run(tactic, case, threads=1)
    assert np.isneginf(expected[0]).any()
    np.testing.assert_array_equal(results[0], expected[0])

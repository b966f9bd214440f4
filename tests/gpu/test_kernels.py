"""Every tactic of the CUDA device against the NumPy meaning of its layers, in three types."""

from dataclasses import replace

import numpy as np
import pytest
from cuda_cases import ALL_CASES as CASES
from cuda_conformance import bound_kernels, compile_all, in_type, run_on_gpu
from kernel_conformance import assert_close

from trtlab.core.errors import DeviceLostError, TrtlabError, UnsupportedError
from trtlab.core.types import DataType
from trtlab.kernels.cuda.catalog import cuda_registry

pytestmark = pytest.mark.gpu
REGISTRY = cuda_registry()
TACTICS = [REGISTRY.find(name) for name in REGISTRY.names()]
TYPES = (DataType.FLOAT, DataType.HALF, DataType.BF16)


def _accepted(tactic, dtype):
    for case in CASES:
        if tactic not in REGISTRY.candidates(case.op):
            continue
        typed = case if dtype is DataType.FLOAT else in_type(case, dtype)
        if tactic.tf32:  # factors keep ten bits after the point
            typed = replace(typed, rtol=2e-3, atol=max(typed.atol, 5e-2))
        problem = typed.problem(typed.arrays(np.random.default_rng(0)))
        if tactic.check(problem) is None:
            yield typed, problem


@pytest.fixture(scope="module")
def device():
    from trtlab.devices.open import open_device

    return open_device("cuda")


@pytest.mark.parametrize("dtype", TYPES, ids=lambda d: d.value)
@pytest.mark.parametrize("tactic", TACTICS, ids=lambda t: t.name)
def test_tactic_agrees_with_numpy(device, tactic, dtype):
    accepted = list(_accepted(tactic, dtype))
    texts = [text for _, problem in accepted for text in bound_kernels(tactic, problem)]
    compile_all(texts, device.arch)
    wrong = []
    count = 0
    for case, _ in accepted:
        count += 1
        try:
            results, expected = run_on_gpu(device, tactic, case, seed=count)
            for result, reference in zip(results, expected, strict=True):
                assert_close(case, result, reference)
        except UnsupportedError:
            count -= 1  # a library ranks fewer plans than the tactic's number
        except DeviceLostError as error:  # and with it all further cases
            raise AssertionError(f"{case.op.kind} {case.name}: {error}") from error
        except (AssertionError, TrtlabError) as error:
            wrong.append(f"{case.op.kind} {case.name}: {_first(error)}")
    assert not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:20])


def _first(error):
    """The first line of what it says; an assertion may say nothing."""
    return (str(error) or repr(error)).splitlines()[0]

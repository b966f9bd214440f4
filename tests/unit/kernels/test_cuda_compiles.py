"""All generated CUDA compiles for three architectures, on machines without a GPU.

Texts that differ in numbers only count once; every tactic, element type and layer is compiled
for every architecture that the tactic runs on, everything else for one.
"""

import pytest
from cuda_texts import ARCHITECTURES, TYPES, failures, generated, is_library, structure

from trtlab.core.errors import KernelCompileError
from trtlab.devices.cuda.nvrtc import compile_cubin
from trtlab.kernels.cuda.catalog import cuda_registry
from trtlab.kernels.cuda.prelude import PRELUDE

pytestmark = pytest.mark.slow
COMMON = "sm_90"


def _samples(arch):
    """The first text of each tactic, type and layer."""
    found = {}
    for dtype in TYPES:
        for each in generated(dtype):
            if each.texts and each.runs_on(arch):
                found.setdefault((each.tactic, dtype, each.layer), each.texts)
    return found


def _texts(samples):
    return sorted({text for texts in samples.values() for text in texts})


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_tactic_type_and_layer_compiles(arch):
    assert failures(_texts(_samples(arch)), arch) == []


def test_every_tactic_has_a_sample():
    sampled = {tactic for arch in ARCHITECTURES for tactic, *_ in _samples(arch)}
    assert {t for t in cuda_registry().names() if not is_library(t)} <= sampled


@pytest.mark.parametrize("dtype", TYPES, ids=lambda t: t.value)
def test_every_structure_compiles(dtype):
    kinds = {}
    for other in TYPES:
        for each in generated(other):
            for text in each.texts if each.runs_on(COMMON) else ():
                kinds.setdefault(structure(text), (other, text))
    mine = {text for kind, text in kinds.values() if kind is dtype}
    assert failures(sorted(mine - set(_texts(_samples(COMMON)))), COMMON) == []


def test_every_tactic_compiles_as_it_is_run():
    """With all optimizations, as on a GPU."""
    first = {}
    for (tactic, *_), texts in _samples(COMMON).items():
        first.setdefault(tactic, texts)
    assert failures(_texts(first), COMMON, ()) == []


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_mistake_is_found(arch):
    text = (
        f'// tactic   wrong\n{PRELUDE}\nextern "C" __global__ void wrong() {{ asm("what;"); }}'
    )
    (said,) = failures([text], arch)
    assert "wrong" in said
    with pytest.raises(KernelCompileError, match=arch):
        compile_cubin(text, arch)

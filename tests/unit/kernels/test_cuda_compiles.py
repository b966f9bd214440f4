"""All generated CUDA compiles for three architectures, on machines without a GPU.

Texts that differ in numbers only (extents, tiles) count once. Every element type and layer of
every tactic is compiled for each architecture that the tactic runs on; every other line of its
code, and the optimized code of every tactic, for one.
"""

from functools import cache

import pytest
from cuda_texts import ARCHITECTURES, TYPES, failures, generated, is_library, structure

from trtlab.core.errors import KernelCompileError
from trtlab.devices.cuda.nvrtc import compile_cubin
from trtlab.kernels.cuda.catalog import cuda_registry
from trtlab.kernels.cuda.prelude import PRELUDE

pytestmark = pytest.mark.slow
COMMON = "sm_90"


def _on(arch):
    """What is generated for an architecture, of all types."""
    for dtype in TYPES:
        for each in generated(dtype):
            if each.texts and each.runs_on(arch):
                yield each


def _samples(arch):
    """One text of each structure and type among the first ones of a tactic, type and layer."""
    firsts = {}
    for each in _on(arch):
        firsts.setdefault((each.tactic, each.dtype, each.layer), each)
    return {
        (each.dtype, structure(text)): text for each in firsts.values() for text in each.texts
    }


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_tactic_type_and_layer_compiles(arch):
    texts = sorted(set(_samples(arch).values()))
    assert len(texts) > 100
    assert failures(texts, arch) == []


@cache
def _telling():
    """Texts with a line that no earlier one of their family of tactics has, numbers aside."""
    done = {key for _, key in _samples(COMMON)}
    seen, found = set(), {}
    for each in _on(COMMON):
        family = each.tactic.partition("/")[0]
        for text in each.texts:
            key = structure(text)
            lines = {(family, line.strip()) for line in key.splitlines()}
            if lines - seen:
                seen |= lines
                if key not in done:
                    found.setdefault(key, (each.dtype, text))
    return tuple(found.values())


@pytest.mark.parametrize("dtype", TYPES, ids=lambda t: t.value)
def test_every_line_compiles(dtype):
    texts = sorted(text for kind, text in _telling() if kind is dtype)
    assert failures(texts, COMMON) == []


def test_every_tactic_compiles_as_it_is_run():
    """With all optimizations, as on a GPU."""
    first = {}
    for each in _on(COMMON):
        first.setdefault(each.tactic, each.texts)
    elsewhere = {each.tactic for arch in ARCHITECTURES for each in _on(arch)} - first.keys()
    named = {t for t in cuda_registry().names() if not is_library(t)}
    assert named <= first.keys() | elsewhere
    assert failures(sorted({t for texts in first.values() for t in texts}), COMMON, ()) == []


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_mistake_is_found(arch):
    text = (
        f'// tactic   wrong\n{PRELUDE}\nextern "C" __global__ void wrong() {{ asm("what;"); }}'
    )
    (said,) = failures([text], arch)
    assert "wrong" in said
    with pytest.raises(KernelCompileError, match=arch):
        compile_cubin(text, arch)

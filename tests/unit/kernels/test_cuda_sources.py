"""Generated CUDA is stable text; see test_cuda_compiles for whether it compiles."""

import hashlib
import json
import re
from functools import cache
from pathlib import Path

import numpy as np
from cuda_cases import ALL_CASES as CASES

from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import KernelLaunch
from trtlab.kernels.cuda.catalog import cuda_registry
from trtlab.tactics.tactic import Buffers

GOLDEN = Path(__file__).parents[2] / "golden" / "cuda_sources.json"
TYPES = (DataType.FLOAT, DataType.HALF)


@cache
def texts() -> dict[str, tuple[str, ...]]:
    """The kernels of the first case that each tactic accepts, by tactic and type."""
    from cuda_conformance import in_type

    registry = cuda_registry()
    found: dict[str, tuple[str, ...]] = {}
    for case in CASES:
        for dtype in TYPES:
            typed = case if dtype is DataType.FLOAT else in_type(case, dtype)
            problem = None
            for tactic in registry.candidates(case.op):
                key = f"{tactic.name} {dtype.value}"
                if key in found or _is_library(tactic.name):  # which may be there or not
                    continue
                if problem is None:
                    problem = typed.problem(typed.arrays(np.random.default_rng(0)))
                if tactic.check(problem) is None:
                    found[key] = _bound(tactic, problem)
    return {key: kernels for key, kernels in sorted(found.items()) if kernels}


def _is_library(name: str) -> bool:
    return ".cudnn." in name or ".cublaslt." in name


def _bound(tactic, problem) -> tuple[str, ...]:
    buffers = Buffers(
        tuple(None if o is None else 1 << 20 for o in problem.inputs),
        tuple(1 << 21 for _ in problem.outputs),
        1 << 22,
    )
    launches = tactic.bind(problem, buffers)
    return tuple(dict.fromkeys(x.kernel.text for x in launches if isinstance(x, KernelLaunch)))


def digests() -> dict[str, str]:
    return {
        key: hashlib.sha256("\n".join(kernels).encode()).hexdigest()[:16]
        for key, kernels in texts().items()
    }


def test_every_generated_tactic_has_text():
    named = {key.rsplit(" ", 1)[0] for key in texts()}
    generated = {t for t in cuda_registry().names() if not _is_library(t)}
    assert generated <= named


def test_text_is_the_same_every_time():
    first = digests()
    texts.cache_clear()
    assert digests() == first


def test_text_is_as_recorded():
    """A difference is either a mistake, or meant: then run this file as a program."""
    recorded = json.loads(GOLDEN.read_text(encoding="utf-8"))
    now = digests()
    changed = sorted(k for k in recorded.keys() | now.keys() if recorded.get(k) != now.get(k))
    assert not changed, f"run `python {Path(__file__).name}` if this is meant: {changed}"


def test_text_begins_with_what_it_is_for():
    for kernels in texts().values():
        for text in kernels:
            lines = text.splitlines()
            assert lines[0].startswith("// tactic   cuda.")
            assert lines[1].startswith("// problem  ")
            head = "\n".join(lines[:40])
            assert "// grid     " in head
            assert "// shared   " in head


def test_what_others_write_is_read_only_behind_the_wait():
    """What is restricted and constant may be read before the kernel that writes it is done."""
    restricted = re.compile(r"const \w+\*\s*__restrict__")
    assert not [key for key, kernels in texts().items() if restricted.search(str(kernels))]


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(digests(), indent=1) + "\n", encoding="utf-8")

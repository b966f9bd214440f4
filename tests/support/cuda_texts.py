"""The CUDA text that every tactic generates for the conformance cases; needs no GPU."""

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from unittest.mock import patch

import numpy as np
from cuda_cases import ALL_CASES
from cuda_conformance import bound_kernels, in_type

from trtlab.core.errors import KernelCompileError
from trtlab.core.types import DataType
from trtlab.devices.cuda.nvrtc import compile_cubin
from trtlab.kernels.cuda.catalog import cuda_registry
from trtlab.kernels.cuda.prelude import PRELUDE

ARCHITECTURES = ("sm_80", "sm_90", "sm_100")
TYPES = (DataType.FLOAT, DataType.HALF, DataType.BF16)
# The optimizer takes most of the time and finds no mistakes.
QUICK = ("--Ofast-compile=max",)


@dataclass(frozen=True)
class Generated:
    """The kernels of one tactic for one case in one type.

    Attributes:
        arch: The one architecture that the tactic runs on; empty for all.
    """

    tactic: str
    arch: str
    dtype: DataType
    layer: str
    texts: tuple[str, ...]

    def runs_on(self, arch: str) -> bool:
        """Whether the tactic is offered there."""
        return self.arch in {"", arch}


def is_library(tactic: str) -> bool:
    """Whether a tactic needs a library, which may be there or not."""
    return ".cudnn." in tactic or ".cublaslt." in tactic


@cache
def generated(dtype: DataType) -> tuple[Generated, ...]:
    """Every kernel for every case that a tactic accepts, as if all libraries were there."""
    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith("trtlab.kernels.cuda.") and hasattr(module, "available"):
                stack.enter_context(patch.object(module, "available", lambda: True))
        return tuple(_generated(dtype))


def _generated(dtype: DataType) -> Iterator[Generated]:
    registry = cuda_registry()
    for case in ALL_CASES:
        typed = case if dtype is DataType.FLOAT else in_type(case, dtype)
        problem = typed.problem(typed.arrays(np.random.default_rng(0)))
        for tactic in registry.candidates(case.op):
            if tactic.check(problem) is None:
                texts = tuple(dict.fromkeys(bound_kernels(tactic, problem)))
                yield Generated(tactic.name, tactic.arch, dtype, case.op.kind, texts)


def structure(text: str) -> str:
    """A text without its comments and numbers, and with one name for both types of two bytes.

    What differs in extents only, or is the same for FP16 and BF16, is the same.
    """
    bare = re.sub(r"^// .*\n", "", text.replace(PRELUDE, ""), flags=re.MULTILINE)
    bare = re.sub("half_t|bf16_t", "two_t", bare).replace("bf16", "f16")
    return re.sub(r"(?<![\w.])\d+", "0", bare)


def failures(texts: list[str], arch: str, options: tuple[str, ...] = QUICK) -> list[str]:
    """What the compiler says of the texts that it refuses; compiles on all cores."""

    def refusal(text: str) -> str:
        try:
            code = compile_cubin(text, arch, options)
        except KernelCompileError as error:
            return f"{text.splitlines()[0]}\n{error}"
        return "" if code[:4] == b"\x7fELF" else f"{text.splitlines()[0]}\nno machine code"

    with ThreadPoolExecutor() as pool:  # the compiler lets other threads run
        return [said for said in pool.map(refusal, texts) if said]

"""What vector registers the host has, and the tile shapes that follow from them.

The choice follows Numba's own idea of the target, so that ``NUMBA_CPU_NAME`` and
``NUMBA_CPU_FEATURES`` narrow our kernels just as they narrow Numba's code generation.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import llvmlite.binding as llvm
from numba.core import config


@dataclass(frozen=True, slots=True)
class Isa:
    """A family of vector instructions.

    Attributes:
        name: Part of tactic names and of packed-weight formats.
        lanes: float32 values in one register.
        tile_rows: Rows of a matrix tile whose accumulators stay in registers when the tile
            is two vectors wide: rows × 2 accumulators + 2 operands + 1 broadcast.
    """

    name: str
    lanes: int
    tile_rows: int


AVX512 = Isa("avx512", lanes=16, tile_rows=12)
AVX2 = Isa("avx2", lanes=8, tile_rows=6)
VECTOR128 = Isa("vector128", lanes=4, tile_rows=8)
"""NEON, and what remains: 128-bit registers are everywhere."""


@cache
def target_isa() -> Isa:
    """The widest vector family that Numba will generate code for in this process."""
    features = _target_features()
    if "avx512f" in features:
        return AVX512
    if "avx2" in features and "fma" in features:
        return AVX2
    return VECTOR128


def _target_features() -> frozenset[str]:
    # Numba's configuration object has no types; both options are strings or None.
    wanted = cast("Any", config)
    chosen = wanted.CPU_FEATURES
    if chosen is None and wanted.CPU_NAME not in (None, "", "host"):
        chosen = ""  # a named CPU without a list: Numba drops the host's features
    if chosen is not None:
        words = cast("str", chosen).split(",")
        return frozenset(word.lstrip("+") for word in words if word.startswith("+"))
    host = cast("dict[str, bool]", llvm.get_host_cpu_features())
    return frozenset(name for name, present in host.items() if present)

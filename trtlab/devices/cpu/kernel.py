# ruff: noqa: ANN401  (values of untyped libraries)
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUntypedBaseClass=false
# pyright: reportUnknownParameterType=false, reportUntypedFunctionDecorator=false
# Numba ships no types; this module is the seam to its compiler and its cache.
"""Native kernels: Numba C functions that are compiled on first use and cached on disk.

A kernel has the form ``void(args, thread, threads)``: ``args`` is the address of an int64
block (addresses, sizes, strides, float bits), and the call does the share of thread number
``thread`` of ``threads``. It holds no Python lock and raises nothing.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.ccallback import CFunc

from trtlab.devices.cpu.isa import target_isa

P = ParamSpec("P")
R = TypeVar("R")

KernelFunction = Callable[[int, int, int], None]

_OPTIONS = {"nopython": True, "error_model": "numpy", "boundscheck": False}
_LOCK = threading.Lock()


@cache
def source_digest() -> str:
    """Digest of all native sources and of the vector width.

    Numba keys its cache by the source file of a function alone; our kernels also depend on
    the operations and routines that they call, which lie in other files.
    """
    digest = hashlib.sha256(target_isa().name.encode())
    package = Path(__file__).resolve().parents[2]
    for room in ("devices/cpu", "kernels/cpu"):
        for path in sorted((package / room).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


class _DigestLocator:
    """Numba's cache locator, with freshness decided by ``source_digest``."""

    def __init__(self, locator: Any) -> None:
        self._locator = locator

    def get_source_stamp(self) -> str:
        return source_digest()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._locator, name)


class _KernelCacheImpl(CompileResultCacheImpl):
    @property
    def locator(self) -> Any:
        return _DigestLocator(super().locator)


class _KernelCache(FunctionCache):
    _impl_class = _KernelCacheImpl


class Kernel:
    """One native kernel.

    Attributes:
        name: The Python function's name.
        compile_seconds: What the first use cost; ``None`` before. Small when the cache on
            disk had it.
    """

    def __init__(self, function: Callable[..., Any], signature: Any) -> None:
        self.name = function.__name__
        self.compile_seconds: float | None = None
        self._function = function
        self._signature = signature
        self._compiled: Any = None

    @property
    def address(self) -> int:
        """Address of the machine code; compiles it on first use."""
        if self._compiled is None:
            with _LOCK:
                if self._compiled is None:
                    self._compiled = self._compile()
        return cast("int", self._compiled.address)

    def assembly(self) -> str:
        """The machine code as text, for people who tune kernels."""
        compiled = self._compile(cached=False)
        # Numba has no public way to a C function's library.
        return cast("str", compiled._library.get_asm_str())  # noqa: SLF001

    def _compile(self, *, cached: bool = True) -> Any:
        began = time.perf_counter()
        compiled: Any = cast("Any", CFunc)(
            self._function,
            (self._signature.args, self._signature.return_type),
            locals={},
            options=_OPTIONS,
        )
        if cached:
            compiled._cache = _KernelCache(self._function)  # noqa: SLF001
        compiled.compile()
        self.compile_seconds = time.perf_counter() - began
        return compiled


def kernel(function: KernelFunction) -> Kernel:
    """Make a Python function ``(args, thread, threads)`` a native kernel."""
    return Kernel(function, numba.void(numba.int64, numba.int64, numba.int64))


def routine(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function callable from kernels; it is compiled with each kernel that uses it."""
    return cast("Callable[P, R]", numba.njit(error_model="numpy", boundscheck=False)(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Like ``routine``, but always expanded where it is called: vectors stay in registers."""
    made = numba.njit(error_model="numpy", boundscheck=False, forceinline=True)(function)
    return cast("Callable[P, R]", made)

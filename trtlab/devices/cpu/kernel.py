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
import inspect
import logging
import pickle
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast, get_type_hints
from weakref import WeakKeyDictionary

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.ccallback import CFunc
from numba.core.compiler import Flags, compile_internal

from trtlab.devices.cpu.isa import target_isa
from trtlab.devices.cpu.operation import declare, machine_type

P = ParamSpec("P")
R = TypeVar("R")

KernelFunction = Callable[[int, int, int], None]

_OPTIONS = {"nopython": True, "error_model": "numpy", "boundscheck": False}
_LOG = logging.getLogger(__name__)
_LOCK = threading.Lock()
_ROUTINES: WeakKeyDictionary[Any, dict[Any, Any]] = WeakKeyDictionary()
"""By library under construction: the routines that are in it already."""


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


_DAMAGE = (EOFError, ValueError, KeyError, AttributeError, pickle.UnpicklingError)
"""What reading a file of the cache raises that something cut short or wrote over."""


class _KernelCache(FunctionCache):
    """The cache on disk, as a convenience: without it a kernel is only compiled once more."""

    _impl_class = _KernelCacheImpl

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except OSError as error:
            _say_once(self.cache_path, f"cannot be read: {error.strerror}")
        except _DAMAGE:
            _say_once(self.cache_path, "was damaged; it is made anew")
            self._forget()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _say_once(self.cache_path, f"cannot be written: {error.strerror}")

    def _forget(self) -> None:
        try:
            self.flush()
        except OSError as error:
            _say_once(self.cache_path, f"cannot be written: {error.strerror}")


@cache
def _say_once(folder: str, what: str) -> None:
    _LOG.warning("kernel cache %s %s", folder, what)


def _cache_of(function: Callable[..., Any]) -> _KernelCache | None:
    try:
        return _KernelCache(function)
    except RuntimeError as error:
        # Numba's answer where neither the package's folder nor the home can be written.
        _LOG.debug("%s", error)
        return None


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
        if cached and (kept := _cache_of(self._function)) is not None:
            compiled._cache = kept  # noqa: SLF001
        compiled.compile()
        self.compile_seconds = time.perf_counter() - began
        return compiled


def kernel(function: KernelFunction) -> Kernel:
    """Make a Python function ``(args, thread, threads)`` a native kernel."""
    return Kernel(function, numba.void(numba.int64, numba.int64, numba.int64))


def routine(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function callable from kernels; it is compiled with each kernel that uses it.

    Its types are its annotations: int, float (float32), bool, Vector, Mask, None, or a tuple
    of these. Arguments are converted to them.
    """
    return _subroutine(function, inline=False)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Like ``routine``, but always expanded where it is called: vectors stay in registers."""
    return _subroutine(function, inline=True)


def _subroutine(function: Callable[P, R], *, inline: bool) -> Callable[P, R]:
    def generate(context: Any, build: Any, signature: Any, values: Any) -> Any:
        described = _described(context, function, signature, inline=inline)
        return context.call_internal(build, described, signature, values)

    def types_of() -> tuple[Any, tuple[Any, ...]]:
        hints = get_type_hints(function)
        names = inspect.signature(function).parameters
        return machine_type(hints["return"]), tuple(machine_type(hints[n]) for n in names)

    return declare(function, types_of, generate)


def _described(context: Any, function: Any, signature: Any, *, inline: bool) -> Any:
    """Numba's description of a routine, compiled into the kernel that is being compiled.

    Numba's own way for a callee is a library for each, optimized and translated by itself
    and then linked into its callers: that costs twice the time.
    """
    library = context.active_code_library
    made = _ROUTINES.setdefault(library, {})
    key = (function, signature)
    if key not in made:
        flags: Any = Flags()
        flags.error_model = "numpy"
        flags.forceinline = inline
        flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
        result = compile_internal(
            context.typing_context,
            context,
            library,
            function,
            signature.args,
            signature.return_type,
            flags,
            locals={},
        )
        made[key] = result.fndesc
    return made[key]

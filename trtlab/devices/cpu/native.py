# ruff: noqa: ANN401, ARG001  (values of untyped libraries; declarations without bodies)
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUnknownLambdaType=false
# llvmlite's builder carries no types; the declared operations below are fully typed.
"""Machine operations for Numba kernels: memory, atomics, clock, calls.

Addresses are integers in bytes. Nothing is checked: an address outside a buffer corrupts
memory, as in C. Loads and stores need no alignment.
"""

import platform
import time
from typing import Any

import llvmlite.ir as ir
from numba.core import types

from trtlab.devices.cpu.operation import (
    F32,
    F64,
    FLOAT,
    I8,
    I16,
    I32,
    I64,
    INT,
    VOID,
    KernelOnly,
    operation,
)

_DOUBLE = types.float64


def call_intrinsic(build: Any, name: str, result: Any, values: tuple[Any, ...]) -> Any:
    """Call LLVM's intrinsic ``name``, declaring it where the module lacks it."""
    module = build.module
    function = module.globals.get(name)
    if function is None:
        kind = ir.FunctionType(result, [value.type for value in values])
        function = ir.Function(module, kind, name)
    return build.call(function, values)


def pointer(build: Any, address: Any, pointed: Any) -> Any:
    """``address`` as an LLVM pointer."""
    return build.inttoptr(address, pointed.as_pointer())


def load_as(pointed: Any, align: int) -> Any:
    """An emitter that loads a value of an LLVM type from an address."""

    def emit(build: Any, address: Any) -> Any:
        return build.load(pointer(build, address, pointed), align=align)

    return emit


def store_as(pointed: Any, align: int) -> Any:
    """An emitter that stores a value of an LLVM type to an address."""

    def emit(build: Any, address: Any, value: Any) -> None:
        build.store(value, pointer(build, address, pointed), align=align)

    return emit


def _load_integer(stored: Any, *, signed: bool) -> Any:
    def emit(build: Any, address: Any) -> Any:
        value = build.load(pointer(build, address, stored), align=1)
        return build.sext(value, I64) if signed else build.zext(value, I64)

    return emit


def _store_integer(stored: Any) -> Any:
    def emit(build: Any, address: Any, value: Any) -> None:
        build.store(build.trunc(value, stored), pointer(build, address, stored), align=1)

    return emit


# Scalars in memory


@operation(FLOAT, (INT,), load_as(F32, 4))
def load_f32(address: int) -> float:
    """The float32 at ``address``."""
    raise KernelOnly


@operation(VOID, (INT, FLOAT), store_as(F32, 4))
def store_f32(address: int, value: float) -> None:
    """Write a float32."""
    raise KernelOnly


@operation(_DOUBLE, (INT,), load_as(F64, 8))
def load_f64(address: int) -> float:
    """The float64 at ``address``."""
    raise KernelOnly


@operation(VOID, (INT, _DOUBLE), store_as(F64, 8))
def store_f64(address: int, value: float) -> None:
    """Write a float64."""
    raise KernelOnly


@operation(INT, (INT,), load_as(I64, 8))
def load_i64(address: int) -> int:
    """The int64 at ``address``."""
    raise KernelOnly


@operation(VOID, (INT, INT), store_as(I64, 8))
def store_i64(address: int, value: int) -> None:
    """Write an int64."""
    raise KernelOnly


@operation(INT, (INT,), _load_integer(I32, signed=True))
def load_i32(address: int) -> int:
    """The int32 at ``address``, widened."""
    raise KernelOnly


@operation(VOID, (INT, INT), _store_integer(I32))
def store_i32(address: int, value: int) -> None:
    """Write the low 32 bits of ``value``."""
    raise KernelOnly


@operation(INT, (INT,), _load_integer(I16, signed=False))
def load_u16(address: int) -> int:
    """The uint16 at ``address``, widened."""
    raise KernelOnly


@operation(VOID, (INT, INT), _store_integer(I16))
def store_u16(address: int, value: int) -> None:
    """Write the low 16 bits of ``value``."""
    raise KernelOnly


@operation(INT, (INT,), _load_integer(I8, signed=True))
def load_i8(address: int) -> int:
    """The int8 at ``address``, widened."""
    raise KernelOnly


@operation(INT, (INT,), _load_integer(I8, signed=False))
def load_u8(address: int) -> int:
    """The uint8 (or bool) at ``address``, widened."""
    raise KernelOnly


@operation(VOID, (INT, INT), _store_integer(I8))
def store_u8(address: int, value: int) -> None:
    """Write the low 8 bits of ``value``."""
    raise KernelOnly


@operation(FLOAT, (INT,), lambda build, bits: build.bitcast(build.trunc(bits, I32), F32))
def float_from_bits(bits: int) -> float:
    """The float32 whose IEEE encoding is the low 32 bits of ``bits``."""
    raise KernelOnly


def _copy(build: Any, target: Any, source: Any, size_bytes: Any) -> None:
    byte = I8.as_pointer()
    name = "llvm.memcpy.p0.p0.i64" if byte.is_opaque else "llvm.memcpy.p0i8.p0i8.i64"
    ends = (build.inttoptr(target, byte), build.inttoptr(source, byte))
    call_intrinsic(
        build, name, ir.VoidType(), (*ends, size_bytes, ir.Constant(ir.IntType(1), 0))
    )


@operation(VOID, (INT, INT, INT), _copy)
def copy_bytes(target: int, source: int, size_bytes: int) -> None:
    """Copy memory between buffers that do not overlap."""
    raise KernelOnly


def _prefetch(build: Any, address: Any) -> None:
    byte = I8.as_pointer()
    name = "llvm.prefetch.p0" if byte.is_opaque else "llvm.prefetch.p0i8"
    read, near, data = (ir.Constant(I32, value) for value in (0, 3, 1))
    values = (build.inttoptr(address, byte), read, near, data)
    call_intrinsic(build, name, ir.VoidType(), values)


@operation(VOID, (INT,), _prefetch)
def prefetch(address: int) -> None:
    """Ask for the cache line of ``address``; never faults."""
    raise KernelOnly


# Threads


@operation(
    INT,
    (INT,),
    lambda build, address: build.load_atomic(pointer(build, address, I64), "acquire", 8),
)
def atomic_load(address: int) -> int:
    """The int64 at an aligned address, with acquire order."""
    raise KernelOnly


@operation(
    VOID,
    (INT, INT),
    lambda build, address, value: build.store_atomic(
        value, pointer(build, address, I64), "release", 8
    ),
)
def atomic_store(address: int, value: int) -> None:
    """Write an int64 with release order."""
    raise KernelOnly


@operation(
    INT,
    (INT, INT),
    lambda build, address, value: build.atomic_rmw(
        "add", pointer(build, address, I64), value, "seq_cst"
    ),
)
def atomic_add(address: int, value: int) -> int:
    """Add to an int64; returns what was there before."""
    raise KernelOnly


@operation(
    INT,
    (INT, INT),
    lambda build, address, value: build.atomic_rmw(
        "max", pointer(build, address, I64), value, "seq_cst"
    ),
)
def atomic_max(address: int, value: int) -> int:
    """Raise an int64 to at least ``value``; returns what was there before."""
    raise KernelOnly


def _pause(build: Any) -> None:
    if platform.machine().lower() in {"x86_64", "amd64", "i686"}:
        call_intrinsic(build, "llvm.x86.sse2.pause", ir.VoidType(), ())
    elif platform.machine().lower() in {"aarch64", "arm64"}:
        call_intrinsic(build, "llvm.aarch64.hint", ir.VoidType(), (ir.Constant(I32, 1),))


@operation(VOID, (), _pause)
def pause() -> None:
    """Tell the core that this is a waiting loop."""
    raise KernelOnly


def _libc(build: Any, name: str, values: tuple[Any, ...]) -> Any:
    function = build.module.globals.get(name)
    if function is None:
        kind = ir.FunctionType(I32, [value.type for value in values])
        function = ir.Function(build.module, kind, name)
    return build.sext(build.call(function, values), I64)


@operation(INT, (), lambda build: _libc(build, "sched_yield", ()))
def yield_core() -> int:
    """Let another thread run."""
    raise KernelOnly


def _libc_on_address(name: str) -> Any:
    def emit(build: Any, *addresses: Any) -> Any:
        values = tuple(build.inttoptr(address, I8.as_pointer()) for address in addresses)
        return _libc(build, name, values)

    return emit


@operation(INT, (INT,), _libc_on_address("pthread_mutex_lock"))
def mutex_lock(mutex: int) -> int:
    """Lock the POSIX mutex at ``mutex``."""
    raise KernelOnly


@operation(INT, (INT,), _libc_on_address("pthread_mutex_unlock"))
def mutex_unlock(mutex: int) -> int:
    """Unlock a POSIX mutex."""
    raise KernelOnly


@operation(INT, (INT, INT), _libc_on_address("pthread_cond_wait"))
def condition_wait(condition: int, mutex: int) -> int:
    """Sleep until the POSIX condition is signalled; the mutex is held before and after."""
    raise KernelOnly


@operation(INT, (INT,), _libc_on_address("pthread_cond_broadcast"))
def condition_broadcast(condition: int) -> int:
    """Wake everybody who waits for a POSIX condition."""
    raise KernelOnly


_MONOTONIC = getattr(time, "CLOCK_MONOTONIC", 1)


def _monotonic_ns(build: Any) -> Any:
    # The slot lies in the entry block, so that a loop around the call does not grow the stack.
    with build.goto_entry_block():
        slot = build.alloca(ir.ArrayType(I64, 2))
    place = build.ptrtoint(slot, I64)
    clock = ir.Constant(I32, _MONOTONIC)
    _libc(build, "clock_gettime", (clock, build.inttoptr(place, I8.as_pointer())))
    seconds = build.load(pointer(build, place, I64), align=8)
    rest = build.load(pointer(build, build.add(place, ir.Constant(I64, 8)), I64), align=8)
    return build.add(build.mul(seconds, ir.Constant(I64, 1_000_000_000)), rest)


@operation(INT, (), _monotonic_ns)
def monotonic_ns() -> int:
    """Nanoseconds of the clock that ``time.monotonic_ns`` reads."""
    raise KernelOnly


# Calls


def _call_kernel(build: Any, function: Any, args: Any, thread: Any, threads: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [I64, I64, I64])
    build.call(build.inttoptr(function, kind.as_pointer()), (args, thread, threads))


@operation(VOID, (INT, INT, INT, INT), _call_kernel)
def call_kernel(function: int, args: int, thread: int, threads: int) -> None:
    """Run the kernel at address ``function`` for one thread's share."""
    raise KernelOnly

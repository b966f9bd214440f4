# ruff: noqa: ANN401, ARG001  (values of untyped libraries; declarations without bodies)
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUnknownLambdaType=false
# llvmlite's builder carries no types; the declared operations below are fully typed.
"""Vector operations for Numba kernels: ``LANES`` float32 values at a time.

``+ - * /`` and comparisons are operators of ``Vector`` (see ``operation``). They are rounded
one by one; ``vfma`` rounds once. Addresses are integers in bytes and need no alignment.
"""

from typing import Any

import llvmlite.ir as ir
from numba.core import types

from trtlab.devices.cpu.native import call_intrinsic, load_as, pointer, store_as
from trtlab.devices.cpu.operation import (
    F32,
    FLOAT,
    I32,
    I64,
    INDEX_VECTOR_IR,
    INT,
    LANES,
    MASK,
    VECTOR,
    VECTOR_IR,
    VOID,
    KernelOnly,
    Mask,
    Vector,
    operation,
)


def broadcast(build: Any, value: Any, lanes: int = LANES) -> Any:
    """A vector whose every lane is ``value``."""
    kind = ir.VectorType(value.type, lanes)
    one = build.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(I32, 0))
    order = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
    return build.shuffle_vector(one, ir.Constant(kind, ir.Undefined), order)


def _first_lanes(build: Any, count: Any) -> Any:
    lanes = ir.Constant(INDEX_VECTOR_IR, list(range(LANES)))
    return build.icmp_signed("<", lanes, broadcast(build, build.trunc(count, I32)))


def _masked_name(action: str) -> str:
    kind = VECTOR_IR.as_pointer()
    return f"llvm.masked.{action}.v{LANES}f32.p0" + ("" if kind.is_opaque else f"v{LANES}f32")


def _load_first(build: Any, address: Any, count: Any) -> Any:
    values = (
        pointer(build, address, VECTOR_IR),
        ir.Constant(I32, 4),
        _first_lanes(build, count),
        ir.Constant(VECTOR_IR, None),
    )
    return call_intrinsic(build, _masked_name("load"), VECTOR_IR, values)


def _store_first(build: Any, address: Any, value: Any, count: Any) -> None:
    mask = _first_lanes(build, count)
    values = (value, pointer(build, address, VECTOR_IR), ir.Constant(I32, 4), mask)
    call_intrinsic(build, _masked_name("store"), ir.VoidType(), values)


@operation(VECTOR, (INT,), load_as(VECTOR_IR, 4))
def vload(address: int) -> Vector:
    """``LANES`` float32 values from ``address``."""
    raise KernelOnly


@operation(VOID, (INT, VECTOR), store_as(VECTOR_IR, 4))
def vstore(address: int, value: Vector) -> None:
    """Write ``LANES`` float32 values."""
    raise KernelOnly


@operation(VECTOR, (INT, INT), _load_first)
def vload_first(address: int, count: int) -> Vector:
    """The first ``count`` lanes from memory, zero in the others; reads nothing beyond."""
    raise KernelOnly


@operation(VOID, (INT, VECTOR, INT), _store_first)
def vstore_first(address: int, value: Vector, count: int) -> None:
    """Write the first ``count`` lanes; touches nothing beyond."""
    raise KernelOnly


@operation(VECTOR, (FLOAT,), broadcast)
def vfill(value: float) -> Vector:
    """Every lane is ``value``."""
    raise KernelOnly


def fused_multiply_add(build: Any, a: Any, b: Any, c: Any) -> Any:
    """Instructions of a·b + c on vectors."""
    return call_intrinsic(build, f"llvm.fma.v{a.type.count}f32", a.type, (a, b, c))


@operation(VECTOR, (VECTOR, VECTOR, VECTOR), fused_multiply_add)
def vfma(a: Vector, b: Vector, c: Vector) -> Vector:
    """a·b + c, rounded once."""
    raise KernelOnly


def _pick(sign: str) -> Any:
    # compare and select is one machine instruction, and a NaN in `a` stays
    return lambda build, a, b: build.select(build.fcmp_ordered(sign, b, a), b, a)


@operation(VECTOR, (VECTOR, VECTOR), _pick("<"))
def vmin(a: Vector, b: Vector) -> Vector:
    """Smaller value in each lane; a NaN in ``a`` stays, one in ``b`` is ignored."""
    raise KernelOnly


@operation(VECTOR, (VECTOR, VECTOR), _pick(">"))
def vmax(a: Vector, b: Vector) -> Vector:
    """Larger value in each lane; a NaN in ``a`` stays, one in ``b`` is ignored."""
    raise KernelOnly


def _pick_or_nan(sign: str) -> Any:
    pick = _pick(sign)

    def emit(build: Any, a: Any, b: Any) -> Any:
        return build.select(build.fcmp_ordered("ord", b, b), pick(build, a, b), b)

    return emit


@operation(VECTOR, (VECTOR, VECTOR), _pick_or_nan("<"))
def vmin_or_nan(a: Vector, b: Vector) -> Vector:
    """Smaller value in each lane, NaN where one of the two is."""
    raise KernelOnly


@operation(VECTOR, (VECTOR, VECTOR), _pick_or_nan(">"))
def vmax_or_nan(a: Vector, b: Vector) -> Vector:
    """Larger value in each lane, NaN where one of the two is."""
    raise KernelOnly


@operation(VECTOR, (MASK, VECTOR, VECTOR), lambda build, mask, a, b: build.select(mask, a, b))
def vselect(mask: Mask, a: Vector, b: Vector) -> Vector:
    """``a`` where the mask is true, else ``b``."""
    raise KernelOnly


def _unary(name: str) -> Any:
    def emit(build: Any, value: Any) -> Any:
        return call_intrinsic(build, f"llvm.{name}.v{LANES}f32", VECTOR_IR, (value,))

    return emit


@operation(VECTOR, (VECTOR,), _unary("sqrt"))
def vsqrt(value: Vector) -> Vector:
    """Square root, correctly rounded."""
    raise KernelOnly


@operation(VECTOR, (VECTOR,), _unary("fabs"))
def vabs(value: Vector) -> Vector:
    """Absolute value."""
    raise KernelOnly


@operation(VECTOR, (VECTOR,), _unary("floor"))
def vfloor(value: Vector) -> Vector:
    """Round towards minus infinity."""
    raise KernelOnly


@operation(VECTOR, (VECTOR,), _unary("ceil"))
def vceil(value: Vector) -> Vector:
    """Round towards plus infinity."""
    raise KernelOnly


@operation(VECTOR, (VECTOR,), _unary("rint"))
def vround(value: Vector) -> Vector:
    """Round to the nearest integer, halves to even."""
    raise KernelOnly


def _copy_sign(build: Any, size: Any, sign: Any) -> Any:
    return call_intrinsic(build, f"llvm.copysign.v{LANES}f32", VECTOR_IR, (size, sign))


@operation(VECTOR, (VECTOR, VECTOR), _copy_sign)
def vcopysign(size: Vector, sign: Vector) -> Vector:
    """Magnitude of ``size`` with the sign bit of ``sign``."""
    raise KernelOnly


def _power_of_two(build: Any, exponent: Any) -> Any:
    whole = build.fptosi(exponent, INDEX_VECTOR_IR)
    bias = ir.Constant(INDEX_VECTOR_IR, [127] * LANES)
    shift = ir.Constant(INDEX_VECTOR_IR, [23] * LANES)
    return build.bitcast(build.shl(build.add(whole, bias), shift), VECTOR_IR)


@operation(VECTOR, (VECTOR,), _power_of_two)
def vpower_of_two(exponent: Vector) -> Vector:
    """2**exponent for whole exponents in [-126, 127]."""
    raise KernelOnly


def _exponent(build: Any, value: Any) -> Any:
    bits = build.bitcast(value, INDEX_VECTOR_IR)
    shifted = build.lshr(bits, ir.Constant(INDEX_VECTOR_IR, [23] * LANES))
    field = build.and_(shifted, ir.Constant(INDEX_VECTOR_IR, [255] * LANES))
    return build.sitofp(
        build.sub(field, ir.Constant(INDEX_VECTOR_IR, [127] * LANES)), VECTOR_IR
    )


@operation(VECTOR, (VECTOR,), _exponent)
def vexponent(value: Vector) -> Vector:
    """The binary exponent of each normal value, as a float."""
    raise KernelOnly


def _reduce(combine: Any) -> Any:
    def emit(build: Any, value: Any) -> Any:
        width = LANES
        while width > 1:
            width //= 2
            low = ir.Constant(ir.VectorType(I32, width), list(range(width)))
            high = ir.Constant(ir.VectorType(I32, width), list(range(width, 2 * width)))
            none = ir.Constant(value.type, ir.Undefined)
            halves = (
                build.shuffle_vector(value, none, low),
                build.shuffle_vector(value, none, high),
            )
            value = combine(build, *halves)
        return build.extract_element(value, ir.Constant(I32, 0))

    return emit


@operation(FLOAT, (VECTOR,), _reduce(lambda build, a, b: build.fadd(a, b)))
def vsum(value: Vector) -> float:
    """Sum of the lanes, added pairwise."""
    raise KernelOnly


@operation(FLOAT, (VECTOR,), _reduce(_pick(">")))
def vlargest(value: Vector) -> float:
    """Largest lane, where none is NaN."""
    raise KernelOnly


@operation(FLOAT, (VECTOR,), _reduce(_pick_or_nan(">")))
def vlargest_or_nan(value: Vector) -> float:
    """Largest lane, NaN where one is."""
    raise KernelOnly


@operation(FLOAT, (VECTOR,), _reduce(_pick_or_nan("<")))
def vsmallest_or_nan(value: Vector) -> float:
    """Smallest lane, NaN where one is."""
    raise KernelOnly


def _any(build: Any, mask: Any) -> Any:
    bits = build.bitcast(mask, ir.IntType(LANES))
    return build.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))


@operation(types.boolean, (MASK,), _any)
def vany(mask: Mask) -> bool:
    """Whether one lane is true."""
    raise KernelOnly


def _gather(build: Any, address: Any, step: Any) -> Any:
    vector = ir.Constant(VECTOR_IR, ir.Undefined)
    for lane in range(LANES):
        place = build.add(address, build.mul(step, ir.Constant(I64, lane)))
        value = build.load(pointer(build, place, F32), align=4)
        vector = build.insert_element(vector, value, ir.Constant(I32, lane))
    return vector


@operation(VECTOR, (INT, INT), _gather)
def vgather(address: int, step_bytes: int) -> Vector:
    """One float32 every ``step_bytes``."""
    raise KernelOnly

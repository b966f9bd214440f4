# ruff: noqa: ANN401, ARG001  (values of untyped libraries; declarations without bodies)
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUnknownLambdaType=false
# llvmlite's builder carries no types; the declared operations below are fully typed.
"""Machine operations that data movement needs: shuffles, half precision, stack scratch."""

from typing import Any, Final

import llvmlite.ir as ir

from trtlab.devices.cpu.native import call_intrinsic, pointer
from trtlab.devices.cpu.operation import (
    F32,
    FLOAT,
    I32,
    I64,
    INDEX_VECTOR_IR,
    INT,
    LANES,
    VECTOR,
    VECTOR_IR,
    VOID,
    KernelOnly,
    Vector,
    operation,
)
from trtlab.devices.cpu.vectors import broadcast

SCRATCH_BYTES: Final = 65536
"""What `stack_scratch` gives: room for 16,384 float32 values."""

_I16 = ir.IntType(16)


def _stack(build: Any) -> Any:
    # In the entry block, so that a loop around the call does not grow the stack.
    with build.goto_entry_block():
        slot = build.alloca(ir.ArrayType(ir.IntType(8), SCRATCH_BYTES + 64))
    address = build.ptrtoint(slot, I64)
    raised = build.add(address, ir.Constant(I64, 63))
    return build.and_(raised, ir.Constant(I64, -64))


@operation(INT, (), _stack)
def stack_scratch() -> int:
    """Address of `SCRATCH_BYTES` of the kernel's own stack, 64-byte aligned.

    Each place that calls it in a kernel's source has its own scratch, with garbage in it.
    """
    raise KernelOnly


def _indices(values: list[int]) -> Any:
    return ir.Constant(ir.VectorType(I32, len(values)), values)


def _transposed(build: Any, rows: list[Any]) -> list[Any]:
    """LANES vectors → LANES vectors, by log2(LANES) rounds of pairwise exchanges.

    Round ``half`` swaps the bit of weight ``half`` between row number and lane number.
    """
    half = 1
    while half < LANES:
        low = [k if not k & half else LANES + k - half for k in range(LANES)]
        high = [k + half if not k & half else LANES + k for k in range(LANES)]
        changed = list(rows)
        for row in range(LANES):
            if not row & half:
                pair = (rows[row], rows[row + half])
                changed[row] = build.shuffle_vector(*pair, _indices(low))
                changed[row + half] = build.shuffle_vector(*pair, _indices(high))
        rows = changed
        half *= 2
    return rows


def _transpose_tile(
    build: Any, target: Any, target_step: Any, source: Any, source_step: Any
) -> None:
    def at(base: Any, step: Any, row: int) -> Any:
        place = build.add(base, build.mul(step, ir.Constant(I64, row)))
        return pointer(build, place, VECTOR_IR)

    rows = [build.load(at(source, source_step, row), align=4) for row in range(LANES)]
    for row, value in enumerate(_transposed(build, rows)):
        build.store(value, at(target, target_step, row), align=4)


@operation(VOID, (INT, INT, INT, INT), _transpose_tile)
def transpose_tile(target: int, target_step: int, source: int, source_step: int) -> None:
    """Transpose LANES × LANES float32 values.

    Args:
        target: Address of the first of LANES rows to write.
        target_step: Bytes from one row to the next.
        source: Address of the first of LANES rows to read.
        source_step: Bytes from one row to the next.
    """
    raise KernelOnly


def _load_or(build: Any, address: Any, count: Any, fill: Any) -> Any:
    lanes = _indices(list(range(LANES)))
    wanted = broadcast(build, build.trunc(count, I32))
    mask = build.icmp_signed("<", lanes, wanted)
    kind = VECTOR_IR.as_pointer()
    name = f"llvm.masked.load.v{LANES}f32.p0" + ("" if kind.is_opaque else f"v{LANES}f32")
    values = (
        pointer(build, address, VECTOR_IR),
        ir.Constant(I32, 4),
        mask,
        broadcast(build, fill),
    )
    return call_intrinsic(build, name, VECTOR_IR, values)


@operation(VECTOR, (INT, INT, FLOAT), _load_or)
def vload_or(address: int, count: int, fill: float) -> Vector:
    """The first ``count`` lanes from memory, ``fill`` in the others; reads nothing beyond."""
    raise KernelOnly


def _every_second(build: Any, address: Any) -> Any:
    low = build.load(pointer(build, address, VECTOR_IR), align=4)
    step = build.add(address, ir.Constant(I64, 4 * (LANES - 1)))
    high = build.load(pointer(build, step, VECTOR_IR), align=4)
    # `high` begins at element LANES − 1: its odd lanes are elements LANES, LANES + 2, …
    order = [2 * k if 2 * k < LANES else 2 * k + 1 for k in range(LANES)]
    return build.shuffle_vector(low, high, _indices(order))


@operation(VECTOR, (INT,), _every_second)
def vload_every_second(address: int) -> Vector:
    """Elements 0, 2, 4, … from ``address``; reads nothing beyond element 2·LANES − 2."""
    raise KernelOnly


def _half_to_float(build: Any, address: Any) -> Any:
    kind = ir.VectorType(_I16, LANES)
    bits = build.load(pointer(build, address, kind), align=2)
    return _float_from_half_bits(build, bits)


def _splat(value: int) -> Any:
    return ir.Constant(INDEX_VECTOR_IR, [value] * LANES)


def _float_from_half_bits(build: Any, bits: Any) -> Any:
    """Shift the fields into place and let one multiplication rebias the exponent.

    The product is exact for subnormal halves too; infinity and NaN get the top exponent.
    """
    wide = build.zext(bits, INDEX_VECTOR_IR)
    magnitude = build.shl(build.and_(wide, _splat(0x7FFF)), _splat(13))
    scale = ir.Constant(VECTOR_IR, [2.0**112] * LANES)
    value = build.bitcast(
        build.fmul(build.bitcast(magnitude, VECTOR_IR), scale), INDEX_VECTOR_IR
    )
    special = build.icmp_unsigned(">=", magnitude, _splat(0x7C00 << 13))
    value = build.select(special, build.or_(magnitude, _splat(0x7F800000)), value)
    sign = build.shl(build.and_(wide, _splat(0x8000)), _splat(16))
    return build.bitcast(build.or_(value, sign), VECTOR_IR)


@operation(VECTOR, (INT,), _half_to_float)
def vload_half(address: int) -> Vector:
    """LANES IEEE half-precision values, widened."""
    raise KernelOnly


def _half_bits_from_float(build: Any, value: Any) -> Any:
    """Round to nearest even by adding a magic number at the half's last place."""
    bits = build.bitcast(value, INDEX_VECTOR_IR)
    sign = build.and_(bits, _splat(-0x80000000))
    size = build.xor(bits, sign)
    # normal results: add half an ulp (less one, plus the last kept bit), rebias, shift
    odd = build.and_(build.lshr(size, _splat(13)), _splat(1))
    rebias = build.add(build.add(size, _splat(0xFFF - (112 << 23))), odd)
    normal = build.lshr(rebias, _splat(13))
    # subnormal results: the addition of ½ aligns the mantissa and rounds
    aligned = build.fadd(build.bitcast(size, VECTOR_IR), ir.Constant(VECTOR_IR, [0.5] * LANES))
    small = build.sub(build.bitcast(aligned, INDEX_VECTOR_IR), _splat(0x3F000000))
    result = build.select(build.icmp_unsigned("<", size, _splat(0x38800000)), small, normal)
    over = build.icmp_unsigned(">=", size, _splat(0x477FF000))
    result = build.select(over, _splat(0x7C00), result)
    result = build.select(
        build.icmp_unsigned(">", size, _splat(0x7F800000)), _splat(0x7E00), result
    )
    result = build.or_(result, build.lshr(sign, _splat(16)))
    return build.trunc(result, ir.VectorType(_I16, LANES))


def _store_half(build: Any, address: Any, value: Any) -> None:
    kind = ir.VectorType(_I16, LANES)
    build.store(_half_bits_from_float(build, value), pointer(build, address, kind), align=2)


@operation(VOID, (INT, VECTOR), _store_half)
def vstore_half(address: int, value: Vector) -> None:
    """Write LANES values as IEEE half precision, rounded to nearest even."""
    raise KernelOnly


def _load_bfloat(build: Any, address: Any) -> Any:
    kind = ir.VectorType(_I16, LANES)
    bits = build.load(pointer(build, address, kind), align=2)
    return build.bitcast(build.shl(build.zext(bits, INDEX_VECTOR_IR), _splat(16)), VECTOR_IR)


@operation(VECTOR, (INT,), _load_bfloat)
def vload_bfloat(address: int) -> Vector:
    """LANES bfloat16 values, widened."""
    raise KernelOnly


def _store_bfloat(build: Any, address: Any, value: Any) -> None:
    bits = build.bitcast(value, INDEX_VECTOR_IR)
    odd = build.and_(build.lshr(bits, _splat(16)), _splat(1))
    rounded = build.add(build.add(bits, _splat(0x7FFF)), odd)
    nan = build.fcmp_unordered("uno", value, value)
    rounded = build.select(nan, build.or_(bits, _splat(0x400000)), rounded)
    short = build.trunc(build.lshr(rounded, _splat(16)), ir.VectorType(_I16, LANES))
    build.store(short, pointer(build, address, short.type), align=2)


@operation(VOID, (INT, VECTOR), _store_bfloat)
def vstore_bfloat(address: int, value: Vector) -> None:
    """Write LANES values as bfloat16, rounded to nearest even."""
    raise KernelOnly


def _load_integers(width: int, *, signed: bool) -> Any:
    kind = ir.VectorType(ir.IntType(width), LANES)

    def emit(build: Any, address: Any) -> Any:
        values = build.load(pointer(build, address, kind), align=1)
        convert = build.sitofp if signed else build.uitofp
        return convert(values, VECTOR_IR)

    return emit


@operation(VECTOR, (INT,), _load_integers(8, signed=False))
def vload_u8(address: int) -> Vector:
    """LANES uint8 (or bool) values, as floats."""
    raise KernelOnly


@operation(VECTOR, (INT,), _load_integers(8, signed=True))
def vload_i8(address: int) -> Vector:
    """LANES int8 values, as floats."""
    raise KernelOnly


@operation(VECTOR, (INT,), _load_integers(32, signed=True))
def vload_i32(address: int) -> Vector:
    """LANES int32 values, rounded to floats."""
    raise KernelOnly


@operation(VECTOR, (INT,), _load_integers(64, signed=True))
def vload_i64(address: int) -> Vector:
    """LANES int64 values, rounded to floats."""
    raise KernelOnly


def _store_integers(width: int) -> Any:
    kind = ir.VectorType(ir.IntType(width), LANES)

    def emit(build: Any, address: Any, value: Any) -> None:
        if width >= 32:
            whole = build.fptosi(value, kind)
        else:
            whole = build.trunc(build.fptosi(value, INDEX_VECTOR_IR), kind)
        build.store(whole, pointer(build, address, kind), align=1)

    return emit


@operation(VOID, (INT, VECTOR), _store_integers(8))
def vstore_i8(address: int, value: Vector) -> None:
    """Write LANES values as bytes, truncated towards zero and to the low 8 bits."""
    raise KernelOnly


@operation(VOID, (INT, VECTOR), _store_integers(32))
def vstore_i32(address: int, value: Vector) -> None:
    """Write LANES values as int32, truncated towards zero."""
    raise KernelOnly


@operation(VOID, (INT, VECTOR), _store_integers(64))
def vstore_i64(address: int, value: Vector) -> None:
    """Write LANES values as int64, truncated towards zero."""
    raise KernelOnly


def _store_truth(build: Any, address: Any, value: Any) -> None:
    zero = ir.Constant(VECTOR_IR, [0.0] * LANES)
    truth = build.fcmp_unordered("!=", value, zero)
    bytes_ = build.zext(truth, ir.VectorType(ir.IntType(8), LANES))
    build.store(bytes_, pointer(build, address, bytes_.type), align=1)


@operation(VOID, (INT, VECTOR), _store_truth)
def vstore_bool(address: int, value: Vector) -> None:
    """Write LANES bytes: 1 where the value is not 0 (NaN counts as true)."""
    raise KernelOnly


def _equal(build: Any, a: Any, b: Any) -> Any:
    one, zero = (ir.Constant(VECTOR_IR, [x] * LANES) for x in (1.0, 0.0))
    return build.select(build.fcmp_ordered("==", a, b), one, zero)


@operation(VECTOR, (VECTOR, VECTOR), _equal)
def vequal(a: Vector, b: Vector) -> Vector:
    """1 where the lanes are equal, else 0."""
    raise KernelOnly


def _gather_indexed(build: Any, base: Any, table: Any) -> Any:
    vector = ir.Constant(VECTOR_IR, ir.Undefined)
    for lane in range(LANES):
        entry = build.add(table, ir.Constant(I64, 8 * lane))
        offset = build.load(pointer(build, entry, I64), align=8)
        value = build.load(pointer(build, build.add(base, offset), F32), align=4)
        vector = build.insert_element(vector, value, ir.Constant(I32, lane))
    return vector


@operation(VECTOR, (INT, INT), _gather_indexed)
def vgather_indexed(base: int, table: int) -> Vector:
    """LANES values at ``base`` plus the byte offsets in an int64 table."""
    raise KernelOnly

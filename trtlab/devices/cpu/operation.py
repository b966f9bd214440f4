# ruff: noqa: ANN401  (values of untyped libraries)
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUntypedBaseClass=false, reportUntypedFunctionDecorator=false
# pyright: reportUntypedClassDecorator=false, reportUnknownLambdaType=false
# Numba's and llvmlite's classes carry no types; this module is the seam to them.
"""How a machine operation becomes a function that Numba kernels can call.

A kernel is written with plain integers as addresses, with floats and with vectors. Each
operation is declared once: its Python signature for readers and type checkers, its machine
types, and the LLVM instructions that it stands for::

    @operation(FLOAT, (INT,), lambda build, address: ...)
    def load_f32(address: int) -> float:
        '''The float32 at ``address``.'''
        raise KernelOnly

Vectors are values of one Numba type whose width is the host's (``isa.target_isa()``).
"""

import inspect
import operator
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, cast, get_args, get_origin

import llvmlite.ir as ir
from numba.core import types
from numba.core.datamodel import models
from numba.core.extending import intrinsic, lower_builtin, register_model
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature

from trtlab.core.errors import InternalError
from trtlab.devices.cpu.isa import target_isa

LANES = target_isa().lanes
"""float32 values in one vector."""

I1, I8, I16 = ir.IntType(1), ir.IntType(8), ir.IntType(16)
I32, I64 = ir.IntType(32), ir.IntType(64)
F32, F64 = ir.FloatType(), ir.DoubleType()
VECTOR_IR = ir.VectorType(F32, LANES)
INDEX_VECTOR_IR = ir.VectorType(I32, LANES)
MASK_IR = ir.VectorType(I1, LANES)


class Vector(Protocol):
    """``LANES`` float32 values in a register; they exist only inside kernels."""

    def __add__(self, other: "Vector", /) -> "Vector": ...
    def __sub__(self, other: "Vector", /) -> "Vector": ...
    def __mul__(self, other: "Vector", /) -> "Vector": ...
    def __truediv__(self, other: "Vector", /) -> "Vector": ...
    def __lt__(self, other: "Vector", /) -> "Mask": ...
    def __le__(self, other: "Vector", /) -> "Mask": ...
    def __gt__(self, other: "Vector", /) -> "Mask": ...
    def __ge__(self, other: "Vector", /) -> "Mask": ...


class Mask(Protocol):
    """``LANES`` truth values, made by comparing vectors."""

    def __and__(self, other: "Mask", /) -> "Mask": ...
    def __or__(self, other: "Mask", /) -> "Mask": ...
    def __xor__(self, other: "Mask", /) -> "Mask": ...


class _RegisterType(types.Type):
    """A Numba type that is one LLVM vector."""

    def __init__(self, name: str, vector_ir: Any) -> None:
        self.vector_ir = vector_ir
        super().__init__(name=name)


@register_model(_RegisterType)
class _RegisterModel(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: _RegisterType) -> None:
        super().__init__(manager, numba_type, numba_type.vector_ir)


VECTOR = _RegisterType(f"f32x{LANES}", VECTOR_IR)
MASK = _RegisterType(f"i1x{LANES}", MASK_IR)
INT = types.int64
FLOAT = types.float32
VOID = types.void


class KernelOnly(NotImplementedError):  # noqa: N818  (a control signal, not an error class)
    """A machine operation was called from Python instead of from a compiled kernel."""


P = ParamSpec("P")
R = TypeVar("R")


def operation(
    result: Any, arguments: tuple[Any, ...], emit: Callable[..., Any]
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a declared function callable from Numba kernels.

    Args:
        result: Numba type of the result.
        arguments: Numba types; what a caller passes is converted to them.
        emit: Writes the instructions: takes an ``IRBuilder`` and one LLVM value an
            argument, returns the LLVM value of the result (ignored for ``VOID``).
    """

    def generate(_context: Any, build: Any, _signature: Any, values: Any) -> Any:
        made = emit(build, *values)
        return ir.Constant(ir.IntType(8).as_pointer(), None) if result is VOID else made

    def decorate(declared: Callable[P, R]) -> Callable[P, R]:
        return declare(declared, lambda: (result, arguments), generate)

    return decorate


def declare(
    declared: Callable[P, R],
    types_of: Callable[[], tuple[Any, tuple[Any, ...]]],
    generate: Callable[[Any, Any, Any, Any], Any],
) -> Callable[P, R]:
    """Make a function known to Numba, with fixed types and a generator of its code.

    Args:
        declared: Gives name, parameters and documentation.
        types_of: Result and argument types in Numba's terms, asked for at first use.
        generate: As Numba wants it: (context, builder, signature, values) → value.
    """

    def define(_typing: Any, *_given: Any) -> Any:
        result, arguments = types_of()
        return signature(result, *arguments), generate

    # Numba reads arity and names from the definition, after the typing context.
    own = inspect.signature(declared)
    context = inspect.Parameter("typingctx", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    cast("Any", define).__signature__ = own.replace(
        parameters=[context, *own.parameters.values()]
    )
    define.__name__ = define.__qualname__ = declared.__name__
    define.__doc__ = declared.__doc__
    return cast("Callable[P, R]", intrinsic(define))


def machine_type(annotation: Any) -> Any:
    """The Numba type that an annotation of a kernel routine stands for.

    Raises:
        InternalError: Kernels have no such type.
    """
    plain = {int: INT, float: FLOAT, bool: types.boolean, type(None): VOID}
    found = {**plain, Vector: VECTOR, Mask: MASK}.get(annotation)
    if found is not None:
        return found
    if get_origin(annotation) is tuple:
        return types.Tuple([machine_type(part) for part in get_args(annotation)])
    raise InternalError(f"a kernel routine cannot take or return {annotation}")


def _register_operator(
    symbol: Callable[..., Any],
    result: Any,
    arguments: tuple[Any, ...],
    emit: Callable[..., Any],
) -> None:
    class Template(ConcreteTemplate):
        key = symbol
        cases = [signature(result, *arguments)]  # noqa: RUF012  (Numba's protocol)

    cast("Any", infer_global)(symbol)(Template)

    def generate(_context: Any, build: Any, _signature: Any, values: Any) -> Any:
        return emit(build, *values)

    lower_builtin(symbol, *arguments)(generate)


def _register_operators() -> None:
    arithmetic = {
        operator.add: "fadd",
        operator.sub: "fsub",
        operator.mul: "fmul",
        operator.truediv: "fdiv",
    }
    in_place = {
        operator.iadd: "fadd",
        operator.isub: "fsub",
        operator.imul: "fmul",
        operator.itruediv: "fdiv",
    }
    for symbol, name in (arithmetic | in_place).items():
        _register_operator(
            symbol,
            VECTOR,
            (VECTOR, VECTOR),
            lambda build, a, b, n=name: getattr(build, n)(a, b),
        )
    comparisons = {operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">="}
    for symbol, sign in comparisons.items():
        _register_operator(
            symbol,
            MASK,
            (VECTOR, VECTOR),
            lambda build, a, b, s=sign: build.fcmp_ordered(s, a, b),
        )
    for symbol, name in {
        operator.and_: "and_",
        operator.or_: "or_",
        operator.xor: "xor",
    }.items():
        _register_operator(
            symbol, MASK, (MASK, MASK), lambda build, a, b, n=name: getattr(build, n)(a, b)
        )


_register_operators()

# ruff: noqa: ANN401, ARG001  (values of untyped libraries; declarations without bodies)
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
"""What each operation of the pointwise machine does to a tile: one loop an operation."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import llvmlite.ir as ir

from trtlab.devices.cpu.native import call_intrinsic, pointer
from trtlab.devices.cpu.operation import (
    F32,
    I64,
    INT,
    LANES,
    VECTOR_IR,
    VOID,
    KernelOnly,
    operation,
)
from trtlab.devices.cpu.vectors import broadcast
from trtlab.kernels.cpu import pointwise_code as code
from trtlab.kernels.cpu import vector_math
from trtlab.kernels.cpu.expression import Lanes

Formula = Callable[..., Lanes]
_Of1 = Callable[[Lanes], Lanes]
_Of2 = Callable[[Lanes, Lanes], Lanes]
_Of3 = Callable[[Lanes, Lanes, Lanes], Lanes]


def _sign(x: Lanes) -> Lanes:
    return (x < 0.0).choose(-1.0, (x > 0.0).choose(1.0, x))


ONE_OPERAND: Final[dict[int, _Of1]] = {
    code.IDENTITY: lambda x: x,
    code.RELU: lambda x: x.at_least(0.0),
    code.NEG: lambda x: -x,
    code.ABS: vector_math.absolute,
    code.SQUARE: lambda x: x * x,
    code.CUBE: lambda x: x * x * x,
    code.SQRT: vector_math.square_root,
    code.RSQRT: lambda x: 1.0 / vector_math.square_root(x),
    code.RECIP: lambda x: 1.0 / x,
    code.CEIL: lambda x: x.intrinsic("ceil"),
    code.FLOOR: lambda x: x.intrinsic("floor"),
    code.ROUND: lambda x: x.intrinsic("rint"),
    code.SIGN: _sign,
    code.HARD_SWISH: lambda x: x * x.fma(1.0 / 6.0, 0.5).at_least(0.0).at_most(1.0),
    code.SOFTSIGN: lambda x: x / (vector_math.absolute(x) + 1.0),
    code.EXP: vector_math.exp,
    code.LOG: vector_math.log,
    code.SIGMOID: vector_math.sigmoid,
    code.TANH: vector_math.tanh,
    code.SWISH: lambda x: x * vector_math.sigmoid(x),
    code.GELU_ERF: vector_math.gelu,
    code.GELU_TANH: vector_math.gelu_tanh,
    code.ERF: vector_math.erf,
    code.SIN: vector_math.sin,
    code.COS: vector_math.cos,
    code.IS_NAN: lambda x: x.compare("==", x).choose(0.0, 1.0),
}

TWO_OPERANDS: Final[dict[int, _Of2]] = {
    code.ADD: lambda x, y: x + y,
    code.SUB: lambda x, y: x - y,
    code.MUL: lambda x, y: x * y,
    code.DIV: lambda x, y: x / y,
    code.MAX: lambda x, y: x.larger(y),
    code.MIN: lambda x, y: x.smaller(y),
    code.ADD_RELU: lambda x, y: (x + y).at_least(0.0),
    code.PRELU: lambda x, slope: (x < 0.0).choose(x * slope, x),
    code.EQUAL: lambda x, y: x.compare("==", y).choose(1.0, 0.0),
    code.GREATER: lambda x, y: (x > y).choose(1.0, 0.0),
    code.LESS: lambda x, y: (x < y).choose(1.0, 0.0),
}

THREE_OPERANDS: Final[dict[int, _Of3]] = {
    code.MULADD: lambda x, y, z: x.fma(y, z),
    code.SELECT: lambda x, y, z: (vector_math.absolute(x) > 0.0).choose(y, z),
}

WITH_PARAMETERS: Final[dict[int, _Of3]] = {
    code.CLIP: lambda x, low, high: x.at_least(low).at_most(high),
    code.AFFINE: lambda x, a, b: x.fma(a, b),
    code.LEAKY_RELU: lambda x, a, _: (x < 0.0).choose(x * a, x),
    code.HARD_SIGMOID: lambda x, a, b: x.fma(a, b).at_least(0.0).at_most(1.0),
    code.THRESHOLDED_RELU: lambda x, a, _: (x > a).choose(x, 0.0),
    code.ELU: lambda x, a, _: (x < 0.0).choose(a * vector_math.expm1(x), x),
    code.SELU: lambda x, a, g: g * (x < 0.0).choose(a * vector_math.expm1(x), x),
    code.SOFTPLUS: lambda x, a, b: a * vector_math.softplus(b * x),
    code.SCALED_TANH: lambda x, a, b: a * vector_math.tanh(b * x),
}
"""Functions of one operand and the step's two parameters."""

FROM_LIBRARY: Final[dict[int, str]] = {
    code.POW: "powf",
    code.POW_SCALAR: "powf",
    code.TAN: "tanf",
    code.SINH: "sinhf",
    code.COSH: "coshf",
    code.ASIN: "asinf",
    code.ACOS: "acosf",
    code.ATAN: "atanf",
    code.ASINH: "asinhf",
    code.ACOSH: "acoshf",
    code.ATANH: "atanhf",
}
"""Rare functions: the C library's, an element at a time."""


class _Emitter:
    """Writes a switch over operations, each a loop over the tile, into a function."""

    def __init__(
        self, build: Any, row: Any, target: Any, places: tuple[Any, ...], size: Any
    ) -> None:
        self.build = build
        self.row = row
        self.target = target
        self.places = places
        self.size = size

    def switch(self) -> None:
        """All operations; an unknown code does nothing."""
        build = self.build
        done = build.append_basic_block("done")
        jump = build.switch(self._field(0), done)
        for operation_code, name in enumerate(code.OPCODES):
            block = build.append_basic_block(name)
            jump.add_case(ir.Constant(I64, operation_code), block)
            build.position_at_end(block)
            self._operation(operation_code)
            build.branch(done)
        build.position_at_end(done)

    def _field(self, offset: int, kind: Any = I64) -> Any:
        place = self.build.add(self.row, ir.Constant(I64, offset))
        return self.build.load(pointer(self.build, place, kind), align=4)

    def _operation(self, operation_code: int) -> None:
        tables: tuple[Mapping[int, Formula], ...] = (ONE_OPERAND, TWO_OPERANDS, THREE_OPERANDS)
        for count, table in enumerate(tables, start=1):
            if operation_code in table:
                self._loop(count, self._of_lanes(table[operation_code], []))
        if operation_code in WITH_PARAMETERS:
            parameters = [
                Lanes(self.build, broadcast(self.build, self._field(offset, F32)))
                for offset in (code.P_AT, code.Q_AT)
            ]
            self._loop(1, self._of_lanes(WITH_PARAMETERS[operation_code], parameters))
        if operation_code in FROM_LIBRARY:
            parameters = (
                [self._field(code.P_AT, F32)] if operation_code == code.POW_SCALAR else []
            )
            count = 2 if operation_code == code.POW else 1
            name = FROM_LIBRARY[operation_code]
            self._loop(count, self._of_library(name, parameters), F32, 4)

    def _of_lanes(self, function: Formula, parameters: list[Lanes]) -> Callable[..., Any]:
        def apply(*values: Any) -> Any:
            return function(*(Lanes(self.build, value) for value in values), *parameters).value

        return apply

    def _of_library(self, name: str, parameters: list[Any]) -> Callable[..., Any]:
        def apply(*values: Any) -> Any:
            return call_intrinsic(self.build, name, F32, (*values, *parameters))

        return apply

    def _loop(
        self,
        operands: int,
        apply: Callable[..., Any],
        kind: Any = VECTOR_IR,
        kind_bytes: int = 4 * LANES,
    ) -> None:
        build = self.build
        steps = [self._field(code.A_STEP_AT + 8 * i) for i in range(operands)]
        before = build.block
        loop, after = build.append_basic_block("loop"), build.append_basic_block("after")
        build.branch(loop)
        build.position_at_end(loop)
        offset = build.phi(I64)
        values: list[Any] = []
        for place, step in zip(self.places, steps, strict=False):
            address = build.add(place, build.mul(offset, step))
            values.append(build.load(pointer(build, address, kind), align=4))
        address = build.add(self.target, offset)
        build.store(apply(*values), pointer(build, address, kind), align=4)
        following = build.add(offset, ir.Constant(I64, kind_bytes))
        offset.add_incoming(ir.Constant(I64, 0), before)
        offset.add_incoming(following, build.block)  # a function may have blocks of its own
        build.cbranch(build.icmp_signed("<", following, self.size), loop, after)
        build.position_at_end(after)


def _emit(build: Any, row: Any, target: Any, a: Any, b: Any, c: Any, size: Any) -> None:
    _Emitter(build, row, target, (a, b, c), size).switch()


@operation(VOID, (INT,) * 6, _emit)
def run_step(row: int, target: int, a: int, b: int, c: int, size: int) -> None:
    """Run one step on ``size`` > 0 bytes of whole vectors.

    Args:
        row: Address of the step's row in the program's table.
        target: Address of the result.
        a: Address of the first operand.
        b: Of the second; anything where there is none.
        c: Of the third; anything where there is none.
        size: Bytes of the result.
    """
    raise KernelOnly

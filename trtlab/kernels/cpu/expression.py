# ruff: noqa: ANN401  (values of untyped libraries; declarations without bodies)
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# llvmlite's builder carries no types; `Lanes` and `Truth` are the typed face of its values.
"""Formulas over vectors, written as Python expressions and emitted as LLVM instructions.

A formula is a function of `Lanes`; plain numbers in it become constants of every lane::

    def swish(x: Lanes) -> Lanes:
        return x * sigmoid(x)

`formula` makes it an operation's instructions (see `trtlab.devices.cpu.operation`). Against a
compiled Numba function for each formula, this saves the compiler most of its time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

from trtlab.devices.cpu.native import call_intrinsic
from trtlab.devices.cpu.operation import I32, INDEX_VECTOR_IR, LANES, VECTOR_IR


@dataclass(frozen=True, slots=True, eq=False)
class Lanes:
    """LANES float32 values while a formula is being written."""

    build: Any
    value: Any

    def _same(self, value: Any) -> "Lanes":
        return Lanes(self.build, value)

    def constant(self, number: float) -> "Lanes":
        """Every lane is ``number``."""
        return self._same(ir.Constant(VECTOR_IR, [number] * LANES))

    def _other(self, operand: "Lanes | float") -> Any:
        return operand.value if isinstance(operand, Lanes) else self.constant(operand).value

    def __add__(self, other: "Lanes | float") -> "Lanes":
        return self._same(self.build.fadd(self.value, self._other(other)))

    def __sub__(self, other: "Lanes | float") -> "Lanes":
        return self._same(self.build.fsub(self.value, self._other(other)))

    def __mul__(self, other: "Lanes | float") -> "Lanes":
        return self._same(self.build.fmul(self.value, self._other(other)))

    def __truediv__(self, other: "Lanes | float") -> "Lanes":
        return self._same(self.build.fdiv(self.value, self._other(other)))

    def __radd__(self, other: float) -> "Lanes":
        return self.constant(other) + self

    def __rsub__(self, other: float) -> "Lanes":
        return self.constant(other) - self

    def __rmul__(self, other: float) -> "Lanes":
        return self.constant(other) * self

    def __rtruediv__(self, other: float) -> "Lanes":
        return self.constant(other) / self

    def __neg__(self) -> "Lanes":
        return -0.0 - self

    def compare(self, sign: str, other: "Lanes | float") -> "Truth":
        """Lane by lane; false where one of the two is NaN."""
        return Truth(self.build, self.build.fcmp_ordered(sign, self.value, self._other(other)))

    def __lt__(self, other: "Lanes | float") -> "Truth":
        return self.compare("<", other)

    def __gt__(self, other: "Lanes | float") -> "Truth":
        return self.compare(">", other)

    def fma(self, factor: "Lanes | float", summand: "Lanes | float") -> "Lanes":
        """self·factor + summand, rounded once."""
        values = (self.value, self._other(factor), self._other(summand))
        name = f"llvm.fma.v{LANES}f32"
        return self._same(call_intrinsic(self.build, name, VECTOR_IR, values))

    def at_least(self, bound: "Lanes | float") -> "Lanes":
        """The larger of the two; NaN stays, a NaN bound is ignored."""
        low = bound if isinstance(bound, Lanes) else self.constant(bound)
        return (low > self).choose(low, self)

    def at_most(self, bound: "Lanes | float") -> "Lanes":
        """The smaller of the two; NaN stays, a NaN bound is ignored."""
        high = bound if isinstance(bound, Lanes) else self.constant(bound)
        return (high < self).choose(high, self)

    def larger(self, other: "Lanes") -> "Lanes":
        """The larger of the two; NaN where one of them is."""
        return other.compare("==", other).choose(self.at_least(other), other)

    def smaller(self, other: "Lanes") -> "Lanes":
        """The smaller of the two; NaN where one of them is."""
        return other.compare("==", other).choose(self.at_most(other), other)

    def intrinsic(self, name: str, *others: "Lanes") -> "Lanes":
        """LLVM's vector function ``name``, such as fabs or rint."""
        values = (self.value, *(other.value for other in others))
        full = f"llvm.{name}.v{LANES}f32"
        return self._same(call_intrinsic(self.build, full, VECTOR_IR, values))

    def by_element(self, name: str) -> "Lanes":
        """The C library's float32 function ``name``, such as sinf: one lane after the other."""
        kind, result = self.value.type.element, self.value
        for lane in range(LANES):
            place = ir.Constant(I32, lane)
            value = self.build.extract_element(self.value, place)
            made = call_intrinsic(self.build, name, kind, (value,))
            result = self.build.insert_element(result, made, place)
        return self._same(result)

    def polynomial(self, *coefficients: float) -> "Lanes":
        """Horner's scheme; the highest power's coefficient comes first."""
        total = self.constant(coefficients[0])
        for coefficient in coefficients[1:]:
            total = total.fma(self, coefficient)
        return total

    # The binary form of a float32: sign, exponent + 127, fraction.

    def bit(self, number: int) -> "Truth":
        """Whether a bit of the binary form is set; 0 is the fraction's lowest."""
        bits = self.build.bitcast(self.value, INDEX_VECTOR_IR)
        chosen = self.build.and_(bits, _integers(1 << number))
        return Truth(self.build, self.build.icmp_unsigned("!=", chosen, _integers(0)))

    def times_power_of_two(self, exponent: "Lanes") -> "Lanes":
        """self·2ⁿ where the lowest bits of ``exponent`` hold n; the result must be normal."""
        bits = self.build.bitcast(self.value, INDEX_VECTOR_IR)
        power = self.build.shl(
            self.build.bitcast(exponent.value, INDEX_VECTOR_IR), _integers(23)
        )
        return self._same(self.build.bitcast(self.build.add(bits, power), VECTOR_IR))

    def exponent(self) -> "Lanes":
        """The binary exponent of positive normal numbers."""
        bits = self.build.bitcast(self.value, INDEX_VECTOR_IR)
        field = self.build.sub(self.build.lshr(bits, _integers(23)), _integers(127))
        return self._same(self.build.sitofp(field, VECTOR_IR))

    def mantissa(self) -> "Lanes":
        """Positive normal numbers, scaled by a power of two into [1, 2)."""
        bits = self.build.bitcast(self.value, INDEX_VECTOR_IR)
        fraction = self.build.and_(bits, _integers(0x7FFFFF))
        one = self.build.or_(fraction, _integers(0x3F800000))
        return self._same(self.build.bitcast(one, VECTOR_IR))


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """LANES truth values while a formula is being written."""

    build: Any
    value: Any

    def choose(self, yes: "Lanes | float", no: "Lanes | float") -> Lanes:
        """``yes`` where true, else ``no``."""
        made = Lanes(self.build, None)
        values = (
            choice.value if isinstance(choice, Lanes) else made.constant(choice).value
            for choice in (yes, no)
        )
        return Lanes(self.build, self.build.select(self.value, *values))

    def choose_rarely(self, rare: Callable[[], Lanes], usual: Lanes) -> Lanes:
        """``rare()`` where true, else ``usual``; vectors that are false throughout skip it."""
        build = self.build
        bits = build.bitcast(self.value, ir.IntType(LANES))
        some = build.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))
        before = build.block
        seldom, after = (build.append_basic_block(name) for name in ("seldom", "after"))
        build.cbranch(some, seldom, after).set_weights([1, 2000])
        build.position_at_end(seldom)
        chosen = self.choose(rare(), usual).value
        end = build.block
        build.branch(after)
        build.position_at_end(after)
        result = build.phi(VECTOR_IR)
        result.add_incoming(usual.value, before)
        result.add_incoming(chosen, end)
        return Lanes(build, result)


def _integers(value: int) -> Any:
    return ir.Constant(INDEX_VECTOR_IR, [value] * LANES)


def formula(function: Callable[..., Lanes]) -> Callable[..., Any]:
    """The formula as instructions: takes a builder and LLVM vectors, returns one."""

    def emit(build: Any, *values: Any) -> Any:
        return function(*(Lanes(build, value) for value in values)).value

    return emit

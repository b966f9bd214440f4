"""ELEMENTWISE and SELECT: functions of broadcast tensors, element by element."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.core.enums import ElementWiseOperation
from trtlab.core.types import DataType, TensorType, static, volume
from trtlab.layers import dims
from trtlab.layers.base import (
    Array,
    Op,
    ShapeValue,
    broadcast,
    extents_of,
    known,
    needed,
    require,
    same_dtype,
    shape_value,
    small_shape,
    wanted,
    wide,
)
from trtlab.layers.dims import Extent
from trtlab.layers.pointwise import FUNCTIONS, Program, Step

_E = ElementWiseOperation
_LOGICAL = {_E.AND: np.logical_and, _E.OR: np.logical_or, _E.XOR: np.logical_xor}
_COMPARING = {_E.EQUAL: np.equal, _E.GREATER: np.greater, _E.LESS: np.less}
_FUNCTION = {
    _E.SUM: "add",
    _E.PROD: "mul",
    _E.MAX: "max",
    _E.MIN: "min",
    _E.SUB: "sub",
    _E.DIV: "div",
    _E.POW: "pow",
}


def _truncated(a: Extent, b: Extent) -> Extent | None:
    """Integer division that rounds towards zero; None when unknown."""
    if b == 0:
        return None
    if dims.at_least(a, 0) and dims.at_least(b, 1):
        return dims.floor_div(a, b)
    if isinstance(a, int) and isinstance(b, int):
        return (abs(a) // abs(b)) * (1 if (a < 0) == (b < 0) else -1)
    return None


def _less(a: Extent, b: Extent) -> int | None:
    return dims.at_least(b, dims.add(a, 1))


def _power(a: Extent, b: Extent) -> Extent | None:
    if isinstance(b, int) and 0 <= b <= 8:
        return dims.mul(*(a,) * b)
    return None


def _logic(a: Extent, b: Extent, rule: Callable[[bool, bool], bool]) -> int | None:
    if isinstance(a, int) and isinstance(b, int):
        return int(rule(bool(a), bool(b)))
    return None


_ON_EXTENTS: dict[ElementWiseOperation, Callable[[Extent, Extent], Extent | None]] = {
    _E.SUM: dims.add,
    _E.PROD: dims.mul,
    _E.MAX: dims.maximum,
    _E.MIN: dims.minimum,
    _E.SUB: dims.sub,
    _E.DIV: _truncated,
    _E.POW: _power,
    _E.FLOOR_DIV: lambda a, b: None if b == 0 else dims.floor_div(a, b),
    _E.AND: lambda a, b: _logic(a, b, lambda x, y: x and y),
    _E.OR: lambda a, b: _logic(a, b, lambda x, y: x or y),
    _E.XOR: lambda a, b: _logic(a, b, lambda x, y: x != y),
    _E.EQUAL: dims.equal,
    _E.GREATER: lambda a, b: _less(b, a),
    _E.LESS: _less,
}


@dataclass(frozen=True)
class ElementWise(Op):
    """y = f(a, b) over NumPy broadcasting.

    Comparisons and logic give BOOL. DIV of integers rounds towards zero, FLOOR_DIV down.
    """

    kind: ClassVar[str] = "ELEMENTWISE"
    op: ElementWiseOperation = ElementWiseOperation.SUM

    def program(self) -> Program | None:
        """The same as a pointwise program; None where there is none (logic, comparison)."""
        name = _FUNCTION.get(self.op)
        return None if name is None else (Step(name, (0, 1)),)

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """Both operands have one type; AND, OR and XOR take BOOL, arithmetic does not."""
        del values
        a, b = wanted(inputs, 0, "first"), wanted(inputs, 1, "second")
        same_dtype([a, b], f"operands of {self.op.value}")
        if self.op in _LOGICAL:
            require(
                a.dtype is DataType.BOOL, f"{self.op.value} is not defined on {a.dtype.value}"
            )
        elif self.op is not _E.EQUAL:
            require(a.dtype is not DataType.BOOL, f"{self.op.value} is not defined on bool")
        comparing = self.op in _COMPARING
        return (
            TensorType(DataType.BOOL if comparing else a.dtype, broadcast([a.shape, b.shape])),
        )

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """Arithmetic and comparison of known integers and dimensions."""
        del inputs
        shape = small_shape(outputs[0].shape)
        pairs = _broadcast_values([known(values, 0), known(values, 1)], shape)
        if shape is None or pairs is None:
            return (None,)
        results: list[Extent] = []
        for a, b in zip(*pairs, strict=True):
            result = _ON_EXTENTS[self.op](a, b)
            if result is None:
                return (None,)
            results.append(int(result) if isinstance(result, bool) else result)
        return (shape_value(results, shape),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """The function of every pair."""
        a, b = needed(inputs, 0, "first"), needed(inputs, 1, "second")
        if self.op in _LOGICAL:
            return (_LOGICAL[self.op](a, b),)
        if self.op in _COMPARING:
            return (_COMPARING[self.op](a, b),)
        dtype = np.result_type(a, b)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            work = wide(dtype)
            left, right = a.astype(work, copy=False), b.astype(work, copy=False)
            if self.op is _E.FLOOR_DIV:
                return (np.floor_divide(left, right).astype(dtype),)
            y = FUNCTIONS[_FUNCTION[self.op]].meaning(left, right)
            return (np.asarray(y).astype(dtype, copy=False),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """The function's cost times elements."""
        del inputs
        cost = FUNCTIONS[_FUNCTION[self.op]].flops if self.op in _FUNCTION else 1
        return cost * volume(static(outputs[0].shape))


def _broadcast_values(
    values: Sequence[ShapeValue], shape: tuple[int, ...] | None
) -> list[tuple[Extent, ...]] | None:
    """Entries of several known shape tensors, broadcast to one shape; None when unknown."""
    if shape is None:
        return None
    columns: list[tuple[Extent, ...]] = []
    for value in values:
        entries = None if value is None else extents_of(np.broadcast_to(value, shape))
        if entries is None:
            return None
        columns.append(entries)
    return columns


@dataclass(frozen=True)
class Select(Op):
    """y = then where condition, else otherwise; the three broadcast.

    Inputs: condition BOOL, then, else of one type.
    """

    kind: ClassVar[str] = "SELECT"

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The branches' type."""
        del values
        condition = wanted(inputs, 0, "condition")
        a, b = wanted(inputs, 1, "then"), wanted(inputs, 2, "else")
        require(
            condition.dtype is DataType.BOOL,
            f"the condition of a selection is {condition.dtype.value}, not bool",
        )
        same_dtype([a, b], "the branches of a selection")
        return (TensorType(a.dtype, broadcast([condition.shape, a.shape, b.shape])),)

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """Known where condition and the chosen branches are."""
        del inputs
        shape = small_shape(outputs[0].shape)
        columns = _broadcast_values([known(values, i) for i in range(3)], shape)
        if shape is None or columns is None:
            return (None,)
        chosen: list[Extent] = []
        for condition, a, b in zip(*columns, strict=True):
            if not isinstance(condition, int):
                return (None,)
            chosen.append(a if condition else b)
        return (shape_value(chosen, shape),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """NumPy's where."""
        condition = needed(inputs, 0, "condition")
        return (np.where(condition, needed(inputs, 1, "then"), needed(inputs, 2, "else")),)

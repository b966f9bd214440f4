"""The largest size of a tensor over ranges of its named dimensions.

A size need not grow with every dimension: x·(2048 − x) is the largest in the middle. The ranges
are cut into cells, single points where there are few enough, and in each cell the expression is
computed on intervals: the answer is never too small, and exact where all cells are points.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from trtlab.core.types import Dim, Shape
from trtlab.layers.dims import symbols
from trtlab.layers.polynomial import NotAnExpressionError, tree_of

Range = tuple[int, int]  # smallest and largest, both inclusive
_CELLS = 1 << 14
_Ends = NDArray[np.float64]  # whole numbers, with no wrap where they are too large for 64 bits


@dataclass(frozen=True, slots=True)
class Peak:
    """How large a tensor gets.

    Attributes:
        elements: At most so many.
        sizes: Of the named dimensions where that is.
    """

    elements: int
    sizes: Mapping[str, int]


def peak(shape: Shape, ranges: Mapping[str, Range]) -> Peak | None:
    """The most elements of a shape; None where it has names without a range.

    Args:
        shape: Numbers and named dimensions, expressions among them.
        ranges: By name.
    """
    names = sorted({name for e in shape for name in _names(e, ranges)})
    if any(name not in ranges for name in names):
        return None
    spans = dict(zip(names, _cells([ranges[name] for name in names]), strict=True))
    total = _Span.of(1)
    try:
        for extent in shape:
            total = total * _extent(extent, spans).at_least(0)
    except NotAnExpressionError:
        return None
    place = int(np.argmax(total.high)) if total.high.size > 1 else 0
    sizes = {name: int(span.low[place]) for name, span in spans.items()}
    return Peak(ceil(float(total.high.max())), sizes)


@dataclass(frozen=True, slots=True)
class _Span:
    """An interval in every cell."""

    low: _Ends
    high: _Ends

    @staticmethod
    def of(number: int) -> "_Span":
        ends = np.array([number], np.float64)
        return _Span(ends, ends)

    def at_least(self, number: int) -> "_Span":
        return _Span(np.maximum(self.low, number), np.maximum(self.high, number))

    def __neg__(self) -> "_Span":
        return _Span(-self.high, -self.low)

    def __add__(self, other: "_Span") -> "_Span":
        return _Span(self.low + other.low, self.high + other.high)

    def __mul__(self, other: "_Span") -> "_Span":
        return self._corners(other, np.multiply)

    def __floordiv__(self, other: "_Span") -> "_Span":
        if other.low.min() <= 0:  # nothing is known of such a quotient
            raise NotAnExpressionError
        return self._corners(other, np.floor_divide)

    def _corners(self, other: "_Span", combine: Callable[[_Ends, _Ends], _Ends]) -> "_Span":
        ends = [combine(a, b) for a in (self.low, self.high) for b in (other.low, other.high)]
        return _Span(
            np.minimum(np.minimum(*ends[:2]), np.minimum(*ends[2:])),
            np.maximum(np.maximum(*ends[:2]), np.maximum(*ends[2:])),
        )


def _names(extent: int | Dim, ranges: Mapping[str, Range]) -> tuple[str, ...]:
    if isinstance(extent, Dim) and extent.name in ranges:
        return (extent.name,)
    return symbols(extent)


def _cells(ranges: list[Range]) -> list[_Span]:
    """Every cell of the ranges' product, one entry of each span a cell."""
    most = max(1, int(_CELLS ** (1 / len(ranges)))) if ranges else 1
    lows: list[_Ends] = []
    highs: list[_Ends] = []
    for first, last in ranges:
        count = min(most, last - first + 1)
        edges = first + np.arange(count + 1, dtype=np.int64) * (last - first + 1) // count
        lows.append(edges[:-1].astype(np.float64))
        highs.append(edges[1:].astype(np.float64) - 1)
    grids = (np.meshgrid(*ends, indexing="ij") for ends in (lows, highs))
    pairs = zip(*grids, strict=True)
    return [_Span(low.ravel(), high.ravel()) for low, high in pairs]


def _extent(extent: int | Dim, spans: Mapping[str, _Span]) -> _Span:
    if isinstance(extent, int):
        return _Span.of(extent)
    if extent.name in spans:
        return spans[extent.name]
    return _value(tree_of(extent.name), spans)


def _value(node: ast.expr, spans: Mapping[str, _Span]) -> _Span:
    """An expression in the syntax of `layers.dims`."""
    match node:
        case ast.Name(id=name) | ast.Constant(value=str() as name):
            return spans[name]
        case ast.Constant(value=int() as number):
            return _Span.of(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, spans)
        case ast.BinOp(left=left, op=operator, right=right):
            return _combined(operator, _value(left, spans), _value(right, spans))
        case ast.Call(
            func=ast.Name(id="max" | "min" as name),
            args=[ast.BinOp(op=ast.BitOr(), left=left, right=right)],
        ):
            a, b = _value(left, spans), _value(right, spans)
            choose = np.maximum if name == "max" else np.minimum
            return _Span(choose(a.low, b.low), choose(a.high, b.high))
        case _:
            raise NotAnExpressionError


def _combined(operator: ast.operator, a: _Span, b: _Span) -> _Span:
    match operator:
        case ast.Add():
            return a + b
        case ast.Sub():
            return a + -b
        case ast.Mult():
            return a * b
        case ast.FloorDiv():
            return a // b
        case _:
            raise NotAnExpressionError

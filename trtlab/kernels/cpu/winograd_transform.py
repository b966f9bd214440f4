# ruff: noqa: ANN401, ARG001  (llvmlite's values carry no types; declarations without bodies)
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
"""Winograd's transforms of one tile, for ``LANES`` channels at a time.

An output tile of m × m pixels needs (m + 2)² products instead of 9 m². Points 0, ±1 (m = 2)
and 0, ±5/8, ±3/2 (m = 4), and infinity. The usual 0, ±1, ±2 have 2.2 times the rounding
errors (256 channels, against float64), because their powers differ more; all multiples of
these here are exact in float32.
Source: Lavin and Gray 2016, "Fast algorithms for convolutional neural networks",
arXiv:1509.09308; Barabasz et al. 2020, "Error analysis and improving the accuracy of Winograd
convolution for deep neural networks", arXiv:1803.10986 (points).
"""

from collections.abc import Sequence
from math import prod
from typing import Any, Final

import llvmlite.ir as ir
import numpy as np
from numpy.typing import NDArray

from trtlab.devices.cpu.native import pointer
from trtlab.devices.cpu.operation import (
    I64,
    INT,
    LANES,
    VECTOR_IR,
    VOID,
    KernelOnly,
    operation,
)
from trtlab.devices.cpu.vectors import fused_multiply_add

Vectors = list[Any]
VECTOR_BYTES: Final = 4 * LANES
_NEAR, _FAR = 5 / 8, 3 / 2  # m = 4: the points 0, ±near, ±far, and infinity


class _Arithmetic:
    """Sums and multiples of vectors, as instructions."""

    def __init__(self, build: Any) -> None:
        self.build = build

    def add(self, a: Any, b: Any) -> Any:
        return self.build.fadd(a, b)

    def sub(self, a: Any, b: Any) -> Any:
        return self.build.fsub(a, b)

    def times(self, factor: float, a: Any) -> Any:
        return self.build.fmul(ir.Constant(VECTOR_IR, [factor] * LANES), a)

    def add_times(self, a: Any, factor: float, b: Any) -> Any:
        """A + factor · b."""
        constant = ir.Constant(VECTOR_IR, [factor] * LANES)
        return fused_multiply_add(self.build, constant, b, a)

    def input_2(self, d: Vectors) -> Vectors:
        return [
            self.sub(d[0], d[2]),
            self.add(d[1], d[2]),
            self.sub(d[2], d[1]),
            self.sub(d[1], d[3]),
        ]

    def input_4(self, d: Vectors) -> Vectors:
        a, b = _NEAR, _FAR
        near, near_odd = self.add_times(d[4], -b * b, d[2]), self.add_times(d[3], -b * b, d[1])
        far, far_odd = self.add_times(d[4], -a * a, d[2]), self.add_times(d[3], -a * a, d[1])
        both, product = -(a * a + b * b), a * a * b * b
        return [
            self.add_times(self.add_times(d[4], both, d[2]), product, d[0]),
            self.add_times(near, a, near_odd),
            self.add_times(near, -a, near_odd),
            self.add_times(far, b, far_odd),
            self.add_times(far, -b, far_odd),
            self.add_times(self.add_times(d[5], both, d[3]), product, d[1]),
        ]

    def output_2(self, m: Vectors) -> Vectors:
        both = self.add(m[0], self.add(m[1], m[2]))
        return [both, self.sub(self.sub(m[1], m[2]), m[3])]

    def output_4(self, m: Vectors) -> Vectors:
        a, b = _NEAR, _FAR
        near, near_odd = self.add(m[1], m[2]), self.sub(m[1], m[2])
        far, far_odd = self.add(m[3], m[4]), self.sub(m[3], m[4])
        return [
            self.add(m[0], self.add(near, far)),
            self.add_times(self.times(a, near_odd), b, far_odd),
            self.add_times(self.times(a * a, near), b * b, far),
            self.add_times(self.add_times(m[5], a**3, near_odd), b**3, far_odd),
        ]


def _load(build: Any, address: Any) -> Any:
    return build.load(pointer(build, address, VECTOR_IR), align=4)


def _store(build: Any, value: Any, address: Any) -> None:
    build.store(value, pointer(build, address, VECTOR_IR), align=4)


def _both_axes(transform: Any, grid: list[Vectors]) -> list[Vectors]:
    columns = [list(column) for column in zip(*grid, strict=True)]
    halfway = [transform(column) for column in columns]  # [width, height out]
    rows = [list(row) for row in zip(*halfway, strict=True)]
    return [transform(row) for row in rows]


def _emit_input(m: int) -> Any:
    side = m + 2

    def emit(build: Any, table: Any, offset: Any, target: Any, step: Any) -> None:
        def source(index: int) -> Any:
            entry = build.add(table, ir.Constant(I64, 8 * index))
            pixel = build.load(pointer(build, entry, I64), align=8)
            return _load(build, build.add(pixel, offset))

        grid = [[source(side * i + j) for j in range(side)] for i in range(side)]
        arithmetic = _Arithmetic(build)
        transform = arithmetic.input_4 if m == 4 else arithmetic.input_2
        place = target
        for row in _both_axes(transform, grid):
            for value in row:
                _store(build, value, place)
                place = build.add(place, step)

    return emit


def _emit_output(m: int) -> Any:
    side = m + 2

    def emit(build: Any, source: Any, step: Any, bias: Any, target: Any) -> None:
        place, grid = source, []
        for _ in range(side):
            row = []
            for _ in range(side):
                row.append(_load(build, place))
                place = build.add(place, step)
            grid.append(row)
        arithmetic = _Arithmetic(build)
        transform = arithmetic.output_4 if m == 4 else arithmetic.output_2
        added = _load(build, bias)
        values = [value for row in _both_axes(transform, grid) for value in row]
        for number, value in enumerate(values):
            at = build.add(target, ir.Constant(I64, VECTOR_BYTES * number))
            _store(build, build.fadd(value, added), at)

    return emit


@operation(VOID, (INT, INT, INT, INT), _emit_input(2))
def transform_input_2(table: int, offset: int, target: int, step: int) -> None:
    """Transform 4 × 4 input pixels for 2 × 2 outputs.

    Args:
        table: Addresses of the pixels, row by row.
        offset: Bytes from a pixel's address to the channels wanted.
        target: Where the first of 16 vectors goes.
        step: Bytes from one to the next.
    """
    raise KernelOnly


@operation(VOID, (INT, INT, INT, INT), _emit_input(4))
def transform_input_4(table: int, offset: int, target: int, step: int) -> None:
    """Transform 6 × 6 input pixels for 4 × 4 outputs; see `transform_input_2`."""
    raise KernelOnly


@operation(VOID, (INT, INT, INT, INT), _emit_output(2))
def transform_output_2(source: int, step: int, bias: int, target: int) -> None:
    """Transform 16 products to 2 × 2 output pixels and add the bias.

    Args:
        source: The first of 16 vectors.
        step: Bytes from one to the next.
        bias: Address of a vector.
        target: Receives 4 vectors, one behind the other.
    """
    raise KernelOnly


@operation(VOID, (INT, INT, INT, INT), _emit_output(4))
def transform_output_4(source: int, step: int, bias: int, target: int) -> None:
    """Transform 36 products to 4 × 4 output pixels; see `transform_output_2`."""
    raise KernelOnly


def _filter_matrix(points: Sequence[float]) -> NDArray[np.float64]:
    """[points and infinity, 3]: a filter as a polynomial, at each point over its denominator."""
    rows = [np.array([1, p, p * p]) / prod(p - q for q in points if q != p) for p in points]
    return np.array([*rows, [0, 0, 1]])


_FILTER_2 = np.array([[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]])
_FILTER_4 = _filter_matrix((0.0, _NEAR, -_NEAR, _FAR, -_FAR))


def transform_filters(filters: NDArray[np.float32], m: int) -> NDArray[np.float32]:
    """Filters for tiles of m × m outputs, computed in float64.

    Args:
        filters: [maps, channels, 3, 3].
        m: 2 or 4.

    Returns:
        [(m + 2)², channels, maps].
    """
    matrix = _FILTER_4 if m == 4 else _FILTER_2
    wide = np.einsum("ir,kcrs,js->ijck", matrix, filters.astype(np.float64), matrix)
    return wide.reshape((m + 2) ** 2, *wide.shape[2:]).astype(np.float32)

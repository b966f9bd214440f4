# ruff: noqa: ANN401, ARG001  (llvmlite's values carry no types; declarations without bodies)
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
"""Winograd's transforms of one tile, for ``LANES`` channels at a time.

An output tile of m × m pixels needs (m + 2)² products instead of 9 m². Points 0, ±1 (m = 2)
and 0, ±1, ±2 (m = 4), and infinity.
Source: Lavin and Gray 2016, "Fast algorithms for convolutional neural networks",
arXiv:1509.09308.
"""

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


class _Arithmetic:
    """Sums and multiples of vectors, as instructions."""

    def __init__(self, build: Any) -> None:
        self.build = build

    def add(self, a: Any, b: Any) -> Any:
        return self.build.fadd(a, b)

    def sub(self, a: Any, b: Any) -> Any:
        return self.build.fsub(a, b)

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
        even = self.add_times(d[4], -4.0, d[2])
        odd = self.add_times(d[3], -4.0, d[1])
        far = self.sub(d[4], d[2])
        slope = self.sub(d[3], d[1])
        return [
            self.add_times(self.add_times(d[4], -5.0, d[2]), 4.0, d[0]),
            self.add(even, odd),
            self.sub(even, odd),
            self.add_times(far, 2.0, slope),
            self.add_times(far, -2.0, slope),
            self.add_times(self.add_times(d[5], -5.0, d[3]), 4.0, d[1]),
        ]

    def output_2(self, m: Vectors) -> Vectors:
        both = self.add(m[0], self.add(m[1], m[2]))
        return [both, self.sub(self.sub(m[1], m[2]), m[3])]

    def output_4(self, m: Vectors) -> Vectors:
        near, near_odd = self.add(m[1], m[2]), self.sub(m[1], m[2])
        far, far_odd = self.add(m[3], m[4]), self.sub(m[3], m[4])
        return [
            self.add(m[0], self.add(near, far)),
            self.add_times(near_odd, 2.0, far_odd),
            self.add_times(near, 4.0, far),
            self.add(self.add_times(near_odd, 8.0, far_odd), m[5]),
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


_FILTER_2 = np.array([[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]])
_FILTER_4 = np.array(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ]
)


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

"""Tactic for pooling: maximum or average, in HWC or LINEAR."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trtlab.core.enums import PoolingType
from trtlab.core.types import DataType, TensorFormat
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.program import Command
from trtlab.kernels.cpu import pool as p
from trtlab.layers.pooling import Pooling
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_AXES = 3
_OPERATIONS = {PoolingType.MAX: p.MAX, PoolingType.AVERAGE: p.MEAN}


@dataclass(frozen=True, slots=True)
class _Axis:
    """One spatial axis: window and operands along it; strides in bytes."""

    extent: int = 1
    out: int = 1
    taps: int = 1
    stride: int = 1
    dilation: int = 1
    pre: int = 0
    post: int = 0
    x_step: int = 0
    y_step: int = 0

    @property
    def span(self) -> int:
        """Elements of the padded input that windows reach."""
        return (self.out - 1) * self.stride + (self.taps - 1) * self.dilation + 1

    def table(self, *, counts_padding: bool) -> NDArray[np.int64]:
        """For each output position: first input index, taps inside, 1 / counted taps."""
        starts = np.arange(self.out, dtype=np.int64) * self.stride - self.pre
        places = starts[:, None] + np.arange(self.taps) * self.dilation
        inside = (places >= 0) & (places < self.extent)
        counted = inside
        if counts_padding:
            counted = places < self.extent + self.post
        table = np.zeros((self.out, p.POSITION), np.int64)
        table[:, 0] = places[np.arange(self.out), inside.argmax(axis=1)]
        table[:, 1] = inside.sum(axis=1)
        inverses = 1.0 / np.maximum(counted.sum(axis=1), 1)
        table[:, 2:].view(np.float32)[:, 0] = inverses
        return table


class PoolingTactic(Tactic):
    """fp32 windows over up to three spatial axes."""

    name = "cpu.pooling.vector"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines blends, other types and formats, and very long rows."""
        x, out, op = problem.inputs[0], problem.outputs[0], problem.op
        assert x is not None
        assert isinstance(op, Pooling)
        rank = len(op.window_size_nd)
        if op.type not in _OPERATIONS:
            return Rejection(f"has no {op.type.value}")
        if x.dtype is not DataType.FLOAT:
            return Rejection(f"works on fp32, not on {x.dtype.value}")
        if rank > _AXES or len(x.shape) != rank + 2:
            return Rejection(
                f"wants [N, C, up to {_AXES} axes], not {len(x.shape)} dimensions"
            )
        if _is_hwc(x) and _is_hwc(out):
            return None
        if x.strides[-1] != 1 or out.strides[-1] != 1:
            return Rejection("neither channels nor rows are contiguous in input and output")
        if _row_elements(_axes(problem)[-1]) > p.MAX_ROW:
            return Rejection("a padded row does not fit the stack")
        return None

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command]:
        """One command."""
        x, out, op = problem.inputs[0], problem.outputs[0], problem.op
        assert x is not None
        assert isinstance(op, Pooling)
        axes = _axes(problem)
        mean = op.type is PoolingType.AVERAGE
        counts = mean and not op.average_count_excludes_padding
        tables = [axis.table(counts_padding=counts) for axis in axes]
        inverses = np.ascontiguousarray(tables[-1][:, 2:].view(np.float32)[:, 0])
        hwc = _is_hwc(x) and _is_hwc(out)
        channels = x.shape[1]
        blocks = -(-channels // p.WIDE) if hwc else 1
        planes = x.shape[0] * axes[0].out
        slack = _row_elements(axes[-1]) - axes[-1].span
        args = np.zeros(p.LENGTH, np.int64)
        args[: p.AXES] = (
            *(buffers.inputs[0] or 0, buffers.outputs[0], _OPERATIONS[op.type], x.shape[0]),
            *(4 * x.strides[0], 4 * out.strides[0], channels, 4 * x.strides[1]),
            *(
                4 * out.strides[1],
                blocks,
                planes * (axes[1].out * blocks if hwc else channels),
            ),
            *(axes[-1].extent, axes[-1].pre, axes[-1].span, slack, inverses.ctypes.data),
        )
        records = [
            (a.out, a.stride, a.taps, a.dilation, a.x_step, a.y_step, table.ctypes.data)
            for a, table in zip(axes, tables, strict=True)
        ]
        args[p.AXES :] = np.ravel(records)
        used = p.pool_pixels if hwc else p.pool_rows
        return (Command(used.address, args, keep=(*tables, inverses)),)


def _is_hwc(operand: Operand) -> bool:
    return operand.format is TensorFormat.HWC and operand.strides[1] == 1


def _row_elements(axis: _Axis) -> int:
    """Elements of a merged row, with what whole vectors read behind it."""
    vectors = -(-axis.out // LANES)
    reads = (vectors * LANES - 1) * axis.stride + (axis.taps - 1) * axis.dilation + LANES
    return max(axis.span, reads, axis.pre + axis.extent + LANES)


def _axes(problem: Problem) -> list[_Axis]:
    """Depth, height and width; missing ones have one element."""
    x, out, op = problem.inputs[0], problem.outputs[0], problem.op
    assert x is not None
    assert isinstance(op, Pooling)
    window = op.window()
    spatial = x.shape[2:]
    pads = window.padding(spatial)
    found = [
        _Axis(
            spatial[i],
            out.shape[2 + i],
            window.size[i],
            window.stride[i],
            window.dilation[i],
            *pads[i],
            4 * x.strides[2 + i],
            4 * out.strides[2 + i],
        )
        for i in range(len(spatial))
    ]
    return [_Axis()] * (_AXES - len(found)) + found

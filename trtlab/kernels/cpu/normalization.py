"""Layer, instance, group and root-mean-square normalization in fp32.

Rows: the normalized elements are one or two loops of which the inner is contiguous. Columns:
the neighbours that are normalized separately are contiguous (channels of HWC), and LANES of
them are done at once. Mean and variance are taken in two passes over data that is in a cache.
"""

from collections.abc import Sequence

import numpy as np

from trtlab.core.types import DataType
from trtlab.devices.cpu.kernel import inlined, kernel, routine
from trtlab.devices.cpu.native import load_f32, load_i64
from trtlab.devices.cpu.operation import LANES, Vector
from trtlab.devices.cpu.program import Command
from trtlab.devices.cpu.vectors import (
    vfill,
    vfma,
    vload,
    vload_first,
    vsqrt,
    vstore,
    vstore_first,
    vsum,
)
from trtlab.kernels.cpu.loops import LOOPS, nest_block, nest_length, offset_in, share
from trtlab.kernels.cpu.machine import vload_or
from trtlab.kernels.cpu.strided import Loops, split_nest
from trtlab.layers.base import axes_in
from trtlab.layers.normalization import Normalization
from trtlab.tactics.problem import Operand, Problem, Strides
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_VECTOR_BYTES = 4 * LANES
_NONE, _ROW, _VALUE = range(3)  # how a weight lies along the inner loop

# Argument places; steps are bytes. "Segments" is the outer of the two normalized loops.
X, Y, SCALE, BIAS, UNITS, SEGMENTS, COUNT, RMS, EPSILON, BLOCKS = range(10)
X_SEGMENT, Y_SEGMENT, SCALE_SEGMENT, BIAS_SEGMENT, SCALE_KIND, BIAS_KIND, COLUMNS = range(
    10, 17
)
NEST = 17  # outer loops over x, y, scale, bias


@inlined
def _weight(kind: int, address: int, count: int, missing: float) -> Vector:
    if kind == _ROW:
        return vload_first(address, count)
    return vfill(load_f32(address) if kind == _VALUE else missing)


@routine
def _row_sum(source: int, count: int) -> float:
    whole = count // LANES * LANES
    first = vload_or(source + 4 * whole, count - whole, 0.0)
    second = vfill(0.0)
    for i in range(0, whole - LANES, 2 * LANES):
        first = first + vload(source + 4 * i)
        second = second + vload(source + 4 * i + _VECTOR_BYTES)
    if whole % (2 * LANES) != 0:
        second = second + vload(source + 4 * (whole - LANES))
    return vsum(first + second)


@routine
def _row_squares(source: int, count: int, mean: float) -> float:
    """Σ (x − mean)²."""
    whole = count // LANES * LANES
    centre = vfill(mean)
    rest = vload_or(source + 4 * whole, count - whole, mean) - centre
    first, second = rest * rest, vfill(0.0)
    for i in range(0, whole - LANES, 2 * LANES):
        a = vload(source + 4 * i) - centre
        b = vload(source + 4 * i + _VECTOR_BYTES) - centre
        first, second = vfma(a, a, first), vfma(b, b, second)
    if whole % (2 * LANES) != 0:
        a = vload(source + 4 * (whole - LANES)) - centre
        second = vfma(a, a, second)
    return vsum(first + second)


@routine
def _scaled_row(
    args: int, segment: int, places: tuple[int, int, int, int], mean: float, factor: float
) -> None:
    """(x − mean)·factor·scale + bias for one segment."""
    source, target, scale, bias = places
    source += segment * load_i64(args + 8 * X_SEGMENT)
    target += segment * load_i64(args + 8 * Y_SEGMENT)
    scale += segment * load_i64(args + 8 * SCALE_SEGMENT)
    bias += segment * load_i64(args + 8 * BIAS_SEGMENT)
    count = load_i64(args + 8 * COUNT)
    scale_kind, bias_kind = load_i64(args + 8 * SCALE_KIND), load_i64(args + 8 * BIAS_KIND)
    scale_step = 4 if scale_kind == _ROW else 0
    bias_step = 4 if bias_kind == _ROW else 0
    centre, spread = vfill(mean), vfill(factor)
    if scale_kind == _ROW and bias_kind == _ROW:  # layer normalization: its own loop
        for i in range(0, count - LANES + 1, LANES):
            value = (vload(source + 4 * i) - centre) * spread
            value = vfma(value, vload(scale + 4 * i), vload(bias + 4 * i))
            vstore(target + 4 * i, value)
        start = count // LANES * LANES
    else:
        start = 0
    for i in range(start, count, LANES):
        left = min(LANES, count - i)
        value = (vload_first(source + 4 * i, left) - centre) * spread
        weight = _weight(scale_kind, scale + scale_step * i, left, 1.0)
        summand = _weight(bias_kind, bias + bias_step * i, left, 0.0)
        vstore_first(target + 4 * i, vfma(value, weight, summand), left)


@kernel
def normalize_rows(args: int, thread: int, threads: int) -> None:
    """One turn of the nest is one set of statistics."""
    segments, count = load_i64(args + 8 * SEGMENTS), load_i64(args + 8 * COUNT)
    elements = float(segments * count)
    nest, step = args + 8 * NEST, load_i64(args + 8 * X_SEGMENT)
    first, last = share(load_i64(args + 8 * UNITS), thread, threads)
    for unit in range(first, last):
        source = load_i64(args + 8 * X) + offset_in(nest, 0, unit)
        target = load_i64(args + 8 * Y) + offset_in(nest, 1, unit)
        scale = load_i64(args + 8 * SCALE) + offset_in(nest, 2, unit)
        bias = load_i64(args + 8 * BIAS) + offset_in(nest, 3, unit)
        mean = 0.0
        if load_i64(args + 8 * RMS) == 0:
            for segment in range(segments):
                mean += _row_sum(source + segment * step, count)
            mean /= elements
        squares = 0.0
        for segment in range(segments):
            squares += _row_squares(source + segment * step, count, mean)
        variance = vfill(squares / elements + load_f32(args + 8 * EPSILON))
        factor = vsum(vfill(1.0) / vsqrt(variance)) / LANES
        for segment in range(segments):
            _scaled_row(args, segment, (source, target, scale, bias), mean, factor)


@kernel
def normalize_columns(args: int, thread: int, threads: int) -> None:
    """LANES neighbours at once; each runs through the normalized loop in steps."""
    blocks, count = load_i64(args + 8 * BLOCKS), load_i64(args + 8 * SEGMENTS)
    x_step, y_step = load_i64(args + 8 * X_SEGMENT), load_i64(args + 8 * Y_SEGMENT)
    scale_kind, bias_kind = load_i64(args + 8 * SCALE_KIND), load_i64(args + 8 * BIAS_KIND)
    part = vfill(1.0) / vfill(float(count))
    nest = args + 8 * NEST
    first, last = share(load_i64(args + 8 * UNITS), thread, threads)
    for unit in range(first, last):
        column, outer = unit % blocks * LANES, unit // blocks
        left = min(LANES, load_i64(args + 8 * COLUMNS) - column)
        source = load_i64(args + 8 * X) + offset_in(nest, 0, outer) + 4 * column
        target = load_i64(args + 8 * Y) + offset_in(nest, 1, outer) + 4 * column
        scale = load_i64(args + 8 * SCALE) + offset_in(nest, 2, outer)
        bias = load_i64(args + 8 * BIAS) + offset_in(nest, 3, outer)
        mean = vfill(0.0)
        if load_i64(args + 8 * RMS) == 0:
            for i in range(count):
                mean = mean + vload_first(source + i * x_step, left)
            mean = mean * part
        squares = vfill(0.0)
        for i in range(count):
            value = vload_first(source + i * x_step, left) - mean
            squares = vfma(value, value, squares)
        epsilon = vfill(load_f32(args + 8 * EPSILON))
        factor = vfill(1.0) / vsqrt(vfma(squares, part, epsilon))
        scale += 4 * column if scale_kind == _ROW else 0
        bias += 4 * column if bias_kind == _ROW else 0
        factor = factor * _weight(scale_kind, scale, left, 1.0)
        summand = _weight(bias_kind, bias, left, 0.0) - mean * factor
        for i in range(count):
            value = vload_first(source + i * x_step, left)
            vstore_first(target + i * y_step, vfma(value, factor, summand), left)


class NormalizationTactic(Tactic):
    """fp32 normalization of contiguous elements, or of contiguous neighbours."""

    name = "cpu.normalization.vector"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines other types, and strides of data or weights that need gathering."""
        for operand in (*problem.inputs, *problem.outputs):
            if operand is not None and operand.dtype is not DataType.FLOAT:
                return Rejection(f"works on fp32, not on {operand.dtype.value}")
        plan = _plan(problem)
        return plan if isinstance(plan, Rejection) else None

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command]:
        """One command."""
        plan = _plan(problem)
        assert not isinstance(plan, Rejection)
        kept, normalized, by_rows = plan
        columns, outer = 1, kept
        if by_rows:
            loops = normalized.padded(2)
            count, segment_steps = loops.shape[1], [s[0] for s in loops.strides]
            inner_steps = [s[1] for s in loops.strides]
        else:
            loops = normalized.padded(1)
            count, segment_steps = 1, [s[0] for s in loops.strides]
            columns, inner_steps = kept.shape[-1], [s[-1] for s in kept.strides]
            outer = Loops(kept.shape[:-1], tuple(s[:-1] for s in kept.strides))
        blocks = -(-columns // LANES)
        weights = [self._weight(problem, buffers, i) for i in (1, 2)]
        kinds = [
            _NONE if weight == 0 else _ROW if step else _VALUE
            for weight, step in zip(weights, inner_steps[2:], strict=True)
        ]
        op = problem.op
        assert isinstance(op, Normalization)
        args = np.zeros(NEST + nest_length(4), np.int64)
        args[:NEST] = (
            *(buffers.inputs[0] or 0, buffers.outputs[0], *weights, outer.volume * blocks),
            *(loops.shape[0], count, op.rms, 0, blocks),
            *(segment_steps[1], segment_steps[0], *segment_steps[2:], *kinds, columns),
        )
        args[EPSILON : EPSILON + 1].view(np.float32)[0] = op.epsilon
        y, x, scale, bias = outer.strides
        args[NEST:] = nest_block(outer.shape, (x, y, scale, bias))
        used = normalize_rows if by_rows else normalize_columns
        return (Command(used.address, args),)

    @staticmethod
    def _weight(problem: Problem, buffers: Buffers, index: int) -> int:
        given = index < len(problem.inputs) and problem.inputs[index] is not None
        return (buffers.inputs[index] or 0) if given else 0


_Plan = tuple[Loops, Loops, bool]  # loops that stay, normalized loops, whether by rows


def _plan(problem: Problem) -> _Plan | Rejection:
    """Loops over y, x, scale and bias in bytes."""
    x, out, op = problem.inputs[0], problem.outputs[0], problem.op
    assert x is not None
    assert isinstance(op, Normalization)
    axes = axes_in(op.axes, len(x.shape))
    shape = x.shape
    steps = [out.strides, x.strides]
    steps += [_weight_strides(problem, index, x) for index in (1, 2)]
    groups = op.num_groups
    if groups > 1:  # [N, C, S..] → [N, groups, C/groups, S..]
        each = shape[1] // groups
        shape = (shape[0], groups, each, *shape[2:])
        axes = (2, *(axis + 1 for axis in axes))
        per_group = [
            index < len(problem.inputs)
            and (weights := problem.inputs[index]) is not None
            and _is_per_group(weights, groups)
            for index in (1, 2)
        ]
        steps = [
            (s[0], s[1], 0, *s[2:]) if grouped else (s[0], s[1] * each, *s[1:])
            for s, grouped in zip(steps, (False, False, *per_group), strict=True)
        ]
    kept, normalized = split_nest(shape, [tuple(4 * s for s in own) for own in steps], axes)
    return _choose(kept, normalized)


def _choose(kept: Loops, normalized: Loops) -> _Plan | Rejection:
    if len(kept.shape) > LOOPS:
        return Rejection(f"the strides need {len(kept.shape)} loops, not {LOOPS}")
    if len(normalized.shape) <= 2 and _inner(normalized):
        return kept, normalized, True
    still = all(step == 0 for own in normalized.strides[2:] for step in own)
    if len(normalized.shape) <= 1 and _inner(kept) and kept.shape and still:
        return kept, normalized, False
    return Rejection("neither the normalized elements nor their neighbours are contiguous")


def _inner(loops: Loops) -> bool:
    """Whether the inner loop is contiguous in the data, and dense or still in the weights."""
    if not loops.shape:
        return True
    y, x, *weights = (own[-1] for own in loops.strides)
    return x == y == 4 and all(step in {0, 4} for step in weights)


def _is_per_group(weights: Operand, groups: int) -> bool:
    return len(weights.shape) > 1 and weights.shape[1] == groups


def _weight_strides(problem: Problem, index: int, x: Operand) -> Strides:
    """Strides of scale or bias along the data's dimensions; zeros where there is none."""
    weights = problem.inputs[index] if index < len(problem.inputs) else None
    rank = len(x.shape)
    if weights is None:
        return (0,) * rank
    own = [0 if e == 1 else s for e, s in zip(weights.shape, weights.strides, strict=True)]
    return (0,) * (rank - len(own)) + tuple(own)

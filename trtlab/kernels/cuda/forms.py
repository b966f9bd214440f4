"""Layers as contractions: matrix products, einsums, convolutions, deconvolutions."""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from trtlab.core.enums import MatrixOperation
from trtlab.kernels.cpu.strided import broadcast_strides
from trtlab.kernels.cuda.contraction import Contraction, Extra, Reader, Spatial
from trtlab.kernels.cuda.lowering import unknown_types
from trtlab.kernels.cuda.program import obstacle
from trtlab.layers.base import Array
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.linear import Einsum, MatrixMultiply
from trtlab.tactics.problem import Operand, Problem, Strides, dense_strides
from trtlab.tactics.tactic import Rejection

_FIRST_EXTRA = 3
_T, _V = MatrixOperation.TRANSPOSE, MatrixOperation.VECTOR


def form_of(problem: Problem) -> Contraction | Rejection:
    """The problem as a contraction; constants of convolutions as `pack_window` lays them."""
    refused = unknown_types(problem)
    if refused is not None:
        return refused
    op = problem.op
    if isinstance(op, MatrixMultiply):
        found = _product(op, problem)
    elif isinstance(op, Einsum):
        found = _einsum(op, problem)
    elif isinstance(op, Convolution | Deconvolution):
        found = _window(op, problem)
    else:
        return Rejection(f"{op.kind} is no product of two tensors")
    if isinstance(found, Rejection):
        return found
    reason = obstacle(found.program, found.result.dtype)
    if reason is None and max(found.sizes) >= 1 << 31:
        reason = "an index does not fit 32 bits"
    return found if reason is None else Rejection(reason)


def _given(problem: Problem, index: int) -> Operand:
    operand = problem.inputs[index]
    assert operand is not None
    return operand


def _extras(problem: Problem) -> list[Operand]:
    return [o for o in problem.inputs[_FIRST_EXTRA:] if o is not None]


# ---- products ------------------------------------------------------------------------------


def _product(op: MatrixMultiply, problem: Problem) -> Contraction:
    a, b, out = _given(problem, 0), _given(problem, 1), problem.outputs[0]
    left, (rows, inner) = _matrix(a, op.op0, left=True)
    right, (_, columns) = _matrix(b, op.op1, left=False)
    lead = out.shape[: len(out.shape) - (op.op0 is not _V) - (op.op1 is not _V)]
    count = len(lead)

    def spread(operand: Operand, cut: int) -> Strides:
        outer = Operand(operand.dtype, operand.shape[:cut], strides=operand.strides[:cut])
        return broadcast_strides(outer, lead)

    lead_a = spread(a, len(a.shape) - (1 if op.op0 is _V else 2))
    lead_b = spread(b, len(b.shape) - (1 if op.op1 is _V else 2))
    kinds = [
        "m" if step_b == 0 else "n" if step_a == 0 else "b"
        for step_a, step_b in zip(lead_a, lead_b, strict=True)
    ]

    def pick(values: Sequence[int], kind: str) -> tuple[int, ...]:
        return tuple(v for v, k in zip(values, kinds, strict=True) if k == kind)

    def extra(operand: Operand) -> Extra:
        steps = broadcast_strides(operand, out.shape)
        outer, rest = steps[:count], list(steps[count:])
        row = rest.pop(0) if op.op0 is not _V else 0
        column = rest.pop(0) if op.op1 is not _V else 0
        return Extra(
            operand.dtype,
            pick(outer, "b"),
            (*pick(outer, "m"), row),
            (*pick(outer, "n"), column),
        )

    bias = problem.inputs[2] if len(problem.inputs) > 2 else None
    return Contraction(
        batch=pick(lead, "b"),
        m=(*pick(lead, "m"), rows),
        n=(*pick(lead, "n"), columns),
        k=(inner,),
        left=Reader(a.dtype, pick(lead_a, "b"), (*pick(lead_a, "m"), left[0]), (left[1],)),
        right=Reader(b.dtype, pick(lead_b, "b"), (*pick(lead_b, "n"), right[1]), (right[0],)),
        result=extra(Operand(out.dtype, out.shape, strides=out.strides)),
        bias=None if bias is None else extra(bias),
        alpha=op.alpha,
        program=op.epilogue,
        operands=tuple(extra(o) for o in _extras(problem)),
    )


def _matrix(
    x: Operand, op: MatrixOperation, *, left: bool
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Strides and extents of rows and columns."""
    if op is _V:
        step, extent = x.strides[-1], x.shape[-1]
        return ((0, step), (1, extent)) if left else ((step, 0), (extent, 1))
    rows, columns = x.strides[-2:], x.shape[-2:]
    if op is _T:
        return (rows[1], rows[0]), (columns[1], columns[0])
    return (rows[0], rows[1]), (columns[0], columns[1])


def _einsum(op: Einsum, problem: Problem) -> Contraction | Rejection:
    operands = [o for o in problem.inputs if o is not None]
    if len(operands) not in {1, 2}:
        return Rejection(f"no kernel multiplies {len(operands)} tensors at once")
    terms, output = op.terms([len(o.shape) for o in operands])
    out = problem.outputs[0]
    extents: dict[str, int] = {}
    for term, operand in zip(terms, operands, strict=True):
        for label, extent in zip(term, operand.shape, strict=True):
            extents[label] = max(extent, extents.get(label, 1))

    def steps(term: str, operand: Operand) -> dict[str, int]:
        found: dict[str, int] = {}
        for label, extent, stride in zip(term, operand.shape, operand.strides, strict=True):
            found[label] = found.get(label, 0) + (0 if extent == 1 else stride)
        return found

    a = steps(terms[0], operands[0])
    b = steps(terms[1], operands[1]) if len(operands) > 1 else {}
    c = dict(zip(output, out.strides, strict=True))
    labels = [*output, *(x for x in extents if x not in output)]
    batch = [x for x in labels if x in a and x in b and x in c]
    m = [x for x in labels if x in c and x in a and x not in b]
    n = [x for x in labels if x in c and x in b and x not in a]
    k = [x for x in labels if x not in c]

    def size(chosen: Sequence[str]) -> tuple[int, ...]:
        return tuple(extents[x] for x in chosen)

    def of(found: Mapping[str, int], chosen: Sequence[str]) -> tuple[int, ...]:
        return tuple(found.get(x, 0) for x in chosen)

    if len(operands) == 1:
        return Rejection("an einsum of one tensor is a reduction")
    return Contraction(
        batch=size(batch),
        m=size(m) or (1,),
        n=size(n) or (1,),
        k=size(k) or (1,),
        left=Reader(operands[0].dtype, of(a, batch), of(a, m) or (0,), of(a, k) or (0,)),
        right=Reader(operands[1].dtype, of(b, batch), of(b, n) or (0,), of(b, k) or (0,)),
        result=Extra(out.dtype, of(c, batch), of(c, m) or (0,), of(c, n) or (0,)),
    )


# ---- windows -------------------------------------------------------------------------------


def _window(op: Convolution | Deconvolution, problem: Problem) -> Contraction | Rejection:
    x, kernel, out = _given(problem, 0), _given(problem, 1), problem.outputs[0]
    groups, size = op.num_groups, kernel.shape[2:]
    channels = x.shape[1] // groups
    maps = out.shape[1] // groups
    window = op.window(size)
    rank = len(size)
    spatial = x.shape[2:]
    scattered = isinstance(op, Deconvolution)
    before = (
        op.padding_before(window, spatial)
        if isinstance(op, Deconvolution)
        else tuple(pre for pre, _ in window.padding(spatial))
    )
    taps = tuple(
        Spatial(
            row=1 + d,
            tap=d,
            extent=spatial[d],
            step=x.strides[2 + d],
            stride=window.stride[d],
            dilation=window.dilation[d],
            pad=before[d],
            scattered=scattered,
        )
        for d in range(rank)
    )
    zeros = (0,) * rank
    left = Reader(
        x.dtype,
        (channels * x.strides[1],),
        (x.strides[0], *zeros),
        (*zeros, x.strides[1]),
        taps,
    )

    def extra(operand: Operand) -> Extra:
        steps = broadcast_strides(operand, out.shape)
        return Extra(operand.dtype, (maps * steps[1],), (steps[0], *steps[2:]), (steps[1],))

    bias = problem.inputs[2] if len(problem.inputs) > 2 else None
    return Contraction(
        batch=(groups,),
        m=(out.shape[0], *out.shape[2:]),
        n=(maps,),
        k=(*size, channels),
        left=left,
        right=_weights(kernel, groups, maps, channels, scattered=scattered),
        result=extra(Operand(out.dtype, out.shape, strides=out.strides)),
        bias=None
        if bias is None
        else Extra(
            bias.dtype, (maps * bias.strides[0],), (0,) * (1 + rank), (bias.strides[0],)
        ),
        program=op.epilogue,
        operands=tuple(extra(o) for o in _extras(problem)),
    )


def _weights(
    kernel: Operand, groups: int, maps: int, channels: int, *, scattered: bool
) -> Reader:
    size = kernel.shape[2:]
    if kernel.constant:
        packed = dense_strides((groups, maps, *size, channels))
        return Reader(kernel.dtype, packed[:1], packed[1:2], packed[2:])
    first, second, *taps = kernel.strides
    if scattered:  # [C, K/groups, R..]
        return Reader(kernel.dtype, (channels * first,), (second,), (*taps, first))
    return Reader(kernel.dtype, (maps * first,), (first,), (*taps, second))


def pack_window(problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
    """A constant kernel as [groups, maps, taps, channels]."""
    packed = dict(constants)
    op = problem.op
    if 1 not in packed or not isinstance(op, Convolution | Deconvolution):
        return packed
    kernel, groups = packed[1], op.num_groups
    size = kernel.shape[2:]
    if isinstance(op, Deconvolution):
        split = kernel.reshape(groups, kernel.shape[0] // groups, kernel.shape[1], *size)
        order = (0, 2, *range(3, 3 + len(size)), 1)
    else:
        split = kernel.reshape(groups, kernel.shape[0] // groups, kernel.shape[1], *size)
        order = (0, 1, *range(3, 3 + len(size)), 2)
    packed[1] = np.ascontiguousarray(split.transpose(order))
    assert packed[1].size == prod(kernel.shape)
    return packed


def pack_rows(problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
    """Constant weights of a product as [n, k], of a convolution as `pack_window` does."""
    packed = pack_window(problem, constants)
    op = problem.op
    if 1 in packed and isinstance(op, MatrixMultiply):
        held = packed[1].reshape(packed[1].shape[-2:])
        packed[1] = np.ascontiguousarray(held if op.op1 is _T else held.T)
    return packed

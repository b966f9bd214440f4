"""Reductions, softmax, ArgMax and TopK, CumSum."""

from collections.abc import Callable

from trtlab.core.enums import (
    ElementWiseOperation,
    ReduceOperation,
    TopKOperation,
    UnaryOperation,
)
from trtlab.core.types import DataType
from trtlab.layers.activation import Unary
from trtlab.layers.base import axes_in
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.pointwise import Pointwise, Step
from trtlab.layers.reduction import Cumulative, Reduce, SoftMax, TopK
from trtlab.layers.shuffle import Squeeze
from trtlab.layers.slicing import Slice
from trtlab.network.graph import Tensor
from trtlab.parser.node import Converted, Node

Converter = Callable[[Node], Converted]
_E = ElementWiseOperation
_R = ReduceOperation
# Opset from which axes are an input.
_AXES_INPUT = 18
_AXES_INPUT_SUM = 13
_PLAIN_SOFTMAX = 13


def _axes(node: Node, since: int) -> tuple[int, ...] | None:
    """The axes; None for no reduction at all."""
    rank = len(node.input(0).shape)
    given = node.integers(1, "axes") if node.opset >= since else node.attr_ints("axes")
    nothing = node.attr_int("noop_with_empty_axes", 0) != 0
    if given:
        return axes_in(given, rank)
    return None if nothing else tuple(range(rank))


def _reduced(
    node: Node, x: Tensor, op: ReduceOperation, axes: tuple[int, ...] | None, part: str = ""
) -> Tensor:
    keep = node.attr_int("keepdims", 1) != 0
    if axes is None:
        return x
    return node.emit(Reduce(op=op, axes=axes, keep_dims=keep), x, part=part)


def _reduce(op: ReduceOperation, since: int = _AXES_INPUT) -> Converter:
    def convert(node: Node) -> Converted:
        x, axes = node.input(0), _axes(node, since)
        if x.dtype is not DataType.BOOL:
            return _reduced(node, x, op, axes)
        numbers = node.cast(x, DataType.INT32, "numbers")
        reduced = _reduced(node, numbers, op, axes, "reduced")
        zero = node.new_scalar(0, DataType.INT32, "zero")
        return node.emit(ElementWise(_E.GREATER), reduced, zero)

    convert.__doc__ = f"A reduction: {op.value}."
    return convert


reduce_max = _reduce(_R.MAX)
reduce_min = _reduce(_R.MIN)
reduce_mean = _reduce(_R.AVG)
reduce_prod = _reduce(_R.PROD)
reduce_sum = _reduce(_R.SUM, _AXES_INPUT_SUM)


def _square(node: Node, x: Tensor) -> Tensor:
    if x.dtype.is_float:
        return node.emit(Pointwise((Step("square", (0,)),)), x, part="square")
    return node.emit(ElementWise(_E.PROD), x, x, part="square")


def reduce_l1(node: Node) -> Converted:
    """ReduceL1: Σ |x|."""
    sizes = node.emit(Unary(UnaryOperation.ABS), node.input(0), part="abs")
    return _reduced(node, sizes, _R.SUM, _axes(node, _AXES_INPUT))


def reduce_l2(node: Node) -> Converted:
    """ReduceL2: √Σ x²."""
    squares = _square(node, node.input(0))
    total = _reduced(node, squares, _R.SUM, _axes(node, _AXES_INPUT), "sum")
    return node.emit(Unary(UnaryOperation.SQRT), total)


def reduce_sum_square(node: Node) -> Converted:
    """ReduceSumSquare: Σ x²."""
    return _reduced(node, _square(node, node.input(0)), _R.SUM, _axes(node, _AXES_INPUT))


def reduce_log_sum(node: Node) -> Converted:
    """ReduceLogSum: log Σ x."""
    total = _reduced(node, node.input(0), _R.SUM, _axes(node, _AXES_INPUT), "sum")
    return node.emit(Unary(UnaryOperation.LOG), total)


def reduce_log_sum_exp(node: Node) -> Converted:
    """ReduceLogSumExp: log Σ exp(x − m) + m with m the maximum, so that exp stays small."""
    x, axes = node.input(0), _axes(node, _AXES_INPUT)
    keep = node.attr_int("keepdims", 1) != 0
    if axes is None:
        return x
    top = node.emit(Reduce(op=_R.MAX, axes=axes, keep_dims=True), x, part="max")
    finite = Pointwise((Step("clip", (0,), (-3e38, 3e38)),))
    top = node.emit(finite, top, part="finite")
    shifted = node.emit(ElementWise(_E.SUB), x, top, part="shifted")
    grown = node.emit(Unary(UnaryOperation.EXP), shifted, part="exp")
    total = node.emit(Reduce(op=_R.SUM, axes=axes, keep_dims=True), grown, part="sum")
    logarithm = node.emit(Unary(UnaryOperation.LOG), total, part="log")
    if keep:
        return node.emit(ElementWise(_E.SUM), logarithm, top)
    result = node.emit(ElementWise(_E.SUM), logarithm, top, part="kept")
    return node.emit(Squeeze(axes=axes), result)


def _softmax(*, log: bool) -> Converter:
    def convert(node: Node) -> Converted:
        x = node.input(0)
        rank = len(x.shape)
        if node.opset >= _PLAIN_SOFTMAX:
            axes = (node.axis(-1, rank),)
        else:  # everything from the axis on is one
            axes = tuple(range(node.axis(1, rank), rank))
        return node.emit(SoftMax(axes=axes, log=log), x)

    convert.__doc__ = "LogSoftmax." if log else "Softmax."
    return convert


softmax = _softmax(log=False)
log_softmax = _softmax(log=True)


def _arg(op: TopKOperation) -> Converter:
    def convert(node: Node) -> Converted:
        x = node.input(0)
        axis = node.axis(0, len(x.shape))
        keep = node.attr_int("keepdims", 1) != 0
        if node.attr_int("select_last_index", 0):
            return _last_index(node, x, op, axis, keep=keep)
        return first_index(node, x, op, axis, "", keep=keep)

    convert.__doc__ = f"Arg{op.value.capitalize()}."
    return convert


def first_index(
    node: Node, x: Tensor, op: TopKOperation, axis: int, part: str, *, keep: bool
) -> Tensor:
    """The index of the first largest or smallest entry of an axis."""
    top = TopK(op=op, k=1, axes=(axis,), indices_type=DataType.INT64)
    index = node.emit_all(top, x, part=part if keep else f"{part}.top")[1]
    return index if keep else node.emit(Squeeze(axes=(axis,)), index, part=part)


def _last_index(node: Node, x: Tensor, op: TopKOperation, axis: int, *, keep: bool) -> Tensor:
    """The first index of the reversed tensor, counted from the end."""
    extent = x.shape[axis]
    if not isinstance(extent, int):
        raise node.unsupported("select_last_index needs an axis of fixed size")
    rank = len(x.shape)
    backwards = Slice(
        start=tuple(-1 if i == axis else 0 for i in range(rank)),
        stop=tuple(-extent - 1 if i == axis else None for i in range(rank)),
        stride=tuple(-1 if i == axis else 1 for i in range(rank)),
    )
    turned = node.emit(backwards, x, part="reversed")
    index = first_index(node, turned, op, axis, "index", keep=True)
    if not keep:
        index = node.emit(Squeeze(axes=(axis,)), index, part="squeezed")
    last = node.new_scalar(extent - 1, DataType.INT64, "last")
    return node.emit(ElementWise(_E.SUB), last, index)


arg_max = _arg(TopKOperation.MAX)
arg_min = _arg(TopKOperation.MIN)


def top_k(node: Node) -> Converted:
    """TopK; k is an attribute before opset 10."""
    x = node.input(0)
    op = TopKOperation.MAX if node.attr_int("largest", 1) else TopKOperation.MIN
    axis = node.axis(-1, len(x.shape))
    k = node.attr_int("k", 0)
    tensor = node.optional(1)
    if tensor is not None:
        count = node.known(tensor)
        if count is None:
            layer = TopK(op=op, axes=(axis,), indices_type=DataType.INT64)
            return node.emit_all(layer, x, tensor)
        k = int(count.reshape(-1)[0])
    return node.emit_all(TopK(op=op, k=k, axes=(axis,), indices_type=DataType.INT64), x)


def cum_sum(node: Node) -> Converted:
    """CumSum."""
    x = node.input(0)
    given = node.integers(1, "axis")
    if given is None:
        raise node.invalid("it needs an axis")
    op = Cumulative(
        axis=axes_in(given, len(x.shape))[0],
        exclusive=node.attr_int("exclusive", 0) != 0,
        reverse=node.attr_int("reverse", 0) != 0,
    )
    return node.emit(op, x)


def lp_normalization(node: Node) -> Converted:
    """LpNormalization: x / ‖x‖ along an axis; 0 where the norm is 0."""
    x = node.input(0)
    axis, p = node.axis(-1, len(x.shape)), node.attr_int("p", 2)
    if p not in {1, 2}:
        raise node.invalid(f"p is {p}, not 1 or 2")
    terms = _square(node, x) if p == 2 else node.emit(Unary(UnaryOperation.ABS), x, part="abs")
    op = Reduce(op=_R.SUM, axes=(axis,), keep_dims=True)
    norm = node.emit(op, terms, part="sum")
    if p == 2:
        norm = node.emit(Unary(UnaryOperation.SQRT), norm, part="norm")
    zero, one = (node.new_scalar(v, x.dtype, f"{v}", rank=len(x.shape)) for v in (0, 1))
    empty = node.emit(ElementWise(_E.EQUAL), norm, zero, part="is_zero")
    norm = node.emit(Select(), empty, one, norm, part="divisor")
    return node.emit(ElementWise(_E.DIV), x, norm)

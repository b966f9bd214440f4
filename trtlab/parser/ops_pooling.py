"""Pooling windows, and pooling over whole images."""

from math import prod

from trtlab.core.enums import (
    ElementWiseOperation,
    PaddingMode,
    PoolingType,
    ReduceOperation,
    UnaryOperation,
)
from trtlab.layers.activation import Unary
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.pooling import Pooling
from trtlab.layers.reduction import Reduce
from trtlab.network.graph import Tensor
from trtlab.parser.node import Converted, Node
from trtlab.parser.ops_convolution import padding_mode, paddings


def _pooling(node: Node, kind: PoolingType, *, excludes_padding: bool) -> Pooling:
    window = node.attr_ints("kernel_shape")
    if window is None:
        raise node.invalid("the attribute kernel_shape is missing")
    mode = padding_mode(node)
    if mode is PaddingMode.EXPLICIT_ROUND_DOWN and node.attr_int("ceil_mode", 0):
        mode = PaddingMode.EXPLICIT_ROUND_UP
    before, behind = paddings(node, len(window))
    return Pooling(
        type=kind,
        window_size_nd=window,
        stride_nd=node.attr_ints("strides") or (),
        pre_padding=before,
        post_padding=behind,
        dilation_nd=node.attr_ints("dilations") or (),
        padding_mode=mode,
        average_count_excludes_padding=excludes_padding,
    )


def max_pool(node: Node) -> Converted:
    """MaxPool, without the indices."""
    return (node.emit(_pooling(node, PoolingType.MAX, excludes_padding=True), node.input(0)),)


def average_pool(node: Node) -> Converted:
    """AveragePool."""
    excludes = not node.attr_int("count_include_pad", 0)
    op = _pooling(node, PoolingType.AVERAGE, excludes_padding=excludes)
    return node.emit(op, node.input(0))


def _spatial(x: Tensor) -> tuple[int, ...]:
    return tuple(range(2, len(x.shape)))


def global_average_pool(node: Node) -> Converted:
    """GlobalAveragePool: a mean over all spatial axes."""
    x = node.input(0)
    return node.emit(Reduce(op=ReduceOperation.AVG, axes=_spatial(x), keep_dims=True), x)


def global_max_pool(node: Node) -> Converted:
    """GlobalMaxPool."""
    x = node.input(0)
    return node.emit(Reduce(op=ReduceOperation.MAX, axes=_spatial(x), keep_dims=True), x)


def _power(node: Node, x: Tensor, exponent: float, part: str) -> Tensor:
    scalar = node.new_scalar(exponent, x.dtype, f"{part}.exponent", rank=len(x.shape))
    return node.emit(ElementWise(ElementWiseOperation.POW), x, scalar, part=part)


def _exponent(node: Node) -> int:
    p = node.attr_int("p", 2)
    if p < 1:
        raise node.invalid(f"p is {p}")
    return p


def global_lp_pool(node: Node) -> Converted:
    """GlobalLpPool: (Σ |x|^p)^(1/p) over all spatial axes."""
    x, p = node.input(0), _exponent(node)
    powers = _power(node, node.emit(Unary(UnaryOperation.ABS), x, part="abs"), p, "powers")
    op = Reduce(op=ReduceOperation.SUM, axes=_spatial(x), keep_dims=True)
    return _power(node, node.emit(op, powers, part="sum"), 1 / p, "")


def lp_pool(node: Node) -> Converted:
    """LpPool: (Σ |x|^p)^(1/p) a window, by the mean times the window's size."""
    x, p = node.input(0), _exponent(node)
    op = _pooling(node, PoolingType.AVERAGE, excludes_padding=False)
    if op.padding_mode is not PaddingMode.EXPLICIT_ROUND_DOWN:
        raise node.unsupported("it has ceil_mode or auto_pad")
    powers = _power(node, node.emit(Unary(UnaryOperation.ABS), x, part="abs"), p, "powers")
    taps = node.new_scalar(prod(op.window_size_nd), x.dtype, "taps", rank=len(x.shape))
    total = node.emit(
        ElementWise(ElementWiseOperation.PROD),
        node.emit(op, powers, part="mean"),
        taps,
        part="sum",
    )
    return _power(node, total, 1 / p, "")

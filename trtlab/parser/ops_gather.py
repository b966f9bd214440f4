"""Gather and scatter in all their forms, OneHot, NonZero, Compress."""

import numpy as np

from trtlab.core.enums import GatherMode, ScatterMode, TopKOperation
from trtlab.core.types import DataType
from trtlab.layers.base import axis_in
from trtlab.layers.gather import Gather, NonZero, OneHot, Scatter
from trtlab.layers.shuffle import Shuffle, Squeeze
from trtlab.parser.errors import ErrorCode
from trtlab.parser.node import Converted, Node
from trtlab.parser.ops_reduction import first_index


def gather(node: Node) -> Converted:
    """Gather."""
    x = node.input(0)
    return node.emit(Gather(axis=node.axis(0, len(x.shape))), x, node.input(1))


def gather_elements(node: Node) -> Converted:
    """GatherElements."""
    x = node.input(0)
    op = Gather(axis=node.axis(0, len(x.shape)), mode=GatherMode.ELEMENT)
    return node.emit(op, x, node.input(1))


def gather_nd(node: Node) -> Converted:
    """GatherND."""
    op = Gather(mode=GatherMode.ND, num_elementwise_dims=node.attr_int("batch_dims", 0))
    return node.emit(op, node.input(0), node.input(1))


def _plain_reduction(node: Node) -> None:
    given = node.attr_str("reduction", "none")
    if given != "none":
        raise node.unsupported(
            f"reduction {given!r}; only plain writing is supported",
            ErrorCode.UNSUPPORTED_NODE_ATTR,
        )


def scatter_elements(node: Node) -> Converted:
    """ScatterElements, and Scatter before opset 11."""
    _plain_reduction(node)
    x = node.input(0)
    op = Scatter(axis=node.axis(0, len(x.shape)), mode=ScatterMode.ELEMENT)
    return node.emit(op, x, node.input(1), node.input(2))


def scatter_nd(node: Node) -> Converted:
    """ScatterND."""
    _plain_reduction(node)
    op = Scatter(mode=ScatterMode.ND)
    return node.emit(op, node.input(0), node.input(1), node.input(2))


def one_hot(node: Node) -> Converted:
    """OneHot."""
    indices, depth, values = node.input(0), node.input(1), node.input(2)
    axis = node.axis(-1, len(indices.shape) + 1)
    known = node.known(depth)
    if known is not None:
        count = int(known.reshape(-1)[0])
        return node.emit(OneHot(axis=axis, depth=count), indices, values)
    size = node.cast(depth, DataType.INT64, "depth")
    return node.emit(OneHot(axis=axis), indices, values, size)


def hardmax(node: Node) -> Converted:
    """Hardmax: 1 at the first maximum of an axis, 0 elsewhere."""
    x = node.input(0)
    rank = len(x.shape)
    if node.opset < 13:
        raise node.unsupported("Hardmax before opset 13 is not supported")
    axis = axis_in(node.attr_int("axis", -1), rank)
    extent = x.shape[axis]
    if not isinstance(extent, int):
        raise node.unsupported(f"its axis is of unknown size ({extent})")
    index = first_index(node, x, TopKOperation.MAX, axis, "index", keep=False)
    levels = node.new_constant(np.array([0, 1]).astype(x.dtype.numpy), "levels")
    return node.emit(OneHot(axis=axis, depth=extent), index, levels)


def non_zero(node: Node) -> Converted:
    """NonZero."""
    return node.emit(NonZero(), node.input(0))


def compress(node: Node) -> Converted:
    """Compress: the entries of an axis (or of all elements) where a condition is true."""
    x = node.input(0)
    if not node.has("axis"):
        x = node.emit(Shuffle(reshape_dims=(-1,)), x, part="flat")
    found = node.emit(NonZero(), node.input(1), part="found")
    places = node.emit(Squeeze(axes=(0,)), found, part="places")
    return node.emit(Gather(axis=node.axis(0, len(x.shape))), x, places)

"""Reshape and its kin: elements keep their order or are transposed, repeated, put together."""

from math import prod

import numpy as np

from trtlab.core.enums import ElementWiseOperation, SampleMode
from trtlab.core.types import DataType, Dim, is_static, static
from trtlab.layers.base import axes_in, axis_in, extents_of
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.scale import Identity
from trtlab.layers.shuffle import (
    Concatenation,
    Expand,
    ReverseSequence,
    Shuffle,
    Squeeze,
    Unsqueeze,
)
from trtlab.layers.slicing import Slice
from trtlab.network.graph import Tensor
from trtlab.parser.node import Converted, Node
from trtlab.parser.shapes import Size, reshape, shape_of, static_dims


def identity(node: Node) -> Converted:
    """Identity."""
    return node.emit(Identity(), node.input(0))


def dropout(node: Node) -> Converted:
    """Dropout, which does nothing when inferring; the mask is true everywhere."""
    training = node.constant(2, "training_mode") if node.opset >= 12 else None
    if training is not None and bool(training.reshape(())):
        raise node.unsupported("it is in training mode", hint="export the model in eval mode")
    x = node.input(0)
    y = node.emit(Identity(), x)
    if not node.wants(1):
        return (y,)
    yes = node.new_constant(np.ones((), np.bool_), "true")
    return y, node.emit(Expand(), yes, shape_of(node, x, "mask"), part="mask")


def transpose(node: Node) -> Converted:
    """Transpose; without a permutation the axes are reversed."""
    x = node.input(0)
    order = node.attr_ints("perm") or tuple(reversed(range(len(x.shape))))
    return node.emit(Shuffle(first_transpose=axes_in(order, len(x.shape))), x)


def reshape_op(node: Node) -> Converted:
    """Reshape, to numbers where they suffice, so that nothing is left for run time."""
    x = node.input(0)
    copies = not node.attr_int("allowzero", 0)
    if node.opset < 5:
        sizes = node.attr_ints("shape")
        if sizes is None:
            raise node.invalid("the attribute shape is missing")
        return node.emit(Shuffle(reshape_dims=sizes), x)
    shape = node.input(1)
    entries = extents_of(shape.value)
    if entries is None:
        data = node.known(shape)
        entries = None if data is None else tuple(int(n) for n in data.reshape(-1))
    if entries is None:
        return node.emit(Shuffle(zero_is_placeholder=copies), x, shape)
    numbers = tuple(e for e in entries if isinstance(e, int))
    if len(numbers) == len(entries):
        return node.emit(Shuffle(reshape_dims=numbers, zero_is_placeholder=copies), x)
    if not copies and 0 in numbers:
        return node.emit(Shuffle(zero_is_placeholder=False), x, shape)
    known = [x.shape[i] if e == 0 and i < len(x.shape) else e for i, e in enumerate(entries)]
    fixed = static_dims(known, x.shape)
    if fixed is None:
        return node.emit(Shuffle(zero_is_placeholder=copies), x, shape)
    return node.emit(Shuffle(reshape_dims=fixed), x)


def flatten(node: Node) -> Converted:
    """Flatten to a matrix: the axes before ``axis`` are its rows."""
    x = node.input(0)
    rank = len(x.shape)
    axis = node.attr_int("axis", 1)
    if not -rank <= axis <= rank:
        raise node.invalid(f"axis {axis} is outside a tensor of {rank} dimensions")
    axis = axis + rank if axis < 0 else axis
    return reshape(node, x, (Size(tuple(range(axis))), Size(tuple(range(axis, rank)))))


def _axes(node: Node) -> tuple[int, ...] | None:
    """The axes of Squeeze and Unsqueeze: an attribute before opset 13, then an input."""
    return node.attr_ints("axes") if node.opset < 13 else node.integers(1, "axes")


def squeeze(node: Node) -> Converted:
    """Squeeze; without axes all of one element."""
    x, axes = node.input(0), _axes(node)
    if axes is None:
        axes = tuple(i for i, extent in enumerate(x.shape) if extent == 1)
        named = [str(extent) for extent in x.shape if isinstance(extent, Dim)]
        if named:
            raise node.unsupported(
                f"it names no axes, and whether {', '.join(named)} is 1 is not known"
            )
    axes = axes_in(axes, len(x.shape))
    return node.emit(Squeeze(axes=axes), x) if axes else node.emit(Identity(), x)


def unsqueeze(node: Node) -> Converted:
    """Unsqueeze."""
    x, axes = node.input(0), _axes(node)
    if axes is None:
        raise node.invalid("it needs axes")
    rank = len(x.shape) + len(axes)
    return node.emit(Unsqueeze(axes=tuple(sorted(axes_in(axes, rank)))), x)


def concat(node: Node) -> Converted:
    """Concat; parts that are left out do not count."""
    parts = [node.input(i) for i in range(len(node.inputs))]
    axis = axis_in(node.attr_int("axis", 1), len(node.input(0).shape))
    return node.emit(Concatenation(axis=axis), *parts)


def expand(node: Node) -> Converted:
    """Expand; where the shape repeats the input's extent, 1 says the same."""
    x, shape = node.input(0), node.input(1)
    entries = extents_of(shape.value)
    if entries is None:
        return node.emit(Expand(), x, shape)
    lead = len(entries) - len(x.shape)
    kept = [
        1 if isinstance(e, Dim) and i >= lead and x.shape[i - lead] == e else e
        for i, e in enumerate(entries)
    ]
    numbers = tuple(e for e in kept if isinstance(e, int))
    if len(numbers) < len(kept):
        return node.emit(Expand(), x, shape)
    return node.emit(Expand(shape=numbers), x)


def tile(node: Node) -> Converted:
    """Tile: a slice that starts again at the end, or an expansion of axes with one element."""
    x = node.input(0)
    if node.opset < 6:
        raise node.unsupported("Tile before opset 6 is not supported")
    repeats = node.input(1)
    known = node.known(repeats)
    counts = None if known is None else tuple(int(n) for n in known.reshape(-1))
    if counts is not None and len(counts) != len(x.shape):
        raise node.invalid(f"{len(counts)} repeats for {len(x.shape)} dimensions")
    if counts is not None and any(count < 0 for count in counts):
        raise node.invalid(f"repeats {counts} are negative")
    if counts is not None:
        ones = all(n == 1 or e == 1 for n, e in zip(counts, x.shape, strict=True))
        if ones:
            return node.emit(Expand(shape=counts), x)
        if is_static(x.shape):
            shape = tuple(n * e for n, e in zip(counts, static(x.shape), strict=True))
            return node.emit(Slice(shape=shape, mode=SampleMode.WRAP), x)
    sizes = node.emit(
        ElementWise(ElementWiseOperation.PROD),
        shape_of(node, x, ""),
        node.cast(repeats, DataType.INT64, "repeats"),
        part="sizes",
    )
    return node.emit(Slice(mode=SampleMode.WRAP), x, None, sizes)


def depth_to_space(node: Node) -> Converted:
    """DepthToSpace: channels become blocks of pixels."""
    x, block = node.input(0), node.attr_int("blocksize", 0)
    n, c, h, w = _image(node, x, block)
    if c % (block * block):
        raise node.invalid(f"{c} channels do not divide into blocks of {block}×{block}")
    left = c // (block * block)
    depth_first = _depth_first(node)
    split = (n, block, block, left, h, w) if depth_first else (n, left, block, block, h, w)
    order = (0, 3, 4, 1, 5, 2) if depth_first else (0, 1, 4, 2, 5, 3)
    blocks = reshape(node, x, split, part="blocks")
    moved = node.emit(Shuffle(first_transpose=order), blocks, part="moved")
    sizes = (Size((0,)), left, Size((2, 3)), Size((4, 5)))  # of n, left, h, block, w, block
    return reshape(node, moved, sizes)


def space_to_depth(node: Node) -> Converted:
    """SpaceToDepth: blocks of pixels become channels."""
    x, block = node.input(0), node.attr_int("blocksize", 0)
    _, c, _, _ = _image(node, x, block)
    order = (0, 3, 5, 1, 2, 4) if _depth_first(node) else (0, 1, 3, 5, 2, 4)
    blocks = _blocks(node, x, c, block)  # [n, c, h/b, b, w/b, b]
    moved = node.emit(Shuffle(first_transpose=order), blocks, part="moved")
    sizes = (Size((0,)), prod((block, block, c)), Size((4,)), Size((5,)))
    return reshape(node, moved, sizes)


def _blocks(node: Node, x: Tensor, channels: int, block: int) -> Tensor:
    """An image as [n, c, h/b, b, w/b, b]; unknown sizes must divide when they are known."""
    height, width = x.shape[2:]
    if isinstance(height, int) and isinstance(width, int):
        if height % block or width % block:
            raise node.invalid(f"{height}×{width} does not divide into blocks of {block}")
        split = (Size((0,)), channels, height // block, block, width // block, block)
        return reshape(node, x, split, part="blocks")
    columns = reshape(node, x, (Size((0,)), channels, Size((2,)), -1, block), part="columns")
    split = (Size((0,)), channels, -1, block, Size((3,)), block)
    return reshape(node, columns, split, part="blocks")


def _depth_first(node: Node) -> bool:
    """The attribute ``mode``: depth, column, row, or column, row, depth."""
    mode = node.attr_str("mode", "DCR")
    if mode not in {"DCR", "CRD"}:
        raise node.invalid(f"mode {mode!r} does not exist")
    return mode == "DCR"


def _image(node: Node, x: Tensor, block: int) -> tuple[Size, int, Size, Size]:
    """Extents of an image [N, C, H, W] whose channels are known."""
    if len(x.shape) != 4 or not isinstance(x.shape[1], int):
        raise node.unsupported("it takes images [N, C, H, W] with a known number of channels")
    if block < 1:
        raise node.invalid(f"blocksize is {block}")
    return Size((0,)), x.shape[1], Size((2,)), Size((3,))


def reverse_sequence(node: Node) -> Converted:
    """ReverseSequence."""
    op = ReverseSequence(
        batch_axis=node.attr_int("batch_axis", 1), sequence_axis=node.attr_int("time_axis", 0)
    )
    return node.emit(op, node.input(0), node.input(1))

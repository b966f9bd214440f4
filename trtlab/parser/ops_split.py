"""Split: parts side by side, whose sizes are numbers or follow from the input shapes."""

from collections.abc import Sequence

from trtlab.core.enums import ElementWiseOperation
from trtlab.core.types import DataType
from trtlab.layers import dims
from trtlab.layers.base import extents_of, str_shape
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.scale import Identity
from trtlab.layers.slicing import Slice
from trtlab.network.graph import Tensor
from trtlab.parser.errors import ErrorCode
from trtlab.parser.node import Converted, Node
from trtlab.parser.shapes import pick, shape_of

_E = ElementWiseOperation
# Opset from which the last of equal parts may be smaller than the others.
_SMALLER_LAST = 18


def split(node: Node) -> Converted:
    """Split: one slice for each part."""
    x = node.input(0)
    axis = node.axis(0, len(x.shape))
    extent, count = x.shape[axis], len(node.proto.output)
    given = node.optional(1) if node.opset >= 13 else None
    if given is not None and node.known(given) is None:
        return _named_parts(node, x, axis, given)
    sizes = node.attr_ints("split") if node.opset < 13 else node.integers(1, "split")
    wanted = node.attr_int("num_outputs", count) if sizes is None else len(sizes)
    if wanted != count:
        raise node.invalid(f"{wanted} parts for {count} outputs")
    if sizes is None:
        if count == 1:
            return node.emit(Identity(), x)
        if not isinstance(extent, int):
            return _equal_named_parts(node, x, axis, count)
        sizes = _equal_parts(node, extent, count)
    if any(size < 0 for size in sizes) or (isinstance(extent, int) and sum(sizes) != extent):
        raise node.invalid(f"parts {list(sizes)} do not add up to {extent}")
    if len(sizes) == 1:
        return node.emit(Identity(), x)
    position = 0
    parts: list[Tensor] = []
    for number, size in enumerate(sizes):
        op = _part(x, axis, position, size)
        parts.append(node.emit(op, x, part=str(number) if number else ""))
        position += size
    return parts


def _part(x: Tensor, axis: int, position: int, size: int) -> Slice:
    rank = len(x.shape)
    start = tuple(position if i == axis else 0 for i in range(rank))
    extents = tuple(e for e in x.shape if isinstance(e, int))
    if len(extents) == rank:
        return Slice(start=start, shape=(*extents[:axis], size, *extents[axis + 1 :]))
    return Slice(
        start=start, stop=tuple(position + size if i == axis else None for i in range(rank))
    )


def _equal_parts(node: Node, extent: int, count: int) -> tuple[int, ...]:
    size = -(-extent // count)
    last = extent - (count - 1) * size
    if node.opset < _SMALLER_LAST and last != size:
        raise node.invalid(f"{extent} elements do not divide into {count} equal parts")
    if last < 0:
        raise node.invalid(
            f"{extent} elements do not divide into {count - 1} parts of {size} and a last one"
        )
    return (*[size] * (count - 1), last)


def _equal_named_parts(node: Node, x: Tensor, axis: int, count: int) -> list[Tensor]:
    """Equal parts of an extent that only the input shapes tell.

    Each is rounded up: where the extent does not divide, a last part of that size leaves the
    input, which the check of shapes refuses; from opset 18 on it is what the others leave.
    """
    extent = pick(node, shape_of(node, x, ""), [axis], "extent")
    number = node.new_integers([count], "count")
    up = node.new_integers([count - 1], "round_up")
    rounded = node.emit(ElementWise(_E.SUM), extent, up, part="rounded")
    size = node.emit(ElementWise(_E.FLOOR_DIV), rounded, number, part="size")
    rest = extent if node.opset >= _SMALLER_LAST else None
    return _parts_of_sizes(node, x, axis, [size] * count, rest)


def _named_parts(node: Node, x: Tensor, axis: int, given: Tensor) -> list[Tensor]:
    """Parts whose sizes follow from the input shapes."""
    named, count = extents_of(given.value), len(node.proto.output)
    if named is None:
        raise node.unsupported(
            f"its split ({given.name}) must be constant, or follow from the input shapes",
            ErrorCode.UNSUPPORTED_NODE_INPUT,
        )
    if len(named) != count:
        raise node.invalid(f"{len(named)} parts for {count} outputs")
    if dims.equal(dims.add(*named), x.shape[axis]) is False:
        raise node.invalid(f"parts {str_shape(named)} do not add up to {x.shape[axis]}")
    numbers = node.cast(given, DataType.INT64, "sizes")
    sizes = [pick(node, numbers, [i], f"{i}.size") for i in range(count)]
    return _parts_of_sizes(node, x, axis, sizes)


def _parts_of_sizes(
    node: Node, x: Tensor, axis: int, sizes: Sequence[Tensor], extent: Tensor | None = None
) -> list[Tensor]:
    """Slices side by side; with an extent, the last one reaches up to it."""
    parts = [node.emit(Slice(start=(0,), axes=(axis,)), x, None, sizes[0])]
    start = sizes[0]
    for i, size in enumerate(sizes[1:], start=1):
        if i > 1:
            start = node.emit(ElementWise(_E.SUM), start, sizes[i - 1], part=f"{i}.start")
        is_rest = i == len(sizes) - 1 and extent is not None
        rest = (
            node.emit(ElementWise(_E.SUB), extent, start, part=f"{i}.rest")
            if is_rest
            else size
        )
        parts.append(node.emit(Slice(axes=(axis,)), x, start, rest, part=str(i)))
    return parts

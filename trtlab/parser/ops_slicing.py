"""Slice and Pad."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from trtlab.core.enums import ElementWiseOperation, SampleMode
from trtlab.core.types import DataType
from trtlab.layers import dims
from trtlab.layers.base import axes_in, extents_of
from trtlab.layers.dims import Extent
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.shuffle import Concatenation
from trtlab.layers.slicing import Padding, Slice
from trtlab.network.graph import Tensor
from trtlab.parser.node import Converted, Node
from trtlab.parser.shapes import pick, shape_of

_E = ElementWiseOperation
# Ends from here on mean the end of the axis, as exporters write it.
_TO_THE_END = 10**9
# Opset from which starts, ends, axes and steps are inputs.
_INPUTS = 10


@dataclass(frozen=True, slots=True)
class _Bounds:
    """ONNX's slice: one entry for each sliced axis; starts and ends may be unknown."""

    axes: tuple[int, ...]
    steps: tuple[int, ...]
    starts: tuple[Extent, ...] | None
    ends: tuple[Extent, ...] | None


def slice_op(node: Node) -> Converted:
    """Slice."""
    x = node.input(0)
    bounds = _bounds(node, len(x.shape))
    numbers = [_numbers(entries) for entries in (bounds.starts, bounds.ends)]
    if numbers[0] is not None and numbers[1] is not None:
        return _fixed(node, x, bounds, numbers[0], numbers[1])
    return _computed(node, x, bounds)


def _bounds(node: Node, rank: int) -> _Bounds:
    if node.opset < _INPUTS:
        starts, ends = node.attr_ints("starts"), node.attr_ints("ends")
        if starts is None or ends is None:
            raise node.invalid("the attributes starts and ends are missing")
        axes = node.attr_ints("axes")
        steps = None
        count = len(starts)
    else:
        starts, ends = _entries(node, 1), _entries(node, 2)
        axes, steps = node.integers(3, "axes"), node.integers(4, "steps")
        length = node.input(1).shape[0] if node.input(1).shape else None
        if not isinstance(length, int):
            raise node.unsupported("its starts are of unknown number")
        count = length
    axes = tuple(range(count)) if axes is None else axes
    steps = (1,) * count if steps is None else steps
    lengths = {len(e) for e in (starts, ends, axes, steps) if e is not None}
    if lengths != {count}:
        raise node.invalid("starts, ends, axes and steps differ in length")
    if 0 in steps:
        raise node.invalid("a step is 0")
    return _Bounds(axes_in(axes, rank), steps, starts, ends)


def _entries(node: Node, index: int) -> tuple[Extent, ...] | None:
    """Known integers and names of a shape tensor."""
    tensor = node.input(index)
    entries = extents_of(tensor.value)
    if entries is None:
        data = node.known(tensor)
        entries = None if data is None else tuple(int(n) for n in data.reshape(-1))
    return entries


def _numbers(entries: tuple[Extent, ...] | None) -> tuple[int, ...] | None:
    numbers = tuple(e for e in entries or () if isinstance(e, int))
    return numbers if entries is not None and len(numbers) == len(entries) else None


def _fixed(
    node: Node, x: Tensor, bounds: _Bounds, starts: Sequence[int], ends: Sequence[int]
) -> Tensor:
    """Bounds that are numbers: TensorRT's start, shape, stride, or Python's rules."""
    rank = len(x.shape)
    start, stride = [0] * rank, [1] * rank
    stop: list[int | None] = [None] * rank
    for axis, first, last, step in zip(bounds.axes, starts, ends, bounds.steps, strict=True):
        start[axis], stride[axis] = first, step
        stop[axis] = None if step > 0 and last >= _TO_THE_END else last
    sizes: list[int] = []
    begins: list[int] = []
    for axis, extent in enumerate(x.shape):
        if not isinstance(extent, int):
            op = Slice(start=tuple(start), stop=tuple(stop), stride=tuple(stride))
            return node.emit(op, x)
        begin, end, step = slice(start[axis], stop[axis], stride[axis]).indices(extent)
        sizes.append(len(range(begin, end, step)))
        begins.append(begin)
    return node.emit(Slice(start=tuple(begins), shape=tuple(sizes), stride=tuple(stride)), x)


def _computed(node: Node, x: Tensor, bounds: _Bounds) -> Tensor:
    """Bounds that follow from shapes or data: start and size are computed by layers."""
    if any(step < 1 for step in bounds.steps):
        raise node.unsupported("it has a negative step with bounds that are not constant")
    extents = [x.shape[axis] for axis in bounds.axes]
    starts = node.cast(node.input(1), DataType.INT64, "starts")
    bounds, sizes = _finite_ends(node, x, bounds)
    if not (_inside(bounds.starts, extents) and _inside(bounds.ends, extents)):
        lengths = pick(node, shape_of(node, x, ""), bounds.axes, "lengths")
        starts = _clamped(node, starts, bounds.starts, lengths, "starts")
        sizes = _clamped(node, sizes, bounds.ends, lengths, "ends")
    first = _numbers(bounds.starts)
    if first is None or any(first):
        sizes = node.emit(ElementWise(_E.SUB), sizes, starts, part="room")
    if any(step != 1 for step in bounds.steps):
        up = node.new_integers([step - 1 for step in bounds.steps], "round_up")
        steps = node.new_integers(bounds.steps, "steps")
        sizes = node.emit(ElementWise(_E.SUM), sizes, up, part="rounded")
        sizes = node.emit(ElementWise(_E.FLOOR_DIV), sizes, steps, part="count")
    known = extents_of(sizes.value)
    if known is None or not all(dims.at_least(entry, 0) for entry in known):
        zero = node.new_integers([0], "zero")
        sizes = node.emit(ElementWise(_E.MAX), sizes, zero, part="size")
    inside = first is not None and all(number >= 0 for number in first)
    start = first if first is not None and inside else ()
    op = Slice(start=start, stride=bounds.steps, axes=bounds.axes)
    return node.emit(op, x, None if start else starts, sizes)


def _finite_ends(node: Node, x: Tensor, bounds: _Bounds) -> tuple[_Bounds, Tensor]:
    """The ends, where those that mean the end of the axis are its extent."""
    ends = node.cast(node.input(2), DataType.INT64, "ends")
    known = bounds.ends or ()
    open_ends = [isinstance(end, int) and end >= _TO_THE_END for end in known]
    if not any(open_ends):
        return bounds, ends
    extents = [x.shape[axis] for axis in bounds.axes]
    lengths = pick(node, shape_of(node, x, "whole"), bounds.axes, "whole")
    if not all(open_ends):
        both = node.emit(Concatenation(axis=0), ends, lengths, part="candidates")
        places = [i + len(known) * is_open for i, is_open in enumerate(open_ends)]
        lengths = pick(node, both, places, "finite")
    finite = zip(known, extents, open_ends, strict=True)
    ends = tuple(extent if is_open else end for end, extent, is_open in finite)
    return replace(bounds, ends=ends), lengths


def _inside(entries: tuple[Extent, ...] | None, extents: Sequence[Extent]) -> bool:
    """Whether bounds surely lie in 0 .. extent.

    A bound known by name is taken to lie inside an extent known as a number, as in a buffer of
    1024 positions of which ``sequence`` are used; the run-time check on static shapes tells.
    """
    if entries is None:
        return False
    return all(
        dims.at_least(entry, 0) is True
        and (
            dims.at_least(extent, entry) is True
            or (dims.at_least(extent, entry) is None and isinstance(extent, int))
        )
        for entry, extent in zip(entries, extents, strict=True)
    )


def _clamped(
    node: Node, bound: Tensor, entries: tuple[Extent, ...] | None, lengths: Tensor, part: str
) -> Tensor:
    """Counted from the front and brought into 0 .. length."""
    if entries is not None and all(dims.at_least(entry, 0) for entry in entries):
        return node.emit(ElementWise(_E.MIN), bound, lengths, part=f"{part}.clamped")
    zero = node.new_integers([0], f"{part}.zero")
    negative = node.emit(ElementWise(_E.LESS), bound, zero, part=f"{part}.negative")
    shifted = node.emit(ElementWise(_E.SUM), bound, lengths, part=f"{part}.shifted")
    front = node.emit(Select(), negative, shifted, bound, part=f"{part}.front")
    low = node.emit(ElementWise(_E.MAX), front, zero, part=f"{part}.low")
    return node.emit(ElementWise(_E.MIN), low, lengths, part=f"{part}.clamped")


_PAD_MODES = {
    "constant": SampleMode.FILL,
    "reflect": SampleMode.REFLECT,
    "edge": SampleMode.CLAMP,
    "wrap": SampleMode.WRAP,
}


def pad(node: Node) -> Converted:
    """Pad; pads and value are attributes before opset 11."""
    x = node.input(0)
    rank = len(x.shape)
    text = node.attr_str("mode", "constant")
    if text not in _PAD_MODES:
        raise node.invalid(f"mode {text!r} does not exist")
    mode = _PAD_MODES[text]
    if node.opset < 11:
        pads, value = node.attr_ints("pads"), node.attr_float("value", 0.0)
        fill = None
    else:
        fill = node.optional(2)
        data = None if fill is None else node.known(fill)
        value = 0.0 if data is None else float(data.reshape(()))
        fill = None if data is not None else fill
        known = node.known(node.input(1))
        if known is None:
            if node.optional(3) is not None:
                raise node.unsupported("it has pads of some axes that are not constant")
            padding = Padding(mode=mode, value=value)
            return node.emit(
                padding, x, node.cast(node.input(1), DataType.INT64, "pads"), fill
            )
        pads = tuple(int(n) for n in known.reshape(-1))
    axes = node.integers(3, "axes") if node.opset >= 18 else None
    axes = tuple(range(rank)) if axes is None else axes_in(axes, rank)
    if pads is None or len(pads) != 2 * len(axes):
        raise node.invalid(f"pads {pads} need {2 * len(axes)} entries")
    before, behind = [0] * rank, [0] * rank
    for number, axis in enumerate(axes):
        before[axis], behind[axis] = pads[number], pads[len(axes) + number]
    op = Padding(tuple(before), tuple(behind), mode, value)
    return node.emit(op, x, None, fill)

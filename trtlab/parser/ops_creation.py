"""Constant, ConstantOfShape, Shape, Size, Range, EyeLike, Trilu and random numbers."""

import struct
from math import ceil, isfinite

import numpy as np

from trtlab.core.enums import (
    ElementWiseOperation,
    FillOperation,
    ReduceOperation,
    UnaryOperation,
)
from trtlab.core.types import DataType, StaticShape
from trtlab.layers.activation import Unary
from trtlab.layers.base import Array, axis_in
from trtlab.layers.creation import Fill
from trtlab.layers.creation import Shape as ShapeOf
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.reduction import Reduce
from trtlab.layers.shuffle import Expand, Shuffle, Unsqueeze
from trtlab.network.graph import Tensor
from trtlab.parser.errors import ErrorCode, ModelError
from trtlab.parser.limits import LIMITS
from trtlab.parser.node import Converted, Node
from trtlab.parser.shapes import pick, shape_of
from trtlab.parser.tensors import check_volume, data_type

_E = ElementWiseOperation


def constant(node: Node) -> Converted:
    """Constant, from whichever attribute holds it."""
    data = _constant_value(node)
    return node.new_constant(data, "value")


def _constant_value(node: Node) -> Array:
    if node.has("value"):
        value = node.attr_array("value")
        assert value is not None
        return value
    if node.has("value_int"):
        return np.array(node.attr_int("value_int", 0), np.int64)
    if node.has("value_ints"):
        return np.array(node.attr_ints("value_ints"), np.int64)
    if node.has("value_float"):
        return np.array(node.attr_float("value_float", 0), np.float32)
    if node.has("value_floats"):
        return np.array(node.attr_floats("value_floats"), np.float32)
    given = ", ".join(a.name for a in node.proto.attribute) or "no value"
    raise node.unsupported(f"a constant from {given}", ErrorCode.UNSUPPORTED_NODE_ATTR)


def _reserve(node: Node, shape: StaticShape, dtype: DataType) -> None:
    """Account for a constant that the file only describes.

    Raises:
        ModelError: It, or all of them together, are larger than any real model's.
    """
    nbytes = check_volume(shape, f"tensor {node.proto.output[0]!r}") * dtype.numpy.itemsize
    node.conversion.filled_bytes += nbytes
    if node.conversion.filled_bytes > LIMITS.filled_bytes:
        text = (
            f"constants that the file only describes would take "
            f"{node.conversion.filled_bytes} bytes; the limit is {LIMITS.filled_bytes}"
        )
        problem = node.problem(ErrorCode.MEM_ALLOC_FAILED, text)
        raise ModelError([problem], source=node.conversion.label)


def constant_of_shape(node: Node) -> Converted:
    """ConstantOfShape: a constant if the shape is known, else an expansion of one element."""
    value = node.attr_array("value")
    element = np.zeros(1, np.float32) if value is None else value.reshape(-1)
    if element.size != 1:
        raise node.invalid(f"value has {element.size} elements, not 1")
    shape = node.input(0)
    known = node.known(shape)
    if known is None:
        return node.emit(Expand(), node.new_constant(element.reshape(()), "value"), shape)
    extents = tuple(int(n) for n in known.reshape(-1))
    _reserve(node, extents, DataType.from_numpy(element.dtype))
    return node.new_constant(np.full(extents, element[0]), "value")


def shape(node: Node) -> Converted:
    """Shape, of all axes or of some."""
    end = node.attr_int("end", 0) if node.has("end") else None
    return node.emit(ShapeOf(start=node.attr_int("start", 0), end=end), node.input(0))


def size(node: Node) -> Converted:
    """Size: the number of elements."""
    extents = shape_of(node, node.input(0), "")
    return node.emit(Reduce(op=ReduceOperation.PROD, axes=(0,), keep_dims=False), extents)


def arange(node: Node) -> Converted:
    """Range: a constant where its bounds are known, else as many steps as fit."""
    start, limit, delta = (node.input(i) for i in range(3))
    known = [node.known(t) for t in (start, limit, delta)]
    numbers = [a.reshape(()) for a in known if a is not None]
    if len(numbers) == 3:
        first, last, step = (n.item() for n in numbers)
        if step == 0 or not isfinite(last - first) or not isfinite(step):
            raise node.invalid(f"a range from {first} to {last} with delta {step}")
        count = max(ceil((last - first) / step), 0)
        _reserve(node, (count,), start.dtype)
        values: Array = np.arange(count, dtype=np.result_type(first, step)) * step + first
        return node.new_constant(values.astype(start.dtype.numpy), "value")
    start, limit, delta = (
        _scalar(node, t, part)
        for t, part in ((start, "from"), (limit, "limit"), (delta, "delta"))
    )
    count = _steps(node, start, limit, delta)
    counts = node.emit(Unsqueeze(axes=(0,)), count, part="counts")
    op = Fill(op=FillOperation.LINSPACE, dtype=start.dtype)
    return node.emit(op, counts, start, delta)


def _scalar(node: Node, x: Tensor, part: str) -> Tensor:
    """A tensor of one element without dimensions; some exporters write [1]."""
    return node.emit(Shuffle(reshape_dims=()), x, part=part) if x.shape else x


def _steps(node: Node, start: Tensor, limit: Tensor, delta: Tensor) -> Tensor:
    """⌈(limit − start) / delta⌉ as INT64, at least 0."""
    room = node.emit(ElementWise(_E.SUB), limit, start, part="room")
    if start.dtype.is_float:
        ratio = node.emit(ElementWise(_E.DIV), room, delta, part="ratio")
        up = node.emit(Unary(UnaryOperation.CEIL), ratio, part="ceil")
        count = node.cast(up, DataType.INT64, "steps")
    else:  # ⌈a/b⌉ = −⌊−a/b⌋, for either sign of b
        down = node.emit(Unary(UnaryOperation.NEG), room, part="negative")
        floor = node.emit(ElementWise(_E.FLOOR_DIV), down, delta, part="floor")
        steps = node.emit(Unary(UnaryOperation.NEG), floor, part="steps")
        count = node.cast(steps, DataType.INT64, "wide")
    zero = node.new_scalar(0, DataType.INT64, "zero")
    return node.emit(ElementWise(_E.MAX), count, zero, part="count")


def eye_like(node: Node) -> Converted:
    """EyeLike, for a known shape."""
    x = node.input(0)
    extents = tuple(e for e in x.shape if isinstance(e, int))
    if len(x.shape) != 2 or len(extents) != 2:
        raise node.unsupported("EyeLike needs a matrix of known size")
    dtype = data_type(node.attr_int("dtype", 0)) if node.has("dtype") else x.dtype
    _reserve(node, extents, dtype)
    eye = np.eye(*extents, k=node.attr_int("k", 0))
    return node.new_constant(eye.astype(dtype.numpy), "value")


def trilu(node: Node) -> Converted:
    """Trilu: the upper or lower triangle, zeros elsewhere."""
    x = node.input(0)
    rank = len(x.shape)
    rows, columns = axis_in(-2, rank), axis_in(-1, rank)
    given = node.constant(1, "k")
    k = 0 if given is None else int(given.reshape(-1)[0])
    upper = node.attr_int("upper", 1) != 0
    height, width = x.shape[rows], x.shape[columns]
    zero = node.new_scalar(0, x.dtype, "zero", rank=rank)
    if isinstance(height, int) and isinstance(width, int):
        _reserve(node, (height, width), DataType.BOOL)
        below = np.tri(height, width, k - 1 if upper else k, dtype=bool)
        mask = node.new_constant(~below if upper else below, "mask")
    else:
        mask = _triangle(node, x, (rows, columns), k, upper=upper)
    return node.emit(Select(), mask, x, zero)


def _triangle(node: Node, x: Tensor, axes: tuple[int, int], k: int, *, upper: bool) -> Tensor:
    """Column − row ≥ k, or ≤ k for the lower triangle: BOOL [rows, columns]."""
    extents = shape_of(node, x, "")
    lines: list[Tensor] = []
    for axis, role in zip(axes, ("rows", "columns"), strict=True):
        count = pick(node, extents, [axis], f"{role}.count")
        op = Fill(op=FillOperation.LINSPACE, dtype=DataType.INT64)
        zero, one = (node.new_scalar(n, DataType.INT64, f"{role}.{n}") for n in (0, 1))
        line = node.emit(op, count, zero, one, part=role)
        new_axis = 1 if role == "rows" else 0
        lines.append(node.emit(Unsqueeze(axes=(new_axis,)), line, part=f"{role}.line"))
    offset = node.emit(ElementWise(_E.SUB), lines[1], lines[0], part="offset")
    bound = node.new_scalar(k - 1 if upper else k + 1, DataType.INT64, "bound", rank=2)
    op = ElementWise(_E.GREATER if upper else _E.LESS)
    return node.emit(op, offset, bound, part="mask")


def random(node: Node) -> Converted:
    """RandomUniform, RandomNormal and their Like forms; equal seeds give equal numbers."""
    uniform = "Uniform" in node.proto.op_type
    like = node.proto.op_type.endswith("Like")
    names = (("low", 0.0), ("high", 1.0)) if uniform else (("mean", 0.0), ("scale", 1.0))
    default = node.input(0).dtype if like else DataType.FLOAT
    dtype = data_type(node.attr_int("dtype", 0)) if node.has("dtype") else default
    op = Fill(
        shape=node.attr_ints("shape") or (),
        op=FillOperation.RANDOM_UNIFORM if uniform else FillOperation.RANDOM_NORMAL,
        dtype=dtype,
        seed=_bits(node.attr_float("seed", 0.0)) if node.has("seed") else None,
    )
    ends = [node.new_scalar(node.attr_float(n, d), DataType.FLOAT, n) for n, d in names]
    extents = shape_of(node, node.input(0), "") if like else None
    return node.emit(op, extents, *ends)


def _bits(number: float) -> int:
    """The bits of a FLOAT attribute: as many seeds as there are numbers."""
    return int.from_bytes(struct.pack("<f", number), "little")

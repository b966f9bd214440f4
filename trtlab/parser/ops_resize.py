"""Resize and Upsample."""

from dataclasses import replace

from trtlab.core.enums import (
    InterpolationMode,
    ResizeCoordinateTransformation,
    ResizeRoundMode,
    ResizeSelector,
)
from trtlab.core.types import DataType
from trtlab.layers.base import axes_in, extents_of
from trtlab.layers.resize import Resize
from trtlab.layers.shuffle import Concatenation
from trtlab.network.graph import Tensor
from trtlab.parser.errors import ErrorCode
from trtlab.parser.node import Converted, Node
from trtlab.parser.shapes import pick, shape_of

_C = ResizeCoordinateTransformation
_MODES = {
    "nearest": InterpolationMode.NEAREST,
    "linear": InterpolationMode.LINEAR,
    "cubic": InterpolationMode.CUBIC,
}
_COORDINATES = {
    "half_pixel": (_C.HALF_PIXEL, ResizeSelector.FORMULA),
    "pytorch_half_pixel": (_C.HALF_PIXEL, ResizeSelector.UPPER),
    "align_corners": (_C.ALIGN_CORNERS, ResizeSelector.FORMULA),
    "asymmetric": (_C.ASYMMETRIC, ResizeSelector.FORMULA),
}
_ROUNDING = {
    "round_prefer_floor": ResizeRoundMode.HALF_DOWN,
    "round_prefer_ceil": ResizeRoundMode.HALF_UP,
    "floor": ResizeRoundMode.FLOOR,
    "ceil": ResizeRoundMode.CEIL,
}
# Opset from which sizes and coordinate rules exist.
_MODERN = 11


def _interpolation(node: Node) -> InterpolationMode:
    text = node.attr_str("mode", "nearest")
    if text == "bilinear":  # Upsample-1
        return InterpolationMode.LINEAR
    if text not in _MODES:
        raise node.invalid(f"mode {text!r} does not exist")
    return _MODES[text]


def upsample(node: Node) -> Converted:
    """Upsample, and Resize before opset 11: plain scaling from the upper left corner."""
    x = node.input(0)
    if len(node.inputs) > 1:
        known = node.constant(1, "scales")
        scales = () if known is None else tuple(float(s) for s in known.reshape(-1))
    else:
        scales = node.attr_floats("scales") or ()
    shrinks = any(scale < 1 for scale in scales)
    op = Resize(
        scales=scales,
        interpolation_mode=_interpolation(node),
        coordinate_transformation=_C.ASYMMETRIC,
        nearest_rounding=ResizeRoundMode.CEIL if shrinks else ResizeRoundMode.FLOOR,
    )
    return node.emit(op, x)


def resize(node: Node) -> Converted:
    """Resize."""
    if node.opset < _MODERN:
        return upsample(node)
    x = node.input(0)
    rank = len(x.shape)
    op = _options(node)
    axes = node.attr_ints("axes")
    axes = tuple(range(rank)) if axes is None else axes_in(axes, rank)
    sizes = node.optional(3)
    if sizes is not None and sizes.shape != (0,):
        return _to_sizes(node, x, op, sizes, axes)
    known = node.constant(2, "scales")
    if known is None or known.size != len(axes):
        raise node.invalid("it needs scales or sizes, one for each axis")
    scales = [1.0] * rank
    for axis, scale in zip(axes, known.reshape(-1), strict=True):
        scales[axis] = float(scale)
    return node.emit(replace(op, scales=tuple(scales)), x)


def _options(node: Node) -> Resize:
    """Everything but sizes and scales."""
    mode = _interpolation(node)
    text = node.attr_str("coordinate_transformation_mode", "half_pixel")
    if text not in _COORDINATES:
        raise node.unsupported(
            f"coordinate_transformation_mode {text!r}; supported are "
            + ", ".join(sorted(_COORDINATES)),
            ErrorCode.UNSUPPORTED_NODE_ATTR,
        )
    rounding = node.attr_str("nearest_mode", "round_prefer_floor")
    if rounding not in _ROUNDING:
        raise node.invalid(f"nearest_mode {rounding!r} does not exist")
    if node.attr_int("antialias", 0) and mode is not InterpolationMode.NEAREST:
        raise node.unsupported("antialias is not supported", ErrorCode.UNSUPPORTED_NODE_ATTR)
    node.only(
        "keep_aspect_ratio_policy",
        "stretch",
        node.attr_str("keep_aspect_ratio_policy", "stretch"),
    )
    coordinates, selector = _COORDINATES[text]
    return Resize(
        interpolation_mode=mode,
        coordinate_transformation=coordinates,
        selector_for_single_pixel=selector,
        nearest_rounding=_ROUNDING[rounding],
        cubic_coeff=node.attr_float("cubic_coeff_a", -0.75),
        exclude_outside=node.attr_int("exclude_outside", 0) != 0,
    )


def _to_sizes(
    node: Node, x: Tensor, op: Resize, sizes: Tensor, axes: tuple[int, ...]
) -> Converted:
    """Resize to given extents of some axes."""
    rank = len(x.shape)
    entries = extents_of(sizes.value)
    if entries is not None:
        if len(entries) != len(axes):
            raise node.invalid(f"{len(entries)} sizes for {len(axes)} axes")
        target = list(x.shape)
        for axis, entry in zip(axes, entries, strict=True):
            target[axis] = entry
        numbers = tuple(e for e in target if isinstance(e, int))
        if len(numbers) == rank:
            return node.emit(replace(op, shape=numbers), x)
    places = [axes.index(i) if i in axes else len(axes) + i for i in range(rank)]
    wanted = node.cast(sizes, DataType.INT64, "sizes")
    every = node.emit(Concatenation(axis=0), wanted, shape_of(node, x, ""), part="extents")
    return node.emit(op, x, pick(node, every, places, "shape"))

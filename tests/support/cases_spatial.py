"""Cases of convolution, pooling, resizing and local normalization."""

from dataclasses import replace

import numpy as np
from layer_cases import Case, normal
from onnx_node import run_node

from trtlab.core.enums import (
    InterpolationMode,
    PaddingMode,
    PoolingType,
    ResizeCoordinateTransformation,
    ResizeRoundMode,
    ResizeSelector,
)
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.normalization import LRN
from trtlab.layers.pointwise import Step
from trtlab.layers.pooling import Pooling
from trtlab.layers.resize import Resize

_AUTO = {
    PaddingMode.SAME_UPPER: "SAME_UPPER",
    PaddingMode.SAME_LOWER: "SAME_LOWER",
}


def _window(op):
    """ONNX attributes of a window."""
    auto = _AUTO.get(op.padding_mode)
    pads = [*op.pre_padding, *op.post_padding]
    return {
        "strides": list(op.stride_nd) or None,
        "dilations": list(op.dilation_nd) or None,
        "pads": pads if pads and auto is None else None,
        "auto_pad": auto,
    }


def _convolution(name, op, x, kernel, bias=None):
    plain = replace(op, epilogue=())
    return Case(
        name,
        op,
        (x, kernel, bias),
        lambda: run_node("Conv", (x, kernel, bias), group=op.num_groups, **_window(plain)),
    )


def _deconvolution(name, op, x, kernel, bias=None):
    extra = list(op.output_padding) or None
    return Case(
        name,
        op,
        (x, kernel, bias),
        lambda: run_node(
            "ConvTranspose",
            (x, kernel, bias),
            output_padding=extra,
            group=op.num_groups,
            **_window(op),
        ),
    )


def _epilogue_case():
    x, kernel, bias, other = normal(2, 3, 5, 6), normal(4, 3, 3, 3), normal(4), normal(4, 1, 1)

    def reference():
        (y,) = run_node("Conv", (x, kernel, bias), pads=[1, 1, 1, 1])
        return [np.maximum(y + other, 0)]

    program = (Step("add", (0, 1)), Step("relu", (2,)))
    op = Convolution(pre_padding=(1, 1), post_padding=(1, 1), epilogue=program)
    return Case("epilogue", op, (x, kernel, bias, other), reference)


CONVOLUTIONS = [
    _convolution("plain", Convolution(), normal(2, 3, 7, 6), normal(4, 3, 3, 2)),
    _convolution(
        "stride_pad_bias",
        Convolution(stride_nd=(2, 1), pre_padding=(1, 2), post_padding=(0, 1)),
        normal(2, 3, 9, 7),
        normal(5, 3, 3, 3),
        normal(5),
    ),
    _convolution(
        "groups_dilation",
        Convolution(
            num_groups=2, dilation_nd=(2, 3), num_output_maps=6, kernel_size_nd=(3, 2)
        ),
        normal(1, 4, 9, 8),
        normal(6, 2, 3, 2),
        normal(6),
    ),
    _convolution(
        "depthwise",
        Convolution(num_groups=6, pre_padding=(1, 1), post_padding=(1, 1)),
        normal(2, 6, 5, 5),
        normal(6, 1, 3, 3),
    ),
    _convolution(
        "pointwise", Convolution(), normal(3, 8, 4, 4), normal(5, 8, 1, 1), normal(5)
    ),
    _convolution(
        "one_axis", Convolution(stride_nd=(3,)), normal(2, 3, 20), normal(4, 3, 5), normal(4)
    ),
    _convolution(
        "three_axes",
        Convolution(pre_padding=(1, 1, 1), post_padding=(1, 1, 1), stride_nd=(2, 2, 2)),
        normal(1, 2, 5, 6, 7),
        normal(3, 2, 3, 3, 3),
    ),
    _convolution(
        "same_upper",
        Convolution(padding_mode=PaddingMode.SAME_UPPER, stride_nd=(2, 2)),
        normal(1, 2, 8, 7),
        normal(3, 2, 3, 4),
    ),
    _convolution(
        "same_lower",
        Convolution(padding_mode=PaddingMode.SAME_LOWER, stride_nd=(2, 2)),
        normal(1, 2, 8, 7),
        normal(3, 2, 3, 4),
    ),
    _epilogue_case(),
    _deconvolution("plain", Deconvolution(), normal(2, 3, 4, 5), normal(3, 4, 3, 2)),
    _deconvolution(
        "stride_pad_bias",
        Deconvolution(stride_nd=(2, 3), pre_padding=(1, 0), post_padding=(0, 2)),
        normal(2, 3, 4, 5),
        normal(3, 4, 3, 4),
        normal(4),
    ),
    _deconvolution(
        "groups_dilation_output_padding",
        Deconvolution(
            num_groups=2, dilation_nd=(2, 1), stride_nd=(3, 3), output_padding=(1, 2)
        ),
        normal(1, 4, 4, 3),
        normal(4, 3, 2, 3),
    ),
    _deconvolution(
        "one_axis", Deconvolution(stride_nd=(2,)), normal(1, 2, 6), normal(2, 3, 4), normal(3)
    ),
    _deconvolution(
        "same_upper",
        Deconvolution(padding_mode=PaddingMode.SAME_UPPER, stride_nd=(2, 2)),
        normal(1, 2, 4, 4),
        normal(2, 3, 3, 5),
    ),
]


def _pooling(name, op, x):
    average = op.type is PoolingType.AVERAGE
    attributes = _window(op)
    attributes["kernel_shape"] = list(op.window_size_nd)
    attributes["ceil_mode"] = int(op.padding_mode is PaddingMode.EXPLICIT_ROUND_UP)
    if average:
        attributes["count_include_pad"] = int(not op.average_count_excludes_padding)
    kind = "AveragePool" if average else "MaxPool"
    return Case(name, op, (x,), lambda: run_node(kind, (x,), **attributes))


def _blend_case():
    x = normal(1, 2, 6, 6)

    def reference():
        (top,) = run_node("MaxPool", (x,), kernel_shape=[2, 2], strides=[2, 2])
        (mean,) = run_node("AveragePool", (x,), kernel_shape=[2, 2], strides=[2, 2])
        return [0.75 * top + 0.25 * mean]

    op = Pooling(PoolingType.MAX_AVERAGE_BLEND, (2, 2), (2, 2), blend_factor=0.25)
    return Case("blend", op, (x,), reference)


_AVERAGE = Pooling(PoolingType.AVERAGE, (3, 3), (2, 2), (1, 1), (1, 1))
_UP = PaddingMode.EXPLICIT_ROUND_UP
POOLINGS = [
    _pooling("max", Pooling(window_size_nd=(3, 3), stride_nd=(2, 2)), normal(2, 3, 9, 8)),
    _pooling(
        "max_padded",
        Pooling(
            window_size_nd=(3, 3), stride_nd=(2, 2), pre_padding=(1, 1), post_padding=(1, 1)
        ),
        -np.abs(normal(1, 2, 7, 7)),
    ),
    _pooling(
        "max_round_up",
        Pooling(window_size_nd=(3, 2), stride_nd=(2, 3), padding_mode=_UP),
        normal(1, 2, 8, 9),
    ),
    _pooling(
        "max_round_up_padded",
        Pooling(
            window_size_nd=(2, 2),
            stride_nd=(2, 2),
            pre_padding=(1, 1),
            post_padding=(1, 1),
            padding_mode=_UP,
        ),
        normal(1, 2, 5, 6),
    ),
    _pooling(
        "max_dilated", Pooling(window_size_nd=(2, 3), dilation_nd=(2, 2)), normal(1, 2, 8, 9)
    ),
    _pooling("max_one_axis", Pooling(window_size_nd=(4,), stride_nd=(2,)), normal(2, 3, 15)),
    _pooling(
        "max_three_axes",
        Pooling(window_size_nd=(2, 2, 2), stride_nd=(2, 2, 2)),
        normal(1, 2, 4, 5, 6),
    ),
    _pooling(
        "max_same_lower",
        Pooling(window_size_nd=(3, 3), stride_nd=(2, 2), padding_mode=PaddingMode.SAME_LOWER),
        normal(1, 2, 8, 7),
    ),
    _pooling("average_excluding", _AVERAGE, normal(2, 2, 7, 8)),
    _pooling(
        "average_including",
        replace(_AVERAGE, average_count_excludes_padding=False),
        normal(2, 2, 7, 8),
    ),
    _pooling(
        "average_round_up_excluding", replace(_AVERAGE, padding_mode=_UP), normal(1, 2, 8, 6)
    ),
    _pooling(
        "average_round_up_including",
        replace(_AVERAGE, padding_mode=_UP, average_count_excludes_padding=False),
        normal(1, 2, 8, 6),
    ),
    _blend_case(),
]

_COORDINATES = {
    ResizeCoordinateTransformation.ALIGN_CORNERS: "align_corners",
    ResizeCoordinateTransformation.ASYMMETRIC: "asymmetric",
    ResizeCoordinateTransformation.HALF_PIXEL: "half_pixel",
}
_ROUNDING = {
    ResizeRoundMode.HALF_UP: "round_prefer_ceil",
    ResizeRoundMode.HALF_DOWN: "round_prefer_floor",
    ResizeRoundMode.FLOOR: "floor",
    ResizeRoundMode.CEIL: "ceil",
}


def _resize(name, op, x):
    upper = op.selector_for_single_pixel is ResizeSelector.UPPER
    attributes = {
        "mode": op.interpolation_mode.value,
        "coordinate_transformation_mode": "pytorch_half_pixel"
        if upper
        else _COORDINATES[op.coordinate_transformation],
        "nearest_mode": _ROUNDING[op.nearest_rounding],
        "cubic_coeff_a": op.cubic_coeff,
        "exclude_outside": int(op.exclude_outside),
    }
    scales = np.array(op.scales, np.float32) if op.scales else None
    sizes = np.array(op.shape, np.int64) if op.shape else None
    feeds = (x, None, scales, sizes) if sizes is not None else (x, None, scales)
    return Case(name, op, (x,), lambda: run_node("Resize", feeds, **attributes), 1e-4)


_MODES = [
    (mode, where) for mode in InterpolationMode for where in ResizeCoordinateTransformation
]
RESIZES = [
    *(
        _resize(
            f"{mode.value}_{where.value}_up",
            Resize(
                (1, 2, 7, 10),
                interpolation_mode=mode,
                coordinate_transformation=where,
                nearest_rounding=ResizeRoundMode.HALF_DOWN,
            ),
            normal(1, 2, 4, 5),
        )
        for mode, where in _MODES
    ),
    *(
        _resize(
            f"{mode.value}_{where.value}_down",
            Resize((1, 2, 3, 4), interpolation_mode=mode, coordinate_transformation=where),
            normal(1, 2, 8, 9),
        )
        for mode, where in _MODES
    ),
    *(
        _resize(
            f"nearest_{rounding.value}",
            Resize(
                scales=(1.0, 1.0, 2.5, float(np.float32(0.6))),
                nearest_rounding=rounding,
                coordinate_transformation=ResizeCoordinateTransformation.HALF_PIXEL,
            ),
            normal(1, 2, 4, 10),
        )
        for rounding in ResizeRoundMode
    ),
    _resize(
        "linear_scales",
        Resize(
            scales=(1.0, 1.0, float(np.float32(1.7)), float(np.float32(2.3))),
            interpolation_mode=InterpolationMode.LINEAR,
            coordinate_transformation=ResizeCoordinateTransformation.HALF_PIXEL,
        ),
        normal(1, 2, 4, 5),
    ),
    _resize(
        "cubic_excluding",
        Resize(
            scales=(1.0, 1.0, 2.0, 1.5),
            interpolation_mode=InterpolationMode.CUBIC,
            coordinate_transformation=ResizeCoordinateTransformation.HALF_PIXEL,
            cubic_coeff=-0.5,
            exclude_outside=True,
        ),
        normal(1, 1, 4, 6),
    ),
    _resize(
        "single_pixel",
        Resize(
            (1, 1, 1, 1),
            interpolation_mode=InterpolationMode.LINEAR,
            coordinate_transformation=ResizeCoordinateTransformation.HALF_PIXEL,
            selector_for_single_pixel=ResizeSelector.UPPER,
        ),
        normal(1, 1, 4, 6),
    ),
]


def _lrn(size, shape):
    x = normal(*shape)
    op = LRN(size, 0.02, 0.6, 1.5)
    return Case(
        f"size_{size}",
        op,
        (x,),
        lambda: run_node("LRN", (x,), size=size, alpha=0.02, beta=0.6, bias=1.5),
    )


SPATIAL = [*CONVOLUTIONS, *POOLINGS, *RESIZES, _lrn(5, (2, 7, 3, 4)), _lrn(3, (1, 2, 3, 3))]

"""Cases of networks' first layers: convolutions of images that they round, and embeddings."""

import numpy as np
from kernel_conformance import Case, Spec

from trtlab.core.types import DataType
from trtlab.layers.convolution import Convolution
from trtlab.layers.gather import Gather
from trtlab.layers.pointwise import Step

LOOSE = {"rtol": 2e-5, "atol": 2e-4}
_STEM = {"kernel_size_nd": (7, 7), "stride_nd": (2, 2), "pre_padding": (3, 3)}
_THREE = {"kernel_size_nd": (3, 3), "stride_nd": (2, 2), "pre_padding": (1, 1)}
_PATCH = {"kernel_size_nd": (16, 16), "stride_nd": (16, 16)}
_RELU = {"epilogue": (Step("relu", (0,)),)}
_SUM = {"epilogue": (Step("add", (0, 1)), Step("gelu_erf", (2,)))}


def _image(shape):
    """Numbers that every type holds, so that rounding the image changes nothing."""
    rng = np.random.default_rng(0)
    return (rng.integers(-128, 129, shape) / 64).astype(np.float32)


def _images():
    both = {"post_padding": (3, 3)}
    kinds = {
        "stem": ((2, 3, 30, 34), (64, 3, 7, 7), _STEM | both | _RELU),
        "stem-odd": ((1, 3, 31, 29), (64, 3, 7, 7), _STEM | both),
        "stem-three": ((2, 3, 32, 48), (32, 3, 3, 3), _THREE | {"post_padding": (1, 1)}),
        "stem-below": (
            (2, 3, 32, 32), (32, 3, 3, 3), {**_THREE, "pre_padding": (0, 0), "post_padding": (1, 1)},
        ),
        "stem-four": ((2, 4, 24, 40), (48, 4, 4, 4), {"kernel_size_nd": (4, 4), "stride_nd": (4, 4)}),
        "stem-uneven": ((1, 1, 20, 36), (16, 1, 5, 3), {"kernel_size_nd": (5, 3), "stride_nd": (2, 3)}),
        "stem-dense": ((2, 3, 13, 15), (32, 3, 3, 3), {"kernel_size_nd": (3, 3), "pre_padding": (1, 1)}),
        "patches": ((2, 3, 32, 48), (64, 3, 16, 16), _PATCH),
        "patches-fourteen": (
            (1, 3, 28, 42), (96, 3, 14, 14), {"kernel_size_nd": (14, 14), "stride_nd": (14, 14)},
        ),
        "patches-cut": ((2, 3, 40, 50), (64, 3, 16, 16), _PATCH | _RELU),
    }  # fmt: skip
    for name, (shape, kernel, options) in kinds.items():
        for hwc in (False, True):
            inputs = (
                Spec(shape, kept=True),
                Spec(kernel, constant=True, low=-0.5, high=0.5),
                Spec((kernel[0],), constant=True),
            )
            tail = "-hwc" if hwc else ""
            yield Case(
                f"rounded-{name}{tail}",
                Convolution(**options, rounds_data=True),
                inputs,
                (Spec((), hwc=hwc),),
                values={0: _image(shape)},
                **LOOSE,
            )


def _patches_in_place():
    """Results that go to their rows in a longer sequence, and what is added to them."""
    shape, kernel, maps = (2, 3, 32, 48), (64, 3, 16, 16), 64
    pitch = 7 * maps
    slot = Spec((), hwc=True, strides=(pitch, 1, 3 * maps, maps))
    weights = Spec(kernel, constant=True, low=-0.5, high=0.5)
    bias = Spec((maps,), constant=True)
    values = {0: _image(shape)}
    image = Spec(shape, kept=True)
    op = Convolution(**_PATCH, rounds_data=True)
    yield Case("rounded-slot", op, (image, weights, bias), (slot,), values=values, **LOOSE)
    yield Case(
        "rounded-sum",
        Convolution(**_PATCH, **_SUM, rounds_data=True),
        (image, weights, None, Spec((2, maps, 2, 3), hwc=True)),
        (Spec((), hwc=True),),
        values=values,
        **LOOSE,
    )


def _gathers():
    places = np.array([[0, -1, 3, 40], [-41, 17, 5, 5]], np.int64)
    rows = Spec((41, 96), constant=True)
    yield Case("rows", Gather(), (rows, Spec((2, 4), DataType.INT64)), values={1: places})
    many = np.random.default_rng(0).integers(-41, 41, (37, 130)).astype(np.int32)
    yield Case(
        "rows-many", Gather(), (rows, Spec((37, 130), DataType.INT32)), values={1: many}
    )
    deep = Spec((9, 4, 8))
    yield Case(
        "rows-deep",
        Gather(axis=-3),
        (deep, Spec((3,), DataType.INT32)),
        values={1: np.array([8, -9, 2], np.int32)},
    )
    slot = Spec((), strides=(6 * 96, 96, 1))
    yield Case(
        "rows-slot",
        Gather(),
        (rows, Spec((2, 4), DataType.INT64)),
        (slot,),
        values={1: places},
    )


BORDER_CASES = [*_images(), *_patches_in_place(), *_gathers()]

"""A copy of channels-last images with a border of zeros."""

from typing import Final

import numpy as np

from trtlab.devices.cpu.kernel import kernel, routine
from trtlab.devices.cpu.native import copy_bytes, load_i64, store_f32
from trtlab.devices.cpu.program import Command
from trtlab.kernels.cpu.bind_convolution import Image

# Fields of the argument block (bytes); steps and sizes in bytes, lines and pixels.
(
    _SOURCE,
    _LINE_BYTES,  # of the source, without gaps
    _PIXEL_BYTES,  # what is copied of a pixel
    _PITCH,  # from pixel to pixel in the source
    _IMAGES,
    _HEIGHT,
    _WIDTH,
    _TARGET,
    _TARGET_LINE,  # bytes of a line with its border
    _TARGET_HEIGHT,
    _TOP,
    _LEFT_BYTES,
) = (8 * field for field in range(12))
_FIELDS: Final = 12


@routine
def _clear(target: int, nbytes: int) -> None:
    for at in range(target, target + nbytes, 4):
        store_f32(at, 0.0)


@routine
def _copy_line(args: int, target: int, source: int) -> None:
    left, pixel, pitch = (
        load_i64(args + _LEFT_BYTES),
        load_i64(args + _PIXEL_BYTES),
        load_i64(args + _PITCH),
    )
    width, whole = load_i64(args + _WIDTH), load_i64(args + _TARGET_LINE)
    _clear(target, left)
    place = target + left
    if pitch == pixel:
        copy_bytes(place, source, width * pixel)
        place += width * pixel
    else:
        for _ in range(width):
            copy_bytes(place, source, pixel)
            place += pixel
            source += pitch
    _clear(place, target + whole - place)


@kernel
def add_border(args: int, thread: int, threads: int) -> None:
    """This thread's lines of the copy."""
    height, high = load_i64(args + _HEIGHT), load_i64(args + _TARGET_HEIGHT)
    lines = load_i64(args + _IMAGES) * high
    for line in range(lines * thread // threads, lines * (thread + 1) // threads):
        target = load_i64(args + _TARGET) + line * load_i64(args + _TARGET_LINE)
        h = line % high - load_i64(args + _TOP)
        if 0 <= h < height:  # a copy that ends before the image leaves its last lines out
            number = line // high * height + h
            source = load_i64(args + _SOURCE) + number * load_i64(args + _LINE_BYTES)
            _copy_line(args, target, source)
        else:
            _clear(target, load_i64(args + _TARGET_LINE))


def bordered(
    image: Image, channels: int, height: int, width: int, top: int, left: int, address: int
) -> tuple[Command, Image]:
    """The command that makes the copy, and the copy.

    Args:
        image: Two-dimensional images.
        channels: Of a pixel; the copy has no gaps between pixels.
        height: Of the copy; what lies beyond the image is zero.
        width: As ``height``.
        top: Line of the copy where the image begins.
        left: Column of the copy where the image begins.
        address: Where the copy goes.
    """
    copied_width = min(image.size[2], width - left)
    fields = {
        _SOURCE: image.address,
        _LINE_BYTES: 4 * image.steps[1],
        _PIXEL_BYTES: 4 * channels,
        _PITCH: 4 * image.pitch,
        _IMAGES: image.images,
        _HEIGHT: image.size[1],
        _WIDTH: copied_width,
        _TARGET: address,
        _TARGET_LINE: 4 * width * channels,
        _TARGET_HEIGHT: height,
        _TOP: top,
        _LEFT_BYTES: 4 * left * channels,
    }
    block = np.zeros(_FIELDS, np.int64)
    for offset, value in fields.items():
        block[offset // 8] = value
    copy = Image(address, channels, image.images, (1, height, width))
    return Command(add_border.address, block), copy

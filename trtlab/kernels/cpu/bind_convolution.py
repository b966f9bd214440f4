"""Convolutions as commands: argument blocks of the `convolve` kernel."""

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from trtlab.core.settings import settings
from trtlab.devices.cpu.program import Command
from trtlab.kernels.cpu import convolve as c
from trtlab.kernels.cpu.finishing import Finish, Rows
from trtlab.kernels.cpu.microkernel import TILE_COLUMNS
from trtlab.kernels.cpu.packing import pack_bias, pack_columns, padded_columns
from trtlab.kernels.cpu.sharing import new_counter, parts_a_thread

_PLAIN = Finish()
_PANEL_BLOCK_BYTES = 512 * 1024
"""Half of a 1 MiB second-level cache."""

Triple = tuple[int, int, int]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Image:
    """Channels-last images.

    Attributes:
        address: Of the first element.
        pitch: Elements between neighbouring pixels.
        images: How many.
        size: Depth, height, width.
    """

    address: int
    pitch: int
    images: int
    size: Triple

    @property
    def steps(self) -> Triple:
        """Elements from one slab, line and pixel to the next."""
        _, height, width = self.size
        return (height * width * self.pitch, width * self.pitch, self.pitch)


@dataclass(frozen=True, slots=True)
class Window:
    """A filter's geometry; each triple is depth, height, width.

    Attributes:
        taps: Size of the filter.
        stride: Distance of output pixels in the input.
        pad: Padding before the input.
        dilation: Distance of taps.
    """

    taps: Triple
    stride: Triple = (1, 1, 1)
    pad: Triple = (0, 0, 0)
    dilation: Triple = (1, 1, 1)


@dataclass(frozen=True, slots=True)
class Convolve:
    """y = finish(x * w).

    Attributes:
        x: Input; its pixels hold groups · channels elements.
        y: Output; its pixels hold groups · maps elements.
        window: The filter's geometry.
        channels: Input channels of one group.
        maps: Output channels of one group.
        weights: Address of what `pack_filters` made.
        groups: How many.
        finish: What follows; the bias packed by `pack_group_bias`.
    """

    x: Image
    y: Image
    window: Window
    channels: int
    maps: int
    weights: int
    groups: int = 1
    finish: Finish = _PLAIN


def pack_filters(filters: Floats, groups: int = 1) -> Floats:
    """Filters for `Convolve`, group after group.

    Args:
        filters: [groups · maps, channels, taps…].
        groups: How many.
    """
    maps, channels = filters.shape[0] // groups, filters.shape[1]
    parts = filters.reshape(groups, maps, channels, -1)
    # [maps, channels, taps] → [taps, channels, maps]
    matrices = [part.transpose(2, 1, 0).reshape(-1, maps) for part in parts]
    return np.concatenate([pack_columns(matrix) for matrix in matrices])


def pack_group_bias(bias: Floats, groups: int = 1) -> Floats:
    """A bias for `Convolve`: each group fills its vectors.

    Args:
        bias: [groups · maps].
        groups: How many.
    """
    return np.concatenate([pack_bias(part) for part in bias.reshape(groups, -1)])


def bind_convolve(job: Convolve) -> Command:
    """The command that computes a convolution on its buffers."""
    block = np.zeros(c.BLOCK_FIELDS, np.int64)
    job.finish.write(block, Rows(job.y.address, job.y.pitch))
    zeros = np.zeros(job.groups * job.channels + 16, np.float32)
    k = prod(job.window.taps) * job.channels
    columns = min(TILE_COLUMNS, padded_columns(job.maps))
    counter = new_counter()
    flops = 2 * job.y.images * prod(job.y.size) * job.maps * job.groups * k
    singles = {
        c.INPUT_AT: job.x.address,
        c.IMAGE_STEP_AT: 4 * prod(job.x.size) * job.x.pitch,
        c.IMAGES_AT: job.x.images,
        c.GROUPS_AT: job.groups,
        c.CHANNELS_AT: job.channels,
        c.MAPS_AT: job.maps,
        c.WEIGHTS_AT: job.weights,
        c.ZEROS_AT: zeros.ctypes.data,
        c.COUNTER_AT: counter.ctypes.data,
        c.PARTS_AT: parts_a_thread(flops, settings().cpu_threads),
        c.GROUPS_TOGETHER_AT: 4 * k * padded_columns(job.maps) * job.groups
        <= _PANEL_BLOCK_BYTES,
        c.PANEL_BLOCK_AT: max(1, _PANEL_BLOCK_BYTES // max(1, 4 * k * columns)),
    }
    for offset, value in singles.items():
        block[offset // 8] = value
    triples = {
        c.STEPS_AT: tuple(4 * step for step in job.x.steps),
        c.SIZES_AT: job.x.size,
        c.OUT_SIZES_AT: job.y.size,
        c.TAPS_AT: job.window.taps,
        c.STRIDES_AT: job.window.stride,
        c.PADS_AT: job.window.pad,
        c.DILATIONS_AT: job.window.dilation,
    }
    for offset, triple in triples.items():
        block[offset // 8 : offset // 8 + 3] = triple
    return Command(c.convolve.address, block, keep=(zeros, counter, *job.finish.keep))

"""Depthwise convolutions as commands: argument blocks of the `depthwise` kernel."""

import numpy as np
from numpy.typing import NDArray

from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.program import Command
from trtlab.kernels.cpu import depthwise as d
from trtlab.kernels.cpu.bind_convolution import Convolve
from trtlab.kernels.cpu.finishing import Rows
from trtlab.kernels.cpu.packing import padded_columns

Floats = NDArray[np.float32]


def pack_depthwise(filters: Floats) -> Floats:
    """Filters tap by tap, channels last.

    Args:
        filters: [channels, 1, taps…].
    """
    channels = filters.shape[0]
    packed = np.zeros((filters[0, 0].size, padded_columns(channels)), np.float32)
    packed[:, :channels] = filters.reshape(channels, -1).T
    return packed


def bind_depthwise(job: Convolve) -> Command:
    """The command of a convolution with one channel and one map a group, in two dimensions.

    Args:
        job: Its weights come from `pack_depthwise`, its bias from `packing.pack_bias`.
    """
    block = np.zeros(d.BLOCK_FIELDS, np.int64)
    job.finish.write(block, Rows(job.y.address, job.y.pitch))
    zeros = np.zeros(job.groups + d.WIDE * LANES, np.float32)
    singles = {
        d.INPUT_AT: job.x.address,
        d.INPUT_PITCH_AT: 4 * job.x.pitch,
        d.IMAGES_AT: job.x.images,
        d.CHANNELS_AT: job.groups,
        d.FILTERS_AT: job.weights,
        d.ZEROS_AT: zeros.ctypes.data,
    }
    for offset, value in singles.items():
        block[offset // 8] = value
    pairs = {
        d.SIZES_AT: job.x.size,
        d.OUT_SIZES_AT: job.y.size,
        d.TAPS_AT: job.window.taps,
        d.STRIDES_AT: job.window.stride,
        d.PADS_AT: job.window.pad,
        d.DILATIONS_AT: job.window.dilation,
    }
    for offset, triple in pairs.items():
        block[offset // 8 : offset // 8 + 2] = triple[1:]
    return Command(d.depthwise.address, block, keep=(zeros, *job.finish.keep))

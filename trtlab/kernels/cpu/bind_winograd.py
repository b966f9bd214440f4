"""Winograd convolutions as commands: argument blocks, blocking and workspace."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trtlab.core.settings import settings
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.program import Command
from trtlab.kernels.cpu import winograd as w
from trtlab.kernels.cpu.bind_convolution import Convolve
from trtlab.kernels.cpu.finishing import Rows
from trtlab.kernels.cpu.microkernel import TILE_COLUMNS, TILE_ROWS
from trtlab.kernels.cpu.packing import pack_columns, padded_columns
from trtlab.kernels.cpu.winograd_transform import transform_filters

_PART_BYTES = 400 * 1024
"""Of transformed input, and of products, in a fused block: half of a 1 MiB cache each."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Plan:
    """How the workspace of a Winograd convolution is divided.

    Attributes:
        m: Side of an output tile.
        fused: One pass a block of tiles, or three phases over all tiles.
        tiles: Of all images.
        block: Tiles of a block.
        map_block: Maps of a block.
        source_pitch: Elements between tiles of the transformed input.
        product_pitch: Elements between tiles of the products.
        slots: Parts of the workspace.
    """

    m: int
    fused: bool
    tiles: int
    block: int
    map_block: int
    source_pitch: int
    product_pitch: int
    slots: int

    @property
    def product_offset(self) -> int:
        """Bytes of the transformed input."""
        return 4 * (self.m + 2) ** 2 * self.block * self.source_pitch

    @property
    def slot_bytes(self) -> int:
        """Bytes of one part of the workspace."""
        return self.product_offset + 4 * (self.m + 2) ** 2 * self.block * self.product_pitch

    @property
    def workspace_bytes(self) -> int:
        """Bytes of all parts."""
        return self.slots * self.slot_bytes


def plan_winograd(
    images: int, out_size: tuple[int, int], channels: int, maps: int, m: int, *, fused: bool
) -> Plan:
    """Divide the work so that a fused block stays in the second-level cache.

    Args:
        images: How many.
        out_size: Height and width of the output.
        channels: Input channels.
        maps: Output channels.
        m: Side of an output tile: 2 or 4.
        fused: See `Plan`.
    """
    tiles = images * -(-out_size[0] // m) * -(-out_size[1] // m)
    # one vector more than needed, so that tiles do not lie a cache way apart
    source_pitch = padded_columns(channels) + LANES
    all_maps = -(-maps // TILE_COLUMNS) * TILE_COLUMNS
    if not fused:
        return Plan(m, fused, tiles, tiles, all_maps, source_pitch, all_maps + LANES, 1)
    part = _PART_BYTES // (4 * (m + 2) ** 2)
    groups = max(1, min(4, part // (source_pitch * TILE_ROWS)))
    block = min(groups * TILE_ROWS, tiles)
    map_block = max(1, part // (block * TILE_COLUMNS)) * TILE_COLUMNS
    map_block = min(map_block, all_maps)
    slots = settings().cpu_threads
    return Plan(m, fused, tiles, block, map_block, source_pitch, map_block + LANES, slots)


def pack_winograd(filters: Floats, m: int) -> Floats:
    """Filters for a Winograd convolution.

    Args:
        filters: [maps, channels, 3, 3].
        m: Side of an output tile.
    """
    return np.concatenate([pack_columns(matrix) for matrix in transform_filters(filters, m)])


def bind_winograd(job: Convolve, plan: Plan, workspace: int) -> list[Command]:
    """The commands of a convolution.

    Args:
        job: One group, 3 × 3 taps, stride 1; weights from `pack_winograd`.
        plan: From `plan_winograd`.
        workspace: Address of ``plan.workspace_bytes``, 64-byte aligned.
    """
    zeros = np.zeros(job.channels + LANES, np.float32)
    fields = {
        w.M_AT: plan.m,
        w.INPUT_AT: job.x.address,
        w.INPUT_PITCH_AT: 4 * job.x.pitch,
        w.IMAGES_AT: job.x.images,
        w.HEIGHT_AT: job.x.size[1],
        w.WIDTH_AT: job.x.size[2],
        w.OUT_HEIGHT_AT: job.y.size[1],
        w.OUT_WIDTH_AT: job.y.size[2],
        w.PAD_TOP_AT: job.window.pad[1],
        w.PAD_LEFT_AT: job.window.pad[2],
        w.CHANNELS_AT: job.channels,
        w.MAPS_AT: job.maps,
        w.FILTERS_AT: job.weights,
        w.ZEROS_AT: zeros.ctypes.data,
        w.WORKSPACE_AT: workspace,
        w.SLOTS_AT: plan.slots,
        w.SLOT_BYTES_AT: plan.slot_bytes,
        w.BLOCK_AT: plan.block,
        w.MAP_BLOCK_AT: plan.map_block,
        w.SOURCE_PITCH_AT: 4 * plan.source_pitch,
        w.PRODUCT_PITCH_AT: 4 * plan.product_pitch,
        w.PRODUCT_AT: plan.product_offset,
    }
    block = np.zeros(w.BLOCK_FIELDS, np.int64)
    job.finish.write(block, Rows(job.y.address, job.y.pitch))
    for offset, value in fields.items():
        block[offset // 8] = value
    phases = (w.FUSED,) if plan.fused else (w.TRANSFORM, w.MULTIPLY, w.TRANSFORM_BACK)
    commands: list[Command] = []
    for phase in phases:
        own = block.copy()
        own[w.PHASE_AT // 8] = phase
        commands.append(Command(w.winograd.address, own, keep=(zeros, *job.finish.keep)))
    return commands

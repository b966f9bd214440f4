"""Convolutions as products: the copy engine gathers one tap of many windows at a time."""

from trtlab.devices.cuda.tensor_map import TensorMap, WindowMap
from trtlab.kernels.cuda.contraction import Contraction
from trtlab.kernels.cuda.wgmma_text import DEEP
from trtlab.kernels.cuda.wgmma_tile import Window, Work
from trtlab.tactics.tactic import Rejection

_RUN = 8  # elements of 16 bytes
_MOST_STRIDE, _MOST_BESIDE, _MOST_OFFSET = 8, 127, 255


def window_of(form: Contraction) -> Window | Rejection:
    """The windows of a convolution of images with channels last."""
    axes, left = form.left.window, form.left
    if len(axes) != 2 or any(axis.scattered for axis in axes):
        return Rejection("works on windows along two axes")
    down, across = axes
    channels = form.k[-1]
    if left.k[-1] != 1 or channels % DEEP:
        return Rejection(f"channels are not last, or no multiple of {DEEP}")
    steps = (down.step, across.step, *(left.rows[:1] if form.m[0] > 1 else ()))
    if any(step % _RUN or step < channels for step in steps):
        return Rejection("pixels are no whole 16-byte runs")
    window = Window(
        outputs=(form.m[1], form.m[2]),
        taps=(form.k[0], form.k[1]),
        stride=(down.stride, across.stride),
        dilation=(down.dilation, across.dilation),
        pad=(down.pad, across.pad),
        channels=channels,
    )
    if max(window.stride) > _MOST_STRIDE or max(window.pad) > _MOST_BESIDE:
        return Rejection("windows are too far apart, or begin too far outside of the image")
    ends = zip(_last(window), (down.extent, across.extent), strict=True)
    if any(not -_MOST_BESIDE <= last + 1 - extent <= _MOST_BESIDE for last, extent in ends):
        return Rejection("windows end too far from the image's end")
    reach = zip(window.taps, window.dilation, strict=True)
    if any((taps - 1) * step > _MOST_OFFSET for taps, step in reach):
        return Rejection("taps of a window are too far apart")
    return window


def _last(window: Window) -> tuple[int, int]:
    """Line and pixel of the last window's first tap."""
    (high, wide), (down, across), (top, left) = window.outputs, window.stride, window.pad
    return (high - 1) * down - top, (wide - 1) * across - left


def window_map(form: Contraction, window: Window, address: int, rows: int) -> WindowMap:
    """The left factor for the copy engine, ``rows`` windows at a time."""
    down, across = form.left.window
    lines = down.step
    return WindowMap(
        address,
        form.left.dtype,
        (form.m[0], down.extent, across.extent, window.channels),
        (form.left.rows[0] if form.m[0] > 1 else down.extent * lines, lines, across.step),
        (-window.pad[0], -window.pad[1]),
        _last(window),
        window.stride,
        rows,
    )


def left_map(
    form: Contraction, window: Window | None, pitch: int, address: int, rows: int
) -> TensorMap | WindowMap:
    """The left factor for the copy engine: a matrix, or windows of images."""
    if window is not None:
        return window_map(form, window, address, rows)
    _, m, _, k = form.sizes
    return TensorMap(address, form.left.dtype, m, k, pitch, rows)


def place_text(work: Work) -> list[str]:
    """Where a tile's first window begins."""
    window = work.window
    if window is None:
        return []
    (high, wide), (down, across), (top, left) = window.outputs, window.stride, window.pad
    return [
        f"const int x0 = m0 % {wide} * {across} - {left};",
        f"const int y0 = m0 / {wide} % {high} * {down} - {top};",
        f"const int image0 = m0 / {high * wide};",
    ]


def load_text(work: Work) -> list[str]:
    """Asks for the left factor's tile of a step."""
    window = work.window
    if window is None:
        return [f"tile_load(to, map_a, step * {DEEP}, m0, full + 8 * slot);"]
    depth = window.channels // DEEP
    return [
        f"const int tap = step / {depth}, dx = tap % {window.taps[1]} * {window.dilation[1]};",
        f"const int dy = tap / {window.taps[1]} * {window.dilation[0]};",
        (
            f"window_load(to, map_a, step % {depth} * {DEEP}, x0, y0, image0, dx, dy, "
            "full + 8 * slot);"
        ),
    ]

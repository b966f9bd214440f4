"""Conv and ConvTranspose."""

from trtlab.core.enums import PaddingMode
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.parser.node import Converted, Node

_AUTO = {
    "NOTSET": PaddingMode.EXPLICIT_ROUND_DOWN,
    "VALID": PaddingMode.EXPLICIT_ROUND_DOWN,
    "SAME_UPPER": PaddingMode.SAME_UPPER,
    "SAME_LOWER": PaddingMode.SAME_LOWER,
}


def padding_mode(node: Node) -> PaddingMode:
    """The attribute ``auto_pad``."""
    text = node.attr_str("auto_pad", "NOTSET")
    if text not in _AUTO:
        raise node.invalid(f"auto_pad {text!r} does not exist")
    return _AUTO[text]


def paddings(node: Node, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The attribute ``pads``: before and behind each spatial axis."""
    pads = node.attr_ints("pads") or (0,) * (2 * rank)
    explicit = node.attr_str("auto_pad", "NOTSET") == "NOTSET"
    if len(pads) != 2 * rank:
        raise node.invalid(f"pads {list(pads)} need {2 * rank} entries for {rank} axes")
    if any(pad < 0 for pad in pads):
        raise node.unsupported(f"negative padding {list(pads)}; crop with Slice instead")
    return (pads[:rank], pads[rank:]) if explicit else ((), ())


def convolution(node: Node) -> Converted:
    """Conv."""
    x, kernel = node.input(0), node.input(1)
    before, behind = paddings(node, max(len(kernel.shape) - 2, 0))
    op = Convolution(
        num_output_maps=_extent(kernel.shape[0]) if kernel.shape else 0,
        kernel_size_nd=node.attr_ints("kernel_shape") or (),
        stride_nd=node.attr_ints("strides") or (),
        dilation_nd=node.attr_ints("dilations") or (),
        pre_padding=before,
        post_padding=behind,
        num_groups=node.attr_int("group", 1),
        padding_mode=padding_mode(node),
    )
    return node.emit(op, x, kernel, node.optional(2))


def deconvolution(node: Node) -> Converted:
    """ConvTranspose; ``output_shape`` is turned into padding."""
    x, kernel = node.input(0), node.input(1)
    rank = max(len(kernel.shape) - 2, 0)
    mode = padding_mode(node)
    before, behind = paddings(node, rank)
    extra = node.attr_ints("output_padding") or ()
    output_shape = node.attr_ints("output_shape")
    if output_shape is not None:
        before, behind, extra = _padding_for(node, output_shape, mode)
        mode = PaddingMode.EXPLICIT_ROUND_DOWN
    op = Deconvolution(
        num_output_maps=_extent(kernel.shape[1]) * node.attr_int("group", 1) if rank else 0,
        kernel_size_nd=node.attr_ints("kernel_shape") or (),
        stride_nd=node.attr_ints("strides") or (),
        dilation_nd=node.attr_ints("dilations") or (),
        pre_padding=before,
        post_padding=behind,
        num_groups=node.attr_int("group", 1),
        padding_mode=mode,
        output_padding=extra,
    )
    return node.emit(op, x, kernel, node.optional(2))


def _padding_for(
    node: Node, output_shape: tuple[int, ...], mode: PaddingMode
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Padding, and growth behind, that make the output as large as wanted."""
    inputs, kernel = node.input(0).shape[2:], node.input(1).shape[2:]
    rank = len(kernel)
    strides = node.attr_ints("strides") or (1,) * rank
    dilations = node.attr_ints("dilations") or (1,) * rank
    given = node.attr_ints("output_padding") or (0,) * rank
    wanted = output_shape[-rank:]
    if {len(e) for e in (inputs, strides, dilations, given, wanted)} != {rank}:
        raise node.invalid(f"its attributes do not fit {rank} spatial axes")
    before: list[int] = []
    behind: list[int] = []
    extra: list[int] = []
    for size, taps, stride, dilation, more, target in zip(
        inputs, kernel, strides, dilations, given, wanted, strict=True
    ):
        if not isinstance(size, int) or not isinstance(taps, int):
            raise node.unsupported("output_shape needs an input of fixed size")
        surplus = stride * (size - 1) + more + (taps - 1) * dilation + 1 - target
        total = max(surplus, 0)
        small = total // 2
        first = small if mode is PaddingMode.SAME_UPPER else total - small
        before.append(first)
        behind.append(total - first)
        extra.append(more + total - surplus)
    return tuple(before), tuple(behind), tuple(extra)


def _extent(extent: object) -> int:
    return extent if isinstance(extent, int) else 0

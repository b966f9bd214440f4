"""A convolution problem in the terms of the channels-last kernels, or why it is none."""

from dataclasses import dataclass
from math import prod

from trtlab.core.types import DataType
from trtlab.kernels.cpu.bind_convolution import Image, Triple, Window
from trtlab.kernels.cpu.epilogue import Ending, extras_of, take_apart, without
from trtlab.kernels.cpu.strided import nest
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Rejection

FIRST_EXTRA = 3
"""Inputs before the epilogue operands: data, kernel, bias."""
_SPATIAL = 3
_CHANNELS = 1  # axis of a tensor


@dataclass(frozen=True, slots=True)
class Layout:
    """How channels-last memory is walked.

    Attributes:
        pitch: Elements between neighbouring pixels.
        image_step: Elements between images.
        images: How many.
        channels: Of a pixel.
        size: Depth, height, width.
    """

    pitch: int
    image_step: int
    images: int
    channels: int
    size: Triple

    def image(self, address: int, first: int = 0, images: int | None = None) -> Image:
        """Some of the images at an address."""
        count = self.images if images is None else images
        return Image(address + 4 * first * self.image_step, self.pitch, count, self.size)


@dataclass(frozen=True, slots=True)
class Shape:
    """A convolution's geometry.

    Attributes:
        x: Input.
        y: Output.
        window: The filter's geometry.
        groups: How many.
        ending: The epilogue.
        at_once: All images in one command; otherwise their memory or the epilogue's operands
            do not continue from one image to the next.
        extra_steps: For each epilogue operand, elements between pixels and between images.
    """

    x: Layout
    y: Layout
    window: Window
    groups: int
    ending: Ending
    at_once: bool
    extra_steps: tuple[tuple[int, int], ...]

    @property
    def channels(self) -> int:
        """Input channels of a group."""
        return self.x.channels // self.groups

    @property
    def maps(self) -> int:
        """Output channels of a group."""
        return self.y.channels // self.groups

    @property
    def spatial(self) -> tuple[int, int]:
        """Height and width of the output."""
        return self.y.size[1], self.y.size[2]


def describe(problem: Problem) -> Shape | Rejection:
    """The geometry of a convolution over float32 in channels-last memory."""
    op = problem.op
    if not isinstance(op, Convolution):
        return Rejection(f"{op.kind} is not a convolution")
    operands = operands_of(problem)
    if isinstance(operands, Rejection):
        return operands
    x, kernel, y = operands
    size = kernel.shape[2:]
    if len(size) > _SPATIAL:
        return Rejection(f"{len(size)} spatial axes; the kernels walk up to {_SPATIAL}")
    source, target = layout_of(x), layout_of(y)
    if source is None or target is None:
        return Rejection("the channels of a pixel do not lie together")
    window = op.window(size)
    pad = tuple(before for before, _ in window.padding(x.shape[2:]))
    geometry = Window(
        triple(size, 1), triple(window.stride, 1), triple(pad, 0), triple(window.dilation, 1)
    )
    rows = finish_rows(problem, op)
    if isinstance(rows, Rejection):
        return rows
    ending, continuous, steps = rows
    dense = source.images == 1 or all(
        part.image_step == prod(part.size) * part.pitch for part in (source, target)
    )
    at_once = dense and continuous
    return Shape(source, target, geometry, op.num_groups, ending, at_once, steps)


def operands_of(problem: Problem) -> tuple[Operand, Operand, Operand] | Rejection:
    """Data, kernel and result, if they are float32 and the kernel is constant."""
    x, kernel, y = problem.inputs[0], problem.inputs[1], problem.outputs[0]
    bias = problem.inputs[2] if len(problem.inputs) > FIRST_EXTRA - 1 else None
    if x is None or kernel is None:
        return Rejection("the data or the kernel is missing")
    wrong = {o.dtype.value for o in (x, kernel, y) if o.dtype is not DataType.FLOAT}
    if wrong:
        return Rejection(f"works on fp32, not on {', '.join(sorted(wrong))}")
    if not kernel.constant:
        return Rejection("the kernel is computed at run time")
    if bias is not None and not (bias.constant and bias.dtype is DataType.FLOAT):
        return Rejection("the bias is no fp32 constant")
    if prod(x.shape) == 0 or prod(y.shape) == 0:
        return Rejection("there are no elements")
    return x, kernel, y


def layout_of(operand: Operand) -> Layout | None:
    """The operand as channels-last memory, by its strides; None when it is none."""
    channels, spatial = operand.shape[_CHANNELS], operand.shape[2:]
    if channels != 1 and operand.strides[_CHANNELS] != 1:
        return None
    loops = nest(spatial, [operand.strides[2:]], reorder=False)
    if len(loops.shape) > 1:
        return None
    image_step = operand.strides[0]
    # A single pixel an image: the images are the pixels of a line.
    pitch = loops.strides[0][0] if loops.shape else max(image_step, channels)
    return Layout(pitch, image_step, operand.shape[0], channels, triple(spatial, 1))


def triple(values: tuple[int, ...], fill: int) -> Triple:
    """Depth, height and width, where there are fewer axes."""
    depth, height, width = (*((fill,) * (_SPATIAL - len(values))), *values)
    return depth, height, width


Rows = tuple[Ending, bool, tuple[tuple[int, int], ...]]


def finish_rows(problem: Problem, op: Convolution | Deconvolution) -> Rows | Rejection:
    """The epilogue, whether its rows run through all images, and its operands' steps."""
    extras = extras_of(problem, FIRST_EXTRA, _CHANNELS)
    if isinstance(extras, Rejection):
        return extras
    ending = take_apart(op.epilogue, extras, _CHANNELS)
    if isinstance(ending, Rejection):
        return ending
    shape = problem.outputs[0].shape
    steps: list[tuple[int, int]] = []
    continuous = True
    for extra in ending.extras:
        own = without(extra.strides, _CHANNELS)
        pixels = nest(shape[2:], [own[1:]], reorder=False)
        if len(pixels.shape) > 1:
            return Rejection("an epilogue operand is broadcast along one spatial axis only")
        pitch = pixels.strides[0][0] if pixels.shape else own[0]
        steps.append((pitch, own[0]))
        continuous &= shape[0] == 1 or own[0] == pitch * prod(shape[2:])
    return ending, continuous, tuple(steps)


def is_pointwise(shape: Shape) -> bool:
    """Whether the convolution is a plain matrix product over pixels."""
    window = shape.window
    ones = (1, 1, 1)
    return (
        shape.groups == 1
        and window.taps == ones
        and window.stride == ones
        and not any(window.pad)
    )

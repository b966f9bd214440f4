"""In which formats layers read and write, and the problems that follow from it."""

from trtlab.core.types import TensorFormat, TensorType, static
from trtlab.layers.base import Op
from trtlab.layers.convolution import Convolution
from trtlab.layers.fused import Reformat
from trtlab.layers.resolve import resolve
from trtlab.network.graph import Layer, Tensor
from trtlab.network.types_at import Inferred
from trtlab.tactics.problem import Operand, Problem

_IMAGE_RANK = 4


def other_format(layout: TensorFormat) -> TensorFormat:
    """HWC for LINEAR, LINEAR for HWC."""
    return TensorFormat.HWC if layout is TensorFormat.LINEAR else TensorFormat.LINEAR


def has_formats(kind: TensorType) -> bool:
    """Whether a tensor can lie in either format and it makes a difference."""
    if kind.rank != _IMAGE_RANK or not kind.dtype.is_float:
        return False
    _, channels, height, width = kind.shape
    return channels != 1 and not (height == 1 and width == 1)


def reads_linear(op: Op, index: int) -> bool:
    """Whether a layer reads an input LINEAR in either of its own formats.

    An image that a convolution rounds on the way comes from outside, where it lies LINEAR.
    """
    return isinstance(op, Convolution) and op.rounds_data and index == 0


def wanted_format(layer: Layer, tensor: Tensor, layout: TensorFormat) -> TensorFormat:
    """The format in which a layer running in one reads a tensor."""
    linear = any(t is tensor and reads_linear(layer.op, i) for i, t in enumerate(layer.inputs))
    return TensorFormat.LINEAR if linear else layout


def operand(tensor: Tensor, kind: TensorType, layout: TensorFormat) -> Operand:
    """The tensor as a kernel running in a format sees it; constants are always LINEAR."""
    shape = static(kind.shape)
    image = len(shape) == _IMAGE_RANK and kind.dtype.is_float and not tensor.is_constant
    return Operand(
        kind.dtype,
        shape,
        layout if image else TensorFormat.LINEAR,
        constant=tensor.is_constant,
    )


def problem_of(layer: Layer, inferred: Inferred, layout: TensorFormat) -> Problem:
    """A layer as a problem at the given types; known shape tensors become options."""
    values = [None if t is None else inferred.values.get(t, t.value) for t in layer.inputs]
    op, resolved = resolve(layer.op, values)
    types = inferred.types
    source = other_format(layout) if isinstance(op, Reformat) else layout
    return Problem(
        op,
        tuple(
            None
            if t is None or i in resolved
            else operand(t, types[t], TensorFormat.LINEAR if reads_linear(op, i) else source)
            for i, t in enumerate(layer.inputs)
        ),
        tuple(operand(t, types[t], layout) for t in layer.outputs),
    )


def reformat_problem(kind: TensorType, to: TensorFormat) -> Problem:
    """Converting a tensor from the other format to this one."""
    shape = static(kind.shape)
    return Problem(
        Reformat(to_format=to),
        (Operand(kind.dtype, shape, other_format(to)),),
        (Operand(kind.dtype, shape, to),),
    )

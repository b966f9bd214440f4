"""Every operator by its kind, and the way back from plain attributes to an operator."""

import re
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

from trtlab.core.errors import InvalidNetworkError
from trtlab.layers.activation import Activation, ParametricReLU, Unary
from trtlab.layers.base import Op
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.creation import Constant, Fill, Shape
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.fused import Attention, Reformat
from trtlab.layers.gather import Gather, NonZero, OneHot, Scatter
from trtlab.layers.linear import Einsum, MatrixMultiply
from trtlab.layers.normalization import LRN, Normalization
from trtlab.layers.pointwise import FUNCTIONS, Pointwise, Step
from trtlab.layers.pooling import Pooling
from trtlab.layers.recurrent import Recurrent
from trtlab.layers.reduction import Cumulative, Reduce, SoftMax, TopK
from trtlab.layers.resize import Resize
from trtlab.layers.scale import Cast, Identity, Scale
from trtlab.layers.shuffle import (
    Concatenation,
    Expand,
    ReverseSequence,
    Shuffle,
    Squeeze,
    Unsqueeze,
)
from trtlab.layers.slicing import Padding, Slice

OPS: dict[str, type[Op]] = {
    "ACTIVATION": Activation,
    "ATTENTION": Attention,
    "CAST": Cast,
    "CONCATENATION": Concatenation,
    "CONSTANT": Constant,
    "CONVOLUTION": Convolution,
    "CUMULATIVE": Cumulative,
    "DECONVOLUTION": Deconvolution,
    "EINSUM": Einsum,
    "ELEMENTWISE": ElementWise,
    "EXPAND": Expand,
    "FILL": Fill,
    "GATHER": Gather,
    "IDENTITY": Identity,
    "LRN": LRN,
    "MATRIX_MULTIPLY": MatrixMultiply,
    "NON_ZERO": NonZero,
    "NORMALIZATION": Normalization,
    "ONE_HOT": OneHot,
    "PADDING": Padding,
    "PARAMETRIC_RELU": ParametricReLU,
    "POINTWISE": Pointwise,
    "POOLING": Pooling,
    "REDUCE": Reduce,
    "REFORMAT": Reformat,
    "RESIZE": Resize,
    "REVERSE_SEQUENCE": ReverseSequence,
    "RNN_V2": Recurrent,
    "SCALE": Scale,
    "SCATTER": Scatter,
    "SELECT": Select,
    "SHAPE": Shape,
    "SHUFFLE": Shuffle,
    "SLICE": Slice,
    "SOFTMAX": SoftMax,
    "SQUEEZE": Squeeze,
    "TOPK": TopK,
    "UNARY": Unary,
    "UNSQUEEZE": Unsqueeze,
}


class _MismatchError(Exception):
    """A value has not the type of its field; the argument says what was wanted."""


def from_attributes(kind: str, attributes: Mapping[str, object]) -> Op:
    """The operator that `Op.attributes` described.

    Args:
        kind: A key of `OPS`.
        attributes: Plain values, as JSON or the text form hold them; absent ones take their
            defaults.

    Raises:
        InvalidNetworkError: Kind or attribute is unknown, or a value has the wrong type.
    """
    found = OPS.get(kind)
    if found is None:
        raise InvalidNetworkError(
            f"there is no layer kind {kind!r}", hint="known kinds: " + ", ".join(sorted(OPS))
        )
    hints = _hints(found)
    values: dict[str, Any] = {}
    for name, value in attributes.items():
        if name not in hints:
            raise InvalidNetworkError(
                f"{kind} has no attribute {name!r}",
                hint="its attributes: " + (", ".join(hints) or "none"),
            )
        try:
            values[name] = _typed(hints[name], value)
        except _MismatchError as error:
            raise InvalidNetworkError(
                f"attribute {name} of {kind} is {_shown(value)}, not {error}"
            ) from error
    return found(**values)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


@cache
def _hints(kind: type[Op]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _typed(hint: Any, value: object) -> object:  # noqa: ANN401 - a type expression
    """The value as the annotated type."""
    if get_origin(hint) is UnionType:
        options = get_args(hint)
        if value is None and NoneType in options:
            return None
        (rest,) = (option for option in options if option is not NoneType)
        return _typed(rest, value)
    if get_origin(hint) is tuple:
        if not isinstance(value, (list, tuple)):
            raise _MismatchError("a list")
        item = get_args(hint)[0]
        return tuple(_typed(item, entry) for entry in cast(list[object], value))
    if hint is Step:
        return parse_step(value)
    return _plain(hint, value)


def _plain(hint: Any, value: object) -> object:  # noqa: ANN401 - a type expression
    if isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        choices = {member.value: member for member in hint}
        if isinstance(value, str) and value in choices:
            return choices[value]
        raise _MismatchError("one of " + ", ".join(map(str, choices)))
    names = {bool: "true or false", int: "an integer", float: "a number", str: "a text"}
    raise _MismatchError(names[hint])


_STEP = re.compile(r"(\w+)\(([^()]*)\)")
_LONGEST_STEP = 1000


def parse_step(text: object) -> Step:
    """The step that ``str(step)`` wrote: ``leaky_relu(v0, 0.1)``.

    Raises:
        InvalidNetworkError: It is no such text.
    """
    found = (
        _STEP.fullmatch(text) if isinstance(text, str) and len(text) <= _LONGEST_STEP else None
    )
    if found is None or found[1] not in FUNCTIONS:
        raise InvalidNetworkError(
            f"{_shown(text)} is no pointwise step",
            hint="such as add(v0, v1) or clip(v2, 0.0, 6.0)",
        )
    operands: list[int] = []
    params: list[float] = []
    for argument in (piece.strip() for piece in found[2].split(",") if piece.strip()):
        if argument.startswith("v") and argument[1:].isdecimal() and not params:
            operands.append(int(argument[1:]))
            continue
        try:
            params.append(float(argument))
        except ValueError as error:
            raise InvalidNetworkError(
                f"argument {argument!r} of {text} is neither a value nor a number"
            ) from error
    return Step(found[1], tuple(operands), tuple(params))

"""Operators whose shape tensors are known: the integers move into the options.

A kernel then needs no integers at run time: what a Slice takes out or a Reshape makes is plain
to see in the operator.
"""

from collections.abc import Sequence
from dataclasses import replace

from trtlab.core.types import StaticShape
from trtlab.layers.base import Op, ShapeValue
from trtlab.layers.creation import Fill
from trtlab.layers.gather import OneHot
from trtlab.layers.reduction import TopK
from trtlab.layers.resize import Resize
from trtlab.layers.shuffle import Expand, Shuffle
from trtlab.layers.slicing import Padding, Slice

# Positions of shape tensors among an operator's inputs, and the options that they stand for.
_OPTIONS: dict[type[Op], dict[int, str]] = {
    Slice: {1: "start", 2: "shape", 3: "stride"},
    Shuffle: {1: "reshape_dims"},
    Expand: {1: "shape"},
    Resize: {1: "shape"},
    Fill: {0: "shape"},
}
_SCALARS: dict[type[Op], dict[int, str]] = {TopK: {1: "k"}, OneHot: {2: "depth"}}


def resolve(op: Op, values: Sequence[ShapeValue]) -> tuple[Op, frozenset[int]]:
    """The operator with known shape tensors as options, and the inputs no longer needed.

    Args:
        op: Any operator.
        values: Known integers by input position, else None.
    """
    options: dict[str, object] = {}
    resolved: set[int] = set()
    for index, name in _OPTIONS.get(type(op), {}).items():
        numbers = _numbers(values, index)
        if numbers is not None:
            options[name] = numbers
            resolved.add(index)
    for index, name in _SCALARS.get(type(op), {}).items():
        numbers = _numbers(values, index)
        if numbers is not None and len(numbers) == 1:
            options[name] = numbers[0]
            resolved.add(index)
    if isinstance(op, Padding) and (pads := _numbers(values, 1)) is not None:
        half = len(pads) // 2
        options |= {"pre_padding": pads[:half], "post_padding": pads[half:]}
        resolved.add(1)
    if not resolved:
        return op, frozenset()
    return replace(op, **options), frozenset(resolved)


def _numbers(values: Sequence[ShapeValue], index: int) -> StaticShape | None:
    value = values[index] if index < len(values) else None
    if value is None or not all(isinstance(entry, int) for entry in value.flat):
        return None
    return tuple(int(entry) for entry in value.flat)

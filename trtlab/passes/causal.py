"""Proofs that a mask is causal: position s sees positions t ≤ s, and nothing else."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from trtlab.core.enums import ElementWiseOperation, FillOperation, UnaryOperation
from trtlab.layers.activation import Unary
from trtlab.layers.base import Array
from trtlab.layers.creation import Fill
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.shuffle import Expand, Shuffle, Squeeze, Unsqueeze
from trtlab.layers.slicing import Slice
from trtlab.network.graph import Layer, Tensor
from trtlab.passes.box import ranges_of
from trtlab.passes.look import made_by, producer, scalar

# Scores this low vanish in the softmax next to any score of a position that may be seen.
HIDDEN_SCORE = -1e4

Test = Callable[[Array], bool]


def sees_past(tensor: Tensor) -> bool:
    """Whether a BOOL tensor is true exactly for t ≤ s on its last two axes."""
    return _comes_from(tensor, _is_lower) or _compares(tensor, hides=False)


def hides_future(tensor: Tensor) -> bool:
    """Whether a BOOL tensor is true exactly for t > s."""
    return _comes_from(tensor, _is_strictly_upper) or _compares(tensor, hides=True)


def adds_causally(tensor: Tensor) -> bool:
    """Whether a float tensor is 0 for t ≤ s and hides what it is added to elsewhere."""
    return _comes_from(tensor, _is_additive)


def _comes_from(tensor: Tensor, test: Test) -> bool:
    """Whether a tensor is a constant that passes, or its upper left corner."""
    while tensor.data is None:
        layer = producer(tensor, Slice)
        ranges = None if layer is None else ranges_of(layer)
        if layer is None or layer.inputs[0] is None or ranges is None:
            return False
        if any((r.start, r.stride) != (0, 1) for r in ranges):
            return False
        tensor = layer.inputs[0]
    return tensor.data.ndim > 1 and _passes(test, tensor.data)


def _passes(test: Test, data: Array) -> bool:
    size = data.shape[-1] * data.shape[-2]
    if data.size != size or data.shape[-1] < 2:
        return False
    return test(data.reshape(data.shape[-2:]))


def _is_lower(data: Array) -> bool:
    return data.dtype == np.bool_ and np.array_equal(data, np.tri(*data.shape, dtype=np.bool_))


def _is_strictly_upper(data: Array) -> bool:
    return data.dtype == np.bool_ and np.array_equal(
        data, ~np.tri(*data.shape, dtype=np.bool_)
    )


def _is_additive(data: Array) -> bool:
    if data.dtype.kind != "f":
        return False
    lower = np.tri(*data.shape, dtype=np.bool_)
    return not np.any(data[lower]) and bool(np.all(data[~lower] <= HIDDEN_SCORE))


def _compares(tensor: Tensor, *, hides: bool) -> bool:
    """Whether a BOOL tensor compares the index along the last axis with that before it."""
    negated = made_by(tensor, Unary)
    if negated is not None and negated[1].op is UnaryOperation.NOT:
        inner = negated[0].inputs[0]
        return inner is not None and _compares(inner, hides=not hides)
    found = made_by(tensor, ElementWise)
    if found is None:
        return False
    layer, op = found
    if op.op is ElementWiseOperation.OR:  # t < s or t = s
        return not hides and _is_at_most(layer)
    if not hides:
        return False
    left, right = (_index_axis(t) for t in layer.inputs)
    if op.op is ElementWiseOperation.GREATER:
        return (left, right) == ("key", "query")
    return op.op is ElementWiseOperation.LESS and (left, right) == ("query", "key")


def _is_at_most(layer: Layer) -> bool:
    """Whether a disjunction says that the key's index is at most the query's."""
    below = equal = False
    for part in layer.inputs:
        found = made_by(part, ElementWise)
        if found is None:
            return False
        axes = tuple(_index_axis(t) for t in found[0].inputs)
        kind = found[1].op
        below |= kind is ElementWiseOperation.LESS and axes == ("key", "query")
        below |= kind is ElementWiseOperation.GREATER and axes == ("query", "key")
        equal |= kind is ElementWiseOperation.EQUAL and set(axes) == {"key", "query"}
    return below and equal


def _index_axis(tensor: Tensor | None) -> Literal["query", "key"] | None:
    """Whether a tensor counts 0, 1, 2, … along the last axis (keys) or the one before."""
    if tensor is None or not tensor.shape:
        return None
    last = tensor.shape[-1]
    others = tensor.shape[:-1]
    axis: Literal["query", "key"] = "key"
    if last == 1 and len(tensor.shape) > 1:
        axis, others = "query", (*tensor.shape[:-2], last)
    if any(extent != 1 for extent in others):
        return None
    source: Tensor | None = tensor
    while (layer := producer(source, Shuffle, Squeeze, Unsqueeze, Expand)) is not None:
        source = layer.inputs[0]
    return axis if source is not None and _counts(source) else None


def _counts(tensor: Tensor) -> bool:
    """Whether a tensor is 0, 1, 2, … in order."""
    if tensor.data is not None:
        flat = tensor.data.reshape(-1)
        return flat.size > 1 and np.array_equal(flat, np.arange(flat.size))
    found = made_by(tensor, Fill)
    if found is None or found[1].op is not FillOperation.LINSPACE or tensor.type.rank != 1:
        return False
    layer, op = found
    start, step = (*layer.inputs[1:], None, None)[:2]
    begins = op.value == 0 if start is None else scalar(start) == 0
    return begins and step is not None and scalar(step) == 1

"""A reshape between two known shapes, written without a shape tensor."""

from dataclasses import dataclass

from trtlab.core.errors import InvalidNetworkError
from trtlab.core.types import Dim, Shape
from trtlab.layers.shuffle import Shuffle, Squeeze, Unsqueeze, reshaped
from trtlab.network.graph import Layer

Order = tuple[int, ...]


def reshape_form(source: Shape, target: Shape) -> tuple[int, ...] | None:
    """Numbers, 0 for a copied dimension and at most one −1 that take a shape to another.

    Returns:
        None when the target has more named dimensions than can be said this way.
    """
    entries: list[int] = []
    for axis, extent in enumerate(target):
        if isinstance(extent, int):
            entries.append(extent)
        elif axis < len(source) and source[axis] == extent:
            entries.append(0)
        else:
            entries.append(-1)
    if entries.count(-1) > 1 or 0 in target:  # a literal 0 would be read as a copy
        return None
    try:
        reached = reshaped(source, entries)
    except InvalidNetworkError:
        return None
    named = any(isinstance(e, Dim) and e.name.startswith("?") for e in target)
    return tuple(entries) if reached == target or named else None


@dataclass(frozen=True)
class Move:
    """A layer that moves elements: ``transpose₂(reshape(transpose₁(x)))``.

    Attributes:
        first: Permutation before; the identity when nothing moves.
        middle: Shape after the reshape, or None when there is no reshape.
        second: Permutation after.
    """

    first: Order
    middle: Shape | None
    second: Order

    @property
    def is_reshape(self) -> bool:
        """Whether no element moves."""
        return is_identity(self.first) and is_identity(self.second)

    @property
    def is_transpose(self) -> bool:
        """Whether the shape only changes by a permutation; then ``second`` is the identity."""
        return self.middle is None


def is_identity(order: Order) -> bool:
    """Whether a permutation moves nothing."""
    return order == tuple(range(len(order)))


def permuted(shape: Shape, order: Order) -> Shape:
    """A shape after a permutation."""
    return tuple(shape[axis] for axis in order)


def composed(first: Order, second: Order) -> Order:
    """One permutation for ``first``, then ``second``."""
    return tuple(first[axis] for axis in second)


def inverse(order: Order) -> Order:
    """The permutation that undoes another."""
    back = [0] * len(order)
    for place, axis in enumerate(order):
        back[axis] = place
    return tuple(back)


def move_of(layer: Layer) -> Move | None:
    """A Shuffle, Squeeze or Unsqueeze in one form; None for other layers.

    Permutations that only move axes of one element are reshapes, and told so.
    """
    op, x = layer.op, layer.inputs[0] if layer.inputs else None
    if x is None or not isinstance(op, Shuffle | Squeeze | Unsqueeze):
        return None
    source, target = x.shape, layer.output.shape
    if not isinstance(op, Shuffle):
        return normal(
            source, Move(tuple(range(len(source))), target, tuple(range(len(target))))
        )
    first = op.first_transpose or tuple(range(len(source)))
    second = op.second_transpose or tuple(range(len(target)))
    middle = permuted(target, inverse(second))
    return normal(source, Move(first, middle, second))


def normal(source: Shape, move: Move) -> Move:
    """The simplest form of a move of a tensor of this shape."""
    first, middle, second = move.first, move.middle, move.second
    if middle is None or middle == permuted(source, first):
        order = composed(first, second)
        target = permuted(source, order)
        identity = tuple(range(len(source)))
        if is_identity(order):
            return Move(identity, None, identity)
        if keeps_order(source, order):
            return Move(identity, target, identity)
        return Move(order, None, identity)
    if keeps_order(source, first):
        first = tuple(range(len(first)))
    target = permuted(middle, second)
    if keeps_order(middle, second):
        middle, second = target, tuple(range(len(second)))
    if middle == permuted(source, first):
        return normal(source, Move(first, None, second))
    return Move(first, middle, second)


def keeps_order(shape: Shape, order: Order) -> bool:
    """Whether a permutation of a tensor of this shape moves only axes of one element."""
    moved = [axis for axis in order if shape[axis] != 1]
    return moved == sorted(moved)


def shuffle_for(source: Shape, move: Move) -> Shuffle | None:
    """The Shuffle that carries a move out; None when its reshape needs a shape tensor."""
    first = () if is_identity(move.first) else move.first
    second = () if is_identity(move.second) else move.second
    if move.middle is None:
        return Shuffle(first_transpose=first)
    entries = reshape_form(permuted(source, move.first), move.middle)
    if entries is None:
        return None
    return Shuffle(first_transpose=first, reshape_dims=entries, second_transpose=second)

"""Shapes and ranges of shapes as people give them, checked before anything is built."""

from collections.abc import Iterable, Mapping, Sequence
from operator import index
from typing import Any, cast

from trtlab.core.errors import UsageError
from trtlab.core.types import StaticShape, format_shape
from trtlab.engine.engine import ShapeRange
from trtlab.network.api.arguments import shown

_RANGE = 3  # min, opt, max


def exact_shapes(
    shapes: Mapping[str, Sequence[int]], *, measured: bool
) -> dict[str, StaticShape]:
    """One shape for each input, as plain integers.

    Args:
        shapes: As given.
        measured: Inferences will run at them; otherwise an engine is built for them.

    Raises:
        UsageError: One is not made of whole numbers; a range of shapes is told its own place.
    """
    found: dict[str, StaticShape] = {}
    for name, shape in shapes.items():
        extents = _extents(shape)
        if extents is None:
            raise _no_shape(name, shape, measured=measured)
        found[name] = extents
    return found


def ranges_of(profiles: Mapping[str, ShapeRange]) -> dict[str, ShapeRange]:
    """Min, opt and max shape of each input, as plain integers.

    Raises:
        UsageError: An input has something else than three shapes.
    """
    found: dict[str, ShapeRange] = {}
    for name, given in profiles.items():
        shapes = _several(given)
        if len(shapes) != _RANGE:
            raise UsageError(
                f"the profile of input {name!r} is not three shapes: {shown(given)}",
                where=("profiles",),
                hint=f'give min, opt and max, such as profiles={{"{name}": '
                "((1, 3, 224, 224), (4, 3, 224, 224), (16, 3, 224, 224))}; "
                "a single shape goes into shapes=",
            )
        found[name] = cast(ShapeRange, tuple(shapes))
    return found


def _no_shape(name: str, given: object, *, measured: bool) -> UsageError:
    several = _several(given)
    if not several:
        return UsageError(
            f"the shape of input {name!r} is not made of whole numbers: {shown(given)}",
            where=("shapes",),
            hint=f'give its extents, such as shapes={{"{name}": (1, 3, 224, 224)}}',
        )
    texts = ", ".join(map(format_shape, several))
    wanted = tuple(several) if len(several) == _RANGE else "(min, opt, max)"
    profiles = f'profiles={{"{name}": {wanted}}}'
    if not measured:
        hint = f"a range goes into {profiles}"
    else:
        hint = (
            f"inferences are measured at one shape, such as "
            f'shapes={{"{name}": {several[len(several) // 2]}}}; for an engine of the whole range '
            f"build it first with trtlab.build(model, {profiles}) and profile that engine"
        )
    return UsageError(
        f"input {name!r} has {len(several)} shapes where one is wanted: {texts}",
        where=("shapes",),
        hint=hint,
    )


def _extents(shape: object) -> StaticShape | None:
    try:
        return tuple(index(extent) for extent in cast(Iterable[Any], shape))
    except TypeError:
        return None


def _several(given: object) -> list[StaticShape]:
    """The shapes of a sequence of shapes; empty where it is none."""
    try:
        found = [_extents(shape) for shape in cast(Iterable[object], given)]
    except TypeError:
        return []
    shapes = [shape for shape in found if shape is not None]
    return shapes if len(shapes) == len(found) else []

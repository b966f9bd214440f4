"""TensorRT's optimization profile: smallest, likeliest and largest shapes of the inputs."""

from trtlab.core.dims import Dims
from trtlab.core.errors import UnsupportedError, UsageError
from trtlab.core.sealed import Sealed
from trtlab.core.types import format_shape
from trtlab.engine.engine import ShapeProfile, ShapeRange
from trtlab.network.api.arguments import extents, number, text


class IOptimizationProfile(Sealed):
    """The shapes for which an engine is valid, and those that it is tuned for."""

    _inner = ("plain",)

    def __init__(self) -> None:
        self._shapes: dict[str, ShapeRange] = {}
        self._extra_memory = 1.0

    def set_shape(self, input: str, min: object, opt: object, max: object) -> None:  # noqa: A002
        """Set the shapes of an input.

        Args:
            input: Its name.
            min: Smallest extent of every dimension.
            opt: What tactics are timed at.
            max: Largest extents; memory is laid out for them.

        Raises:
            UsageError: The three do not fit together.
        """
        name = text(input, "the input's name")
        ranges: ShapeRange = (
            extents(min, f"the min shape of {name!r}", least=0),
            extents(opt, f"the opt shape of {name!r}", least=0),
            extents(max, f"the max shape of {name!r}", least=0),
        )
        texts = ", ".join(format_shape(shape) for shape in ranges)
        if len({len(shape) for shape in ranges}) > 1:
            raise UsageError(
                f"min, opt and max shape of input {name!r} differ in rank: {texts}",
                hint="give one extent a dimension in each",
            )
        if not all(a <= b <= c for a, b, c in zip(*ranges, strict=True)):
            raise UsageError(
                f"the profile of input {name!r} needs min ≤ opt ≤ max, got {texts}",
                hint="raise max or lower min where they cross",
            )
        self._shapes[name] = ranges

    def get_shape(self, input: str) -> list[Dims]:  # noqa: A002
        """Min, opt and max shape; empty when they were not set."""
        return [Dims(shape) for shape in self._shapes.get(text(input, "the input's name"), ())]

    def set_shape_input(self, input: str, min: object, opt: object, max: object) -> None:  # noqa: A002
        """Not available: shapes never depend on the values of inputs here.

        Raises:
            UnsupportedError: Always.
        """
        del min, opt, max
        raise UnsupportedError(
            f"input {input!r} cannot be a shape input: engines here have none",
            hint="make the wanted size a dimension of an input, or a constant",
        )

    def get_shape_input(self, input: str) -> list[list[int]]:  # noqa: A002
        """Empty: there are no shape inputs."""
        del input
        return []

    @property
    def extra_memory_target(self) -> float:
        """Share of extra memory that a second profile may take; only a hint."""
        return self._extra_memory

    @extra_memory_target.setter
    def extra_memory_target(self, share: float) -> None:
        wanted = number(share, "extra_memory_target")
        if not 0 <= wanted <= 1:
            raise UsageError(f"extra_memory_target is {wanted}, not within 0 to 1")
        self._extra_memory = wanted

    def __bool__(self) -> bool:
        return bool(self._shapes)

    def plain(self) -> ShapeProfile:
        """The profile as the engine keeps it."""
        return ShapeProfile(dict(self._shapes))

    def __repr__(self) -> str:
        ranges = (
            f"{name}: {' … '.join(format_shape(shape) for shape in shapes)}"
            for name, shapes in self._shapes.items()
        )
        return f"IOptimizationProfile({', '.join(ranges)})"

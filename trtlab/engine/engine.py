"""The engine: an optimized network, its choices, and weights as the kernels want them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trtlab.core.errors import UsageError
from trtlab.core.types import Dim, StaticShape, format_shape, is_static, static
from trtlab.devices.cuda.code import KERNEL, CompiledCode
from trtlab.layers.base import Array, str_shape
from trtlab.network.graph import Network, Tensor
from trtlab.planner.plan import LayerChoice
from trtlab.report.records import BuildRecord, ConfigRecord, DeviceRecord, ModelRecord

ShapeRange = tuple[StaticShape, StaticShape, StaticShape]  # min, opt, max

_NOT_EMPTY = (
    "TensorRT takes 0 here, trtlab does not: give every extent at least 1. Run nothing for an "
    "empty batch; a cache that begins empty can begin with one masked row, or the first step "
    "can have an engine of its own"
)


@dataclass(frozen=True, slots=True)
class ShapeProfile:
    """An optimization profile: the shapes for which an engine is valid and tuned."""

    inputs: Mapping[str, ShapeRange]

    def opt(self) -> dict[str, StaticShape]:
        """The shapes that tactics were timed at."""
        return {name: shapes[1] for name, shapes in self.inputs.items()}

    def extremes(self) -> tuple[dict[str, StaticShape], dict[str, StaticShape]]:
        """The smallest shapes and the largest ones."""
        low, high = (
            {name: shapes[which] for name, shapes in self.inputs.items()} for which in (0, 2)
        )
        return low, high

    def check(self, shapes: Mapping[str, StaticShape]) -> None:
        """Shapes lie between min and max.

        Raises:
            UsageError: One does not; says which.
        """
        for name, shape in shapes.items():
            low, _, high = self.inputs.get(name, (shape, shape, shape))
            inside = len(shape) == len(low) and all(
                a <= s <= b for a, s, b in zip(low, shape, high, strict=True)
            )
            if not inside:
                raise UsageError(
                    f"input {name!r} has shape {format_shape(shape)}, outside the optimization "
                    f"profile {format_shape(low)} … {format_shape(high)}",
                    hint=_NOT_EMPTY
                    if 0 in shape
                    else "use a shape inside, or build with a wider profile",
                )


def check_profile(network: Network, profile: ShapeProfile) -> ShapeProfile:
    """The profile completed by the static inputs, once it is known to be sound.

    Raises:
        UsageError: An input is unknown or missing, ranks differ, min > opt or opt > max.
    """
    by_name = {t.name: t for t in network.inputs}
    for name in profile.inputs:
        if name not in by_name:
            raise UsageError(
                f"the optimization profile names input {name!r}, which the network does not have",
                hint="inputs: " + ", ".join(by_name),
            )
    ranges: dict[str, ShapeRange] = {}
    for tensor in network.inputs:
        if tensor.name in profile.inputs:
            ranges[tensor.name] = _sound(tensor, profile.inputs[tensor.name])
        elif is_static(tensor.shape):
            fixed = static(tensor.shape)
            ranges[tensor.name] = (fixed, fixed, fixed)
        else:
            raise UsageError(
                f"input {tensor.name!r} has dynamic shape {_declared(tensor)} and no range in "
                "the optimization profile",
                hint=f'give it one: profile.set_shape("{tensor.name}", min, opt, max)',
            )
    return ShapeProfile(ranges)


def _declared(tensor: Tensor) -> str:
    """``(batch, 3, -1)``: a dimension has a name if the model gave it one."""
    made_up = [f"{tensor.name}.{axis}" for axis in range(len(tensor.shape))]
    return str_shape(
        tuple(
            -1 if isinstance(extent, Dim) and extent.name == name else extent
            for extent, name in zip(tensor.shape, made_up, strict=True)
        )
    )


def _sound(tensor: Tensor, shapes: ShapeRange) -> ShapeRange:
    low, opt, high = shapes
    for label, shape in zip(("min", "opt", "max"), shapes, strict=True):
        fits = len(shape) == len(tensor.shape) and all(
            extent >= 1 and (not isinstance(d, int) or d == extent)
            for d, extent in zip(tensor.shape, shape, strict=True)
        )
        which = "" if low == opt == high else f"{label} "  # one shape was given, or three
        if 0 in shape:
            raise UsageError(
                f"{which}shape {format_shape(shape)} of input {tensor.name!r} is empty: an "
                "extent of 0 leaves no elements",
                hint=_NOT_EMPTY,
            )
        if not fits:
            raise UsageError(
                f"{which}shape {format_shape(shape)} does not fit input {tensor.name!r}, "
                f"declared as {_declared(tensor)}",
                hint="give every extent, at least 1; only named dimensions may vary",
            )
    if not all(a <= b <= c for a, b, c in zip(low, opt, high, strict=True)):
        raise UsageError(
            f"the profile of input {tensor.name!r} needs min ≤ opt ≤ max, got "
            f"{format_shape(low)}, {format_shape(opt)}, {format_shape(high)}",
            hint="raise max or lower min where they cross",
        )
    return (low, opt, high)


@dataclass(frozen=True, slots=True)
class Engine:
    """What a build leaves behind.

    Attributes:
        name: The model's name.
        network: Optimized, typed and laid out; constants are detached.
        choices: Tactic and format by layer name.
        weights: What the tactics packed, by `planner.plan.weight_key`.
        profiles: Shapes it is valid for.
        streams: Streams that it may use, the main one included.
        compatibility: `Device.compatibility` of the device it was built on.
        code: Kernels and library plans of its launches at the profiles' shapes, compiled.
    """

    name: str
    network: Network
    choices: Mapping[str, LayerChoice]
    weights: Mapping[str, Array]
    profiles: tuple[ShapeProfile, ...]
    streams: int
    compatibility: str
    device: DeviceRecord
    model: ModelRecord
    config: ConfigRecord
    build: BuildRecord
    verbosity: str = "detailed"
    arena_bytes: int = 0
    created: str = ""
    digest: str = field(default="")
    code: tuple[CompiledCode, ...] = ()

    @property
    def weights_bytes(self) -> int:
        """Bytes of all packed weights; shared ones count once."""
        return sum({id(a): a.nbytes for a in self.weights.values()}.values())

    @property
    def kernel_count(self) -> int:
        """Compiled kernels that it carries."""
        return sum(c.kind == KERNEL for c in self.code)

    @property
    def code_bytes(self) -> int:
        """Bytes of the compiled kernels and library plans."""
        return sum(len(c.data) for c in self.code)

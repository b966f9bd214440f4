"""What the caller of the optimizer may choose."""

from dataclasses import dataclass
from typing import Literal

from trtlab.core.errors import UsageError
from trtlab.core.types import DataType

Constraints = Literal["none", "prefer", "obey"]
Device = Literal["cpu", "cuda"]

HIGHEST_LEVEL = 5
COMPUTE_TYPES = (DataType.FLOAT, DataType.HALF, DataType.BF16)


@dataclass(frozen=True, slots=True)
class PassOptions:
    """Options of `pipeline.run`.

    Attributes:
        optimization_level: 0 cleans up only, 3 is the default, 5 does everything twice.
        precision: Type that float layers compute in unless a layer asks otherwise.
        enabled_types: Float types that a layer may ask for; always includes `precision`.
        constraints: What `Layer.precision` and `Layer.output_types` mean: "none" ignores
            them, "prefer" follows them where the layer can, "obey" refuses where it cannot.
        disabled_rules: Names of rules that must not run.
        device: What the network will run on; only cost estimates depend on it.
        extents: Typical sizes of named dimensions, for cost estimates only.
        fold_limit_bytes: Largest constant that folding may make out of smaller ones.
    """

    optimization_level: int = 3
    precision: DataType = DataType.FLOAT
    enabled_types: frozenset[DataType] = frozenset({DataType.FLOAT})
    constraints: Constraints = "none"
    disabled_rules: frozenset[str] = frozenset()
    device: Device = "cpu"
    extents: tuple[tuple[str, int], ...] = ()
    fold_limit_bytes: int = 1 << 22

    def __post_init__(self) -> None:
        if not 0 <= self.optimization_level <= HIGHEST_LEVEL:
            raise UsageError(
                f"optimization level {self.optimization_level} does not exist",
                hint=f"use 0 to {HIGHEST_LEVEL}; 3 is the default",
            )
        for kind in (self.precision, *self.enabled_types):
            if kind not in COMPUTE_TYPES:
                raise UsageError(
                    f"layers cannot be told to compute in {kind.value}",
                    hint="use one of " + ", ".join(t.value for t in COMPUTE_TYPES),
                )
        object.__setattr__(self, "enabled_types", self.enabled_types | {self.precision})

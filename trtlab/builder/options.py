"""What can be asked of a build: plain values behind TensorRT's builder config."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from trtlab.core.errors import UsageError
from trtlab.core.types import DataType
from trtlab.engine.engine import ShapeProfile
from trtlab.passes.options import Constraints
from trtlab.tactics.contest import ContestRules

_LEVELS = 5
_UNLIMITED = 1 << 62


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Everything that changes what a build makes.

    Attributes:
        precision: The lowest float type that layers may compute in (FLOAT, HALF, BF16).
        enabled_types: More float types that layers may ask for; FLOAT always is.
        layer_precisions: Wanted type by layer name, of the network or of the fused layer.
        tf32: FP32 layers may round their factors to TF32 before they multiply, on devices that
            have it: faster, and ten bits after the point instead of 23.
        constraints: ``none``, ``prefer`` or ``obey`` the layers' wanted types.
        profiles: Optimization profiles; the first one's opt shapes are tuned for.
        memory_pools: Limits in bytes by TensorRT's pool name.
        max_aux_streams: Streams beside the main one.
        tactic_sources: Names that may be used; empty means all.
        optimization_level: 0 and 1 trust the tactics' hints, 2 times the likeliest, 3 is the
            default, 4 and 5 time everything, longer.
        max_tactics: Most candidates that are timed for a layer; None is no limit.
        timing_iterations: At least so many timed runs of every candidate.
        timing_cache: File of measured times; None keeps none on disk.
        use_timing_cache: False times everything anew.
        disabled_rules: Rewrite rules that are not run.
        prove: On a GPU, candidates are tried in processes of their own before they are timed:
            one that faults or is wrong is refused and harms nobody (see ``TRTLAB_PROVE`` too).
        verbosity: ``detailed``, ``layer_names_only`` or ``none``.
        flags: Builder flags as they were set, for the record.
    """

    precision: DataType = DataType.FLOAT
    enabled_types: frozenset[DataType] = frozenset()
    layer_precisions: Mapping[str, DataType] = field(
        default_factory=lambda: MappingProxyType({})
    )
    tf32: bool = False
    constraints: Constraints = "prefer"
    profiles: tuple[ShapeProfile, ...] = ()
    memory_pools: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    max_aux_streams: int = 0
    tactic_sources: frozenset[str] = frozenset()
    optimization_level: int = 3
    max_tactics: int | None = None
    timing_iterations: int = 1
    timing_cache: Path | None = None
    use_timing_cache: bool = True
    disabled_rules: frozenset[str] = frozenset()
    prove: bool = True
    verbosity: str = "detailed"
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.optimization_level <= _LEVELS:
            raise UsageError(
                f"builder optimization level {self.optimization_level} is not 0 to {_LEVELS}"
            )
        if self.max_aux_streams < 0:
            raise UsageError(
                f"max_aux_streams is {self.max_aux_streams}; it cannot be negative"
            )
        for pool, limit in self.memory_pools.items():
            if limit < 0:
                raise UsageError(f"memory pool {pool} has the negative limit {limit}")

    @property
    def contest_rules(self) -> ContestRules:
        """How hard to look for the fastest tactic at this optimization level."""
        level = self.optimization_level
        rounds = {0: 0, 1: 0, 2: 3, 3: 7, 4: 15, 5: 31}[level]
        return ContestRules(
            timed=rounds > 0,
            hint_ratio={2: 2.0, 3: 6.0}.get(level, 64.0),
            rounds=max(rounds, self.timing_iterations),
            budget_ms={2: 10.0, 3: 30.0}.get(level, 200.0),
            workspace_limit_bytes=self.memory_pools.get("WORKSPACE", _UNLIMITED),
            sources=self.tactic_sources,
            max_tactics=self.max_tactics,
            tf32=self.tf32,
        )

"""TensorRT's builder config; `options` makes the plain values that a build takes."""

from typing import Self

from trtlab.builder.cache import ITimingCache
from trtlab.builder.config_search import SearchMembers
from trtlab.builder.fixed import FixedMembers
from trtlab.builder.flags import LOWER_TYPES
from trtlab.builder.options import BuildOptions
from trtlab.builder.profile import IOptimizationProfile
from trtlab.builder.progress import ProgressMonitor
from trtlab.core.build_enums import BuilderFlag
from trtlab.core.enums import ProfilingVerbosity
from trtlab.core.errors import UsageError
from trtlab.core.logger import Severity
from trtlab.core.types import DataType
from trtlab.network.api.arguments import member, whole
from trtlab.network.graph import Network
from trtlab.passes.options import Constraints

_F = BuilderFlag
_HEURISTIC_LEVEL = 2  # times only the likeliest tactics
_USUAL_LEVEL = 3

# Types that layers may compute in only where a flag says so.
_FLAGGED = (
    DataType.HALF, DataType.BF16, DataType.INT8, DataType.FP8, DataType.INT4, DataType.FP4,
)  # fmt: skip


def _asking(names: list[str], what: str) -> str:
    """``1 layer asks for fp16 (fc)``, ``2 layers ask for types (conv, …)``."""
    verb = "layer asks" if len(names) == 1 else "layers ask"
    more = ", …" if len(names) > 1 else ""
    return f"{len(names)} {verb} for {what} ({names[0]}{more})"


class IBuilderConfig(SearchMembers, FixedMembers):
    """What is asked of a build. Made by `Builder.create_builder_config`.

    Everything here has its effect, or is refused when it is set. What TensorRT itself treats
    as a hint and has no effect here is accepted and told to the logger.
    """

    def reset(self) -> None:
        """Every option as TensorRT has it at first; optimization profiles go too."""
        super().reset()
        self._profiles: list[IOptimizationProfile] = []
        self._verbosity = ProfilingVerbosity.LAYER_NAMES_ONLY
        self._monitor: ProgressMonitor | None = None
        self._stream = 0

    # ---- profiles and reports ----------------------------------------------------------

    def add_optimization_profile(self, profile: IOptimizationProfile) -> int:
        """Add a profile; the first one's opt shapes are tuned for.

        Returns:
            Its index.

        Raises:
            UsageError: It is empty, or no profile.
        """
        if not isinstance(profile, IOptimizationProfile):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(
                f"{profile!r} is no optimization profile",
                hint="use builder.create_optimization_profile()",
            )
        if not profile:
            raise UsageError("the optimization profile is empty", hint="call set_shape first")
        self._profiles.append(profile)
        return len(self._profiles) - 1

    @property
    def num_optimization_profiles(self) -> int:
        """Profiles so far."""
        return len(self._profiles)

    @property
    def profiling_verbosity(self) -> ProfilingVerbosity:
        """How much the engine inspector can tell."""
        return self._verbosity

    @profiling_verbosity.setter
    def profiling_verbosity(self, verbosity: ProfilingVerbosity) -> None:
        self._verbosity = member(ProfilingVerbosity)(verbosity, "profiling_verbosity")

    @property
    def progress_monitor(self) -> ProgressMonitor | None:
        """Hears of a build's progress and may stop it."""
        return self._monitor

    @progress_monitor.setter
    def progress_monitor(self, monitor: ProgressMonitor | None) -> None:
        needed = ("phase_start", "step_complete", "phase_finish")
        missing = [name for name in needed if not callable(getattr(monitor, name, None))]
        if monitor is not None and missing:
            raise UsageError(
                f"{monitor!r} is no progress monitor: it lacks {', '.join(missing)}",
                hint="derive it from IProgressMonitor",
            )
        self._monitor = monitor

    @property
    def profile_stream(self) -> int:
        """Stream that tactics are timed on; only noted: the device has its own for that."""
        return self._stream

    @profile_stream.setter
    def profile_stream(self, stream: int) -> None:
        self._stream = whole(stream, "profile_stream", least=0)

    # ---- for the builder ---------------------------------------------------------------

    def options(self, network: Network) -> BuildOptions:
        """The plain values of a build.

        Raises:
            UsageError: The flags contradict a strongly typed network.
        """
        lower = [kind for flag, kind in LOWER_TYPES.items() if self.get_flag(flag)]
        constraints = self._constraints()
        if network.strongly_typed and (lower or constraints != "none"):
            raise UsageError(
                "a strongly typed network takes no precision flags",
                hint="clear FP16, BF16 and the precision constraints; use add_cast instead",
            )
        self._tell_of_ignored(network, constraints, lower)
        if len(lower) > 1:
            self.tell(
                Severity.INFO,
                "FP16 and BF16 are set: layers take FP16 unless they ask for BF16",
            )
        return BuildOptions(
            precision=lower[0] if lower else DataType.FLOAT,
            enabled_types=frozenset(lower),
            tf32=self.get_flag(_F.TF32),
            constraints=constraints,
            profiles=tuple(profile.plain() for profile in self._profiles),
            memory_pools={pool.name: limit for pool, limit in self._pools.items()},
            max_aux_streams=max(self._aux_streams, 0),
            tactic_sources=self._sources,
            optimization_level=self._effort(),
            max_tactics=None if self._max_tactics < 0 else self._max_tactics,
            timing_iterations=self._iterations,
            use_timing_cache=not self.get_flag(_F.DISABLE_TIMING_CACHE),
            verbosity=self._verbosity.value,
            flags=tuple(flag.name for flag in BuilderFlag if self.get_flag(flag)),
        )

    def _tell_of_ignored(
        self, network: Network, constraints: Constraints, lower: list[DataType]
    ) -> None:
        """Warn of layers' wishes that the flags leave without effect."""
        if constraints == "obey":  # the build refuses what it cannot obey
            return
        wishes = {la.name: {la.precision, *la.output_types} - {None} for la in network}
        if constraints == "none":
            asking = [name for name, kinds in wishes.items() if kinds]
            if asking:
                self.tell(
                    Severity.WARNING,
                    f"{_asking(asking, 'types')}; without OBEY_PRECISION_CONSTRAINTS or "
                    "PREFER_PRECISION_CONSTRAINTS this is ignored",
                )
            return
        for kind in (kind for kind in _FLAGGED if kind not in lower):
            asking = [name for name, kinds in wishes.items() if kind in kinds]
            if asking:
                self.tell(
                    Severity.WARNING,
                    f"{_asking(asking, kind.value)}, which no flag enables; "
                    "with PREFER_PRECISION_CONSTRAINTS this is ignored",
                )

    def _constraints(self) -> Constraints:
        if self.get_flag(_F.OBEY_PRECISION_CONSTRAINTS):
            return "obey"
        asked = self.get_flag(_F.PREFER_PRECISION_CONSTRAINTS) or self.get_flag(
            _F.STRICT_TYPES
        )
        return "prefer" if asked else "none"

    def _effort(self) -> int:
        heuristic = self.get_flag(_F.ENABLE_TACTIC_HEURISTIC) and self._level == _USUAL_LEVEL
        return _HEURISTIC_LEVEL if heuristic else self._level

    def cache_of_build(self) -> ITimingCache:
        """The timing cache that the next build uses; made when there is none."""
        if self._cache is None:
            self._cache = self.create_timing_cache(b"")
        return self._cache

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

"""The part of a builder config that says how tactics are looked for."""

from trtlab.builder.cache import ITimingCache, read_cache
from trtlab.builder.config_flags import FlagMembers
from trtlab.core.build_enums import (
    BuilderFlag,
    MemoryPoolType,
    TacticSource,
    TilingOptimizationLevel,
)
from trtlab.core.errors import UnsupportedError, UsageError
from trtlab.network.api.arguments import member, whole
from trtlab.runtime.devices import open_runtime

_HIGHEST_LEVEL = 5


class SearchMembers(FlagMembers):
    """Memory, effort, tactic sources and the timing cache."""

    def reset(self) -> None:
        """Level 3, everything allowed, no cache."""
        super().reset()
        self._pools: dict[MemoryPoolType, int] = {}
        self._sources: frozenset[str] = frozenset()
        self._cache: ITimingCache | None = None
        self._iterations = 1
        self._level = 3
        self._aux_streams = -1
        self._max_tactics = -1
        self._tiling = TilingOptimizationLevel.NONE
        self._l2_limit = -1

    # ---- memory ------------------------------------------------------------------------

    def set_memory_pool_limit(self, pool: MemoryPoolType, pool_size: int) -> None:
        """Limit a pool in bytes: WORKSPACE, the scratch that one tactic may take.

        Raises:
            UnsupportedError: There is no such pool on this device.
        """
        known = member(MemoryPoolType)(pool, "the memory pool")
        size = whole(pool_size, f"the limit of {known.name}", least=0)
        if known is not MemoryPoolType.WORKSPACE:
            raise UnsupportedError(
                f"memory pool {known.name} cannot be limited: it does not exist here",
                hint="limit MemoryPoolType.WORKSPACE",
            )
        self._pools[known] = size

    def get_memory_pool_limit(self, pool: MemoryPoolType) -> int:
        """The limit in bytes; WORKSPACE has the device's memory until set, others have 0."""
        known = member(MemoryPoolType)(pool, "the memory pool")
        if known is MemoryPoolType.WORKSPACE and known not in self._pools:
            return open_runtime(self._device)[0].record().memory_bytes
        return self._pools.get(known, 0)

    @property
    def max_workspace_size(self) -> int:
        """TensorRT 8's name for the limit of WORKSPACE."""
        return self.get_memory_pool_limit(MemoryPoolType.WORKSPACE)

    @max_workspace_size.setter
    def max_workspace_size(self, size: int) -> None:
        self.set_memory_pool_limit(MemoryPoolType.WORKSPACE, size)

    # ---- search ------------------------------------------------------------------------

    @property
    def builder_optimization_level(self) -> int:
        """0 (fast build) to 5 (fast engine)."""
        return self._level

    @builder_optimization_level.setter
    def builder_optimization_level(self, level: int) -> None:
        wanted = whole(level, "builder_optimization_level", least=0)
        if wanted > _HIGHEST_LEVEL:
            raise UsageError(
                f"builder_optimization_level {wanted} does not exist",
                hint="0 to 5; 3 is usual",
            )
        self._level = wanted

    @property
    def avg_timing_iterations(self) -> int:
        """Least number of timed runs of every candidate."""
        return self._iterations

    @avg_timing_iterations.setter
    def avg_timing_iterations(self, iterations: int) -> None:
        self._iterations = whole(iterations, "avg_timing_iterations", least=1)

    min_timing_iterations = avg_timing_iterations

    @property
    def max_num_tactics(self) -> int:
        """Most candidates that are timed for a layer; −1 leaves it to the builder."""
        return self._max_tactics

    @max_num_tactics.setter
    def max_num_tactics(self, count: int) -> None:
        wanted = whole(count, "max_num_tactics", least=-1)
        if wanted == 0:
            raise UsageError("max_num_tactics is 0; at least one tactic is needed")
        self._max_tactics = wanted

    @property
    def max_aux_streams(self) -> int:
        """Streams beside the main one; −1 leaves it to the builder, which takes none."""
        return self._aux_streams

    @max_aux_streams.setter
    def max_aux_streams(self, streams: int) -> None:
        self._aux_streams = whole(streams, "max_aux_streams", least=-1)

    @property
    def tiling_optimization_level(self) -> TilingOptimizationLevel:
        """How hard to look for tilings across layers; a hint."""
        return self._tiling

    @tiling_optimization_level.setter
    def tiling_optimization_level(self, level: TilingOptimizationLevel) -> None:
        self._tiling = member(TilingOptimizationLevel)(level, "tiling_optimization_level")
        if self._tiling is not TilingOptimizationLevel.NONE:
            self.hint("tiling_optimization_level", "layers are not tiled together")

    @property
    def l2_limit_for_tiling(self) -> int:
        """Bytes of cache that tilings may fill; a hint."""
        return self._l2_limit

    @l2_limit_for_tiling.setter
    def l2_limit_for_tiling(self, size: int) -> None:
        self._l2_limit = whole(size, "l2_limit_for_tiling")
        self.hint("l2_limit_for_tiling", "layers are not tiled together")

    def set_tactic_sources(self, tactic_sources: int) -> bool:
        """Choose among the device's sources by bit mask; others are hints.

        A mask without any of the device's sources allows all of them, as TensorRT's core
        kernels cannot be switched off either.
        """
        mask = whole(tactic_sources, "tactic_sources", least=0)
        if mask & ~sum(1 << source for source in TacticSource):
            raise UsageError(f"tactic sources {mask:#b} have unknown bits")
        asked = frozenset(source.name for source in TacticSource if mask >> source & 1)
        available = open_runtime(self._device)[1].sources()
        if asked - available:
            names = ", ".join(sorted(asked - available))
            self.hint(f"tactic source {names}", "it does not exist on this device")
        self._sources = asked & available
        return True

    def get_tactic_sources(self) -> int:
        """Bit mask of the sources that may be used."""
        allowed = self._sources or open_runtime(self._device)[1].sources()
        return sum(1 << source for source in TacticSource if source.name in allowed)

    # ---- timing cache ------------------------------------------------------------------

    def create_timing_cache(
        self, serialized_timing_cache: bytes | bytearray | memoryview
    ) -> ITimingCache:
        """A cache with the times of some bytes; empty for none.

        Raises:
            EngineFormatError: They are no timing cache of this version.
        """
        device, _ = open_runtime(self._device)
        cache = read_cache(serialized_timing_cache, device.fingerprint)
        return ITimingCache(cache, lambda: self.get_flag(BuilderFlag.EDITABLE_TIMING_CACHE))

    def set_timing_cache(
        self,
        cache: ITimingCache | None,
        ignore_mismatch: bool = False,  # noqa: FBT001, FBT002
    ) -> bool:
        """Use a cache; None goes back to one of the config's own.

        Returns:
            False when it is of another device and mismatches are not ignored.
        """
        if cache is not None:
            device, _ = open_runtime(self._device)
            if cache.cache.fingerprint != device.fingerprint and not ignore_mismatch:
                return False
        self._cache = cache
        return True

    def get_timing_cache(self) -> ITimingCache | None:
        """The cache in use; after a build it has the times that the build took."""
        return self._cache

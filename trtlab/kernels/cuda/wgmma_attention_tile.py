"""How the attention on Hopper's warp groups divides its work, and where it keeps what."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil

from trtlab.core.types import DataType
from trtlab.kernels.cuda.text import MULTIPROCESSORS
from trtlab.kernels.cuda.wgmma_text import DEEP

ROWS = 64
"""Queries that a warp group works on at a time."""
STEP = 16
"""What one instruction sums over."""
MOST_SHARED = 227 * 1024
"""Bytes that a block may have."""
_SHARED = 228 * 1024
_RESERVED = 1024
_REGISTERS = 65536
_OTHER_REGISTERS = 32
_MOST_BLOCKS = 4
_GROUP = 128
_LOADING = 1.5  # what a block takes for keys and values, in tiles of queries


@dataclass(frozen=True, slots=True)
class AttentionTile:
    """A block's part of the work.

    Attributes:
        groups: Warp groups, which share keys and values.
        most_keys: Of which scores are in registers at a time, at most 256.
    """

    groups: int
    most_keys: int

    @property
    def queries(self) -> int:
        """That a block works on at a time."""
        return self.groups * ROWS

    @property
    def threads(self) -> int:
        """Of a block."""
        return self.groups * _GROUP

    def __str__(self) -> str:
        return f"{self.queries}x{self.most_keys}"


@dataclass(frozen=True)
class AttentionWork:
    """A whole attention.

    A block holds all keys and values of a head in shared memory, in equal tiles, while its warp
    groups take one tile of queries after the other. The copy engine brings everything in rows of
    128 bytes: a tile has a part for every 64 features.

    Attributes:
        batch: Sequences.
        heads: Of queries.
        queries: Of a sequence.
        keys: Of a sequence.
        d: Features of queries and keys.
        dv: Features of values.
        dtype: Of operands and result.
        tile: What a block does.
        adding: Whether a mask adds the same to all queries.
    """

    batch: int
    heads: int
    queries: int
    keys: int
    d: int
    dv: int
    dtype: DataType
    tile: AttentionTile
    adding: bool

    @cached_property
    def n(self) -> int:
        """Keys of a tile, a multiple of 16."""
        count = ceil(self.keys / self.tile.most_keys)
        return ceil(self.keys / (count * STEP)) * STEP

    @cached_property
    def tiles(self) -> int:
        """Of keys."""
        return ceil(self.keys / self.n)

    @cached_property
    def deep(self) -> int:
        """Parts of a tile of queries or keys."""
        return ceil(self.d / DEEP)

    @cached_property
    def wide(self) -> int:
        """Parts of a tile of values."""
        return ceil(self.dv / DEEP)

    @property
    def k_bytes(self) -> int:
        """Of a tile of keys."""
        return 2 * DEEP * self.n * self.deep

    @property
    def v_bytes(self) -> int:
        """Of a tile of values."""
        return 2 * DEEP * self.n * self.wide

    @property
    def q_bytes(self) -> int:
        """Of a tile of queries."""
        return 2 * DEEP * ROWS * self.deep

    @property
    def at_k(self) -> int:
        """Where keys begin in shared memory, in bytes."""
        return 0

    @property
    def at_v(self) -> int:
        """Where values begin."""
        return self.at_k + self.tiles * self.k_bytes

    @property
    def at_q(self) -> int:
        """Where queries begin."""
        return self.at_v + self.tiles * self.v_bytes

    @property
    def at_added(self) -> int:
        """Where what the mask adds begins."""
        return self._at_added(self.slots)

    @property
    def at_barriers(self) -> int:
        """Where barriers begin: of tiles of keys, of values, of each group's queries."""
        return self._at_barriers(self.slots)

    @property
    def shared_bytes(self) -> int:
        """Of a block."""
        return self._shared_bytes(self.slots)

    def _at_added(self, slots: int) -> int:
        return self.at_q + self.tile.groups * slots * self.q_bytes

    def _at_barriers(self, slots: int) -> int:
        return self._at_added(slots) + (4 * self.tiles * self.n if self.adding else 0)

    def _shared_bytes(self, slots: int) -> int:
        return self._at_barriers(slots) + 8 * (2 * self.tiles + self.tile.groups * slots)

    @cached_property
    def blocks(self) -> int:
        """Of a multiprocessor."""
        registers = self.n // 2 + DEEP // 2 * self.wide + _OTHER_REGISTERS
        by_registers = _REGISTERS // (self.tile.threads * registers)
        by_memory = _SHARED // (self._shared_bytes(2) + _RESERVED)
        return max(1, min(by_registers, by_memory, _MOST_BLOCKS))

    @cached_property
    def passes(self) -> int:
        """Tiles of queries that a warp group takes one after the other.

        Several share what a block loads, as long as all multiprocessors have blocks.
        """
        most = ceil(self.queries / self.tile.queries)
        return min(range(1, most + 1), key=self._time)

    def _time(self, passes: int) -> float:
        count = ceil(self.queries / (passes * self.tile.queries)) * self.heads * self.batch
        return ceil(count / (self.blocks * MULTIPROCESSORS)) * (passes + _LOADING)

    @property
    def slots(self) -> int:
        """Tiles of queries that a warp group has in shared memory."""
        return min(self.passes, 2)

"""What a warp-group product is made of: tile extents, and what happens to its sums."""

from dataclasses import dataclass

from trtlab.core.types import DataType
from trtlab.kernels.cuda.wgmma_text import DEEP
from trtlab.layers.pointwise import Program

ROWS = 64
"""Of one instruction of a warp group."""
CHUNK = ROWS * DEEP * 2
"""Bytes of 64 rows and 64 columns of results."""
_SHARED = 228 * 1024
_RESERVED = 1024
_BARRIER_BYTES = 512


@dataclass(frozen=True, slots=True)
class WgmmaTile:
    """Tile extents of a block and what it keeps under way.

    Attributes:
        groups: Warp groups that multiply.
        n: Columns.
        stages: Pairs of factor tiles.
        chunks: Chunks of results a warp group has in flight; none where blocks share a sum.
        blocks: Of a multiprocessor.
        splits: Blocks of a cluster that share the sum of one tile.
        high: How many times 64 rows a warp group multiplies.
        turns: Two warp groups have tiles of their own, and one finishes a tile while the
            other multiplies; else all groups share each tile.
    """

    groups: int
    n: int
    stages: int
    chunks: int
    blocks: int = 1
    splits: int = 1
    high: int = 1
    turns: bool = False

    @property
    def sharing(self) -> int:
        """Warp groups at work on one tile."""
        return 1 if self.turns else self.groups

    @property
    def m(self) -> int:
        """Rows."""
        return self.sharing * self.high * ROWS

    @property
    def stage_bytes(self) -> int:
        """One pair of factor tiles."""
        return 2 * DEEP * (self.m + self.n)

    @property
    def chunk_bytes(self) -> int:
        """The chunks of all warp groups."""
        return self.groups * self.chunks * CHUNK

    def shared_bytes(self, rows: int) -> int:
        """Of a block: stages, chunks, ``rows`` row operands of each group, barriers."""
        held = self.stages * self.stage_bytes + self.chunk_bytes
        return held + 2 * rows * self.groups * self.n + _BARRIER_BYTES

    def fits(self, rows: int) -> bool:
        """Whether as many blocks share a multiprocessor as it says."""
        return self.blocks * (self.shared_bytes(rows) + _RESERVED) <= _SHARED

    def __str__(self) -> str:
        split = f"k{self.splits}" if self.splits > 1 else ""
        turns = "t" if self.turns else ""
        return f"{self.m}x{self.n}s{self.stages}c{self.chunks}b{self.blocks}{split}{turns}"


@dataclass(frozen=True, slots=True)
class Finish:
    """What happens to a sum: ``program(alpha · sum + bias, operands…)``.

    Attributes:
        program: Value 0 is the biased sum, then the operands.
        alpha: Scales the sum.
        biased: Whether the first row operand is the bias.
        operands: For each operand of the program ``row`` (one value a column) or ``image``
            (the result's shape; one at most).
    """

    program: Program
    alpha: float
    biased: bool
    operands: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Operands with one value a column."""
        return self.biased + self.operands.count("row")

    @property
    def image(self) -> bool:
        """Whether an operand has the result's shape."""
        return "image" in self.operands


@dataclass(frozen=True, slots=True)
class Window:
    """How rows of the left factor lie in images, channels last, for two spatial axes.

    Attributes:
        outputs: Windows along height and width.
        taps: Of a window.
        stride: Between windows.
        dilation: Between taps.
        pad: Before the image.
        channels: Of a pixel, a multiple of `DEEP`.
    """

    outputs: tuple[int, int]
    taps: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pad: tuple[int, int]
    channels: int


@dataclass(frozen=True, slots=True)
class Work:
    """A whole product in tiles.

    Attributes:
        m: Rows of the result.
        n: Columns of the result.
        k: What is summed over.
        dtype: Of factors and result.
        tile: Tile extents.
        finish: What happens to the sums.
        window: Where rows of the left factor are windows of images.
        pitch: Elements from row to row of the result.
        image_pitch: The same of what is added.
    """

    m: int
    n: int
    k: int
    dtype: DataType
    tile: WgmmaTile
    finish: Finish
    window: Window | None = None
    pitch: int = 0
    image_pitch: int = 0

    @property
    def maps(self) -> tuple[str, ...]:
        """What the copy engine moves: a, b, the result c, the image that is added."""
        if self.tile.splits > 1:
            return ("a", "b")
        return ("a", "b", "c", *(["image"] if self.finish.image else []))

    @property
    def across(self) -> int:
        """Tiles side by side."""
        return -(-self.n // self.tile.n)

    @property
    def count(self) -> int:
        """All tiles."""
        return self.across * -(-self.m // self.tile.m)

    @property
    def steps(self) -> int:
        """Factor tiles along k."""
        return -(-self.k // DEEP)

    @property
    def part(self) -> int:
        """Factor tiles along k of one block."""
        return -(-self.steps // self.tile.splits)

"""Short rows of a matrix on their way to a warp's shared memory and back, a part at a time."""

from dataclasses import dataclass

from trtlab.core.types import DataType
from trtlab.kernels.cuda.mma_load import RUN
from trtlab.kernels.cuda.wgmma_tile import Finish

_WARP = 32
_SHARED = 227 << 10  # of a multiprocessor
_MOST_WARPS = 24  # of a multiprocessor: more have no registers


@dataclass(frozen=True, slots=True)
class Thin:
    """Extents of the kernel for one problem.

    Attributes:
        m: Rows.
        n: Columns of the result.
        k: Columns of the left factor.
        dtype: Of everything.
        finish: What happens to the sums.
        pitches: Elements from row to row of the left factor, the result and what is added.
        rows: Of a part, a multiple of 16.
        warps: Of a block.
    """

    m: int
    n: int
    k: int
    dtype: DataType
    finish: Finish
    pitches: tuple[int, int, int]
    rows: int
    warps: int

    @property
    def parts(self) -> int:
        """Of the rows; a warp takes one at a time."""
        return -(-self.m // self.rows)

    @property
    def steps(self) -> int:
        """Of the sum, sixteen columns each."""
        return -(-self.k // 16)

    @property
    def left_pitch(self) -> int:
        """Bytes from row to row in shared memory; eight rows lie in different banks."""
        return 32 * self.steps + 16

    @property
    def result_pitch(self) -> int:
        """The same of the results."""
        return 2 * self.n + (16 if self.n % 16 == 0 else 0)

    @property
    def results(self) -> int:
        """Parts of results a warp has: two where what is added comes there ahead."""
        return 2 if self.finish.image else 1

    @property
    def weight_bytes(self) -> int:
        """Of all weights, in whole steps."""
        return 32 * self.steps * self.n

    @property
    def warp_bytes(self) -> int:
        """Of a warp's own parts."""
        return self.rows * (2 * self.left_pitch + self.results * self.result_pitch)

    @property
    def row_bytes(self) -> int:
        """Of operands with one value a column."""
        return -(-2 * self.finish.rows * self.n // 16) * 16

    @property
    def shared_bytes(self) -> int:
        """Of a block."""
        return self.weight_bytes + self.row_bytes + self.warps * self.warp_bytes

    @property
    def blocks(self) -> int:
        """Of a multiprocessor."""
        return max(1, min(_MOST_WARPS // self.warps, _SHARED // (self.shared_bytes + 1024)))


def bring_text(
    thin: Thin, name: str, source: str, place: tuple[int, int, int], *, aligned: bool
) -> list[str]:
    """A closure that copies a part's rows of so many columns into shared memory.

    Args:
        thin: Extents.
        name: Of the closure.
        source: The parameter.
        place: Columns, elements from row to row there, bytes from row to row here.
        aligned: Runs are copied as one.
    """
    columns, pitch, held = place
    runs = columns // RUN
    whole = thin.rows * runs % _WARP == 0
    copy = [f"copy16(shared_address(to), ok ? {source} + from : {source}, ok);"]
    if not aligned:
        copy = [
            (
                f"for (int e = 0; e < {RUN}; ++e) "
                "reinterpret_cast<unsigned short*>(to)[e] = "
                f"ok ? {source}[from + e].bits : (unsigned short)0;"
            )
        ]
    return [
        f"auto bring_{name} = [&](unsigned char* const place, int part) {{",
        "  #pragma unroll",
        f"  for (int u = 0; u < {-(-thin.rows * runs // _WARP)}; ++u) {{",
        f"    const int i = u * {_WARP} + lane, y = i / {runs}, x = i % {runs};",
        *([] if whole else [f"    if (i >= {thin.rows * runs}) continue;"]),
        f"    const int row = part * {thin.rows} + y;",
        f"    const bool ok = row < {thin.m};",
        f"    const i64 from = (i64)row * {pitch} + x * {RUN};",
        f"    unsigned char* const to = place + y * {held} + x * 16;",
        *(f"    {x}" for x in copy),
        "  }",
        "};",
    ]


def send_text(thin: Thin, *, aligned: bool) -> list[str]:
    """A part's rows, in whole runs."""
    runs = thin.n // RUN
    whole = thin.rows * runs % _WARP == 0
    copy = ["*reinterpret_cast<uint4*>(c + to) = *reinterpret_cast<const uint4*>(from);"]
    if not aligned:
        copy = [
            (
                f"for (int e = 0; e < {RUN}; ++e) "
                "c[to + e].bits = reinterpret_cast<const unsigned short*>(from)[e];"
            )
        ]
    return [
        "#pragma unroll",
        f"for (int u = 0; u < {-(-thin.rows * runs // _WARP)}; ++u) {{",
        f"  const int i = u * {_WARP} + lane, y = i / {runs}, x = i % {runs};",
        f"  const int row = part * {thin.rows} + y;",
        f"  if ({'' if whole else f'i >= {thin.rows * runs} || '}row >= {thin.m}) continue;",
        f"  const i64 to = (i64)row * {thin.pitches[1]} + x * {RUN};",
        f"  const unsigned char* const from = result + y * {thin.result_pitch} + x * 16;",
        *(f"  {x}" for x in copy),
        "}",
    ]

"""The text of the kernel that convolves images straight from where they lie.

Blocks stay: each takes one part of the results after the other, and while it multiplies, its
part of the image for the next ones is on its way. Weights are brought once.
"""

from dataclasses import dataclass

from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import Kernel
from trtlab.kernels.cuda.contraction import Contraction, begin_row, finish
from trtlab.kernels.cuda.per_element import given
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.text import MULTIPROCESSORS, Writer
from trtlab.tactics.problem import Problem

_RUN = 8
_LANES = 32


@dataclass(frozen=True, slots=True)
class Window:
    """Extents of the kernel for one problem.

    Attributes:
        rows: Result rows of a part.
        wide: Tiles of sixteen result columns of a part.
        tiles: Tiles of a warp.
        blocks: That a multiprocessor holds at once.
        maps: Of a block, a multiple of 32.
        pairs: Pairs of columns under a row of a window: 1, 2 or 4.
        steps: Of the sum, each of eight pairs.
        lead: Taps of zeros before the first, so that pairs begin at even columns.
        left: Columns of zeros before the image, ``lead`` included.
        top: Rows of zeros above the image.
        down: Rows from one window to the next.
        pitch: Pairs from one row in shared memory to the next.
        taps: Rows of a window.
        channels: Of the image.
    """

    rows: int
    wide: int
    tiles: int
    blocks: int
    maps: int
    pairs: int
    steps: int
    lead: int
    left: int
    top: int
    down: int
    pitch: int
    taps: int
    channels: int

    @property
    def warps(self) -> int:
        """Of a block."""
        return -(-self.rows * self.wide // self.tiles)

    @property
    def lines(self) -> int:
        """Image rows under a part."""
        return (self.rows - 1) * self.down + self.taps

    @property
    def used(self) -> int:
        """Pairs of columns under a part."""
        return 16 * self.wide + self.pairs - 1

    @property
    def weight_bytes(self) -> int:
        """Of a block's weights."""
        return self.steps * self.maps * 32

    @property
    def words(self) -> int:
        """Pairs of a part of the image in shared memory."""
        return self.channels * self.lines * self.pitch

    @property
    def shared_bytes(self) -> int:
        """Of a block: its weights, the part at work and the next one."""
        return self.weight_bytes + 2 * 4 * self.words


def window_kernel(
    problem: Problem,
    form: Contraction,
    found: Window,
    name: str,
    *,
    image_aligned: bool,
    aligned: bool,
) -> Kernel:
    """The kernel.

    Args:
        problem: The convolution.
        form: The same as a product; its end is what happens to the sums.
        found: Extents.
        name: Of the tactic.
        image_aligned: The image's address is a multiple of 16 bytes.
        aligned: Those of the result and of what is added are.
    """
    n, maps, rows, columns = problem.outputs[0].shape
    down, across = -(-rows // found.rows), -(-columns // (16 * found.wide))
    parts = n * down * across
    threads = found.warps * _LANES
    columns_of_weights = -(-maps // found.maps)
    at_once = max(1, MULTIPROCESSORS * found.blocks // columns_of_weights)
    vectors, tiles = found.weight_bytes // 16, found.maps // 8
    kind = "bf16" if form.right.dtype is DataType.BF16 else "f16"
    origin = [
        f"const int q0 = part % {across} * {16 * found.wide};",
        f"const int p0 = part / {across} % {down} * {found.rows};",
        f"const int number = part / {across * down};",
    ]
    writer = Writer(name, problem)
    writer.parameters = form.parameters()
    writer.top.append(_MULTIPLY.replace("KIND", kind))
    writer.add(
        "extern __shared__ __align__(128) unsigned char shared[];",
        "uint4* weights = reinterpret_cast<uint4*>(shared);",
        f"unsigned* image = reinterpret_cast<unsigned*>(shared + {found.weight_bytes});",
        "const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;",
        *_bring(problem, found, origin, image_aligned=image_aligned),
        "int part = blockIdx.x, turn = 0;",
        "bring(part);",
        f"const uint4* from = reinterpret_cast<const uint4*>(b) + blockIdx.y * {vectors};",
        "#pragma unroll 4",
        f"for (int e = threadIdx.x; e < {vectors}; e += {threads}) weights[e] = from[e];",
        "keep(image);",
        f"int base[{found.tiles}];",
        "#pragma unroll",
        f"for (int i = 0; i < {found.tiles}; ++i) {{",
        f"  const int tile = min(warp * {found.tiles} + i, {found.rows * found.wide - 1});",
        f"  base[i] = tile / {found.wide} * {found.down * found.pitch}",
        f"      + tile % {found.wide} * 16 + lane / 4 + lane % {found.pairs};",
        "}",
        f"for (; part < {parts}; part += gridDim.x) {{",
        "  __syncthreads();",
        "  const int next = part + gridDim.x;",
        f"  if (next < {parts}) bring(next);",
        f"  const unsigned* now = image + turn * {found.words};",
        f"  float sum[{found.tiles}][{tiles}][4] = {{}};",
    )
    for step in range(found.steps):
        writer.add(*(f"  {line}" for line in _step(found, step, tiles)))
    stored = _store(form, found, (maps, rows, columns), aligned=aligned)
    writer.add(
        *(f"  {line}" for line in (*origin, *stored)),
        "  turn ^= 1;",
        f"  if (next < {parts}) keep(image + turn * {found.words});",
        "}",
    )
    return writer.kernel(
        "window_stem",
        (min(parts, at_once), columns_of_weights, 1),
        (threads, 1, 1),
        shared_bytes=found.shared_bytes,
        min_blocks=found.blocks,
    )


_MULTIPLY = """
__device__ __forceinline__ void multiply(float* c, const unsigned* a, unsigned b0, unsigned b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.KIND.KIND.f32 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
""".strip()


def _bring(
    problem: Problem, found: Window, origin: list[str], *, image_aligned: bool
) -> list[str]:
    """Two closures: a part of the image into registers, and from there, rounded, into memory.

    A warp brings whole rows of pairs, so that rows cost no arithmetic in its lanes.
    """
    x, result = given(problem, 0), given(problem, 1).dtype
    source, kind = C_TYPES[x.dtype], C_TYPES[result]
    lines = found.channels * found.lines
    rows, runs = -(-lines // found.warps), -(-found.used // _LANES)
    even = all(step % 2 == 0 for step in (*x.strides[:3], x.shape[3]))
    value = "held[y][u].v[{0}]"
    value = value if x.dtype is result else f"Narrow<{kind}>::of(wide({value}))"
    column = x.strides[3]
    load = [
        f"if (j >= 0 && j < {x.shape[3]}) held[y][u].v[0] = line[(i64)j * {column}];",
        f"if (j >= -1 && j < {x.shape[3] - 1}) held[y][u].v[1] = line[(i64)(j + 1) * {column}];",
    ]
    if image_aligned and even and column == 1:
        pair = f"*reinterpret_cast<const Vec<{source}, 2>*>(line + j)"
        load = [f"if (j >= 0 && j < {x.shape[3]}) held[y][u] = {pair};"]
    each_row = [
        "#pragma unroll",
        f"for (int y = 0; y < {rows}; ++y) {{",
        f"  const int row = y * {found.warps} + warp;",
    ]
    each_run = [
        "  #pragma unroll",
        f"  for (int u = 0; u < {runs}; ++u) {{",
        f"    const int w = u * {_LANES} + lane;",
    ]
    return [
        f"Vec<{source}, 2> held[{rows}][{runs}];",
        "auto bring = [&](int part) {",
        *(f"  {line}" for line in (*origin, *each_row)),
        f"    const int i = p0 * {found.down} + row % {found.lines} - {found.top};",
        f"    const bool inside = row < {lines} && i >= 0 && i < {x.shape[2]};",
        f"    const {source}* line = a + (i64)number * {x.strides[0]}",
        f"        + (i64)(row / {found.lines}) * {x.strides[1]} + (i64)i * {x.strides[2]};",
        *(f"  {line}" for line in each_run),
        f"      const int j = 2 * (q0 + w) - {found.left};",
        "      held[y][u] = {};",
        f"      if (!inside || w >= {found.used}) continue;",
        *(f"      {line}" for line in load),
        "    }",
        "  }",
        "};",
        "auto keep = [&](unsigned* to) {",
        *(f"  {line}" for line in (*each_row, *each_run)),
        f"      const unsigned low = {value.format(0)}.bits, high = {value.format(1)}.bits;",
        f"      if (row < {lines} && w < {found.used})",
        f"        to[row * {found.pitch} + w] = low | high << 16;",
        "    }",
        "  }",
        "};",
    ]


def _step(found: Window, step: int, tiles: int) -> list[str]:
    """Sixteen terms of all sums of a warp."""
    first = step * (tiles // 2)
    return [
        "{",
        f"  uint4 w[{tiles // 2}];",
        "  #pragma unroll",
        f"  for (int j = 0; j < {tiles // 2}; ++j)",
        f"    w[j] = weights[({first} + j) * {_LANES} + lane];",
        f"  const int at0 = {lanes_row(found, step, 0)};",
        f"  const int at1 = {lanes_row(found, step, 1)};",
        "  #pragma unroll",
        f"  for (int i = 0; i < {found.tiles}; ++i) {{",
        "    const unsigned* at = now + base[i];",
        "    const unsigned v[4] = {at[at0], at[at0 + 8], at[at1], at[at1 + 8]};",
        "    #pragma unroll",
        f"    for (int j = 0; j < {tiles // 2}; ++j) {{",
        "      multiply(sum[i][2 * j], v, w[j].x, w[j].y);",
        "      multiply(sum[i][2 * j + 1], v, w[j].z, w[j].w);",
        "    }",
        "  }",
        "}",
    ]


def lanes_row(found: Window, step: int, half: int) -> str:
    """Where the row of taps of a lane's pair begins; a choice where lanes read several rows."""
    first = (step * 8 + half * 4) // found.pairs
    places: list[int] = []
    for row in range(first, first + 4 // found.pairs):
        channel, tap = divmod(row, found.taps)
        # Behind the last row weights are zero, and any number in the image will do.
        place = (channel * found.lines + tap) * found.pitch
        places.append(place if channel < found.channels else 0)
    text = str(places[-1])
    for number in range(len(places) - 2, -1, -1):
        text = f"lane % 4 / {found.pairs} == {number} ? {places[number]} : {text}"
    return text


def _store(
    form: Contraction, found: Window, extents: tuple[int, int, int], *, aligned: bool
) -> list[str]:
    """Four lanes hold 32 neighbouring maps of a result, eight each, and store whole sectors."""
    maps, rows, columns = extents
    runs: list[str] = []
    for run in range(found.maps // 4 // _RUN):
        values = [f"s[{4 * run + v // 2}][h * 2 + {v % 2}]" for v in range(_RUN)]
        runs += [
            "{",
            f"  const int n = blockIdx.y * {found.maps} + {32 * run} + lane % 4 * {_RUN};",
            f"  if (n < {maps}) {{",
            *(f"    {line}" for line in finish(form, values, aligned=aligned)),
            "  }",
            "}",
        ]
    return [
        "const int bi = 0;",
        "#pragma unroll",
        f"for (int i = 0; i < {found.tiles}; ++i) {{",
        f"  const int tile = warp * {found.tiles} + i;",
        "  #pragma unroll",
        "  for (int h = 0; h < 2; ++h) {",
        f"    const int p = p0 + tile / {found.wide};",
        f"    const int q = q0 + tile % {found.wide} * 16 + h * 8 + lane / 4;",
        f"    if (tile >= {found.rows * found.wide} || p >= {rows} || q >= {columns})",
        "      continue;",
        f"    const int m = (number * {rows} + p) * {columns} + q;",
        "    const auto& s = sum[i];",
        *(f"    {line}" for line in (*begin_row(form), *runs)),
        "  }",
        "}",
    ]

"""The text of the kernel that convolves images straight from where they lie."""

from dataclasses import dataclass

from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import Kernel
from trtlab.kernels.cuda.contraction import Contraction, begin_row, finish
from trtlab.kernels.cuda.per_element import given
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.text import Writer
from trtlab.tactics.problem import Problem

_RUN = 8
_LANES = 32


@dataclass(frozen=True, slots=True)
class Window:
    """Extents of the kernel for one problem.

    Attributes:
        rows: Result rows of a block.
        wide: Tiles of sixteen result columns of a block.
        tiles: Tiles of a warp.
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
        """Image rows that a block needs."""
        return (self.rows - 1) * self.down + self.taps

    @property
    def weight_bytes(self) -> int:
        """Of a block's weights."""
        return self.steps * self.maps * 32

    @property
    def shared_bytes(self) -> int:
        """Of a block."""
        return self.weight_bytes + 4 * self.channels * self.lines * self.pitch


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
    threads = found.warps * _LANES
    tiles = found.maps // 8
    writer = Writer(name, problem)
    writer.parameters = form.parameters()
    kind = "bf16" if form.right.dtype is DataType.BF16 else "f16"
    writer.top.append(_MULTIPLY.replace("KIND", kind))
    writer.add(
        f"__shared__ uint4 weights[{found.weight_bytes // 16}];",
        f"__shared__ unsigned image[{found.channels * found.lines * found.pitch}];",
        f"const int q0 = blockIdx.x % {across} * {16 * found.wide};",
        f"const int p0 = blockIdx.x / {across} % {down} * {found.rows};",
        f"const int image_number = blockIdx.x / {across * down};",
        "const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;",
        f"const uint4* from = reinterpret_cast<const uint4*>(b) + blockIdx.y * "
        f"{found.weight_bytes // 16};",
        "#pragma unroll 4",
        f"for (int e = threadIdx.x; e < {found.weight_bytes // 16}; e += {threads})",
        "  weights[e] = from[e];",
        *_fill(problem, found, threads, image_aligned=image_aligned),
        "__syncthreads();",
        f"float sum[{found.tiles}][{tiles}][4] = {{}};",
        f"int base[{found.tiles}];",
        "#pragma unroll",
        f"for (int i = 0; i < {found.tiles}; ++i) {{",
        f"  const int tile = min(warp * {found.tiles} + i, {found.rows * found.wide - 1});",
        f"  base[i] = tile / {found.wide} * {found.down * found.pitch} "
        f"+ tile % {found.wide} * 16 + lane / 4 + lane % {found.pairs};",
        "}",
    )
    for step in range(found.steps):
        writer.add(*_step(found, step, tiles))
    writer.add(*_store(form, found, (maps, rows, columns), aligned=aligned))
    grid = (n * down * across, -(-maps // found.maps), 1)
    return writer.kernel("window_stem", grid, (threads, 1, 1))


_MULTIPLY = """
__device__ __forceinline__ void multiply(float* c, const unsigned* a, unsigned b0, unsigned b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.KIND.KIND.f32 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
""".strip()


def _fill(problem: Problem, found: Window, threads: int, *, image_aligned: bool) -> list[str]:
    """Statements that bring the block's part of the image, rounded, pair by pair."""
    x, kind = given(problem, 0), C_TYPES[given(problem, 1).dtype]
    source = C_TYPES[x.dtype]
    used = 16 * found.wide + found.pairs - 1
    even = all(step % 2 == 0 for step in (*x.strides[:3], x.shape[3]))
    value = "s.v[{0}]" if x.dtype is given(problem, 1).dtype else None
    value = value or f"Narrow<{kind}>::of(wide(s.v[{{0}}]))"
    at = f"line + (i64)j * {x.strides[3]}"
    if image_aligned and even and x.strides[3] == 1:
        load = [
            f"    if (j >= 0 && j < {x.shape[3]}) "
            f"s = *reinterpret_cast<const Vec<{source}, 2>*>({at});"
        ]
    else:
        load = [
            f"    if (j >= 0 && j < {x.shape[3]}) s.v[0] = *({at});",
            f"    if (j >= -1 && j < {x.shape[3] - 1}) s.v[1] = *({at} + {x.strides[3]});",
        ]
    return [
        "#pragma unroll 8",
        f"for (int e = threadIdx.x; e < {found.channels * found.lines * used}; "
        f"e += {threads}) {{",
        f"  const int w = e % {used}, r = e / {used} % {found.lines}, "
        f"c = e / {used * found.lines};",
        f"  const int i = p0 * {found.down} + r - {found.top}, j = 2 * (q0 + w) - {found.left};",
        f"  Vec<{source}, 2> s = {{}};",
        f"  if (i >= 0 && i < {x.shape[2]}) {{",
        f"    const {source}* line = a + (i64)image_number * {x.strides[0]} "
        f"+ (i64)c * {x.strides[1]} + (i64)i * {x.strides[2]};",
        *load,
        "  }",
        f"  image[(c * {found.lines} + r) * {found.pitch} + w] = "
        f"(unsigned){value.format(0)}.bits | (unsigned){value.format(1)}.bits << 16;",
        "}",
    ]


def _step(found: Window, step: int, tiles: int) -> list[str]:
    """Sixteen terms of all sums of a warp."""
    lines = ["{", f"  uint4 w[{tiles // 2}];"]
    lines += [
        f"  w[{pair}] = weights[{(step * (tiles // 2) + pair) * _LANES} + lane];"
        for pair in range(tiles // 2)
    ]
    for half in range(2):
        lines.append(f"  const int at{half} = {_row(found, step, half)};")
    return [
        *lines,
        "  #pragma unroll",
        f"  for (int i = 0; i < {found.tiles}; ++i) {{",
        "    const unsigned* from = image + base[i];",
        "    const unsigned v[4] = {from[at0], from[at0 + 8], from[at1], from[at1 + 8]};",
        "    #pragma unroll",
        f"    for (int j = 0; j < {tiles // 2}; ++j) {{",
        "      multiply(sum[i][2 * j], v, w[j].x, w[j].y);",
        "      multiply(sum[i][2 * j + 1], v, w[j].z, w[j].w);",
        "    }",
        "  }",
        "}",
    ]


def _row(found: Window, step: int, half: int) -> str:
    """Where the row of taps of a lane's pair begins; a choice where lanes read several rows."""
    first = (step * 8 + half * 4) // found.pairs
    places: list[int] = []
    for row in range(first, first + 4 // found.pairs):
        channel, tap = divmod(row, found.taps)
        # Behind the last row weights are zero, and any number in the image will do.
        place = (channel * found.lines + tap) * found.pitch
        places.append(place if channel < found.channels else 0)
    if len(places) == 1:
        return str(places[0])
    which = f"lane % 4 / {found.pairs}"
    text = str(places[-1])
    for number in range(len(places) - 2, -1, -1):
        text = f"{which} == {number} ? {places[number]} : {text}"
    return text


def _store(
    form: Contraction, found: Window, extents: tuple[int, int, int], *, aligned: bool
) -> list[str]:
    """Each lane holds runs of neighbouring maps of two results a tile."""
    maps, rows, columns = extents
    each = found.maps // 4
    runs: list[str] = []
    for run in range(each // _RUN):
        values = [f"s[{4 * run + v // 2}][h * 2 + {v % 2}]" for v in range(_RUN)]
        runs += [
            "{",
            f"  const int n = blockIdx.y * {found.maps} + lane % 4 * {each} + {run * _RUN};",
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
        f"    if (tile >= {found.rows * found.wide} || p >= {rows} || q >= {columns}) continue;",
        f"    const int m = (image_number * {rows} + p) * {columns} + q;",
        "    const auto& s = sum[i];",
        *(f"    {line}" for line in (*begin_row(form), *runs)),
        "  }",
        "}",
    ]

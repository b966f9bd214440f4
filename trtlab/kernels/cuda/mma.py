"""Contractions on the tensor cores: FP16 and BF16 factors, float32 sums.

Tiles of both factors go through shared memory by asynchronous copies of 16 bytes, several tiles
ahead; warps multiply 16 × 8 × 16 blocks (``mma.sync``). A factor whose elements do not come in
aligned runs of eight is loaded element by element.
"""

from dataclasses import dataclass
from math import prod
from typing import Literal

from trtlab.core.types import DataType, StaticShape
from trtlab.devices.cuda.kernel import Kernel
from trtlab.kernels.cuda.contraction import (
    Contraction,
    Reader,
    begin_row,
    element_at,
    finish,
    k_setup,
    offset,
    row_setup,
    row_variables,
    runs_fit,
)
from trtlab.kernels.cuda.text import Writer
from trtlab.tactics.problem import Problem

Mode = Literal["k", "row", "scalar"]
_RUN = 8  # elements of a 16-byte copy
_PAD = 8
_WARP = 32

INTRINSICS = r"""
__device__ __forceinline__ unsigned shared_address(const void* p) {
  return (unsigned)__cvta_generic_to_shared(p);
}
__device__ __forceinline__ void copy16(unsigned to, const void* from, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               :: "r"(to), "l"(__cvta_generic_to_global(from)), "r"(valid ? 16 : 0));
}
__device__ __forceinline__ void commit() { asm volatile("cp.async.commit_group;"); }
template <int N> __device__ __forceinline__ void wait_for() {
  asm volatile("cp.async.wait_group %0;" :: "n"(N));
}
__device__ __forceinline__ void load4(unsigned (&r)[4], unsigned at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at));
}
__device__ __forceinline__ void load4_turned(unsigned (&r)[4], unsigned at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at));
}
__device__ __forceinline__ void turn_quad(float (&v)[4]) {
  const bool odd = threadIdx.x & 1, upper = threadIdx.x & 2;
  float a = __shfl_xor_sync(0xffffffffu, odd ? v[0] : v[1], 1);
  float b = __shfl_xor_sync(0xffffffffu, odd ? v[2] : v[3], 1);
  if (odd) { v[0] = a; v[2] = b; } else { v[1] = a; v[3] = b; }
  a = __shfl_xor_sync(0xffffffffu, upper ? v[0] : v[2], 2);
  b = __shfl_xor_sync(0xffffffffu, upper ? v[1] : v[3], 2);
  if (upper) { v[0] = a; v[1] = b; } else { v[2] = a; v[3] = b; }
}
""".strip()


@dataclass(frozen=True, slots=True)
class MmaTile:
    """Tile extents of a block, of a warp, and how many tiles are under way."""

    m: int
    n: int
    k: int
    wm: int
    wn: int
    stages: int

    @property
    def threads(self) -> int:
        """Of a block."""
        return (self.m // self.wm) * (self.n // self.wn) * _WARP

    def __str__(self) -> str:
        return f"{self.m}x{self.n}x{self.k}s{self.stages}"


def reader_mode(reader: Reader, k: StaticShape, rows: StaticShape, *, aligned: bool) -> Mode:
    """How a factor's tile is loaded."""
    outer = [*reader.batch]
    if not aligned:
        return "scalar"
    steps = [axis.step for axis in reader.window]
    if reader.k[-1] == 1 and k[-1] % _RUN == 0:
        if all(s % _RUN == 0 for s in (*outer, *reader.rows, *reader.k[:-1], *steps)):
            return "k"
    if not reader.window and reader.rows[-1] == 1 and rows[-1] % _RUN == 0:
        if all(s % _RUN == 0 for s in (*outer, *reader.rows[:-1], *reader.k)):
            return "row"
    return "scalar"


class _Factor:
    """The text of one factor's loads."""

    def __init__(self, form: Contraction, tile: MmaTile, side: str, *, aligned: bool) -> None:
        left = side == "a"
        self.side = side
        self.form = form
        self.tile = tile
        self.reader = form.left if left else form.right
        self.extents = form.m if left else form.n
        self.rows = tile.m if left else tile.n
        self.origin = "m0" if left else "n0"
        self.count = prod(self.extents)
        self.mode = reader_mode(self.reader, form.k, self.extents, aligned=aligned)
        turned = self.mode == "row"
        self.pitch = (self.rows if turned else tile.k) + _PAD
        self.elements = (tile.k if turned else self.rows) * self.pitch
        if self.mode == "scalar":
            self.slots = self.rows * tile.k // tile.threads
        else:
            self.slots = -(-(self.rows * tile.k // _RUN) // tile.threads)

    def setup(self) -> list[str]:
        """Once a block: batch offset, and for each slot its row."""
        s, tile = self.side, self.tile
        lines = [
            *offset("bi", self.form.batch, self.reader.batch, f"{s}_batch", f"{s}z"),
            f"{s} += {s}_batch;",
        ]
        if self.mode == "row":
            return lines
        per_row = tile.k // _RUN if self.mode == "k" else tile.k
        self.per_row = per_row
        lines += row_variables(self.reader, s, f"[{self.slots}]")
        return [
            *lines,
            f"bool {s}_live[{self.slots}];",
            "#pragma unroll",
            f"for (int i = 0; i < {self.slots}; ++i) {{",
            f"  const int r = (threadIdx.x + i * {tile.threads}) / {per_row};",
            f"  int row = {self.origin} + r;",
            f"  {s}_live[i] = row < {self.count} && r < {self.rows};",
            f"  if (!{s}_live[i]) row = 0;",
            *(f"  {x}" for x in row_setup(self.reader, "row", self.extents, s, "[i]")),
            "}",
        ]

    def load(self) -> list[str]:
        """One tile: sees ``step`` and ``to`` (first byte in shared memory)."""
        return self._load_rows() if self.mode == "row" else self._load_k()

    def _load_k(self) -> list[str]:
        s, tile = self.side, self.tile
        total = self.form.sizes[3]
        lines, at, valid = element_at(self.reader, s, "[i]")
        scalar = self.mode == "scalar"
        run = 1 if scalar else _RUN
        uniform = tile.threads % self.per_row == 0
        find = [
            f"const int kr = {{0}} % {self.per_row} * {run};",
            f"int kf = step * {tile.k} + kr;",
            f"const bool {s}_in = kf < {total};",
            f"if (!{s}_in) kf = 0;",
            *k_setup(self.reader, "kf", self.form.k, s),
        ]
        slot = f"(threadIdx.x + i * {tile.threads})"
        outside = (
            [x.format("threadIdx.x") if "{0}" in x else x for x in find] if uniform else []
        )
        inside = [] if uniform else [x.format(slot) if "{0}" in x else x for x in find]
        place = f"{slot} / {self.per_row} * {self.pitch} + kr"
        cond = f"{s}_in && {s}_live[i]" + ("" if valid == "true" else f" && {valid}")
        guard = (
            ""
            if (self.rows * self.per_row) % tile.threads == 0
            else (f"if ({slot} < {self.rows * self.per_row}) ")
        )
        if scalar:
            store = [
                "unsigned short value = 0;",
                f"if ({cond}) value = {s}[{at}].bits;",
                f"{guard}reinterpret_cast<unsigned short*>(shared + to)[{place}] = value;",
            ]
        else:
            store = [
                f"const bool ok = {cond};",
                f"{guard}copy16(base + to + ({place}) * 2, ok ? {s} + ({at}) : {s}, ok);",
            ]
        return [
            "{",
            *outside,
            "#pragma unroll",
            f"for (int i = 0; i < {self.slots}; ++i) {{",
            *(f"  {x}" for x in (*inside, *lines, *store)),
            "}",
            "}",
        ]

    def _load_rows(self) -> list[str]:
        s, tile, runs = self.side, self.tile, self.rows // _RUN
        total = self.form.sizes[3]
        slot = f"(threadIdx.x + i * {tile.threads})"
        row = offset("row", self.extents, self.reader.rows, "at_row", "u")
        col = offset("kf", self.form.k, self.reader.k, "at_k", "w")
        whole = tile.k * runs
        guard = "" if whole % tile.threads == 0 else f"if ({slot} < {whole}) "
        return [
            "#pragma unroll",
            f"for (int i = 0; i < {self.slots}; ++i) {{",
            f"  const int kr = {slot} / {runs}, rr = {slot} % {runs} * {_RUN};",
            f"  int row = {self.origin} + rr, kf = step * {tile.k} + kr;",
            f"  const bool ok = row < {self.count} && kf < {total};",
            "  if (!ok) { row = 0; kf = 0; }",
            *(f"  {x}" for x in (*row, *col)),
            f"  {guard}copy16(base + to + (kr * {self.pitch} + rr) * 2, {s} + at_row + at_k, ok);",
            "}",
        ]

    def fragments(self, stage: str) -> list[str]:
        """Load the registers for one 16-deep slice ``kk``: ``fa`` or ``fb``."""
        s, turned = self.side, self.mode == "row"
        load = "load4_turned" if turned else "load4"
        if s == "a":
            count = self.tile.wm // 16
            row, deep = "(lane % 16)", "(lane / 16 * 8)"
            if turned:
                row, deep = "(lane / 8 % 2 * 8)", "(lane % 8 + lane / 16 * 8)"
            first = f"wm + i * 16 + {row}"
        else:
            count = self.tile.wn // 16
            row, deep = "(lane % 8 + lane / 16 * 8)", "(lane / 8 % 2 * 8)"
            if turned:
                row, deep = "(lane / 16 * 8)", "(lane % 8 + lane / 8 % 2 * 8)"
            first = f"wn + i * 16 + {row}"
        deep = f"kk * 16 + {deep}"
        place = (
            f"({deep}) * {self.pitch} + {first}"
            if turned
            else f"({first}) * {self.pitch} + {deep}"
        )
        return [
            "#pragma unroll",
            f"for (int i = 0; i < {count}; ++i) {load}(f{s}[i], base + {stage} + ({place}) * 2);",
        ]


def mma_kernel(
    form: Contraction,
    tile: MmaTile,
    tactic: str,
    problem: Problem,
    splits: int = 1,
    *,
    aligned: bool = True,
) -> Kernel:
    """The kernel; with several splits it adds up parts of k and stores them as float32."""
    batch, m, n, k = form.sizes
    a = _Factor(form, tile, "a", aligned=aligned)
    b = _Factor(form, tile, "b", aligned=aligned)
    steps = -(-k // tile.k)
    each = -(-steps // splits)
    stage = 2 * (a.elements + b.elements)
    writer = Writer(tactic, problem)
    writer.top += [INTRINSICS, multiply_text(form.left.dtype)]
    writer.parameters = (
        form.parameters()
        if splits == 1
        else [*form.parameters()[:2], "float* __restrict__ partial"]
    )
    mt, nt = tile.wm // 16, tile.wn // 8
    across = tile.n // tile.wn
    writer.add(
        "extern __shared__ __align__(128) unsigned char shared[];",
        "const unsigned base = shared_address(shared);",
        f"const int bi = blockIdx.z / {splits}, part = blockIdx.z % {splits};",
        f"const int m0 = blockIdx.y * {tile.m}, n0 = blockIdx.x * {tile.n};",
        f"const int lane = threadIdx.x % {_WARP}, warp = threadIdx.x / {_WARP};",
        f"const int wm = warp / {across} * {tile.wm}, wn = warp % {across} * {tile.wn};",
        f"float sum[{mt}][{nt}][4] = {{}};",
        f"const int first = part * {each};",
        f"const int last = min(first + {each}, {steps});",
        *a.setup(),
        *b.setup(),
        "auto fetch = [&](int step, int slot) {",
        f"  unsigned to = slot * {stage};",
        *(f"  {x}" for x in a.load()),
        f"  to += {2 * a.elements};",
        *(f"  {x}" for x in b.load()),
        "};",
        "#pragma unroll",
        f"for (int s = 0; s < {tile.stages - 1}; ++s) {{",
        "  if (first + s < last) fetch(first + s, s);",
        "  commit();",
        "}",
        "int slot = 0;",
        "for (int step = first; step < last; ++step) {",
        f"  wait_for<{tile.stages - 2}>();",
        "  __syncthreads();",
        f"  const int ahead = step + {tile.stages - 1};",
        f"  if (ahead < last) fetch(ahead, slot == 0 ? {tile.stages - 1} : slot - 1);",
        "  commit();",
        f"  const unsigned at_a = slot * {stage}, at_b = at_a + {2 * a.elements};",
        "  #pragma unroll",
        f"  for (int kk = 0; kk < {tile.k // 16}; ++kk) {{",
        f"    unsigned fa[{mt}][4], fb[{nt // 2}][4];",
        *(f"    {x}" for x in a.fragments("at_a")),
        *(f"    {x}" for x in b.fragments("at_b")),
        "    #pragma unroll",
        f"    for (int i = 0; i < {mt}; ++i)",
        "      #pragma unroll",
        f"      for (int j = 0; j < {nt}; ++j) "
        "multiply(sum[i][j], fa[i], fb[j / 2][j % 2 * 2], fb[j / 2][j % 2 * 2 + 1]);",
        "  }",
        f"  slot = slot == {tile.stages - 1} ? 0 : slot + 1;",
        "}",
    )
    writer.add(*_epilogue(form, tile, splits, batch, m, n, aligned=aligned))
    grid = (-(-n // tile.n), -(-m // tile.m), batch * splits)
    shared = stage * tile.stages
    return writer.kernel("contract_mma", grid, (tile.threads, 1, 1), shared_bytes=shared)


def multiply_text(dtype: DataType) -> str:
    """The multiplication of one 16 × 8 × 16 block in a type."""
    """The tensor core instruction for a type, as a device function."""
    kind = "bf16" if dtype is DataType.BF16 else "f16"
    return (
        "__device__ __forceinline__ void multiply("
        "float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {\n"
        f'  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.{kind}.{kind}.f32 "\n'
        '    "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"\n'
        '    : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])\n'
        '    : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));\n'
        "}"
    )


def _epilogue(
    form: Contraction,
    tile: MmaTile,
    splits: int,
    batch: int,
    m: int,
    n: int,
    *,
    aligned: bool,
) -> list[str]:
    """Rows of the tile; a quad of lanes holds pairs, which it turns into runs where it can."""
    at = f"(((i64)part * {batch} + bi) * {m} + m) * {n} + n"
    turned = tile.wn % 32 == 0 and (
        n % _RUN == 0
        if splits > 1
        else aligned and int(form.result.dtype.itemsize) == 2 and runs_fit(form, _RUN)
    )
    frame = [
        "#pragma unroll",
        f"for (int i = 0; i < {tile.wm // 8}; ++i) {{",
        "  const int m = m0 + wm + i / 2 * 16 + i % 2 * 8 + lane / 4;",
        f"  const bool inside = m < {m};",
    ]
    inner = (
        _runs(form, tile, splits, at, n)
        if turned
        else _pairs(form, tile, splits, at, n, aligned=aligned)
    )
    return [*frame, *(f"  {x}" for x in inner), "}"]


def _runs(form: Contraction, tile: MmaTile, splits: int, at: str, n: int) -> list[str]:
    """Four tiles at a time: each lane ends up with eight neighbours of one of them."""
    names = [f"g[{e}]" for e in range(_RUN)]
    if splits > 1:
        store = [
            f"float* to = partial + {at};",
            "*reinterpret_cast<Vec<float, 4>*>(to) = {g[0], g[1], g[2], g[3]};",
            "*reinterpret_cast<Vec<float, 4>*>(to + 4) = {g[4], g[5], g[6], g[7]};",
        ]
    else:
        store = [*begin_row(form), *finish(form, names, aligned=True)]
    return [
        "#pragma unroll",
        f"for (int j = 0; j < {tile.wn // 8}; j += 4) {{",
        "  float low[4], high[4], g[8];",
        "  #pragma unroll",
        "  for (int e = 0; e < 4; ++e) {",
        "    low[e] = sum[i / 2][j + e][i % 2 * 2];",
        "    high[e] = sum[i / 2][j + e][i % 2 * 2 + 1];",
        "  }",
        "  turn_quad(low);",
        "  turn_quad(high);",
        "  #pragma unroll",
        "  for (int e = 0; e < 4; ++e) { g[2 * e] = low[e]; g[2 * e + 1] = high[e]; }",
        "  const int n = n0 + wn + (j + lane % 4) * 8;",
        f"  if (inside && n < {n}) {{",
        *(f"    {x}" for x in store),
        "  }",
        "}",
    ]


def _pairs(
    form: Contraction, tile: MmaTile, splits: int, at: str, n: int, *, aligned: bool
) -> list[str]:
    """Pairs of neighbours as the multiplication leaves them, or single results."""
    pairs = n % 2 == 0 if splits > 1 else aligned and runs_fit(form)
    first = "n0 + wn + j * 8 + lane % 4 * 2"
    if pairs:
        inner = [f"const int n = {first};", f"if (n >= {n}) continue;"]
        if splits > 1:
            inner.append(
                f"*reinterpret_cast<Vec<float, 2>*>(partial + {at}) = {{s[0], s[1]}};"
            )
        else:
            inner += finish(form, ["s[0]", "s[1]"], aligned=True)
    else:
        one = (
            [f"partial[{at}] = s[v];"] if splits > 1 else finish(form, ["s[v]"], aligned=False)
        )
        inner = [
            "#pragma unroll",
            "for (int v = 0; v < 2; ++v) {",
            f"  const int n = {first} + v;",
            f"  if (n >= {n}) continue;",
            *(f"  {x}" for x in one),
            "}",
        ]
    return [
        "if (!inside) continue;",
        *(begin_row(form) if splits == 1 else []),
        "#pragma unroll",
        f"for (int j = 0; j < {tile.wn // 8}; ++j) {{",
        "  const float* s = &sum[i / 2][j][i % 2 * 2];",
        *(f"  {x}" for x in inner),
        "}",
    ]

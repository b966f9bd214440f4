"""Contractions on the ordinary arithmetic units: any type, any stride, exact float32.

A block computes a tile of the result from tiles of both factors in shared memory; each thread
holds a small square of sums.
"""

from dataclasses import dataclass

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
)
from trtlab.kernels.cuda.prelude import work_type
from trtlab.kernels.cuda.text import Writer, pointer
from trtlab.tactics.problem import Problem


@dataclass(frozen=True, slots=True)
class SimtTile:
    """Tile extents, and the square of sums of a thread."""

    m: int
    n: int
    k: int
    tm: int
    tn: int

    @property
    def threads(self) -> int:
        """Of a block."""
        return (self.m // self.tm) * (self.n // self.tn)

    def __str__(self) -> str:
        return f"{self.m}x{self.n}x{self.k}"


def simt_kernel(
    form: Contraction, tile: SimtTile, tactic: str, problem: Problem, splits: int = 1
) -> Kernel:
    """The kernel; with several splits it adds up parts of k and stores them as float32."""
    batch, m, n, k = form.sizes
    writer = Writer(tactic, problem)
    writer.parameters = form.parameters() if splits == 1 else _partial_parameters(form)
    kind = work_type(form.result.dtype)
    steps = -(-k // tile.k)
    each = -(-steps // splits)
    writer.add(
        f"__shared__ {kind} As[{tile.k}][{tile.m + 4}];",
        f"__shared__ {kind} Bs[{tile.k}][{tile.n + 4}];",
        f"const int bi = blockIdx.z / {splits}, part = blockIdx.z % {splits};",
        f"const int m0 = blockIdx.y * {tile.m}, n0 = blockIdx.x * {tile.n};",
        f"const int tn = threadIdx.x % {tile.n // tile.tn}, tm = threadIdx.x / {tile.n // tile.tn};",
        f"{kind} sum[{tile.tm}][{tile.tn}] = {{}};",
        f"const int first = part * {each};",
        f"const int last = min(first + {each}, {steps});",
    )
    writer.add(*_batch(form.left, form, "a"), *_batch(form.right, form, "b"))
    writer.add("for (int step = first; step < last; ++step) {")
    left = _fill(
        form.left, form, tile, side="a", rows=tile.m, extents=form.m, count=m, kind=kind
    )
    right = _fill(
        form.right, form, tile, side="b", rows=tile.n, extents=form.n, count=n, kind=kind
    )
    writer.add(*left, *right)
    writer.add(
        "  __syncthreads();",
        "  #pragma unroll",
        f"  for (int kk = 0; kk < {tile.k}; ++kk) {{",
        f"    {kind} av[{tile.tm}], bv[{tile.tn}];",
        "    #pragma unroll",
        f"    for (int i = 0; i < {tile.tm}; ++i) av[i] = As[kk][tm * {tile.tm} + i];",
        "    #pragma unroll",
        f"    for (int j = 0; j < {tile.tn}; ++j) bv[j] = Bs[kk][tn * {tile.tn} + j];",
        "    #pragma unroll",
        f"    for (int i = 0; i < {tile.tm}; ++i)",
        "      #pragma unroll",
        f"      for (int j = 0; j < {tile.tn}; ++j) sum[i][j] += av[i] * bv[j];",
        "  }",
        "  __syncthreads();",
        "}",
        "#pragma unroll",
        f"for (int i = 0; i < {tile.tm}; ++i) {{",
        f"  const int m = m0 + tm * {tile.tm} + i;",
        f"  if (m >= {m}) continue;",
        *(f"  {line}" for line in (begin_row(form) if splits == 1 else [])),
        "  #pragma unroll",
        f"  for (int j = 0; j < {tile.tn}; ++j) {{",
        f"    const int n = n0 + tn * {tile.tn} + j;",
        f"    if (n >= {n}) continue;",
    )
    if splits == 1:
        writer.add(*(f"    {line}" for line in finish(form, ["sum[i][j]"], aligned=False)))
    else:
        writer.add(
            f"    partial[(((i64)part * {batch} + bi) * {m} + m) * {n} + n] = (float)sum[i][j];"
        )
    writer.add("  }", "}")
    grid = (-(-n // tile.n), -(-m // tile.m), batch * splits)
    return writer.kernel("contract_simt", grid, (tile.threads, 1, 1))


def _partial_parameters(form: Contraction) -> list[str]:
    return [*form.parameters()[:2], pointer("float", "partial", written=True)]


def _batch(reader: Reader, form: Contraction, name: str) -> list[str]:
    lines = offset("bi", form.batch, reader.batch, f"{name}_batch", f"{name}z")
    return [*lines, f"{name} += {name}_batch;"]


def _fill(
    reader: Reader,
    form: Contraction,
    tile: SimtTile,
    *,
    side: str,
    rows: int,
    extents: tuple[int, ...],
    count: int,
    kind: str,
) -> list[str]:
    """Statements that load one factor's tile."""
    total = form.sizes[3]
    along_k = reader.k[-1] == 1 or reader.rows[-1] not in {0, 1} or bool(reader.window)
    if reader.window and reader.window[-1].step == 1:
        along_k = False
    where = (f"e % {tile.k}", f"e / {tile.k}") if along_k else (f"e / {rows}", f"e % {rows}")
    into = "As" if side == "a" else "Bs"
    lines, at, valid = element_at(reader, side)
    origin = "m0" if side == "a" else "n0"
    return [
        "  #pragma unroll",
        f"  for (int e = threadIdx.x; e < {rows * tile.k}; e += {tile.threads}) {{",
        f"    const int kr = {where[0]}, r = {where[1]};",
        f"    const int row = {origin} + r, kf = step * {tile.k} + kr;",
        f"    {kind} value = 0;",
        f"    if (row < {count} && kf < {total}) {{",
        *(f"      {line}" for line in row_variables(reader, side)),
        *(f"      {line}" for line in row_setup(reader, "row", extents, side)),
        *(f"      {line}" for line in k_setup(reader, "kf", form.k, side)),
        *(f"      {line}" for line in lines),
        f"      if ({valid}) value = wide({side}[{at}]);",
        "    }",
        f"    {into}[kr][r] = value;",
        "  }",
    ]

"""How sums leave the tensor cores: turned into runs of neighbours, finished and stored."""

from trtlab.kernels.cuda.contraction import Contraction, begin_row, finish, runs_fit
from trtlab.kernels.cuda.mma_load import RUN, MmaTile


def store_results(
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
        n % RUN == 0
        if splits > 1
        else aligned and int(form.result.dtype.itemsize) == 2 and runs_fit(form, RUN)
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
    names = [f"g[{e}]" for e in range(RUN)]
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

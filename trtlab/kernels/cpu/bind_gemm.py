"""Matrix products as commands: argument blocks and block sizes of the `gemm` kernel."""

from dataclasses import dataclass

import numpy as np

from trtlab.core.settings import settings
from trtlab.devices.cpu.program import Command
from trtlab.kernels.cpu import gemm as g
from trtlab.kernels.cpu.finishing import Finish, Rows, write_float
from trtlab.kernels.cpu.microkernel import TILE_COLUMNS, TILE_ROWS
from trtlab.kernels.cpu.sharing import new_counter, parts_a_thread

_CACHE_WAY_BYTES = 4096
"""Rows whose distance is a multiple of this share one set of a 32 KiB, 8-way cache."""
_K_BLOCK = 384
"""12 rows of this length are half of a 32 KiB first-level cache."""
_PANEL_BLOCK_BYTES = 512 * 1024
"""Half of a 1 MiB second-level cache."""


_PLAIN = Finish()


@dataclass(frozen=True, slots=True)
class Product:
    """C[b] = finish(alpha · A[b] × B[b]) for every batch b.

    Attributes:
        m: Rows of A and C.
        n: Columns of B and C.
        k: Columns of A, rows of B.
        a: A, or its transpose with ``a_transposed``.
        b: B: packed (one for all batches, alpha included), row-major or transposed.
        b_mode: ``gemm.PACKED``, ``ROW_MAJOR`` or ``TRANSPOSED``.
        c: Where the result goes.
        finish: What follows.
        batches: Outer and inner batches.
        alpha: Factor, where B is not packed.
        a_transposed: A lies as [k, m].
    """

    m: int
    n: int
    k: int
    a: Rows
    b: Rows
    c: Rows
    b_mode: int = g.PACKED
    finish: Finish = _PLAIN
    batches: tuple[int, int] = (1, 1)
    alpha: float = 1.0
    a_transposed: bool = False


def _k_block(product: Product) -> int:
    if product.m <= TILE_ROWS and not product.a_transposed and product.b_mode == g.PACKED:
        return max(product.k, 1)  # one tile: nothing of A or B is read twice
    longest = min(_K_BLOCK, g.MAX_COPIED_K)
    if product.b_mode != g.PACKED:
        longest = min(longest, g.PACK_ROOM)
    if product.k <= longest * 4 // 3 and product.b_mode == g.PACKED:
        longest = min(product.k, g.MAX_COPIED_K)
    blocks = max(1, -(-product.k // max(longest, 1)))
    even = -(-product.k // blocks)
    return max(1, min(-(-even // 4) * 4, longest))


def _copies_rows(product: Product) -> int:
    if product.a_transposed:
        return 2
    aliased = 4 * product.a.pitch % (_CACHE_WAY_BYTES // 2) == 0
    return int(aliased and product.m > TILE_ROWS // 2 and product.n > 3 * TILE_COLUMNS)


def bind_product(product: Product) -> Command:
    """The command that computes a product on its buffers."""
    block = np.zeros(g.BLOCK_FIELDS, np.int64)
    counter = new_counter()
    product.finish.write(block, product.c)
    k_block = _k_block(product)
    panels = max(1, _PANEL_BLOCK_BYTES // (4 * TILE_COLUMNS * k_block))
    if product.b_mode != g.PACKED:
        panels = max(1, g.PACK_ROOM // k_block)
    copies = _copies_rows(product) if k_block <= g.MAX_COPIED_K else 0
    residual = product.finish.residual or Rows(0, 0)
    outer, inner = product.batches
    flops = 2 * outer * inner * product.m * product.n * product.k
    fields = {
        g.COUNTER_AT: counter.ctypes.data,
        g.PARTS_AT: parts_a_thread(flops, settings().cpu_threads),
        g.A_AT: product.a.address,
        g.A_PITCH_AT: 4 * product.a.pitch,
        g.A_COPY_AT: copies,
        g.M_AT: product.m,
        g.K_AT: product.k,
        g.N_AT: product.n,
        g.B_AT: product.b.address,
        g.B_MODE_AT: product.b_mode,
        g.B_PITCH_AT: 4 * product.b.pitch,
        g.K_BLOCK_AT: k_block,
        g.PANEL_BLOCK_AT: panels,
        g.BATCHES_AT: outer * inner,
        g.INNER_BATCHES_AT: inner,
        g.A_OUTER_AT: 4 * product.a.outer,
        g.A_INNER_AT: 4 * product.a.inner,
        g.B_OUTER_AT: 4 * product.b.outer,
        g.B_INNER_AT: 4 * product.b.inner,
        g.OUTPUT_OUTER_AT: 4 * product.c.outer,
        g.OUTPUT_INNER_AT: 4 * product.c.inner,
        g.RESIDUAL_OUTER_AT: 4 * residual.outer,
        g.RESIDUAL_INNER_AT: 4 * residual.inner,
    }
    for offset, value in fields.items():
        block[offset // 8] = value
    write_float(block, g.ALPHA_AT, product.alpha)
    return Command(g.gemm.address, block, keep=(counter, *product.finish.keep))

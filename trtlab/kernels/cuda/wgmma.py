"""Matrix products on Hopper's warp groups: the copy engine feeds, tensor cores multiply.

Blocks stay and take tile after tile. One warp asks the copy engine for tiles of both factors,
several steps ahead; warp groups multiply them, 64 rows each, and finish their sums in chunks of
64 columns that leave through shared memory. An added operand of the result's shape comes in
through the chunks that the results leave by, loaded ahead by a second warp.
"""

from dataclasses import dataclass

from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import FOLLOW, Kernel
from trtlab.kernels.cuda.prelude import C_TYPES, literal
from trtlab.kernels.cuda.program import emit
from trtlab.kernels.cuda.text import Names, Writer
from trtlab.kernels.cuda.wgmma_text import DEEP, HOPPER, multiply_text
from trtlab.layers.pointwise import Program
from trtlab.tactics.problem import Problem

_GROUP = 128
_PRODUCERS = 64
_ROWS = 64
_CHUNK = _ROWS * DEEP * 2
_SHARED = 228 * 1024
_RESERVED = 1024
_BARRIER_BYTES = 512
_MULTIPROCESSORS = 132


@dataclass(frozen=True, slots=True)
class WgmmaTile:
    """Tile extents of a block and what it keeps under way.

    Attributes:
        groups: Warp groups that multiply, 64 rows each.
        n: Columns.
        stages: Pairs of factor tiles.
        chunks: Chunks of results a warp group has in flight.
        blocks: Of a multiprocessor.
    """

    groups: int
    n: int
    stages: int
    chunks: int
    blocks: int = 1

    @property
    def m(self) -> int:
        """Rows."""
        return self.groups * _ROWS

    @property
    def stage_bytes(self) -> int:
        """One pair of factor tiles."""
        return 2 * DEEP * (self.m + self.n)

    @property
    def chunk_bytes(self) -> int:
        """The chunks of all warp groups."""
        return self.groups * self.chunks * _CHUNK

    def shared_bytes(self, rows: int) -> int:
        """Of a block: stages, chunks, ``rows`` row operands of each group, barriers."""
        held = self.stages * self.stage_bytes + self.chunk_bytes
        return held + 2 * rows * self.groups * self.n + _BARRIER_BYTES

    def fits(self, rows: int) -> bool:
        """Whether as many blocks share a multiprocessor as it says."""
        return self.blocks * (self.shared_bytes(rows) + _RESERVED) <= _SHARED

    def __str__(self) -> str:
        return f"{self.m}x{self.n}s{self.stages}c{self.chunks}b{self.blocks}"


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


def wgmma_kernel(
    sizes: tuple[int, int, int],
    dtype: DataType,
    tile: WgmmaTile,
    finish: Finish,
    tactic: str,
    problem: Problem,
) -> Kernel:
    """The kernel; parameters: maps of a, b, c and of the image, then the row operands.

    Args:
        sizes: m, n and k.
        dtype: Of factors and result.
        tile: Tile extents.
        finish: What happens to the sums.
        tactic: Name, for the comment.
        problem: For the comment.
    """
    m, n, k = sizes
    across, down = -(-n // tile.n), -(-m // tile.m)
    writer = Writer(tactic, problem)
    writer.top += [HOPPER, multiply_text(tile.n, dtype)]
    maps = ["a", "b", "c", *(["image"] if finish.image else [])]
    writer.parameters = [f"const __grid_constant__ TensorMap map_{x}" for x in maps]
    for number in range(finish.rows):
        writer.pointer(f"row{number}", dtype)
    writer.add(
        *_setup(tile, finish, dtype),
        f"if (group == {tile.groups}) {{",
        *(f"  {x}" for x in _producers(tile, finish, across, across * down, n, k)),
        "} else {",
        *(f"  {x}" for x in _consumers(tile, finish, across, across * down, n, k, dtype)),
        "}",
    )
    blocks = min(across * down, tile.blocks * _MULTIPROCESSORS)
    threads = tile.groups * _GROUP + _PRODUCERS
    return writer.kernel(
        "product_wgmma",
        (blocks, 1, 1),
        (threads, 1, 1),
        shared_bytes=tile.shared_bytes(finish.rows),
        min_blocks=tile.blocks,
    )


def _setup(tile: WgmmaTile, finish: Finish, dtype: DataType) -> list[str]:
    chunks_at = tile.stages * tile.stage_bytes
    rows_at = chunks_at + tile.chunk_bytes
    bars_at = rows_at + 2 * finish.rows * tile.groups * tile.n
    kind, mine = C_TYPES[dtype], f"group * {finish.rows * tile.n}"
    lines = [
        "extern __shared__ __align__(1024) unsigned char shared[];",
        "const unsigned base = shared_address(shared);",
        "const int group = threadIdx.x / 128, warp = threadIdx.x / 32 % 4;",
        "const int lane = threadIdx.x % 32;",
        f"const unsigned full = base + {bars_at}, empty = full + {8 * tile.stages};",
        f"const unsigned chunks = base + {chunks_at};",
        f"{kind}* const rows = reinterpret_cast<{kind}*>(shared + {rows_at}) + {mine};",
        "if (threadIdx.x == 0) {",
        f"  for (int s = 0; s < {tile.stages}; ++s) {{",
        "    barrier_init(full + 8 * s, 1);",
        f"    barrier_init(empty + 8 * s, {4 * tile.groups});",
        "  }",
    ]
    if finish.image:
        lines[-5:-5] = [
            f"const unsigned came = empty + {8 * tile.stages};",
            f"const unsigned gone = came + {8 * tile.groups * tile.chunks};",
        ]
        lines += [
            f"  for (int s = 0; s < {tile.groups * tile.chunks}; ++s) {{",
            "    barrier_init(came + 8 * s, 1);",
            "    barrier_init(gone + 8 * s, 1);",
            "  }",
        ]
    return [
        *lines,
        '  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");',
        "}",
        "__syncthreads();",
        FOLLOW,
    ]


def _tiles(tile: WgmmaTile, across: int, count: int) -> list[str]:
    """The head of a block's loop over its tiles."""
    return [
        f"for (int t = blockIdx.x; t < {count}; t += gridDim.x) {{",
        f"  const int m0 = t / {across} * {tile.m}, n0 = t % {across} * {tile.n};",
    ]


def _producers(
    tile: WgmmaTile, finish: Finish, across: int, count: int, n: int, k: int
) -> list[str]:
    lines = [
        "if (warp == 0 && lane == 0) {",
        "  int slot = 0; unsigned phase = 1;",
        *(f"  {x}" for x in _tiles(tile, across, count)),
        f"    for (int k0 = 0; k0 < {k}; k0 += {DEEP}) {{",
        "      barrier_wait(empty + 8 * slot, phase);",
        f"      const unsigned to = base + slot * {tile.stage_bytes};",
        f"      barrier_expect(full + 8 * slot, {tile.stage_bytes});",
        "      tile_load(to, map_a, k0, m0, full + 8 * slot);",
        f"      tile_load(to + {2 * DEEP * tile.m}, map_b, k0, n0, full + 8 * slot);",
        f"      if (++slot == {tile.stages}) {{ slot = 0; phase ^= 1; }}",
        "    }",
        "  }",
        "}",
    ]
    if finish.image:
        lines += [
            "if (warp == 1 && lane == 0) {",
            "  int slot = 0; unsigned phase = 1;",
            *(f"  {x}" for x in _tiles(tile, across, count)),
            f"    for (int c = 0; c < {tile.n} && n0 + c < {n}; c += {DEEP}) {{",
            f"      for (int g = 0; g < {tile.groups}; ++g) {{",
            f"        const int at = g * {tile.chunks} + slot;",
            "        barrier_wait(gone + 8 * at, phase);",
            f"        barrier_expect(came + 8 * at, {_CHUNK});",
            f"        const unsigned to = chunks + at * {_CHUNK};",
            f"        tile_load(to, map_image, n0 + c, m0 + g * {_ROWS}, came + 8 * at);",
            "      }",
            f"      if (++slot == {tile.chunks}) {{ slot = 0; phase ^= 1; }}",
            "    }",
            "  }",
            "}",
        ]
    return lines


def _consumers(
    tile: WgmmaTile,
    finish: Finish,
    across: int,
    count: int,
    n: int,
    k: int,
    dtype: DataType,
) -> list[str]:
    steps = -(-k // DEEP)
    deep = range(DEEP // 16)
    return [
        "int slot = 0; unsigned phase = 0;",
        "int chunk = 0; unsigned turn = 0;",
        *_tiles(tile, across, count),
        *(f"  {x}" for x in _row_operands(tile, finish, n)),
        f"  float sum[{tile.n // 2}];",
        "  int before = 0;",
        f"  for (int step = 0; step < {steps}; ++step) {{",
        "    barrier_wait(full + 8 * slot, phase);",
        f"    const unsigned at = base + slot * {tile.stage_bytes};",
        f"    const unsigned long long a = tile_at(at + group * {2 * DEEP * _ROWS});",
        f"    const unsigned long long b = tile_at(at + {2 * DEEP * tile.m});",
        '    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");',
        "    multiply(sum, a, b, step > 0);",
        *(f"    multiply(sum, a + {2 * i}, b + {2 * i}, 1);" for i in deep if i),
        '    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");',
        "    if (step > 0) {",
        '      asm volatile("wgmma.wait_group.sync.aligned 1;" ::: "memory");',
        "      if (lane == 0) barrier_arrive(empty + 8 * before);",
        "    }",
        "    before = slot;",
        f"    if (++slot == {tile.stages}) {{ slot = 0; phase ^= 1; }}",
        "  }",
        '  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");',
        "  if (lane == 0) barrier_arrive(empty + 8 * before);",
        *(f"  {x}" for x in _finish(tile, finish, n, dtype)),
        "}",
        "if (threadIdx.x % 128 == 0) stores_read<0>();",
    ]


def _row_operands(tile: WgmmaTile, finish: Finish, n: int) -> list[str]:
    """Each group keeps the tile's row operands for itself, so that none waits for another."""
    return [
        f"for (int i = threadIdx.x % 128; i < {tile.n} && n0 + i < {n}; i += 128) "
        f"rows[{number * tile.n} + i] = row{number}[n0 + i];"
        for number in range(finish.rows)
    ]


def _finish(tile: WgmmaTile, finish: Finish, n: int, dtype: DataType) -> list[str]:
    """Sums to results, a chunk of 64 columns at a time; one thread a group sends them off."""
    kind = C_TYPES[dtype]
    first = "threadIdx.x % 128 == 0"
    if finish.image:
        ready = ["barrier_wait(came + 8 * at, turn);"]
        sent = [
            f"const int last = group * {tile.chunks} + (chunk ? chunk : {tile.chunks}) - 1;",
            "stores_read<1>();",
            "if (stored) barrier_arrive(gone + 8 * last);",
            "stored = true;",
        ]
    else:
        ready = [f"if ({first}) stores_read<{tile.chunks - 1}>();"]
        sent = []
    return [
        "bool stored = t != blockIdx.x;" if finish.image else "",
        "meet(1 + group);",
        "#pragma unroll",
        f"for (int c = 0; c < {tile.n // DEEP}; ++c) {{",
        f"  if (n0 + c * {DEEP} >= {n}) continue;",
        f"  const int at = group * {tile.chunks} + chunk;",
        f"  unsigned char* const held = shared + (chunks - base) + at * {_CHUNK};",
        *(f"  {x}" for x in ready),
        *([] if finish.image else ["  meet(1 + group);"]),
        "  #pragma unroll",
        "  for (int r = 0; r < 2; ++r) {",
        "    #pragma unroll",
        "    for (int j = 0; j < 8; ++j) {",
        "      const int column = c * 64 + j * 8 + lane % 4 * 2;",
        "      const int row = warp * 16 + r * 8 + lane / 4;",
        "      const int swizzled = row * 128 + ((j ^ (lane / 4)) << 4) + lane % 4 * 4;",
        f"      auto& place = *reinterpret_cast<Vec<{kind}, 2>*>(held + swizzled);",
        *(f"      {x}" for x in _element(tile, finish, kind, dtype)),
        "    }",
        "  }",
        '  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");',
        "  meet(1 + group);",
        f"  if ({first}) {{",
        f"    tile_store(map_c, n0 + c * {DEEP}, m0 + group * {_ROWS}, chunks + at * {_CHUNK});",
        *(f"    {x}" for x in sent),
        "  }",
        f"  if (++chunk == {tile.chunks}) {{ chunk = 0; turn ^= 1; }}",
        "}",
    ]


def _element(tile: WgmmaTile, finish: Finish, kind: str, dtype: DataType) -> list[str]:
    """Two neighbours of a row: program and bias on their sums, into their place."""
    fresh = Names("f")
    lines = [
        f"const Vec<{kind}, 2> r{number} = *reinterpret_cast<const Vec<{kind}, 2>*>("
        f"rows + {number * tile.n} + column);"
        for number in range(finish.rows)
    ]
    if finish.image:
        lines.append(f"const Vec<{kind}, 2> image = place;")
    lines.append(f"Vec<{kind}, 2> w;")
    results: list[str] = []
    for v in range(2):
        text = f"sum[(c * 8 + j) * 4 + r * 2 + {v}]"
        if finish.alpha != 1:
            text += f" * {literal(finish.alpha)}"
        if finish.biased:
            text += f" + wide(r0.v[{v}])"
        value = fresh()
        lines.append(f"const float {value} = {text};")
        operands, row = [value], int(finish.biased)
        for where in finish.operands:
            operands.append(
                f"wide(image.v[{v}])" if where == "image" else f"wide(r{row}.v[{v}])"
            )
            row += where == "row"
        steps, result = emit(finish.program, operands, dtype, fresh)
        lines += steps
        results.append(result)
    return [*lines, f"narrow2(w, {results[0]}, {results[1]});", "place = w;"]

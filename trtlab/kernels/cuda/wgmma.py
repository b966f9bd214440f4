"""Matrix products on Hopper's warp groups: the copy engine feeds, tensor cores multiply.

Blocks stay and take tile after tile. One warp asks the copy engine for tiles of both factors,
several steps ahead, and for the first weights before the kernel before is done; warp groups
multiply them and finish their sums (see `wgmma_finish`), together or in turns. An added operand of the
result's shape is loaded ahead by a second warp. Where tiles are few, a cluster of blocks shares
the sum of one tile, each a part of k (see `wgmma_split`). Rows of the left factor may be windows
of images (see `wgmma_window`).
"""

from trtlab.devices.cuda.kernel import Kernel
from trtlab.devices.cuda.neighbours import FOLLOW
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.text import MULTIPROCESSORS, Writer
from trtlab.kernels.cuda.wgmma_finish import finish_text, row_operands, row_text
from trtlab.kernels.cuda.wgmma_split import ahead_text, shared_finish_text
from trtlab.kernels.cuda.wgmma_text import (
    CLUSTER,
    DEEP,
    HOPPER,
    TURNS,
    WINDOW,
    multiply_text,
)
from trtlab.kernels.cuda.wgmma_tile import CHUNK, ROWS, Work
from trtlab.kernels.cuda.wgmma_window import load_text, place_text
from trtlab.tactics.problem import Problem

_GROUP = 128
_PRODUCERS = 64


def wgmma_kernel(work: Work, tactic: str, problem: Problem) -> Kernel:
    """The kernel; parameters: maps of a, b, c and of the image, then the row operands.

    Blocks that share sums write and add without the copy engine: c and the image are addresses.

    Args:
        work: The product.
        tactic: Name, for the comment.
        problem: For the comment.
    """
    tile, finish = work.tile, work.finish
    split = tile.splits > 1
    writer = Writer(tactic, problem)
    writer.top += [HOPPER, multiply_text(tile.n, work.dtype)]
    further = {CLUSTER: split, WINDOW: work.window is not None, TURNS: tile.turns}
    writer.top += [text for text, needed in further.items() if needed]
    for name in work.maps:
        writer.parameters.append(f"const __grid_constant__ TensorMap map_{name}")
    if split:
        writer.pointer("c", work.dtype, written=True)
        if finish.image:
            writer.pointer("added", work.dtype)
    for number in range(finish.rows):
        writer.pointer(f"row{number}", work.dtype)
    writer.add(
        *_setup(work),
        f"if (group == {tile.groups}) {{",
        *(f"  {x}" for x in (*_factors(work), *_image(work), *_meetings(work))),
        "} else {",
        *(f"  {x}" for x in _products(work)),
        "}",
    )
    most = tile.blocks * MULTIPROCESSORS
    return writer.kernel(
        "product_wgmma",
        (work.count * tile.splits if split else min(work.count, most), 1, 1),
        (tile.groups * _GROUP + _PRODUCERS, 1, 1),
        shared_bytes=tile.shared_bytes(finish.rows),
        min_blocks=tile.blocks,
        cluster=tile.splits,
    )


def _setup(work: Work) -> list[str]:
    tile, finish = work.tile, work.finish
    chunks_at = tile.stages * tile.stage_bytes
    rows_at = chunks_at + tile.chunk_bytes
    bars_at = rows_at + 2 * finish.rows * tile.groups * tile.n
    kind, mine = C_TYPES[work.dtype], f"group * {finish.rows * tile.n}"
    split = tile.splits > 1
    lines = [
        "extern __shared__ __align__(1024) unsigned char shared[];",
        "const unsigned base = shared_address(shared);",
        "const int group = threadIdx.x / 128, warp = threadIdx.x / 32 % 4;",
        "const int lane = threadIdx.x % 32;",
        f"const unsigned full = base + {bars_at}, empty = full + {8 * tile.stages};",
        f"const unsigned chunks = base + {chunks_at};",
        f"{kind}* const rows = reinterpret_cast<{kind}*>(shared + {rows_at}) + {mine};",
        f"const int part = {'cluster_rank()' if split else '0'};",
        f"const int first = part * {work.part};",
        f"const int last = min(first + {work.part}, {work.steps});",
    ]
    if "image" in work.maps:
        lines += [
            f"const unsigned came = empty + {8 * tile.stages};",
            f"const unsigned gone = came + {8 * tile.groups * tile.chunks};",
        ]
    lines += [
        "if (threadIdx.x == 0) {",
        f"  for (int s = 0; s < {tile.stages}; ++s) {{",
        "    barrier_init(full + 8 * s, 1);",
        f"    barrier_init(empty + 8 * s, {4 * tile.sharing});",
        "  }",
    ]
    if "image" in work.maps:
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
    ]


def _first(work: Work) -> str:
    """A block's first tile."""
    splits = work.tile.splits
    return "blockIdx.x" if splits == 1 else f"blockIdx.x / {splits}"


def _tiles(work: Work, *, own: bool = False) -> list[str]:
    """The head of a loop over a block's tiles, or a group's ``own``; a cluster takes one."""
    tile = work.tile
    if tile.splits > 1:
        head = f"for (int t = {_first(work)}, once = 1; once; once = 0) {{"
    elif own and tile.turns:
        apart = f"{tile.groups} * gridDim.x"
        head = (
            f"for (int t = blockIdx.x + group * gridDim.x; t < {work.count}; t += {apart}) {{"
        )
    else:
        head = f"for (int t = blockIdx.x; t < {work.count}; t += gridDim.x) {{"
    place = f"m0 = t / {work.across} * {tile.m}, n0 = t % {work.across} * {tile.n}"
    return [head, f"  const int {place};"]


def _factors(work: Work) -> list[str]:
    """The warp that asks for tiles of both factors."""
    tile = work.tile
    weights = (
        f"tile_load(to + {2 * DEEP * tile.m}, map_b, step * {DEEP}, n0, full + 8 * slot);"
    )
    return [
        "if (warp == 0 && lane == 0) {",
        "  int slot = 0, brought = 0; unsigned phase = 1;",
        *(f"  map_fetch(map_{name});" for name in work.maps if name != "b"),
        (
            f"  for (const int n0 = {_first(work)} % {work.across} * {tile.n}; "
            f"brought < {tile.stages} && first + brought < last; ++brought) {{"
        ),
        "    const int slot = brought, step = first + brought;",
        f"    const unsigned to = base + slot * {tile.stage_bytes};",
        f"    barrier_expect(full + 8 * slot, {tile.stage_bytes});",
        f"    {weights}",
        "  }",
        f"  {FOLLOW}",
        *(f"  {x}" for x in _tiles(work)),
        *(f"    {x}" for x in place_text(work)),
        "    for (int step = first; step < last; ++step) {",
        f"      const unsigned to = base + slot * {tile.stage_bytes};",
        "      if (brought-- <= 0) {",
        "        barrier_wait(empty + 8 * slot, phase);",
        f"        barrier_expect(full + 8 * slot, {tile.stage_bytes});",
        f"        {weights}",
        "      }",
        *(f"      {x}" for x in load_text(work)),
        f"      if (++slot == {tile.stages}) {{ slot = 0; phase ^= 1; }}",
        "    }",
        "  }",
        "}",
    ]


def _image(work: Work) -> list[str]:
    """The warp that asks for what is added to the results, chunk by chunk."""
    tile = work.tile
    if "image" not in work.maps:
        return []
    groups = "g = mine; g <= mine" if tile.turns else f"g = 0; g < {tile.groups}"
    return [
        "if (warp == 1 && lane == 0) {",
        f"  {FOLLOW}",
        f"  int slots[{tile.groups}] = {{}}, mine = 0; unsigned phases = {(1 << tile.groups) - 1};",
        *(f"  {x}" for x in _tiles(work)),
        f"    for (int h = 0; h < {tile.high}; ++h) {{",
        f"      for (int c = 0; c < {tile.n} && n0 + c < {work.n}; c += {DEEP}) {{",
        f"        for (int {groups}; ++g) {{",
        f"          const int at = g * {tile.chunks} + slots[g];",
        "          barrier_wait(gone + 8 * at, phases >> g & 1);",
        f"          barrier_expect(came + 8 * at, {CHUNK});",
        f"          const unsigned to = chunks + at * {CHUNK};",
        f"          tile_load(to, map_image, n0 + c, {row_text(work, 'g')}, came + 8 * at);",
        f"          if (++slots[g] == {tile.chunks}) {{ slots[g] = 0; phases ^= 1 << g; }}",
        "        }",
        "      }",
        "    }",
        *([f"    mine = (mine + 1) % {tile.groups};"] if tile.turns else []),
        "  }",
        "}",
    ]


def _meetings(work: Work) -> list[str]:
    """A cluster's blocks meet when their parts lie ready, and when those have been read."""
    return ["cluster_meet();", "cluster_meet();"] if work.tile.splits > 1 else []


def _products(work: Work) -> list[str]:
    """The warp groups: a tile's sums, then what becomes of them."""
    tile = work.tile
    split = tile.splits > 1
    # Parts are rounded up, so that a cluster's last blocks may have nothing to multiply.
    zero = " = {}" if (tile.splits - 1) * work.part >= work.steps else ""
    high = f"[{tile.high}]" if tile.high > 1 else ""
    factor = "at" if tile.turns else f"at + group * {2 * DEEP * ROWS * tile.high}"
    return [
        FOLLOW,
        "int slot = 0; unsigned phase = 0;",
        *([] if split else ["int chunk = 0; unsigned turn = 0;"]),
        *(["bool stored = false;"] if "image" in work.maps else []),
        *(("if (group == 1) pass_on(0);", *_others(work, "group")) if tile.turns else ()),
        *_tiles(work, own=True),
        *(f"  {x}" for x in (*row_operands(work), *(ahead_text(work) if split else ()))),
        f"  float sum{high}[{tile.n // 2}]{zero};",
        "  int before = 0;",
        *(["  await_turn(group);"] if tile.turns else []),
        "  for (int step = first; step < last; ++step) {",
        "    barrier_wait(full + 8 * slot, phase);",
        f"    const unsigned at = base + slot * {tile.stage_bytes};",
        f"    const unsigned long long a = tile_at({factor});",
        f"    const unsigned long long b = tile_at(at + {2 * DEEP * tile.m});",
        '    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");',
        *(f"    {x}" for x in _multiplications(work)),
        '    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");',
        "    if (step > first) {",
        '      asm volatile("wgmma.wait_group.sync.aligned 1;" ::: "memory");',
        "      if (lane == 0) barrier_arrive(empty + 8 * before);",
        "    }",
        "    before = slot;",
        f"    if (++slot == {tile.stages}) {{ slot = 0; phase ^= 1; }}",
        "  }",
        *([f"  if (t + gridDim.x < {work.count}) pass_on(1 - group);"] if tile.turns else []),
        '  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");',
        "  if (lane == 0) barrier_arrive(empty + 8 * before);",
        *(f"  {x}" for x in (_others(work, str(tile.groups - 1)) if tile.turns else ())),
        *(f"  {x}" for x in (shared_finish_text(work) if split else finish_text(work))),
        "}",
        *([] if split else ["if (threadIdx.x % 128 == 0) stores_read<0>();"]),
    ]


def _multiplications(work: Work) -> list[str]:
    """A step's instructions: 16 of k at a time, 64 rows each."""
    lines: list[str] = []
    for part in range(DEEP // 16):
        for h in range(work.tile.high):
            total = f"sum[{h}]" if work.tile.high > 1 else "sum"
            a, b = 2 * part + h * (2 * DEEP * ROWS // 16), 2 * part
            more = 1 if part else "step > first"
            lines.append(f"multiply({total}, a + {a}, b + {b}, {more});")
    return lines


def _others(work: Work, tiles: str) -> list[str]:
    """Pass over the stages of so many tiles that other groups take."""
    stages = work.tile.stages
    return [
        f"for (int passed = 0; passed < {tiles}; ++passed) {{",
        f"  slot += {work.steps % stages}; phase ^= {work.steps // stages & 1};",
        f"  if (slot >= {stages}) {{ slot -= {stages}; phase ^= 1; }}",
        "}",
    ]

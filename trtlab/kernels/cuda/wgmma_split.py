"""Where blocks of a cluster share a sum, each finishes an equal part of the tile's rows.

Every block lays its part of the sum on a shelf in its shared memory; each reads its rows off all
shelves, always in the same order, and writes results straight to their place.
"""

from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.text import Names
from trtlab.kernels.cuda.wgmma_finish import finished
from trtlab.kernels.cuda.wgmma_tile import ROWS, Work

_GROUP = 128
_BESIDE = 8  # floats after a row of a shelf, so that eight rows are written without conflicts
_ALL = 7  # the named barrier of all groups


def _rounds(work: Work) -> int:
    """Runs of four results that one thread finishes."""
    return ROWS // work.tile.splits * work.tile.n // 4 // _GROUP


def _place(work: Work) -> list[str]:
    """Row and column of a thread's run in a round."""
    quads = work.tile.n // 4
    return [
        f"const int run = turn * {_GROUP} + threadIdx.x % {_GROUP};",
        f"const int y = part * {ROWS // work.tile.splits} + run / {quads}, x = run % {quads} * 4;",
        f"const long long row = m0 + group * {ROWS} + y, column = n0 + x;",
    ]


def ahead_text(work: Work) -> list[str]:
    """What is added to a thread's results is loaded before the sums are ready."""
    if not work.finish.image:
        return []
    vector = f"Vec<{C_TYPES[work.dtype]}, 4>"
    return [
        f"{vector} images[{_rounds(work)}] = {{}};",
        "#pragma unroll",
        f"for (int turn = 0; turn < {_rounds(work)}; ++turn) {{",
        *(f"  {x}" for x in _place(work)),
        (
            f"  if (row < {work.m} && column < {work.n}) images[turn] = "
            f"*reinterpret_cast<const {vector}*>(added + row * {work.image_pitch} + column);"
        ),
        "}",
    ]


def shared_finish_text(work: Work) -> list[str]:
    """Sums to shelves, and the block's rows of all shelves to results."""
    tile = work.tile
    pitch = tile.n + _BESIDE
    everyone = tile.groups * _GROUP
    return [
        # No warp reads the stages, where the shelves are, any more.
        f'asm volatile("bar.sync {_ALL}, {everyone};" ::: "memory");',
        f"float* const shelf = reinterpret_cast<float*>(shared) + group * {ROWS * pitch};",
        "#pragma unroll",
        f"for (int j = 0; j < {tile.n // 8}; ++j) {{",
        "  #pragma unroll",
        "  for (int r = 0; r < 2; ++r) {",
        f"    float* const to = shelf + (warp * 16 + r * 8 + lane / 4) * {pitch};",
        "    *reinterpret_cast<float2*>(to + j * 8 + lane % 4 * 2) =",
        "        make_float2(sum[j * 4 + r * 2], sum[j * 4 + r * 2 + 1]);",
        "  }",
        "}",
        "cluster_meet();",
        "#pragma unroll",
        f"for (int turn = 0; turn < {_rounds(work)}; ++turn) {{",
        *(f"  {x}" for x in _place(work)),
        f"  const unsigned at = shared_address(shelf + y * {pitch} + x);",
        f"  float4 parts[{tile.splits}];",
        "  #pragma unroll",
        f"  for (int p = 0; p < {tile.splits}; ++p) parts[p] = of_block(at, p);",
        "  float total[4] = {};",
        "  #pragma unroll",
        f"  for (int p = 0; p < {tile.splits}; ++p) {{",
        "    total[0] += parts[p].x; total[1] += parts[p].y;",
        "    total[2] += parts[p].z; total[3] += parts[p].w;",
        "  }",
        f"  if (row < {work.m} && column < {work.n}) {{",
        *(f"    {x}" for x in _run(work)),
        "  }",
        "}",
        "cluster_meet();",
    ]


def _run(work: Work) -> list[str]:
    """Four neighbours of a row, finished and written."""
    kind = C_TYPES[work.dtype]
    vector = f"Vec<{kind}, 4>"
    sums = [f"total[{v}]" for v in range(4)]
    steps, results = finished(work.finish, work.dtype, sums, Names("f"))
    return [
        *(
            f"const {vector} r{number} = *reinterpret_cast<const {vector}*>("
            f"rows + {number * work.tile.n} + x);"
            for number in range(work.finish.rows)
        ),
        *([f"const {vector} image = images[turn];"] if work.finish.image else []),
        *steps,
        f"{vector} w;",
        f"auto* const pairs = reinterpret_cast<Vec<{kind}, 2>*>(&w);",
        f"narrow2(pairs[0], {results[0]}, {results[1]});",
        f"narrow2(pairs[1], {results[2]}, {results[3]});",
        f"*reinterpret_cast<{vector}*>(c + row * {work.pitch} + column) = w;",
    ]

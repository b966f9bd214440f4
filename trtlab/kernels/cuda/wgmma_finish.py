"""What becomes of a warp group's sums: finished and sent off in chunks.

A chunk is 64 rows and 64 columns of results in shared memory, from where the copy engine stores
it. Where an operand of the result's shape is added, it came into the same place before.
"""

from trtlab.core.types import DataType
from trtlab.kernels.cuda.prelude import C_TYPES, literal
from trtlab.kernels.cuda.program import emit
from trtlab.kernels.cuda.text import Names
from trtlab.kernels.cuda.wgmma_text import DEEP
from trtlab.kernels.cuda.wgmma_tile import CHUNK, ROWS, Finish, Work

_MOST_SUMS = 96  # of a thread
_FIRST = "threadIdx.x % 128 == 0"


def row_operands(work: Work) -> list[str]:
    """Each group keeps the tile's row operands for itself, so that none waits for another."""
    tile = work.tile
    return [
        f"for (int i = threadIdx.x % 128; i < {tile.n} && n0 + i < {work.n}; i += 128) "
        f"rows[{number * tile.n} + i] = row{number}[n0 + i];"
        for number in range(work.finish.rows)
    ]


def row_text(work: Work, group: str) -> str:
    """The first of the 64 rows ``h`` of a group's part of a tile."""
    high, own = (
        work.tile.high,
        "" if work.tile.turns else f" + {group} * {ROWS * work.tile.high}",
    )
    return f"m0{own}" + (f" + h * {ROWS}" if high > 1 else "")


def finish_text(work: Work) -> list[str]:
    """Sums to results, 64 rows and columns at a time; one thread a group sends them off."""
    if work.tile.high == 1:
        return ["meet(1 + group);", *_rows_text(work)]
    return [
        "meet(1 + group);",
        "#pragma unroll",
        f"for (int h = 0; h < {work.tile.high}; ++h) {{",
        *(f"  {x}" for x in _rows_text(work)),
        "}",
    ]


def _rows_text(work: Work) -> list[str]:
    """64 rows, a chunk of 64 columns at a time."""
    tile, image = work.tile, work.finish.image
    kind = C_TYPES[work.dtype]
    if image:
        ready = ["  barrier_wait(came + 8 * at, turn);"]
        sent = [
            f"const int last = group * {tile.chunks} + (chunk ? chunk : {tile.chunks}) - 1;",
            "stores_read<1>();",
            "if (stored) barrier_arrive(gone + 8 * last);",
            "stored = true;",
        ]
    else:
        ready = [f"  if ({_FIRST}) stores_read<{tile.chunks - 1}>();", "  meet(1 + group);"]
        sent = []
    return [
        "#pragma unroll",
        f"for (int c = 0; c < {tile.n // DEEP}; ++c) {{",
        f"  if (n0 + c * {DEEP} >= {work.n}) continue;",
        f"  const int at = group * {tile.chunks} + chunk;",
        f"  unsigned char* const held = shared + (chunks - base) + at * {CHUNK};",
        *ready,
        "  #pragma unroll",
        f"  for (int i = 0; i < 8; i += {_together(work)}) {{",
        *(f"    {x}" for x in _row_vectors(work, kind)),
        "    #pragma unroll",
        "    for (int r = 0; r < 2; ++r) {",
        "      unsigned char* const to = held + (warp * 16 + r * 8 + lane / 4) * 128 + lane % 4 * 4;",
        *(f"      {x}" for x in _images(work, kind)),
        "      #pragma unroll",
        f"      for (int j = i; j < i + {_together(work)}; ++j) {{",
        *(f"        {x}" for x in _pair(work, kind)),
        "      }",
        "    }",
        "  }",
        '  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");',
        "  meet(1 + group);",
        f"  if ({_FIRST}) {{",
        f"    const unsigned from = chunks + at * {CHUNK};",
        f"    tile_store(map_c, n0 + c * {DEEP}, {row_text(work, 'group')}, from);",
        *(f"    {x}" for x in sent),
        "  }",
        f"  if (++chunk == {tile.chunks}) {{ chunk = 0; turn ^= 1; }}",
        "}",
    ]


def _together(work: Work) -> int:
    """Pairs of a row whose operands are read before the first of them is written.

    No read of shared memory passes a write, and so their arithmetic is under way together. Where
    sums or other groups take the registers there is room for fewer.
    """
    tile = work.tile
    sums = tile.n // 2 * tile.high
    return 8 if tile.groups * tile.blocks <= 2 and sums <= _MOST_SUMS else 4


def _row_vectors(work: Work, kind: str) -> list[str]:
    """A thread's row operands of a few pairs."""
    if not work.finish.rows:
        return []
    vector = f"Vec<{kind}, 2>"
    names = [f"row_of_{number}[{_together(work)}]" for number in range(work.finish.rows)]
    return [
        f"{vector} {', '.join(names)};",
        "#pragma unroll",
        f"for (int j = 0; j < {_together(work)}; ++j) {{",
        "  const int column = c * 64 + (i + j) * 8 + lane % 4 * 2;",
        *(
            f"  row_of_{number}[j] = *reinterpret_cast<const {vector}*>("
            f"rows + {number * work.tile.n} + column);"
            for number in range(work.finish.rows)
        ),
        "}",
    ]


def _images(work: Work, kind: str) -> list[str]:
    """What is added to a thread's part of a row."""
    if not work.finish.image:
        return []
    return [
        f"Vec<{kind}, 2> images[{_together(work)}];",
        "#pragma unroll",
        f"for (int j = i; j < i + {_together(work)}; ++j) images[j - i] = {_placed(kind)};",
    ]


def _placed(kind: str) -> str:
    """The place of a pair: runs of a row are swizzled by its number."""
    return f"*reinterpret_cast<Vec<{kind}, 2>*>(to + ((j ^ (lane / 4)) << 4))"


def _pair(work: Work, kind: str) -> list[str]:
    """Two neighbours of a row: bias and program on their sums, into their place."""
    finish, fresh = work.finish, Names("f")
    vector = f"Vec<{kind}, 2>"
    lines = [f"const {vector} r{n} = row_of_{n}[j - i];" for n in range(finish.rows)]
    if finish.image:
        lines.append(f"const {vector} image = images[j - i];")
    lines.append(f"{vector} w;")
    high = "[h]" if work.tile.high > 1 else ""
    sums = [f"sum{high}[(c * 8 + j) * 4 + r * 2 + {v}]" for v in range(2)]
    steps, results = finished(finish, work.dtype, sums, fresh)
    return [
        *lines,
        *steps,
        f"narrow2(w, {results[0]}, {results[1]});",
        f"{_placed(kind)} = w;",
    ]


def finished(
    finish: Finish, dtype: DataType, sums: list[str], fresh: Names
) -> tuple[list[str], list[str]]:
    """Statements and results of ``program(alpha · sum + bias, operands…)`` for neighbours.

    Args:
        finish: What happens to the sums.
        dtype: Of the results.
        sums: Of neighbours in a row; vectors ``r0…`` hold their row operands and ``image`` what
            is added.
        fresh: Names for values.
    """
    lines: list[str] = []
    results: list[str] = []
    for v, held in enumerate(sums):
        text = held
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
    return lines, results

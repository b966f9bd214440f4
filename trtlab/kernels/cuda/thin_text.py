"""The text of the kernel that multiplies short rows: warps on their own, rows whole.

While a warp multiplies some rows, the next ones are on their way. Results are put together in
shared memory, so that they leave in whole lines.
"""

from trtlab.devices.cuda.kernel import Kernel
from trtlab.devices.cuda.neighbours import FOLLOW
from trtlab.kernels.cuda.contraction import Contraction
from trtlab.kernels.cuda.mma import INTRINSICS, multiply_text
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.text import MULTIPROCESSORS, Names, Writer
from trtlab.kernels.cuda.thin_rows import Thin, bring_text, send_text
from trtlab.kernels.cuda.wgmma_finish import finished
from trtlab.tactics.problem import Problem

_WARP = 32
_REGISTERS, _REGISTERS_A_THREAD = 65536, 128  # of a multiprocessor; what sums and factors need
_GROUP = 8  # tiles of eight columns that are summed at once


def thin_kernel(
    thin: Thin, form: Contraction, tactic: str, problem: Problem, *, aligned: bool
) -> Kernel:
    """The kernel; parameters as `Contraction.parameters` names them.

    Args:
        thin: Extents.
        form: The same as a product.
        tactic: Name, for the comment.
        problem: For the comment.
        aligned: All addresses are multiples of 16 bytes.
    """
    threads = thin.warps * _WARP
    most = MULTIPROCESSORS * thin.blocks
    blocks = min(-(-thin.parts // thin.warps), most)
    writer = Writer(tactic, problem)
    writer.top += [INTRINSICS, multiply_text(thin.dtype)]
    writer.parameters = form.parameters()
    image = (
        f"e{int(thin.finish.biased) + thin.finish.operands.index('image')}"
        if thin.finish.image
        else ""
    )
    writer.add(
        "extern __shared__ __align__(128) unsigned char shared[];",
        f"const int lane = threadIdx.x % {_WARP}, warp = threadIdx.x / {_WARP};",
        "uint2* const weights = reinterpret_cast<uint2*>(shared);",
        *_weights(thin, threads, aligned=aligned),
        f"unsigned char* const own = shared + {thin.weight_bytes + thin.row_bytes} "
        f"+ warp * {thin.warp_bytes};",
        f"unsigned char* const held = own + {2 * thin.rows * thin.left_pitch};",
        *_tails(thin),
        FOLLOW,
        *_row_operands(thin, threads),
        "__syncthreads();",
        *bring_text(
            thin, "left", "a", (thin.k, thin.pitches[0], thin.left_pitch), aligned=aligned
        ),
    )
    if image:
        place = (thin.n, thin.pitches[2], thin.result_pitch)
        writer.add(*bring_text(thin, "added", image, place, aligned=aligned))
    bring = [
        f"bring_left(own + {{turn}} * {thin.rows * thin.left_pitch}, {{part}});",
        *(
            [f"bring_added(held + {{turn}} * {thin.rows * thin.result_pitch}, {{part}});"]
            if image
            else []
        ),
        "commit();",
    ]
    at_result = f"held + turn * {thin.rows * thin.result_pitch}" if image else "held"
    writer.add(
        f"int part = blockIdx.x * {thin.warps} + warp, turn = 0;",
        f"if (part < {thin.parts}) {{",
        *(f"  {x.format(turn=0, part='part')}" for x in bring),
        "}",
        f"for (; part < {thin.parts}; part += gridDim.x * {thin.warps}) {{",
        f"  const int next = part + gridDim.x * {thin.warps};",
        f"  if (next < {thin.parts}) {{",
        *(f"    {x.format(turn='(turn ^ 1)', part='next')}" for x in bring),
        "  } else commit();",
        "  wait_for<1>();",
        "  __syncwarp();",
        f"  const unsigned at = shared_address(own) + turn * {thin.rows * thin.left_pitch};",
        f"  unsigned char* const result = {at_result};",
        *(f"  {x}" for x in _products(thin)),
        "  __syncwarp();",
        *(f"  {x}" for x in send_text(thin, aligned=aligned)),
        "  __syncwarp();",
        "  turn ^= 1;",
        "}",
    )
    return writer.kernel(
        "product_thin",
        (blocks, 1, 1),
        (threads, 1, 1),
        shared_bytes=thin.shared_bytes,
        min_blocks=min(thin.blocks, _REGISTERS // (threads * _REGISTERS_A_THREAD)),
    )


def _weights(thin: Thin, threads: int, *, aligned: bool) -> list[str]:
    """Into shared memory: constants, which need not wait for the kernel before."""
    word, count = ("uint4", 16) if aligned else ("unsigned short", 2)
    return [
        f"for (int i = threadIdx.x; i < {thin.weight_bytes // count}; i += {threads})",
        f"  reinterpret_cast<{word}*>(shared)[i] = reinterpret_cast<const {word}*>(b)[i];",
    ]


def _row_operands(thin: Thin, threads: int) -> list[str]:
    """Into shared memory."""
    kind = C_TYPES[thin.dtype]
    lines = [
        f"{kind}* const rows = reinterpret_cast<{kind}*>(shared + {thin.weight_bytes});",
    ]
    where = (*(("row",) if thin.finish.biased else ()), *thin.finish.operands)
    names = [f"e{number}" for number, place in enumerate(where) if place == "row"]
    for number, name in enumerate(names):
        lines.append(
            f"for (int i = threadIdx.x; i < {thin.n}; i += {threads}) "
            f"rows[{number * thin.n} + i] = {name}[i];"
        )
    return lines


def _tails(thin: Thin) -> list[str]:
    """Columns beyond k are zeros: no copy writes there."""
    if thin.k == 16 * thin.steps:
        return []
    return [
        f"for (int i = lane; i < {2 * thin.rows}; i += {_WARP})",
        (
            f"  *reinterpret_cast<uint4*>(own + i * {thin.left_pitch} + {2 * thin.k}) = "
            "make_uint4(0, 0, 0, 0);"
        ),
    ]


def _products(thin: Thin) -> list[str]:
    """All columns of a part, some tiles at a time, finished into their place."""
    tiles, high = thin.n // 8, thin.rows // 16
    return [
        f"unsigned factors[{high}][{thin.steps}][4];",
        "#pragma unroll",
        f"for (int h = 0; h < {high}; ++h)",
        "  #pragma unroll",
        f"  for (int s = 0; s < {thin.steps}; ++s)",
        (
            f"    load4(factors[h][s], at + (h * 16 + lane % 16) * {thin.left_pitch} "
            "+ s * 32 + lane / 16 * 16);"
        ),
        "#pragma unroll 1" if tiles > 2 * _GROUP else "#pragma unroll",
        f"for (int first = 0; first < {tiles}; first += {_GROUP}) {{",
        f"  float sum[{high}][{_GROUP}][4] = {{}};",
        "  #pragma unroll",
        f"  for (int s = 0; s < {thin.steps}; ++s) {{",
        "    #pragma unroll",
        f"    for (int j = 0; j < {_GROUP}; ++j) {{",
        *_only(tiles, "      "),
        f"      const uint2 w = weights[(s * {tiles} + first + j) * {_WARP} + lane];",
        "      #pragma unroll",
        f"      for (int h = 0; h < {high}; ++h) multiply(sum[h][j], factors[h][s], w.x, w.y);",
        "    }",
        "  }",
        "  #pragma unroll",
        f"  for (int j = 0; j < {_GROUP}; ++j) {{",
        *_only(tiles, "    "),
        "    const int column = (first + j) * 8 + lane % 4 * 2;",
        *(f"    {x}" for x in _row_vectors(thin)),
        "    #pragma unroll",
        f"    for (int h = 0; h < {2 * high}; ++h) {{",
        *(f"      {x}" for x in _pair(thin)),
        "    }",
        "  }",
        "}",
    ]


def _only(tiles: int, indent: str) -> list[str]:
    """The last group may be smaller."""
    return [] if tiles % _GROUP == 0 else [f"{indent}if (first + j >= {tiles}) continue;"]


def _row_vectors(thin: Thin) -> list[str]:
    vector = f"Vec<{C_TYPES[thin.dtype]}, 2>"
    return [
        f"const {vector} r{number} = *reinterpret_cast<const {vector}*>("
        f"rows + {number * thin.n} + column);"
        for number in range(thin.finish.rows)
    ]


def _pair(thin: Thin) -> list[str]:
    """Two neighbours of a row; ``h`` counts half tiles of rows."""
    kind = C_TYPES[thin.dtype]
    lines = [
        (
            f"auto& place = *reinterpret_cast<Vec<{kind}, 2>*>("
            f"result + (h * 8 + lane / 4) * {thin.result_pitch} + 2 * column);"
        )
    ]
    if thin.finish.image:
        lines.append(f"const Vec<{kind}, 2> image = place;")
    sums = [f"sum[h / 2][j][h % 2 * 2 + {v}]" for v in range(2)]
    steps, results = finished(thin.finish, thin.dtype, sums, Names("f"))
    return [
        *lines,
        *steps,
        *(f"place.v[{v}] = Narrow<{kind}>::of({r});" for v, r in enumerate(results)),
    ]

"""ATTENTION on Hopper's warp groups: keys and values of a head stay in shared memory.

Source: Dao et al. 2022, arXiv:2205.14135 (exact attention without the score matrix); Shah et al.
2024, arXiv:2407.08608 (weights as the second product's factor in registers).
"""

from collections.abc import Sequence
from typing import ClassVar

from trtlab.core.enums import AttentionNormalizationOp
from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.devices.cuda.neighbours import FOLLOW
from trtlab.devices.cuda.tensor_map import HeadsMap
from trtlab.kernels.cuda.attending import WarpAttentionTactic, scores_shape
from trtlab.kernels.cuda.flash_text import HIDDEN
from trtlab.kernels.cuda.per_element import given, optional
from trtlab.kernels.cuda.text import MOST_BLOCKS, Writer
from trtlab.kernels.cuda.wgmma_attention_text import (
    added_text,
    attention_top,
    by_key,
    results_text,
    scores_text,
    weights_text,
)
from trtlab.kernels.cuda.wgmma_attention_tile import (
    MOST_SHARED,
    ROWS,
    AttentionTile,
    AttentionWork,
)
from trtlab.kernels.cuda.wgmma_text import DEEP
from trtlab.layers.fused import Attention
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_ALIGN = 16
_RUN = 8
_MOST_WIDTH = 128
_FLOPS_PER_US = 3e8
_TILES = (AttentionTile(1, 256), AttentionTile(2, 128))


class WgmmaAttentionTactic(Tactic):
    """64 queries a warp group, and all keys of a head in a block.

    Args:
        tile: A block's part of the work.
    """

    arch: ClassVar[str] = "sm_90"

    def __init__(self, tile: AttentionTile) -> None:
        self._tile = tile
        self.name = f"cuda.attention.wgmma/{tile}"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines types, widths and strides that the copy engine does not take."""
        op = problem.op
        assert isinstance(op, Attention)
        if problem.has_empty_operand:
            return Rejection("works on operands with elements")
        q, k, v = given(problem, 0), given(problem, 1), given(problem, 2)
        out, mask = problem.outputs[0], optional(problem, 3)
        if q.dtype not in {DataType.HALF, DataType.BF16}:
            return Rejection(f"warp groups multiply fp16 and bf16, not {q.dtype.value}")
        if mask is not None and mask.dtype not in {q.dtype, DataType.BOOL}:
            return Rejection(f"a mask of {mask.dtype.value}")
        if op.k_transposed:
            return Rejection("works on keys with the features inside")
        if op.norm_op is not AttentionNormalizationOp.SOFTMAX:
            return Rejection("scores without softmax")
        widths = (q.shape[3], v.shape[3])
        if any(w % _RUN or w > _MOST_WIDTH for w in widths):
            return Rejection(f"{widths} features are no multiples of 8 up to {_MOST_WIDTH}")
        for operand in (q, k, v, out):
            if not _in_rows(operand):
                return Rejection("rows do not begin at 16-byte runs, one behind the other")
        return self._extent_refusal(problem)

    def _extent_refusal(self, problem: Problem) -> Rejection | None:
        work = self._work(problem)
        if work.shared_bytes > MOST_SHARED:
            return Rejection(f"{work.keys} keys do not fit the shared memory of a block")
        if self._tile.queries - work.queries >= ROWS:
            return Rejection("a smaller block holds all queries")
        if max(work.batch, work.heads) > MOST_BLOCKS:
            return Rejection("more heads or sequences than a grid has")
        return None

    def cost_hint_us(self, problem: Problem) -> float:
        """Tiles of queries are whole, also where queries are few."""
        flops = problem.op.flops(problem.input_types, problem.output_types)
        queries, block = scores_shape(problem)[2], self._tile.queries
        return 3.0 + flops / _FLOPS_PER_US * (-(-queries // block) * block / queries)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch. Odd addresses go to the general kernel."""
        addresses = [a for a in buffers.inputs if a is not None]
        if any(a % _ALIGN for a in (*addresses[:3], buffers.outputs[0])):
            return WarpAttentionTactic().bind(problem, buffers)
        work = self._work(problem)
        rows = (ROWS, work.n, work.n)
        maps = [_heads_map(given(problem, i), addresses[i], box) for i, box in enumerate(rows)]
        arguments = (*maps, *addresses[3:], *buffers.outputs)
        return (KernelLaunch(self.kernel(problem), arguments),)

    def kernel(self, problem: Problem) -> Kernel:
        """The kernel; parameters: maps of queries, keys and values, the mask, the result."""
        work = self._work(problem)
        mask = optional(problem, 3)
        writer = Writer(self.name, problem)
        writer.top += attention_top(work)
        writer.parameters = [f"const __grid_constant__ TensorMap map_{x}" for x in "qkv"]
        if mask is not None:
            writer.pointer("x3", mask.dtype)
        writer.pointer("y", problem.outputs[0].dtype, written=True)
        writer.add(
            *_setup(work),
            *_asking(work, work.heads // given(problem, 1).shape[1]),
            *added_text(problem, work),
            *_passes(problem, work),
        )
        across = -(-work.queries // (work.passes * work.tile.queries))
        return writer.kernel(
            "attention_wgmma",
            (across, work.heads, work.batch),
            (work.tile.threads, 1, 1),
            shared_bytes=work.shared_bytes,
            # alone, a group takes fewer registers where nothing is said
            min_blocks=work.blocks if work.tile.groups > 1 else 0,
        )

    def _work(self, problem: Problem) -> AttentionWork:
        q, v = given(problem, 0), given(problem, 2)
        return AttentionWork(
            *scores_shape(problem),
            q.shape[3],
            v.shape[3],
            q.dtype,
            self._tile,
            by_key(problem) is not None,
        )


def wgmma_attention_tactics() -> list[WgmmaAttentionTactic]:
    """All tiles."""
    return [WgmmaAttentionTactic(tile) for tile in _TILES]


def _in_rows(operand: Operand) -> bool:
    """Whether a map describes it: dense rows that do not overlap, at multiples of 16 bytes."""
    steps = _steps(operand)
    return operand.strides[3] == 1 and steps[2] >= operand.shape[3] and not any(
        step <= 0 or step % _RUN for step in steps
    )  # fmt: skip


def _steps(operand: Operand) -> tuple[int, int, int]:
    """Strides of batch, head and row; those of single ones do not matter."""
    width = -(-operand.shape[3] // _RUN) * _RUN
    pairs = zip(operand.shape[:3], operand.strides[:3], strict=True)
    batch, head, row = (step if extent > 1 else width for extent, step in pairs)
    return batch, head, row


def _heads_map(operand: Operand, address: int, rows: int) -> HeadsMap:
    batches, heads, count, width = operand.shape
    batch, head, row = _steps(operand)
    return HeadsMap(
        address, operand.dtype, count, width, row, rows, (heads, head), (batches, batch)
    )


def _setup(work: AttentionWork) -> list[str]:
    return [
        "extern __shared__ __align__(1024) unsigned char shared[];",
        "const unsigned base = shared_address(shared);",
        "const int group = threadIdx.x / 128, warp = threadIdx.x / 32 % 4;",
        "const int lane = threadIdx.x % 32;",
        "const int h = blockIdx.y, b = blockIdx.z;",
        f"const unsigned full_k = base + {work.at_barriers};",
        f"const unsigned full_v = full_k + {8 * work.tiles};",
        f"const unsigned full_q = full_v + {8 * work.tiles} + group * {8 * work.slots};",
        f"const unsigned queries = base + {work.at_q} + group * {work.slots * work.q_bytes};",
        "if (threadIdx.x == 0) {",
        *(f"  map_fetch(map_{name});" for name in "qkv"),
        (
            f"  for (int i = 0; i < {2 * work.tiles + work.tile.groups * work.slots}; ++i) "
            "barrier_init(full_k + 8 * i, 1);"
        ),
        '  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");',
        "}",
        "__syncthreads();",
        FOLLOW,
    ]


def _asking(work: AttentionWork, each: int) -> list[str]:
    """One thread a group asks for its queries, the first one for all keys and values too."""
    return [
        "auto first_of = [&](int i) {",
        f"  return ((blockIdx.x * {work.passes} + i) * {work.tile.groups} + group) * {ROWS};",
        "};",
        "auto ask = [&](int i) {",
        f"  const int at = i % {work.slots}, q0 = first_of(i);",
        f"  if (q0 >= {work.queries}) return;",
        f"  barrier_expect(full_q + 8 * at, {work.q_bytes});",
        *(
            f"  head_load(queries + at * {work.q_bytes} + {part * 2 * DEEP * ROWS}, map_q, "
            f"{part * DEEP}, q0, h, b, full_q + 8 * at);"
            for part in range(work.deep)
        ),
        "};",
        "if (threadIdx.x % 128 == 0) ask(0);",
        "if (threadIdx.x == 0) {",
        "  #pragma unroll 1",
        f"  for (int tile = 0; tile < {work.tiles}; ++tile) {{",
        *(f"    {x}" for x in _tile(work, "k", work.at_k, work.k_bytes, work.deep, each)),
        *(f"    {x}" for x in _tile(work, "v", work.at_v, work.v_bytes, work.wide, each)),
        "  }",
        "}",
        *(["if (threadIdx.x % 128 == 0) ask(1);"] if work.slots > 1 else []),
    ]


def _tile(
    work: AttentionWork, name: str, at: int, size: int, parts: int, each: int
) -> list[str]:
    """A tile of keys or values; ``each`` heads of queries use the same ones."""
    head = "h" if each == 1 else f"h / {each}"
    return [
        f"barrier_expect(full_{name} + 8 * tile, {size});",
        *(
            f"head_load(base + {at + part * size // parts} + tile * {size}, map_{name}, "
            f"{part * DEEP}, tile * {work.n}, {head}, b, full_{name} + 8 * tile);"
            for part in range(parts)
        ),
    ]


def _passes(problem: Problem, work: AttentionWork) -> list[str]:
    """A warp group's tiles of queries, one after the other."""
    several = work.tiles > 1
    group = " + group" if work.tile.groups > 1 else ""
    refill = [
        f"if (tile == {work.tiles - 1}) {{",
        f"  meet(1{group});  // no warp of the group reads the queries any more",
        f"  if (threadIdx.x % 128 == 0 && turn + 2 < {work.passes}) ask(turn + 2);",
        "}",
    ]
    step = [
        *scores_text(work),
        *(refill if work.passes > 2 else []),
        *weights_text(problem, work),
    ]
    return [
        "#pragma unroll 1",
        f"for (int turn = 0; turn < {work.passes}; ++turn) {{",
        "  const int q0 = first_of(turn);",
        f"  if (q0 >= {work.queries}) break;",
        f"  const unsigned q = queries + turn % {work.slots} * {work.q_bytes};",
        f"  barrier_wait(full_q + 8 * (turn % {work.slots}), turn / {work.slots} & 1);",
        f"  float o[{work.wide}][{DEEP // 2}]{' = {}' if several else ''}, total[4] = {{}};",
        f"  float top[2] = {{{HIDDEN}, {HIDDEN}}};",
        "  #pragma unroll 1",
        f"  for (int tile = 0; tile < {work.tiles}; ++tile) {{",
        *(f"    {x}" for x in step),
        "  }",
        *(f"  {x}" for x in results_text(problem, work)),
        "}",
    ]

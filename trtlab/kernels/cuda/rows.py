"""The frame of kernels that combine elements along axes: a few threads share a row.

A row is the set of elements that one reduction combines. Its elements are kept in registers
between the passes over it where it is short enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from trtlab.core.types import StaticShape
from trtlab.kernels.cpu.strided import Loops, split_nest
from trtlab.kernels.cuda.text import MULTIPROCESSORS, Writer, dot, split_index
from trtlab.tactics.problem import Strides

_BLOCK = 256
_WARP = 32
_LONG_ROW = 256
"""A row of so many loads gets a whole block."""
_MOST_KEPT = 32
"""Elements a thread keeps in registers."""
_VECTOR_BYTES = 16

COMBINE = """
struct Sum { static __device__ __forceinline__ float of(float a, float b) { return a + b; } };
struct Product { static __device__ __forceinline__ float of(float a, float b) { return a * b; } };
struct Most { static __device__ __forceinline__ float of(float a, float b) { return max_nan(a, b); } };
struct Least { static __device__ __forceinline__ float of(float a, float b) { return min_nan(a, b); } };
template <class F> __device__ __forceinline__ float across_warp(float v) {
  #pragma unroll
  for (int m = 16; m; m >>= 1) v = F::of(v, __shfl_xor_sync(0xffffffffu, v, m));
  return v;
}
template <class F, int T> __device__ __forceinline__ float across_row(float v) {
  v = across_warp<F>(v);
  if (T > 32) {
    __shared__ float box[T / 32];
    __syncthreads();
    if (threadIdx.x % 32 == 0) box[threadIdx.x / 32] = v;
    __syncthreads();
    v = box[0];
    #pragma unroll
    for (int i = 1; i < T / 32; ++i) v = F::of(v, box[i]);
  }
  return v;
}
""".strip()


@dataclass(frozen=True, slots=True)
class RowPlan:
    """How rows are shared out.

    Attributes:
        kept: Loops over rows; strides by tensor.
        reduced: Loops along a row; strides by tensor.
        width: Elements a load.
        threads: Of a row.
        rows_per_block: Rows of a block.
    """

    kept: Loops
    reduced: Loops
    width: int
    threads: int
    rows_per_block: int

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return prod(self.kept.shape)

    @property
    def length(self) -> int:
        """Elements of a row."""
        return prod(self.reduced.shape)

    @property
    def chunks(self) -> int:
        """Loads of a thread."""
        return -(-self.length // (self.width * self.threads))

    @property
    def keeps(self) -> bool:
        """Whether a row stays in registers."""
        return self.chunks * self.width <= _MOST_KEPT

    @property
    def blocks(self) -> int:
        """Of the grid."""
        return max(1, -(-self.rows // self.rows_per_block))


def plan_rows(
    shape: StaticShape,
    strides: Sequence[Strides],
    axes: Sequence[int],
    itemsize: int,
    vectors: Sequence[int],
    *,
    aligned: bool,
) -> RowPlan:
    """Share rows out.

    Args:
        shape: Of all tensors (broadcast ones have stride 0).
        strides: By tensor; the first decides the order of the loops.
        axes: That a row runs along.
        itemsize: Bytes of the largest element.
        vectors: Tensors that are loaded and stored as vectors.
        aligned: Their addresses are multiples of 16 bytes.
    """
    kept, reduced = split_nest(shape, strides, axes)
    kept, reduced = kept.padded(1), reduced.padded(1)
    width = _VECTOR_BYTES // itemsize if aligned else 1

    def fits(width: int) -> bool:
        return reduced.shape[-1] % width == 0 and all(
            reduced.strides[n][-1] == 1
            and all(s % width == 0 for s in (*kept.strides[n], *reduced.strides[n][:-1]))
            for n in vectors
        )

    while width > 1 and not fits(width):
        width //= 2
    loads = -(-prod(reduced.shape) // width)
    rows = prod(kept.shape)
    threads = (
        _BLOCK if loads > _LONG_ROW or (rows < MULTIPROCESSORS and loads > _WARP) else _WARP
    )
    together = max(1, min(_BLOCK // threads, -(-rows // MULTIPROCESSORS)))
    return RowPlan(kept, reduced, width, threads, 1 if threads > _WARP else together)


def begin_rows(writer: Writer, plan: RowPlan, bases: Sequence[str]) -> None:
    """Statements that find the thread's row: ``lane`` and one offset a tensor.

    Args:
        writer: Collects them.
        plan: How rows are shared out.
        bases: Names for the row's first element, by tensor.
    """
    writer.top.append(COMBINE)
    names = [f"k{n}" for n in range(len(plan.kept.shape))]
    writer.add(
        f"const int lane = threadIdx.x % {plan.threads};",
        f"i64 row = (i64)blockIdx.x * {plan.rows_per_block} + threadIdx.x / {plan.threads};",
        f"const bool live = row < {plan.rows};",
        "if (!live) row = 0;",
        *split_index("row", names, plan.kept.shape, "i64"),
    )
    for base, strides in zip(bases, plan.kept.strides, strict=True):
        writer.add(f"const i64 {base} = {dot(names, strides)};")


def each_chunk(plan: RowPlan, lines: Sequence[str], tensors: Sequence[int]) -> list[str]:
    """A loop over the thread's loads: ``j`` counts them, ``o0``, ``o1``, … are offsets."""
    names = [f"r{n}" for n in range(len(plan.reduced.shape))]
    offsets = [f"const i64 o{n} = {dot(names, plan.reduced.strides[n])};" for n in tensors]
    unroll = "#pragma unroll" if plan.keeps else "#pragma unroll 2"
    return [
        unroll,
        f"for (int j = 0; j < {plan.chunks}; ++j) {{",
        f"  const int e0 = (j * {plan.threads} + lane) * {plan.width};",
        f"  if (e0 < {plan.length}) {{",
        *(f"    {line}" for line in split_index("e0", names, plan.reduced.shape)),
        *(f"    {line}" for line in offsets),
        *(f"    {line}" for line in lines),
        "  }",
        "}",
    ]


def load_chunk(plan: RowPlan, kind: str, pointer: str, number: int, into: str) -> list[str]:
    """Statements that load ``width`` elements as floats into an array that is declared."""
    step = plan.reduced.strides[number][-1]
    width = plan.width
    if width > 1 and step == 1:
        vector = f"Vec<{kind}, {width}>"
        return [
            f"const {vector} q = *reinterpret_cast<const {vector}*>({pointer} + o{number});",
            "#pragma unroll",
            f"for (int v = 0; v < {width}; ++v) {into}[v] = wide(q.v[v]);",
        ]
    return [
        "#pragma unroll",
        (
            f"for (int v = 0; v < {width}; ++v) "
            f"{into}[v] = wide({pointer}[o{number} + v * {step}]);"
        ),
    ]


def store_chunk(plan: RowPlan, kind: str, pointer: str, number: int, value: str) -> list[str]:
    """Statements that store ``value`` (an expression of ``v``) for ``width`` elements."""
    step = plan.reduced.strides[number][-1]
    width = plan.width
    if width > 1 and step == 1:
        vector = f"Vec<{kind}, {width}>"
        return [
            f"{vector} w;",
            "#pragma unroll",
            f"for (int v = 0; v < {width}; ++v) w.v[v] = Narrow<{kind}>::of({value});",
            f"if (live) *reinterpret_cast<{vector}*>({pointer} + o{number}) = w;",
        ]
    return [
        "#pragma unroll",
        (
            f"for (int v = 0; v < {width}; ++v) if (live) "
            f"{pointer}[o{number} + v * {step}] = Narrow<{kind}>::of({value});"
        ),
    ]

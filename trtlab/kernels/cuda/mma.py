"""Contractions on the tensor cores: FP16, BF16 or FP32 factors, float32 sums.

Tiles of both factors go through shared memory by asynchronous copies of 16 bytes, several tiles
ahead; warps multiply 16 × 8 × 16 blocks (``mma.sync``). A factor whose elements do not come in
aligned runs of 16 bytes is loaded element by element. FP32 factors are rounded to TF32, which
keeps ten bits after the point, and multiplied in blocks half as deep.
"""

from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import Kernel
from trtlab.kernels.cuda.contraction import Contraction
from trtlab.kernels.cuda.mma_load import Factor, MmaTile
from trtlab.kernels.cuda.mma_store import store_results
from trtlab.kernels.cuda.text import MOST_BLOCKS, Writer, pointer
from trtlab.tactics.problem import Problem

_WARP = 32

TURN_QUAD = r"""
__device__ __forceinline__ void turn_quad(float (&v)[4]) {
  const bool odd = threadIdx.x & 1, upper = threadIdx.x & 2;
  float a = __shfl_xor_sync(0xffffffffu, odd ? v[0] : v[1], 1);
  float b = __shfl_xor_sync(0xffffffffu, odd ? v[2] : v[3], 1);
  if (odd) { v[0] = a; v[2] = b; } else { v[1] = a; v[3] = b; }
  a = __shfl_xor_sync(0xffffffffu, upper ? v[0] : v[2], 2);
  b = __shfl_xor_sync(0xffffffffu, upper ? v[1] : v[3], 2);
  if (upper) { v[0] = a; v[1] = b; } else { v[2] = a; v[3] = b; }
}
""".strip()
"""`turn_quad`: of four rows spread over four lanes, each gets one."""

INTRINSICS = (
    r"""
__device__ __forceinline__ unsigned shared_address(const void* p) {
  return (unsigned)__cvta_generic_to_shared(p);
}
__device__ __forceinline__ void copy16(unsigned to, const void* from, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               :: "r"(to), "l"(__cvta_generic_to_global(from)), "r"(valid ? 16 : 0));
}
__device__ __forceinline__ void commit() { asm volatile("cp.async.commit_group;"); }
template <int N> __device__ __forceinline__ void wait_for() {
  asm volatile("cp.async.wait_group %0;" :: "n"(N));
}
__device__ __forceinline__ void load4(unsigned (&r)[4], unsigned at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at));
}
__device__ __forceinline__ void load4_turned(unsigned (&r)[4], unsigned at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at));
}
""".strip()
    + f"\n{TURN_QUAD}"
)


def mma_kernel(
    form: Contraction,
    tile: MmaTile,
    tactic: str,
    problem: Problem,
    splits: int = 1,
    *,
    aligned: bool = True,
) -> Kernel:
    """The kernel; with several splits it adds up parts of k and stores them as float32."""
    batch, m, n, k = form.sizes
    a = Factor(form, tile, "a", aligned=aligned)
    b = Factor(form, tile, "b", aligned=aligned)
    steps = -(-k // tile.k)
    each = -(-steps // splits)
    stage = a.size * (a.elements + b.elements)
    writer = Writer(tactic, problem)
    writer.top += [INTRINSICS, multiply_text(form.left.dtype)]
    writer.parameters = (
        form.parameters()
        if splits == 1
        else [*form.parameters()[:2], pointer("float", "partial", written=True)]
    )
    place, grid = _placed(tile, m, n)
    mt, nt = tile.wm // 16, tile.wn // 8
    across = tile.n // tile.wn
    writer.add(
        "extern __shared__ __align__(128) unsigned char shared[];",
        "const unsigned base = shared_address(shared);",
        f"const int bi = blockIdx.z / {splits}, part = blockIdx.z % {splits};",
        place,
        f"const int lane = threadIdx.x % {_WARP}, warp = threadIdx.x / {_WARP};",
        f"const int wm = warp / {across} * {tile.wm}, wn = warp % {across} * {tile.wn};",
        f"float sum[{mt}][{nt}][4] = {{}};",
        f"const int first = part * {each};",
        f"const int last = min(first + {each}, {steps});",
        *a.setup(),
        *b.setup(),
        "auto fetch = [&](int step, int slot) {",
        f"  unsigned to = slot * {stage};",
        *(f"  {x}" for x in a.load()),
        f"  to += {a.size * a.elements};",
        *(f"  {x}" for x in b.load()),
        "};",
        "#pragma unroll",
        f"for (int s = 0; s < {tile.stages - 1}; ++s) {{",
        "  if (first + s < last) fetch(first + s, s);",
        "  commit();",
        "}",
        "int slot = 0;",
        "for (int step = first; step < last; ++step) {",
        f"  wait_for<{tile.stages - 2}>();",
        "  __syncthreads();",
        f"  const int ahead = step + {tile.stages - 1};",
        f"  if (ahead < last) fetch(ahead, slot == 0 ? {tile.stages - 1} : slot - 1);",
        "  commit();",
        f"  const unsigned at_a = slot * {stage}, at_b = at_a + {a.size * a.elements};",
        "  #pragma unroll",
        f"  for (int kk = 0; kk < {tile.k // (2 * a.run)}; ++kk) {{",
        f"    unsigned fa[{mt}][4], fb[{nt // 2}][4];",
        *(f"    {x}" for x in a.fragments("at_a")),
        *(f"    {x}" for x in b.fragments("at_b")),
        "    #pragma unroll",
        f"    for (int i = 0; i < {mt}; ++i)",
        "      #pragma unroll",
        f"      for (int j = 0; j < {nt}; ++j) "
        "multiply(sum[i][j], fa[i], fb[j / 2][j % 2 * 2], fb[j / 2][j % 2 * 2 + 1]);",
        "  }",
        f"  slot = slot == {tile.stages - 1} ? 0 : slot + 1;",
        "}",
    )
    writer.add(*store_results(form, tile, splits, batch, m, n, aligned=aligned))
    grid, shared = (*grid, batch * splits), stage * tile.stages
    return writer.kernel("contract_mma", grid, (tile.threads, 1, 1), shared_bytes=shared)


def _placed(tile: MmaTile, m: int, n: int) -> tuple[str, tuple[int, int]]:
    """A block's first row and column, and the grid's first extents: the second has a limit."""
    down, across = -(-m // tile.m), -(-n // tile.n)
    if down <= MOST_BLOCKS:
        place = f"m0 = blockIdx.y * {tile.m}, n0 = blockIdx.x * {tile.n}"
        return f"const int {place};", (across, down)
    x = "blockIdx.x"
    place = f"m0 = {x} / {across} * {tile.m}, n0 = {x} % {across} * {tile.n}"
    return f"const int {place};", (across * down, 1)


def multiply_text(dtype: DataType) -> str:
    """The tensor core instruction for a type, as a device function."""
    if dtype is DataType.FLOAT:
        shape, kind = "m16n8k8", "tf32"
    else:
        shape, kind = "m16n8k16", "bf16" if dtype is DataType.BF16 else "f16"
    return (
        "__device__ __forceinline__ void multiply("
        "float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {\n"
        f'  asm volatile("mma.sync.aligned.{shape}.row.col.f32.{kind}.{kind}.f32 "\n'
        '    "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"\n'
        '    : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])\n'
        '    : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));\n'
        "}"
    ) + (_ROUNDED if dtype is DataType.FLOAT else "")


_ROUNDED = """
__device__ __forceinline__ unsigned rounded(unsigned x) {
  unsigned y;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(__uint_as_float(x)));
  return y;
}"""

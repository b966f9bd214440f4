"""Hopper's instructions as device functions: barriers, the copy engine, warp-group products.

Source: PTX ISA, "Asynchronous Warpgroup Level Matrix Instructions", "Data Movement and
Conversion Instructions: Tensor copy" and "Parallel Synchronization: mbarrier".
"""

from trtlab.core.types import DataType

DEEP = 64
"""Elements of a row of a tile in shared memory: 128 bytes, over which runs are swizzled."""

HOPPER = r"""
struct alignas(64) TensorMap { unsigned char bytes[128]; };
__device__ __forceinline__ unsigned shared_address(const void* p) {
  return (unsigned)__cvta_generic_to_shared(p);
}
__device__ __forceinline__ void barrier_init(unsigned at, unsigned count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(at), "r"(count) : "memory");
}
__device__ __forceinline__ void barrier_expect(unsigned at, unsigned bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;"
               :: "r"(at), "r"(bytes) : "memory");
}
__device__ __forceinline__ void barrier_arrive(unsigned at) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(at) : "memory");
}
__device__ __forceinline__ void barrier_wait(unsigned at, unsigned phase) {
  asm volatile("{\n.reg .pred done;\nagain:\n"
               "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
               "@!done bra again;\n}" :: "r"(at), "r"(phase) : "memory");
}
__device__ __forceinline__ void tile_load(unsigned to, const TensorMap& map, int column, int row,
                                          unsigned barrier) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes "
               "[%0], [%1, {%3, %4}], [%2];"
               :: "r"(to), "l"(&map), "r"(barrier), "r"(column), "r"(row) : "memory");
}
__device__ __forceinline__ void tile_store(const TensorMap& map, int column, int row,
                                           unsigned from) {
  asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%2, %3}], [%1];"
               :: "l"(&map), "r"(from), "r"(column), "r"(row) : "memory");
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}
__device__ __forceinline__ void map_fetch(const TensorMap& map) {
  asm volatile("prefetch.tensormap [%0];" :: "l"(&map) : "memory");
}
template <int N> __device__ __forceinline__ void stores_read() {
  asm volatile("cp.async.bulk.wait_group.read %0;" :: "n"(N) : "memory");
}
__device__ __forceinline__ void meet(int group) {
  asm volatile("bar.sync %0, 128;" :: "r"(group) : "memory");
}
__device__ __forceinline__ void narrow2(Vec<half_t, 2>& w, float a, float b) {
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(reinterpret_cast<unsigned&>(w)) : "f"(b), "f"(a));
}
__device__ __forceinline__ void narrow2(Vec<bf16_t, 2>& w, float a, float b) {
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(reinterpret_cast<unsigned&>(w)) : "f"(b), "f"(a));
}
__device__ __forceinline__ unsigned long long tile_at(unsigned at) {
  return (1ull << 62) | (64ull << 32) | (1ull << 16) | ((at & 0x3ffff) >> 4);
}
""".strip()
"""`tile_at` describes tiles of 128-byte rows, swizzled, eight rows (1024 bytes) at a time."""
WINDOW = r"""
__device__ __forceinline__ void window_load(unsigned to, const TensorMap& map, int channel, int x,
                                            int y, int image, int dx, int dy, unsigned barrier) {
  asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.im2col"
               ".mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, %6}], [%2], {%7, %8};"
               :: "r"(to), "l"(&map), "r"(barrier), "r"(channel), "r"(x), "r"(y), "r"(image),
                  "h"((unsigned short)dx), "h"((unsigned short)dy) : "memory");
}
""".strip()
"""`window_load` brings one tap of the windows that follow the one at (x, y) of an image."""
TURNS = r"""
__device__ __forceinline__ void await_turn(int group) {
  asm volatile("bar.sync %0, 256;" :: "r"(5 + group) : "memory");
}
__device__ __forceinline__ void pass_on(int group) {
  asm volatile("bar.arrive %0, 256;" :: "r"(5 + group) : "memory");
}
""".strip()
"""Two groups multiply in turns: a barrier's parity tells a stage's data only to who is next."""
CLUSTER = r"""
__device__ __forceinline__ int cluster_rank() {
  int rank; asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank)); return rank;
}
__device__ __forceinline__ void cluster_meet() {
  asm volatile("barrier.cluster.arrive.release;" ::: "memory");
  asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
}
__device__ __forceinline__ float4 of_block(unsigned at, int block) {
  unsigned there; float4 v;
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(at), "r"(block));
  asm volatile("ld.shared::cluster.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "r"(there) : "memory");
  return v;
}
""".strip()


def multiply_text(columns: int, dtype: DataType) -> str:
    """The product of 64 rows and so many columns over 16 of k, added where ``more`` is set."""
    kind = "bf16" if dtype is DataType.BF16 else "f16"
    count = columns // 2
    sums = ", ".join(f"%{i}" for i in range(count))
    bound = ", ".join(f'"+f"(c[{i}])' for i in range(count))
    return (
        f"__device__ __forceinline__ void multiply(float (&c)[{count}], "
        "unsigned long long a, unsigned long long b, int more) {\n"
        '  asm volatile("{\\n.reg .pred more;\\n'
        f'setp.ne.b32 more, %{count + 2}, 0;\\n"\n'
        f'    "wgmma.mma_async.sync.aligned.m64n{columns}k16.f32.{kind}.{kind} "\n'
        f'    "{{{sums}}}, %{count}, %{count + 1}, more, 1, 1, 0, 0;\\n}}"\n'
        f'    : {bound}\n    : "l"(a), "l"(b), "r"(more));\n'
        "}"
    )

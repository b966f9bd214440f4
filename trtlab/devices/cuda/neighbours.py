"""How a kernel of ours treats its neighbours on a stream: a parameter, and statements that use it.

It waits for the one before it, may let the next one in early, may ask the weights of those that
follow into the L2 cache, and may write down when its turn came.
"""

import ctypes
from dataclasses import dataclass

AHEAD = "const Ahead ahead"
"""The last parameter: what a kernel does for those around it."""
FOLLOW = "follow(ahead);"
"""The statement by which a kernel waits for the one before it; before, it reads constants only."""
FETCH_AHEAD = "fetch_ahead(ahead);"
"""The statement by which a kernel asks for the next kernels' weights; see `ahead`."""
MOST_AHEAD = 4

NEIGHBOURS = r"""
struct Ahead {
  const char* at[4];
  unsigned long long* turn;
  unsigned bytes[4];
  unsigned admits;
};

// Weights of the next kernels are asked into the L2 cache while this one runs: one piece a block,
// for a multiprocessor asks for 0.2 MB in a microsecond, and a block ends when its piece is asked.
__device__ __forceinline__ void fetch_ahead(const Ahead& ahead) {
#if __CUDA_ARCH__ >= 900
  if (threadIdx.x + threadIdx.y + threadIdx.z + blockIdx.y + blockIdx.z) return;
  unsigned piece = blockIdx.x;
  #pragma unroll
  for (int n = 0; n < 4; ++n) {
    const unsigned pieces = (ahead.bytes[n] + 16383) / 16384, from = piece * 16384;
    if (piece < pieces)
      asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;"
                   :: "l"(ahead.at[n] + from), "r"(min(16384u, ahead.bytes[n] - from)) : "memory");
    piece -= pieces;  // beyond all pieces once it was below
  }
#endif
}

// Waits until the kernel before is done: this one may have been set up meanwhile. From then on the
// next one may be, where it waits as well: see docs/decisions/0013. The time of this moment is
// written down where that is asked for: see docs/decisions/0014.
__device__ __forceinline__ void follow(const Ahead& ahead) {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
  if (ahead.admits) asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
  if (ahead.turn && !(threadIdx.x + threadIdx.y + threadIdx.z
                      + blockIdx.x + blockIdx.y + blockIdx.z)) {
    unsigned long long now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    asm volatile("st.global.u64 [%0], %1;" :: "l"(ahead.turn), "l"(now) : "memory");
  }
}
"""
"""What the statements mean, in CUDA C++."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one launch tells its kernel about those around it.

    Attributes:
        ahead: Addresses and sizes of weights to ask for, `MOST_AHEAD` at most.
        turn: Address of the 8 bytes that get the GPU's time when everything before it is done;
            0 for none.
        admits: Whether the next launch may be set up while this one runs.
    """

    ahead: tuple[tuple[int, int], ...] = ()
    turn: int = 0
    admits: bool = False

    def stored(self) -> ctypes.Structure:
        """As the kernel's own parameter."""
        found = _Ahead(turn=self.turn, admits=self.admits)
        for number, (address, nbytes) in enumerate(self.ahead):
            found.at[number], found.bytes[number] = address, nbytes
        return found


class _Ahead(ctypes.Structure):
    """The kernel's own parameter of this name."""

    _fields_ = (
        ("at", ctypes.c_uint64 * MOST_AHEAD),
        ("turn", ctypes.c_uint64),
        ("bytes", ctypes.c_uint32 * MOST_AHEAD),
        ("admits", ctypes.c_uint32),
    )

"""Kernels that look at results where they lie: which are missing, how large, how far apart."""

from math import sqrt

import numpy as np

from trtlab.core.types import DataType
from trtlab.devices.cuda.device import CudaDevice
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.kernels.cuda.prelude import C_TYPES, PRELUDE
from trtlab.tactics.problem import Operand

_BLOCKS, _THREADS = 512, 256
_WIDTHS = {DataType.FLOAT: "unsigned int"}
_SURVEY = """
extern "C" __global__ void survey(const TYPE* a, i64 n, double* found) {
  double sum = 0.0, finite = 0.0, missing = 0.0;
  for (i64 t = (i64)blockIdx.x * blockDim.x + threadIdx.x; t < n;
       t += (i64)gridDim.x * blockDim.x) {
    missing += reinterpret_cast<const BITS*>(a)[t] == (BITS)~0ull;
    const float x = wide(a[t]);
    if (x - x == 0.0f) { sum += (double)x * x; finite += 1.0; }
  }
  atomicAdd(found, missing);
  atomicAdd(found + 1, sum);
  atomicAdd(found + 2, finite);
}
"""
_COMPARE = """
extern "C" __global__ void compare(const TYPE* a, const TYPE* b, i64 n, const double* limits,
                                   double* found) {
  double off = 0.0;
  float worst = 0.0f;
  for (i64 t = (i64)blockIdx.x * blockDim.x + threadIdx.x; t < n;
       t += (i64)gridDim.x * blockDim.x) {
    const float x = wide(a[t]), y = wide(b[t]);
    if (x == y || (x != x && y != y)) continue;
    const float apart = fabsf(x - y);
    if (apart <= limits[0] * fabsf(y) + limits[1] && y - y == 0.0f) continue;
    off += 1.0;
    worst = fmaxf(worst, apart);
  }
  atomicAdd(found, off);
  atomicMax(reinterpret_cast<unsigned int*>(found + 1), __float_as_uint(worst));
}
"""
_CHECKSUM = """
extern "C" __global__ void checksum(const unsigned char* a, i64 n, unsigned long long* found) {
  unsigned long long sum = 0;
  for (i64 t = (i64)blockIdx.x * blockDim.x + threadIdx.x; t < n;
       t += (i64)gridDim.x * blockDim.x)
    sum += (a[t] + 1ull) * (2ull * t + 1ull) * 0x9E3779B97F4A7C15ull;
  atomicAdd(found, sum);
}
"""


def _kernel(name: str, body: str, dtype: DataType = DataType.FLOAT) -> Kernel:
    bits = _WIDTHS.get(dtype, "unsigned short")
    text = PRELUDE + body.replace("TYPE", C_TYPES[dtype]).replace("BITS", bits)
    return Kernel(name, text, (_BLOCKS, 1, 1), (_THREADS, 1, 1))


def _run(device: CudaDevice, launch: KernelLaunch) -> None:
    launch.prepare(device)
    launch.enqueue(device.stream)


def survey(device: CudaDevice, operand: Operand, address: int) -> tuple[int, float]:
    """Values whose bits are all ones still, and the root mean square of the finite ones."""
    found = device.hold(np.zeros(3))
    count = int(np.prod(operand.shape, dtype=np.int64))
    kernel = _kernel("survey", _SURVEY, operand.dtype)
    _run(device, KernelLaunch(kernel, (address, count, found.address)))
    missing, total, finite = device.read(found.address, np.dtype(np.float64), (3,))
    return int(missing), sqrt(float(total) / max(float(finite), 1.0))


def compare(
    device: CudaDevice,
    operand: Operand,
    address: int,
    right: int,
    relative: float,
    absolute: float,
) -> tuple[int, float]:
    """Values farther from the right ones than the tolerances allow, and the largest distance.

    Two NaN agree, as do equal infinities.
    """
    limits = device.hold(np.array([relative, absolute]))
    found = device.hold(np.zeros(2))
    count = int(np.prod(operand.shape, dtype=np.int64))
    kernel = _kernel("compare", _COMPARE, operand.dtype)
    _run(
        device,
        KernelLaunch(kernel, (address, right, count, limits.address, found.address)),
    )
    off, packed = device.read(found.address, np.dtype(np.float64), (2,))
    worst = np.array([packed]).view(np.float32)[0]
    return int(off), float(worst)


def checksum(device: CudaDevice, address: int, nbytes: int) -> int:
    """A number that changes when a byte does."""
    found = device.hold(np.zeros(1, np.uint64))
    kernel = _kernel("checksum", _CHECKSUM)
    _run(device, KernelLaunch(kernel, (address, nbytes, found.address)))
    return int(device.read(found.address, np.dtype(np.uint64), (1,))[0])

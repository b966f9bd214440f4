"""What every generated kernel begins with: element types, conversions, scalar functions.

No header is included: the half types are converted by single instructions, so that a kernel
compiles in a fraction of the time and needs no CUDA toolkit.
"""

import math

import numpy as np

from trtlab.core.types import DataType
from trtlab.devices.cuda.neighbours import NEIGHBOURS

C_TYPES: dict[DataType, str] = {
    DataType.FLOAT: "float",
    DataType.HALF: "half_t",
    DataType.BF16: "bf16_t",
    DataType.INT8: "signed char",
    DataType.INT32: "int",
    DataType.INT64: "long long",
    DataType.BOOL: "bool_t",
    DataType.UINT8: "unsigned char",
}

_TYPES = r"""
struct half_t { unsigned short bits; };
struct bf16_t { unsigned short bits; };
struct bool_t { unsigned char bits; };
template <class T, int N> struct alignas(sizeof(T) * N) Vec { T v[N]; };
typedef long long i64;
"""

_FUNCTIONS = r"""
__device__ __forceinline__ float wide(float x) { return x; }
__device__ __forceinline__ float wide(half_t x) {
  float y; asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits)); return y;
}
__device__ __forceinline__ float wide(bf16_t x) {
  return __uint_as_float((unsigned)x.bits << 16);
}
__device__ __forceinline__ int wide(signed char x) { return x; }
__device__ __forceinline__ int wide(unsigned char x) { return x; }
__device__ __forceinline__ int wide(int x) { return x; }
__device__ __forceinline__ i64 wide(i64 x) { return x; }
__device__ __forceinline__ bool wide(bool_t x) { return x.bits != 0; }

template <class T> struct Narrow;
template <> struct Narrow<float> {
  template <class S> static __device__ __forceinline__ float of(S x) { return (float)x; }
};
template <> struct Narrow<half_t> {
  template <class S> static __device__ __forceinline__ half_t of(S x) {
    half_t y; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"((float)x)); return y;
  }
};
template <> struct Narrow<bf16_t> {
  template <class S> static __device__ __forceinline__ bf16_t of(S x) {
    bf16_t y; asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"((float)x)); return y;
  }
};
template <> struct Narrow<int> {
  template <class S> static __device__ __forceinline__ int of(S x) { return (int)x; }
};
template <> struct Narrow<i64> {
  template <class S> static __device__ __forceinline__ i64 of(S x) { return (i64)x; }
};
template <> struct Narrow<signed char> {
  template <class S> static __device__ __forceinline__ signed char of(S x) {
    return (signed char)(int)x;
  }
};
template <> struct Narrow<unsigned char> {
  template <class S> static __device__ __forceinline__ unsigned char of(S x) {
    return (unsigned char)(int)x;
  }
};
template <> struct Narrow<bool_t> {
  template <class S> static __device__ __forceinline__ bool_t of(S x) {
    bool_t y; y.bits = x != 0; return y;
  }
};

__device__ __forceinline__ float max_nan(float a, float b) {
  float y; asm("max.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b)); return y;
}
__device__ __forceinline__ float min_nan(float a, float b) {
  float y; asm("min.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b)); return y;
}
template <class T> __device__ __forceinline__ T max_nan(T a, T b) { return a > b ? a : b; }
template <class T> __device__ __forceinline__ T min_nan(T a, T b) { return a < b ? a : b; }
__device__ __forceinline__ float sigmoid(float x) {
  float decay = expf(-fabsf(x));
  float top = x >= 0.0f ? 1.0f : decay;
  return x != x ? x : top / (1.0f + decay);
}
__device__ __forceinline__ float softplus(float x) {
  return max_nan(x, 0.0f) + log1pf(expf(-fabsf(x)));
}
__device__ __forceinline__ float gelu_tanh(float x) {
  float inner = 0.797884560802865356f * (x + 0.044715f * x * x * x);
  return x * (1.0f + tanhf(inner)) * 0.5f;
}
__device__ __forceinline__ float gelu_erf(float x) {
  return x * (1.0f + erff(x * 0.707106781186547524f)) * 0.5f;
}
// x Phi(x) = max(x, 0) - |x| Phi(-|x|) with a polynomial for log2 Phi(-|x|) up to 6: within 5e-5
// of the value, a tenth of half precision's rounding, at a third of erff's instructions.
__device__ __forceinline__ float gelu_half(float x) {
  const float a = fminf(fabsf(x), 13.0f);
  float p = 2.29900597e-05f;
  p = p * a - 0.000611100113f;
  p = p * a + 0.00719556678f;
  p = p * a - 0.0511853434f;
  p = p * a - 0.461271912f;
  p = p * a - 1.15017426f;
  p = p * a - 1.00006473f;
  float tail; asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(tail) : "f"(p));
  return max_nan(x, 0.0f) - a * tail;
}
__device__ __forceinline__ float sign_of(float x) {
  return x != x ? x : (float)((x > 0.0f) - (x < 0.0f));
}
template <class T> __device__ __forceinline__ T int_div(T a, T b) { return b == 0 ? 0 : a / b; }
template <class T> __device__ __forceinline__ T floor_div(T a, T b) {
  if (b == 0) return 0;
  T q = a / b;
  return (a % b != 0 && ((a < 0) != (b < 0))) ? q - 1 : q;
}
template <class T> __device__ __forceinline__ T int_pow(T a, T b) {
  if (b < 0) return a == 1 ? 1 : a == -1 ? ((b & 1) ? -1 : 1) : 0;
  T y = 1;
  while (b) { if (b & 1) y *= a; a *= a; b >>= 1; }
  return y;
}
"""

PRELUDE = (_TYPES + NEIGHBOURS + _FUNCTIONS).strip()


def literal(value: float) -> str:
    """A float32 constant."""
    number = np.float32(value)
    if math.isnan(number):
        return "__int_as_float(0x7fc00000)"
    if math.isinf(number):
        bits = "0x7f800000" if number > 0 else "0xff800000"
        return f"__int_as_float({bits})"
    return f"{float(number)!r}f"


def element(dtype: DataType, value: float) -> str:
    """A constant of the type that kernels compute in for an element type."""
    if dtype.is_float:
        return literal(value)
    if dtype is DataType.BOOL:
        return "true" if value else "false"
    suffix = "ll" if dtype is DataType.INT64 else ""
    return f"({int(value)}{suffix})"


def work_type(dtype: DataType) -> str:
    """The type that kernels compute in for an element type."""
    if dtype.is_float:
        return "float"
    return {DataType.INT64: "i64", DataType.BOOL: "bool"}.get(dtype, "int")

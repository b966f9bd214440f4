"""Depthwise convolution: every channel by itself, a thread holds several channels and outputs.

A thread computes a short strip of neighbouring outputs of up to eight channels, so that inputs
under overlapping windows are loaded once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from trtlab.core.types import TensorFormat
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.kernels.cuda.contraction import Contraction, Extra, begin_row, finish, runs_fit
from trtlab.kernels.cuda.forms import form_of
from trtlab.kernels.cuda.per_element import given
from trtlab.kernels.cuda.pointwise import cost_us
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.text import Writer, blocks_for
from trtlab.layers.base import Array
from trtlab.layers.convolution import Convolution
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_THREADS = 128
_ALIGN = 16
_RANK = 4


class DepthwiseTactic(Tactic):
    """Strips of outputs along the width.

    Args:
        strip: Outputs of a thread.
    """

    def __init__(self, strip: int) -> None:
        self._strip = strip
        self.name = f"cuda.depthwise.strip/{strip}"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines anything but one map a channel in two dimensions, with constant weights."""
        op, x, kernel = problem.op, given(problem, 0), given(problem, 1)
        assert isinstance(op, Convolution)
        if op.num_groups != x.shape[1] or problem.outputs[0].shape[1] != x.shape[1]:
            return Rejection("not one group and one map a channel")
        if len(x.shape) != _RANK or not kernel.constant or not x.dtype.is_float:
            return Rejection("works on images of floats with constant weights")
        if x.dtype is not kernel.dtype:
            return Rejection("image and weights differ in type")
        form = form_of(problem)
        return form if isinstance(form, Rejection) else None

    def cost_hint_us(self, problem: Problem) -> float:
        """Bound by memory; short strips load more often."""
        return cost_us(problem, 1.5e6) * (1 + 1 / self._strip)

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """Weights as [taps, channels]."""
        del problem
        packed = dict(constants)
        if 1 in packed:
            kernel = packed[1]
            packed[1] = np.ascontiguousarray(kernel.reshape(kernel.shape[0], -1).T)
        return packed

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch."""
        addresses = (*(a for a in buffers.inputs if a is not None), buffers.outputs[0])
        aligned = all(a % _ALIGN == 0 for a in addresses)
        return (KernelLaunch(self.kernel(problem, aligned=aligned), addresses),)

    def _width(self, problem: Problem, form: Contraction, *, aligned: bool) -> int:
        """Channels of a thread."""
        x = given(problem, 0)
        if not aligned or x.format is not TensorFormat.HWC or x.strides[1] != 1:
            return 1
        width = 16 // int(x.dtype.itemsize)
        strides = (x.strides[0], *x.strides[2:])
        while width > 1 and not (
            runs_fit(form, width) and all(s % width == 0 for s in strides)
        ):
            width //= 2
        return width

    def kernel(self, problem: Problem, *, aligned: bool) -> Kernel:
        """The kernel."""
        op, x, out = problem.op, given(problem, 0), problem.outputs[0]
        assert isinstance(op, Convolution)
        form = _by_channel(problem)
        width, strip = self._width(problem, form, aligned=aligned), self._strip
        size = given(problem, 1).shape[2:]
        window = op.window(size)
        (top, _), (left, _) = window.padding(x.shape[2:])
        (down, right), (dh, dw) = window.stride, window.dilation
        n, channels, rows, columns = out.shape
        strips, runs = -(-columns // strip), channels // width
        reach = (strip - 1) * right + (size[1] - 1) * dw + 1
        kind = C_TYPES[x.dtype]
        vector = f"Vec<{kind}, {width}>"
        order = ["ci", "qs", "p", "bn"] if width > 1 else ["qs", "p", "ci", "bn"]
        extents = {"ci": runs, "qs": strips, "p": rows, "bn": n}
        writer = Writer(self.name, problem)
        writer.parameters = form.parameters()
        count = prod(extents.values())
        split: list[str] = []
        rest = "t"
        for name in order[:-1]:
            split += [f"const int {name} = {rest} % {extents[name]};"]
            split += [f"const i64 {name}_q = {rest} / {extents[name]};"]
            rest = f"{name}_q"
        writer.add(
            f"const i64 t = (i64)blockIdx.x * {_THREADS} + threadIdx.x;",
            f"if (t >= {count}) return;",
            *split,
            f"const int bn = {rest};",
            f"const int n = ci * {width}, bi = 0, q0 = qs * {strip};",
            f"float sum[{strip}][{width}] = {{}};",
            "#pragma unroll",
            f"for (int r = 0; r < {size[0]}; ++r) {{",
            f"  const int y = p * {down} + r * {dh} - {top};",
            f"  if (y < 0 || y >= {x.shape[2]}) continue;",
            f"  const i64 row = (i64)bn * {x.strides[0]} + (i64)y * {x.strides[2]} "
            f"+ (i64)n * {x.strides[1]};",
            f"  float in[{reach}][{width}];",
            "  #pragma unroll",
            f"  for (int i = 0; i < {reach}; ++i) {{",
            f"    const int at = q0 * {right} - {left} + i;",
            f"    const bool ok = at >= 0 && at < {x.shape[3]};",
            f"    {vector} v = {{}};",
            f"    if (ok) v = *reinterpret_cast<const {vector}*>(a + row + (i64)at * {x.strides[3]});",
            "    #pragma unroll",
            f"    for (int e = 0; e < {width}; ++e) in[i][e] = ok ? wide(v.v[e]) : 0.0f;",
            "  }",
            "  #pragma unroll",
            f"  for (int s = 0; s < {size[1]}; ++s) {{",
            f"    const {vector} w = *reinterpret_cast<const {vector}*>"
            f"(b + (r * {size[1]} + s) * {channels} + n);",
            "    #pragma unroll",
            f"    for (int o = 0; o < {strip}; ++o)",
            "      #pragma unroll",
            f"      for (int e = 0; e < {width}; ++e) "
            f"sum[o][e] += in[o * {right} + s * {dw}][e] * wide(w.v[e]);",
            "  }",
            "}",
            "#pragma unroll",
            f"for (int o = 0; o < {strip}; ++o) {{",
            f"  if (q0 + o >= {columns}) continue;",
            f"  const int m = (bn * {rows} + p) * {columns} + q0 + o;",
            *(f"  {line}" for line in begin_row(form)),
            *(
                f"  {line}"
                for line in finish(
                    form, [f"sum[o][{e}]" for e in range(width)], aligned=width > 1
                )
            ),
            "}",
        )
        grid = (blocks_for(count, _THREADS), 1, 1)
        return writer.kernel("depthwise", grid, (_THREADS, 1, 1))


def _by_channel(problem: Problem) -> Contraction:
    """The convolution with its channels as n instead of as batch."""
    form = form_of(problem)
    assert isinstance(form, Contraction)

    def turned(extra: Extra) -> Extra:
        return Extra(extra.dtype, (0,), extra.m, extra.batch)

    return replace(
        form,
        batch=(1,),
        n=form.batch,
        result=turned(form.result),
        bias=None if form.bias is None else turned(form.bias),
        operands=tuple(turned(o) for o in form.operands),
    )

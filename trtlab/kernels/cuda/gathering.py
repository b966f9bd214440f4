"""GATHER, SCATTER, ONE_HOT and CUMULATIVE."""

from collections.abc import Sequence
from math import prod

from trtlab.core.enums import GatherMode, ScatterMode
from trtlab.devices.cuda.kernel import KernelLaunch
from trtlab.kernels.cuda.elementwise import Elementwise, Side
from trtlab.kernels.cuda.per_element import PerElementTactic, given
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.text import Writer, blocks_for, dot, split_index
from trtlab.layers.base import axis_in
from trtlab.layers.gather import Gather, OneHot, Scatter
from trtlab.layers.pointwise import Step
from trtlab.layers.reduction import Cumulative
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers

_THREADS = 256


def wrapped_index(name: str, value: str, extent: int) -> list[str]:
    """An index counted from the front; outside it is brought to the nearest entry."""
    return [
        f"index {name} = (index)wide({value});",
        f"if ({name} < 0) {name} += {extent};",
        f"{name} = {name} < 0 ? 0 : {name} >= {extent} ? {extent - 1} : {name};",
    ]


class GatherTactic(PerElementTactic):
    """All three modes; an index outside reads the nearest entry, never foreign memory."""

    name = "cuda.gather.element"

    def body(self, writer: Writer, problem: Problem, at: Sequence[str]) -> None:
        """Source index by mode."""
        op, data, indices = problem.op, given(problem, 0), given(problem, 1)
        assert isinstance(op, Gather)
        batch = op.num_elementwise_dims
        if op.mode is GatherMode.ND:
            depth = indices.shape[-1]
            lead = len(indices.shape) - 1
            place = dot(at[:lead], indices.strides[:-1])
            sources = list(at[:batch])
            for k in range(depth):
                step = k * indices.strides[-1]
                writer.add(
                    *wrapped_index(f"g{k}", f"x1[{place} + {step}]", data.shape[batch + k])
                )
                sources.append(f"g{k}")
            sources += at[lead:]
        else:
            axis = axis_in(op.axis, len(data.shape))
            if op.mode is GatherMode.ELEMENT:
                place = dot(at, indices.strides)
                sources = [*at[:axis], "g", *at[axis + 1 :]]
            else:
                span = len(indices.shape) - batch
                used = [*at[:batch], *at[axis : axis + span]]
                place = dot(used, indices.strides)
                sources = [*at[:axis], "g", *at[axis + span :]]
            writer.add(*wrapped_index("g", f"x1[{place}]", data.shape[axis]))
        writer.add(f"y[to] = x0[{dot(sources, data.strides)}];")


class OneHotTactic(PerElementTactic):
    """A comparison of index and place."""

    name = "cuda.one_hot.element"

    def body(self, writer: Writer, problem: Problem, at: Sequence[str]) -> None:
        """On where they are equal."""
        op, indices, levels = problem.op, given(problem, 0), given(problem, 1)
        assert isinstance(op, OneHot)
        axis = axis_in(op.axis, len(indices.shape) + 1)
        used = [*at[:axis], *at[axis + 1 :]]
        depth = problem.outputs[0].shape[axis]
        writer.add(
            f"auto hot = wide(x0[{dot(used, indices.strides)}]);",
            f"if (hot < 0) hot += {depth};",
            f"y[to] = x1[hot == {at[axis]} ? {levels.strides[0]} : 0];",
        )


class CumulativeTactic(PerElementTactic):
    """One thread a line."""

    name = "cuda.cumulative.line"

    def extents(self, problem: Problem) -> tuple[int, ...]:
        """All axes but the summed one."""
        op, shape = problem.op, problem.outputs[0].shape
        assert isinstance(op, Cumulative)
        axis = axis_in(op.axis, len(shape))
        return tuple(1 if a == axis else e for a, e in enumerate(shape))

    def body(self, writer: Writer, problem: Problem, at: Sequence[str]) -> None:
        """A running sum."""
        op, x, out = problem.op, given(problem, 0), problem.outputs[0]
        assert isinstance(op, Cumulative)
        axis = axis_in(op.axis, len(x.shape))
        kind = "float" if out.dtype.is_float else "i64"
        count = x.shape[axis]
        place = f"{count - 1} - k" if op.reverse else "k"
        store = f"y[to + p * {out.strides[axis]}] = Narrow<{C_TYPES[out.dtype]}>::of(total);"
        add = f"total += ({kind})wide(x0[{dot(at, x.strides)} + p * {x.strides[axis]}]);"
        both = [store, add] if op.exclusive else [add, store]
        writer.add(
            f"{kind} total = 0;",
            f"for (index k = 0; k < {count}; ++k) {{",
            f"  const index p = {place};",
            *(f"  {line}" for line in both),
            "}",
        )


class ScatterTactic(PerElementTactic):
    """A copy of the data, then one thread an update; equal places are written in any order."""

    name = "cuda.scatter.element"

    def body(self, writer: Writer, problem: Problem, at: Sequence[str]) -> None:
        """One update: the index space is that of the updates."""
        op, data = problem.op, given(problem, 0)
        indices, updates = given(problem, 1), given(problem, 2)
        out = problem.outputs[0]
        assert isinstance(op, Scatter)
        if op.mode is ScatterMode.ELEMENT:
            axis = axis_in(op.axis, len(data.shape))
            writer.add(
                *wrapped_index("g", f"x1[{dot(at, indices.strides)}]", data.shape[axis])
            )
            targets = [*at[:axis], "g", *at[axis + 1 :]]
        else:
            depth, lead = indices.shape[-1], len(indices.shape) - 1
            place = dot(at[:lead], indices.strides[:-1])
            for k in range(depth):
                step = k * indices.strides[-1]
                writer.add(*wrapped_index(f"g{k}", f"x1[{place} + {step}]", data.shape[k]))
            targets = [*(f"g{k}" for k in range(depth)), *at[lead:]]
        writer.add(f"y[{dot(targets, out.strides)}] = x2[{dot(at, updates.strides)}];")

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """Two launches."""
        data, updates, out = given(problem, 0), given(problem, 2), problem.outputs[0]
        x, indices, new = (a or 0 for a in buffers.inputs[:3])
        y = buffers.outputs[0]
        copy = Elementwise(
            out.shape,
            Side(out.dtype, out.strides),
            (Side(data.dtype, data.strides),),
            (Step("identity", (0,)),),
            out.dtype,
        )
        launches: list[KernelLaunch] = []
        if prod(out.shape):
            aligned = x % 16 == 0 and y % 16 == 0
            launches.append(
                KernelLaunch(copy.kernel(self.name, problem, aligned=aligned), (x, y))
            )
        if not prod(updates.shape):
            return launches
        writer = Writer(self.name, problem)
        for number in range(3):
            writer.pointer(f"x{number}", given(problem, number).dtype)
        writer.pointer("y", out.dtype, written=True)
        names = [f"i{axis}" for axis in range(len(updates.shape))]
        count = prod(updates.shape)
        writer.add(
            "typedef i64 index;",
            f"const index t = (index)blockIdx.x * {_THREADS} + threadIdx.x;",
            f"if (t >= {count}) return;",
            *split_index("t", names, updates.shape, "index"),
        )
        self.body(writer, problem, names)
        kernel = writer.kernel(
            "scatter", (blocks_for(count, _THREADS), 1, 1), (_THREADS, 1, 1)
        )
        return [*launches, KernelLaunch(kernel, (x, indices, new, y))]

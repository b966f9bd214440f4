"""SLICE, PADDING, RESIZE, FILL and REVERSE_SEQUENCE: each element comes from somewhere."""

from collections.abc import Sequence

from trtlab.core.enums import (
    FillOperation,
    InterpolationMode,
    ResizeCoordinateTransformation,
    ResizeRoundMode,
    ResizeSelector,
    SampleMode,
)
from trtlab.kernels.cuda.per_element import PerElementTactic, given, optional
from trtlab.kernels.cuda.prelude import C_TYPES, element, literal
from trtlab.kernels.cuda.text import Writer, dot
from trtlab.layers.base import axis_in
from trtlab.layers.creation import Fill
from trtlab.layers.resize import Resize
from trtlab.layers.shuffle import ReverseSequence
from trtlab.layers.slicing import Padding, Slice
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Rejection

_C = ResizeCoordinateTransformation


class BoxTactic(PerElementTactic):
    """SLICE and PADDING in every sample mode."""

    name = "cuda.box.element"

    def refuse(self, problem: Problem) -> Rejection | None:
        """Declines boxes that tensors decide."""
        dynamic = problem.inputs[1:4] if isinstance(problem.op, Slice) else problem.inputs[1:2]
        if any(o is not None for o in dynamic):
            return Rejection("the box is a tensor, known only while running")
        return None

    def body(self, writer: Writer, problem: Problem, at: Sequence[str]) -> None:
        """Index of the source element on each axis, brought inside or found outside."""
        x, op = given(problem, 0), problem.op
        out = problem.outputs[0]
        boxes: list[tuple[int, int]] = []
        if isinstance(op, Slice):
            for start, _, step in op.resolve(x.shape, [], [True]):
                assert isinstance(start, int)
                assert isinstance(step, int)
                boxes.append((start, step))
            fill = optional(problem, 4)
            mode, value, place = op.mode, 0.0, 4
        else:
            assert isinstance(op, Padding)
            boxes = [(-p, 1) for p in op.pre_padding or (0,) * len(x.shape)]
            fill = optional(problem, 2)
            mode, value, place = op.mode, op.value, 2
        writer.add("bool outside = false;")
        for axis, ((start, step), extent) in enumerate(zip(boxes, x.shape, strict=True)):
            writer.add(f"index s{axis} = {at[axis]} * {step} + {start};")
            last = start + (out.shape[axis] - 1) * step
            if min(start, last) >= 0 and max(start, last) < extent:
                continue
            writer.add(*_inside(mode, f"s{axis}", extent))
        source = dot([f"s{axis}" for axis in range(len(x.shape))], x.strides)
        kind = C_TYPES[out.dtype]
        constant = f"Narrow<{kind}>::of({element(out.dtype, value)})"
        filler = constant if fill is None else f"x{place}[0]"
        writer.add(f"y[to] = outside ? {filler} : x0[{source}];")


def _inside(mode: SampleMode, name: str, extent: int) -> list[str]:
    if mode in {SampleMode.FILL, SampleMode.STRICT_BOUNDS}:
        return [
            f"if ({name} < 0 || {name} >= {extent}) {{ outside = true; {name} = 0; }}",
        ]
    if mode is SampleMode.WRAP:
        return [f"{name} %= {extent};", f"if ({name} < 0) {name} += {extent};"]
    if mode is SampleMode.CLAMP:
        return [f"{name} = {name} < 0 ? 0 : {name} >= {extent} ? {extent - 1} : {name};"]
    period = max(2 * (extent - 1), 1)
    return [
        f"{name} %= {period};",
        f"if ({name} < 0) {name} += {period};",
        f"if ({name} >= {extent}) {name} = {period} - {name};",
    ]


class ResizeTactic(PerElementTactic):
    """Nearest, linear and cubic interpolation over all changed axes at once."""

    name = "cuda.resize.element"

    def refuse(self, problem: Problem) -> Rejection | None:
        """Declines shapes that tensors decide."""
        if any(o is not None for o in problem.inputs[1:]):
            return Rejection("the shape is a tensor, known only while running")
        if not problem.outputs[0].dtype.is_float:
            op = problem.op
            assert isinstance(op, Resize)
            if op.interpolation_mode is not InterpolationMode.NEAREST:
                return Rejection("interpolates floating-point elements only")
        return None

    def body(self, writer: Writer, problem: Problem, at: Sequence[str]) -> None:
        """Taps and weights of each changed axis, then the weighted sum over all of them."""
        op, x, out = problem.op, given(problem, 0), problem.outputs[0]
        assert isinstance(op, Resize)
        sources = list(at)
        changed: list[int] = []
        nearest = op.interpolation_mode is InterpolationMode.NEAREST
        taps = {InterpolationMode.LINEAR: 2, InterpolationMode.CUBIC: 4}.get(
            op.interpolation_mode, 1
        )
        for axis, (count, size) in enumerate(zip(x.shape, out.shape, strict=True)):
            scale = size / max(count, 1) if op.shape else op.scales[axis]
            if (size, scale) == (count, 1):
                continue
            changed.append(axis)
            writer.add(*_taps(op, axis, at[axis], count, size, scale, taps))
            sources[axis] = f"p{axis}[{'0' if nearest else f'k{axis}'}]"
        if nearest:
            writer.add(f"y[to] = x0[{dot(sources, x.strides)}];")
            return
        writer.add("float total = 0.0f;")
        for axis in changed:
            writer.add("#pragma unroll", f"for (int k{axis} = 0; k{axis} < {taps}; ++k{axis})")
        weight = " * ".join([f"w{axis}[k{axis}]" for axis in changed] or ["1.0f"])
        writer.add(f"  total += {weight} * wide(x0[{dot(sources, x.strides)}]);")
        writer.add(f"y[to] = Narrow<{C_TYPES[out.dtype]}>::of(total);")


def _coordinate(op: Resize, i: str, count: int, size: int, scale: float, real: str) -> str:

    def number(value: float) -> str:
        return literal(value) if real == "float" else repr(float(value))

    if size == 1 and op.selector_for_single_pixel is ResizeSelector.UPPER:
        return "0"
    if op.coordinate_transformation is _C.ALIGN_CORNERS:
        if size == 1:
            return "0"
        return f"({real}){i} * {number(count - 1)} / {number(size - 1)}"
    if op.coordinate_transformation is _C.HALF_PIXEL:
        return f"(({real}){i} + {number(0.5)}) / {number(scale)} - {number(0.5)}"
    return f"({real}){i} / {number(scale)}"


def _taps(
    op: Resize, axis: int, i: str, count: int, size: int, scale: float, taps: int
) -> list[str]:
    clamp = f"q < 0 ? 0 : q >= {count} ? {count - 1} : q"
    if taps == 1:
        rule = {
            ResizeRoundMode.HALF_UP: "floorf(c + 0.5f)",
            ResizeRoundMode.HALF_DOWN: "ceilf(c - 0.5f)",
            ResizeRoundMode.FLOOR: "floorf(c)",
            ResizeRoundMode.CEIL: "ceilf(c)",
        }[op.nearest_rounding]
        where = _coordinate(op, i, count, size, scale, "float")
        return [
            f"index p{axis}[1];",
            f"{{ const float c = {where}; const index q = (index){rule}; p{axis}[0] = {clamp}; }}",
        ]
    where = _coordinate(op, i, count, size, scale, "double")
    lines = [
        f"index p{axis}[{taps}]; float w{axis}[{taps}];",
        f"{{ const double c = {where}; const double base = floor(c);",
        "  const float r = (float)(c - base);",
    ]
    if taps == 2:
        first = 0
        lines.append(f"  w{axis}[0] = 1.0f - r; w{axis}[1] = r;")
    else:
        first, a = -1, literal(op.cubic_coeff)
        lines += [
            f"  const float a = {a}, f = 1.0f + r, m = 1.0f - r, b = 2.0f - r;",
            f"  w{axis}[0] = ((a * f - 5.0f * a) * f + 8.0f * a) * f - 4.0f * a;",
            f"  w{axis}[1] = ((a + 2.0f) * r - (a + 3.0f)) * r * r + 1.0f;",
            f"  w{axis}[2] = ((a + 2.0f) * m - (a + 3.0f)) * m * m + 1.0f;",
            f"  w{axis}[3] = ((a * b - 5.0f * a) * b + 8.0f * a) * b - 4.0f * a;",
        ]
    lines += [
        "  float sum = 0.0f;",
        f"  for (int k = 0; k < {taps}; ++k) {{",
        f"    const index q = (index)base + k + {first};",
    ]
    if op.exclude_outside:
        lines.append(f"    if (q < 0 || q >= {count}) w{axis}[k] = 0.0f;")
    lines += [f"    sum += w{axis}[k]; p{axis}[k] = {clamp};", "  }"]
    if op.exclude_outside:
        lines.append(f"  for (int k = 0; k < {taps}; ++k) w{axis}[k] /= sum;")
    return [*lines, "}"]


class FillTactic(PerElementTactic):
    """LINSPACE; random values are made while building, not on the device."""

    name = "cuda.fill.element"

    def refuse(self, problem: Problem) -> Rejection | None:
        """Declines random values and shapes that tensors decide."""
        op = problem.op
        assert isinstance(op, Fill)
        if op.op is not FillOperation.LINSPACE:
            return Rejection(f"no kernel draws {op.op.value} as the definition does")
        if optional(problem, 0) is not None:
            return Rejection("the shape is a tensor, known only while running")
        return None

    def body(self, writer: Writer, problem: Problem, at: Sequence[str]) -> None:
        """Start plus index times step on each axis."""
        op, out = problem.op, problem.outputs[0]
        assert isinstance(op, Fill)
        start = "wide(x1[0])" if optional(problem, 1) else element(out.dtype, op.value)
        kind = "float" if out.dtype.is_float else "i64"
        writer.add(f"{kind} value = ({kind}){start};")
        steps = optional(problem, 2)
        if steps is not None:
            for axis, name in enumerate(at):
                where = 0 if len(steps.shape) == 0 or steps.shape[0] == 1 else axis
                writer.add(f"value += ({kind}){name} * ({kind})wide(x2[{where}]);")
        writer.add(f"y[to] = Narrow<{C_TYPES[out.dtype]}>::of(value);")


class ReverseTactic(PerElementTactic):
    """REVERSE_SEQUENCE."""

    name = "cuda.reverse.element"

    def body(self, writer: Writer, problem: Problem, at: Sequence[str]) -> None:
        """The mirrored index inside the sequence's length."""
        op, x = problem.op, given(problem, 0)
        assert isinstance(op, ReverseSequence)
        batch = axis_in(op.batch_axis, len(x.shape))
        sequence = axis_in(op.sequence_axis, len(x.shape))
        lengths = given(problem, 1)
        sources = list(at)
        sources[sequence] = "place"
        writer.add(
            f"const index length = (index)wide(x1[{at[batch]} * {lengths.strides[0]}]);",
            f"const index place = {at[sequence]} < length ? length - 1 - {at[sequence]} "
            f": {at[sequence]};",
            f"y[to] = x0[{dot(sources, x.strides)}];",
        )

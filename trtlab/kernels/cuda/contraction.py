"""Matrix products, convolutions and einsums as one form.

``c[b, m, n] = program(alpha · Σ_k a[b, m, k] · b[b, n, k] + bias)`` where every index stands for
several axes, and where an operand may be read through a sliding window.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

from trtlab.core.types import DataType, StaticShape
from trtlab.kernels.cuda.prelude import C_TYPES, literal, work_type
from trtlab.kernels.cuda.program import emit
from trtlab.kernels.cuda.text import Names, dot, pointer, split_index
from trtlab.layers.pointwise import Program
from trtlab.tactics.problem import Strides


@dataclass(frozen=True, slots=True)
class Spatial:
    """One axis of a window: where output index and tap meet the input.

    Attributes:
        row: Axis of the rows that counts outputs.
        tap: Axis of k that counts taps.
        extent: Of the input.
        step: Elements from one input index to the next.
        stride: Between windows.
        dilation: Between taps.
        pad: Before the input.
        scattered: The window of a deconvolution: a tap meets every ``stride``-th output.
    """

    row: int
    tap: int
    extent: int
    step: int
    stride: int
    dilation: int
    pad: int
    scattered: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """A factor: strides along batch, rows (m or n) and k, and its windows."""

    dtype: DataType
    batch: Strides
    rows: Strides
    k: Strides
    window: tuple[Spatial, ...] = ()


@dataclass(frozen=True, slots=True)
class Extra:
    """An operand of bias or program: strides along batch, m and n; 0 repeats."""

    dtype: DataType
    batch: Strides
    m: Strides
    n: Strides


@dataclass(frozen=True)
class Contraction:
    """The whole form.

    Attributes:
        batch: Extents of what all three share.
        m: Extents of the left factor's own indices.
        n: Extents of the right factor's.
        k: Extents of what is summed over.
        left: The left factor.
        right: The right factor.
        result: Where results go.
        bias: Added to the sums.
        alpha: Scales the sums before the bias.
        program: Value 0 is the sum so far, then the operands.
        operands: Of the program.
    """

    batch: StaticShape
    m: StaticShape
    n: StaticShape
    k: StaticShape
    left: Reader
    right: Reader
    result: Extra
    bias: Extra | None = None
    alpha: float = 1.0
    program: Program = ()
    operands: tuple[Extra, ...] = field(default=())

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Batch, m, n and k as numbers."""
        return prod(self.batch), prod(self.m), prod(self.n), prod(self.k)

    @property
    def extras(self) -> tuple[Extra, ...]:
        """Bias and operands in the order of the kernels' parameters."""
        return (*([self.bias] if self.bias else []), *self.operands)

    def parameters(self) -> list[str]:
        """Parameters of a kernel: factors, extras, result."""
        kinds = [
            (self.left.dtype, "a"),
            (self.right.dtype, "b"),
            *((extra.dtype, f"e{n}") for n, extra in enumerate(self.extras)),
        ]
        found = [pointer(C_TYPES[kind], name) for kind, name in kinds]
        return [*found, pointer(C_TYPES[self.result.dtype], "c", written=True)]


def merged(extents: StaticShape, strides: Strides) -> tuple[StaticShape, Strides]:
    """The fewest axes with the same offsets."""
    loops: list[tuple[int, int]] = []
    for extent, stride in zip(extents, strides, strict=True):
        if extent == 1:
            continue
        if loops and loops[-1][1] == stride * extent:
            loops[-1] = (loops[-1][0] * extent, stride)
        else:
            loops.append((extent, stride))
    return tuple(e for e, _ in loops), tuple(s for _, s in loops)


def is_row(form: Contraction, extra: Extra) -> bool:
    """Whether an operand has one value a column, dense and of the factors' type."""
    same = all(
        s == 0 or e == 1
        for s, e in zip((*extra.batch, *extra.m), (*form.batch, *form.m), strict=True)
    )
    dense = merged(form.n, extra.n) == ((prod(form.n),), (1,))
    return same and dense and extra.dtype is form.left.dtype


def offset(
    flat: str, extents: StaticShape, strides: Strides, name: str, prefix: str
) -> list[str]:
    """Statements that declare ``name``: the offset of a flat index."""
    if not any(strides):
        return [f"const i64 {name} = 0;"]
    axes, steps = merged(extents, strides)
    names = [f"{prefix}{n}" for n in range(len(axes))]
    lines = split_index(flat, names, axes) if axes else []
    terms = dot([f"(i64){n}" for n in names], steps) if axes else "0"
    return [*lines, f"const i64 {name} = {terms};"]


def row_setup(
    reader: Reader, flat: str, extents: StaticShape, prefix: str, index: str = ""
) -> list[str]:
    """Statements that store what a row needs: ``{prefix}_base`` and window origins.

    Args:
        reader: The factor.
        flat: Row number, an ``int`` expression.
        extents: Of the rows.
        prefix: Of the variables, declared by `row_variables`.
        index: ``[i]`` when the variables are arrays.
    """
    if not reader.window:
        lines = offset(flat, extents, reader.rows, "base_", f"{prefix}x")
        return ["{", *lines, f"{prefix}_base{index} = base_;", "}"]
    names = [f"{prefix}x{n}" for n in range(len(extents))]
    lines = split_index(flat, names, extents)
    lines.append(f"{prefix}_base{index} = {dot([f'(i64){n}' for n in names], reader.rows)};")
    for number, axis in enumerate(reader.window):
        origin = (
            f"{names[axis.row]} + {axis.pad}"
            if axis.scattered
            else f"{names[axis.row]} * {axis.stride} - {axis.pad}"
        )
        lines.append(f"{prefix}_h{number}{index} = {origin};")
    return ["{", *lines, "}"]


def row_variables(reader: Reader, prefix: str, count: str = "") -> list[str]:
    """Declarations for `row_setup`; ``count`` such as ``[4]`` makes arrays."""
    lines = [f"i64 {prefix}_base{count};"]
    return lines + [f"int {prefix}_h{n}{count};" for n in range(len(reader.window))]


def k_setup(reader: Reader, flat: str, extents: StaticShape, prefix: str) -> list[str]:
    """Statements that declare what an index of the sum needs: ``{prefix}_k`` and taps."""
    if not reader.window:
        return offset(flat, extents, reader.k, f"{prefix}_k", f"{prefix}y")
    names = [f"{prefix}y{n}" for n in range(len(extents))]
    lines = split_index(flat, names, extents)
    lines.append(f"const i64 {prefix}_k = {dot([f'(i64){n}' for n in names], reader.k)};")
    return lines + [
        f"const int {prefix}_t{n} = {names[axis.tap]} * {axis.dilation};"
        for n, axis in enumerate(reader.window)
    ]


def element_at(reader: Reader, prefix: str, index: str = "") -> tuple[list[str], str, str]:
    """Statements, offset and validity of the element at a row and an index of the sum."""
    lines: list[str] = []
    terms = [f"{prefix}_base{index}", f"{prefix}_k"]
    valid: list[str] = []
    for n, axis in enumerate(reader.window):
        name = f"{prefix}_p{n}"
        if axis.scattered:
            lines.append(f"const int {name}s = {prefix}_h{n}{index} - {prefix}_t{n};")
            lines.append(f"const int {name} = {name}s / {axis.stride};")
            valid.append(
                f"{name}s >= 0 && {name}s % {axis.stride} == 0 && {name} < {axis.extent}"
            )
        else:
            lines.append(f"const int {name} = {prefix}_h{n}{index} + {prefix}_t{n};")
            valid.append(f"(unsigned){name} < {axis.extent}u")
        terms.append(f"(i64){name} * {axis.step}")
    return lines, " + ".join(terms), " && ".join(valid) or "true"


def begin_row(form: Contraction) -> list[str]:
    """Statements that declare what all results of a row share; see ``bi`` and ``m``."""
    lines: list[str] = []
    for name, extra in _placed(form):
        parts = (("bi", form.batch, extra.batch), ("m", form.m, extra.m))
        lines += _offsets(parts, name, f"{name}_r")
    return lines


def finish(form: Contraction, values: Sequence[str], *, aligned: bool) -> list[str]:
    """Statements that turn sums at ``n``, ``n + 1``, … into stored results.

    They see ``n`` and what `begin_row` declared.

    Args:
        form: What is computed.
        values: Names of the sums of neighbouring n, one or two.
        aligned: Two neighbours may be loaded and stored as one.
    """
    fresh = Names("f")
    width = len(values)
    lines: list[str] = []
    for name, extra in _placed(form):
        lines += _offsets((("n", form.n, extra.n),), name, f"{name}_n")
        lines.append(f"const i64 {name} = {name}_r + {name}_n;")
    loaded: list[list[str]] = []
    for number, extra in enumerate(form.extras):
        lines += _load(form, extra, number, width, aligned=aligned)
        loaded.append([f"x{number}_{v}" for v in range(width)])
    results: list[str] = []
    biased = 1 if form.bias else 0
    kind = work_type(form.result.dtype)
    for place, value in enumerate(values):
        text = value if form.alpha == 1 else f"{value} * {literal(form.alpha)}"
        if form.bias:
            text = f"{text} + {loaded[0][place]}"
        name = fresh()
        lines.append(f"const {kind} {name} = {text};")
        operands = [name, *(column[place] for column in loaded[biased:])]
        steps, result = emit(form.program, operands, form.result.dtype, fresh)
        lines += steps
        results.append(result if form.program else name)
    out = C_TYPES[form.result.dtype]
    step = _last(form.n, form.result.n)
    if width > 1 and aligned and step == 1:
        lines.append(f"Vec<{out}, {width}> w;")
        lines += [f"w.v[{v}] = Narrow<{out}>::of({r});" for v, r in enumerate(results)]
        lines.append(f"*reinterpret_cast<Vec<{out}, {width}>*>(c + oc) = w;")
        return lines
    return lines + [
        f"c[oc + {v} * {step}] = Narrow<{out}>::of({r});" for v, r in enumerate(results)
    ]


def _placed(form: Contraction) -> list[tuple[str, Extra]]:
    """The names of offsets with their operands; the result is ``oc``."""
    extras = [(f"o{number}", extra) for number, extra in enumerate(form.extras)]
    return [*extras, ("oc", form.result)]


def runs_fit(form: Contraction, width: int = 2) -> bool:
    """Whether ``width`` neighbours of n lie side by side, so that they are stored as one."""
    total = prod(form.n)
    if total % width or _last(form.n, form.result.n) != 1:
        return False
    if len(merged(form.n, form.result.n)[0]) != 1:
        return False
    strides = [*form.result.batch, *form.result.m]
    for extra in form.extras:
        step = _last(form.n, extra.n)
        if step not in {0, 1} or len(merged(form.n, extra.n)[0]) > 1:
            return False
        if step == 1:
            strides += [*extra.batch, *extra.m]
    return all(s % width == 0 for s in strides)


def _last(extents: StaticShape, strides: Strides) -> int:
    """Elements from one n to the next."""
    kept = [s for e, s in zip(extents, strides, strict=True) if e != 1]
    return kept[-1] if kept else 0


def _offsets(
    parts: Sequence[tuple[str, StaticShape, Strides]], name: str, total: str
) -> list[str]:
    lines: list[str] = []
    terms: list[str] = []
    for flat, extents, strides in parts:
        if any(s and e != 1 for s, e in zip(strides, extents, strict=True)):
            part = f"{name}_{flat}x"
            lines += offset(flat, extents, strides, part, f"{part}y")
            terms.append(part)
    return [*lines, f"const i64 {total} = {' + '.join(terms) or '0'};"]


def _load(
    form: Contraction, extra: Extra, number: int, width: int, *, aligned: bool
) -> list[str]:
    name, kind = f"x{number}", C_TYPES[extra.dtype]
    step = _last(form.n, extra.n)
    if width > 1 and aligned and step == 1:
        vector = f"Vec<{kind}, {width}>"
        first = [
            f"const {vector} {name} = *reinterpret_cast<const {vector}*>(e{number} + o{number});"
        ]
        return first + [f"const auto {name}_{v} = wide({name}.v[{v}]);" for v in range(width)]
    return [
        f"const auto {name}_{v} = wide(e{number}[o{number} + {v} * {step}]);"
        for v in range(width)
    ]

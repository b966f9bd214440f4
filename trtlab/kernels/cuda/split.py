"""The second launch of a contraction whose sum was split: parts are added and finished."""

from trtlab.devices.cuda.kernel import Kernel
from trtlab.kernels.cuda.contraction import Contraction, begin_row, finish, runs_fit
from trtlab.kernels.cuda.text import Writer, blocks_for, pointer
from trtlab.tactics.problem import Problem

_THREADS = 256


def join_kernel(
    form: Contraction, tactic: str, problem: Problem, splits: int, *, aligned: bool
) -> Kernel:
    """One thread a result, or a pair of neighbours."""
    batch, m, n, _ = form.sizes
    width = 2 if aligned and runs_fit(form) else 1
    writer = Writer(tactic, problem)
    writer.parameters = [pointer("float", "partial"), *form.parameters()[2:]]
    count = batch * m * n // width
    values = [f"s{v}" for v in range(width)]
    writer.add(
        f"const i64 t = (i64)blockIdx.x * {_THREADS} + threadIdx.x;",
        f"if (t >= {count}) return;",
        f"const i64 flat = t * {width};",
        f"const int n = flat % {n};",
        f"const int m = flat / {n} % {m};",
        f"const int bi = flat / {n * m};",
        *(f"float {value} = 0.0f;" for value in values),
        "#pragma unroll",
        f"for (int p = 0; p < {splits}; ++p) {{",
        f"  const Vec<float, {width}> q = *reinterpret_cast<const Vec<float, {width}>*>"
        f"(partial + (i64)p * {batch * m * n} + flat);",
        *(f"  {value} += q.v[{v}];" for v, value in enumerate(values)),
        "}",
        *begin_row(form),
        *finish(form, values, aligned=width > 1),
    )
    return writer.kernel("join_parts", (blocks_for(count, _THREADS), 1, 1), (_THREADS, 1, 1))

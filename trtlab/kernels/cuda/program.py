"""Pointwise programs as CUDA C++."""

from collections.abc import Callable, Sequence

from trtlab.core.types import DataType
from trtlab.kernels.cuda.prelude import literal, work_type
from trtlab.layers.pointwise import Program, Step

_ONE: dict[str, str] = {
    "relu": "max_nan({0}, 0.0f)",
    "sigmoid": "sigmoid({0})",
    "tanh": "tanhf({0})",
    "swish": "{0} * sigmoid({0})",
    "hard_swish": "{0} * min_nan(max_nan({0} / 6.0f + 0.5f, 0.0f), 1.0f)",
    "softsign": "{0} / (1.0f + fabsf({0}))",
    "gelu_erf": "gelu_erf({0})",
    "gelu_tanh": "gelu_tanh({0})",
    "exp": "expf({0})",
    "log": "logf({0})",
    "sqrt": "sqrtf({0})",
    "rsqrt": "1.0f / sqrtf({0})",
    "recip": "1.0f / {0}",
    "abs": "fabsf({0})",
    "neg": "-{0}",
    "square": "{0} * {0}",
    "sin": "sinf({0})",
    "cos": "cosf({0})",
    "tan": "tanf({0})",
    "sinh": "sinhf({0})",
    "cosh": "coshf({0})",
    "asin": "asinf({0})",
    "acos": "acosf({0})",
    "atan": "atanf({0})",
    "asinh": "asinhf({0})",
    "acosh": "acoshf({0})",
    "atanh": "atanhf({0})",
    "ceil": "ceilf({0})",
    "floor": "floorf({0})",
    "round": "rintf({0})",
    "sign": "sign_of({0})",
    "erf": "erff({0})",
    "identity": "{0}",
    "is_nan": "({0} != {0})",
    "is_inf": "(fabsf({0}) == __int_as_float(0x7f800000))",
}
_TWO: dict[str, str] = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "max": "max_nan({0}, {1})",
    "min": "min_nan({0}, {1})",
    "pow": "powf({0}, {1})",
    "prelu": "({0} < 0.0f ? {0} * {1} : {0})",
    "floor_div": "floorf({0} / {1})",
}
_PARAMS: dict[str, str] = {
    "leaky_relu": "({0} < 0.0f ? {1} * {0} : {0})",
    "elu": "({0} < 0.0f ? {1} * expm1f({0}) : {0})",
    "thresholded_relu": "({0} > {1} ? {0} : 0.0f)",
    "pow_scalar": "powf({0}, {1})",
    "selu": "{2} * ({0} < 0.0f ? {1} * expm1f({0}) : {0})",
    "softplus": "{1} * softplus({2} * {0})",
    "clip": "min_nan(max_nan({0}, {1}), {2})",
    "hard_sigmoid": "min_nan(max_nan({1} * {0} + {2}, 0.0f), 1.0f)",
    "scaled_tanh": "{1} * tanhf({2} * {0})",
    "affine": "{1} * {0} + {2}",
}
_FLOAT = {**_ONE, **_TWO, **_PARAMS}
# Of results in half precision, where a cheaper text is as good.
_HALF = {"gelu_erf": "gelu_half({0})"}
# Of integers and truths; `T` is the type that is computed in.
_WHOLE: dict[str, str] = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "int_div<T>({0}, {1})",
    "floor_div": "floor_div<T>({0}, {1})",
    "max": "max_nan<T>({0}, {1})",
    "min": "min_nan<T>({0}, {1})",
    "pow": "int_pow<T>({0}, {1})",
    "neg": "-{0}",
    "abs": "({0} < 0 ? -{0} : {0})",
    "sign": "(T)(({0} > 0) - ({0} < 0))",
    "square": "{0} * {0}",
    "relu": "max_nan<T>({0}, 0)",
    "identity": "{0}",
    "clip": "min_nan<T>(max_nan<T>({0}, (T){1}), (T){2})",
    "leaky_relu": "({0} < 0 ? (T)((T){1} * {0}) : {0})",
    "thresholded_relu": "({0} > (T){1} ? {0} : (T)0)",
    "affine": "(T){1} * {0} + (T){2}",
    "pow_scalar": "int_pow<T>({0}, (T){1})",
    "prelu": "({0} < 0 ? {0} * {1} : {0})",
}
# Of any type; these are no functions of a program's table, lowering makes them.
_ANY: dict[str, str] = {
    "equal": "({0} == {1})",
    "greater": "({0} > {1})",
    "less": "({0} < {1})",
    "and": "({0} && {1})",
    "or": "({0} || {1})",
    "xor": "({0} != {1})",
    "not": "(!{0})",
    "select": "({0} ? {1} : {2})",
}
_TRUTHS = {"equal", "greater", "less", "and", "or", "xor", "not", "is_nan", "is_inf"}


def obstacle(program: Program, dtype: DataType) -> str | None:
    """Why a program cannot be computed on elements of a type; None when it can."""
    known = (_FLOAT if dtype.is_float else _WHOLE) | _ANY
    for step in program:
        if step.function not in known:
            return f"no kernel computes {step.function} on {dtype.value}"
    return None


def expression(step: Step, values: Sequence[str], dtype: DataType) -> str:
    """One step as a C expression."""
    table = (_FLOAT if dtype.is_float else _WHOLE) | _ANY
    if dtype in {DataType.HALF, DataType.BF16}:
        table = table | _HALF
    operands = [values[i] for i in step.operands]
    text = table[step.function].format(*operands, *(literal(p) for p in step.params))
    return text.replace("<T>", f"<{work_type(dtype)}>").replace("(T)", f"({work_type(dtype)})")


def emit(
    program: Program,
    operands: Sequence[str],
    dtype: DataType,
    fresh: Callable[[], str],
) -> tuple[list[str], str]:
    """Statements that compute a program, and the name of its result.

    Args:
        program: Steps over the operands.
        operands: C expressions of the operands, each evaluated once before.
        dtype: Element type of the operands that are computed with.
        fresh: Gives unused variable names.
    """
    lines: list[str] = []
    values = list(operands)
    for step in program:
        name = fresh()
        kind = "bool" if step.function in _TRUTHS else work_type(dtype)
        lines.append(f"{kind} {name} = {expression(step, values, dtype)};")
        values.append(name)
    return lines, values[-1]

"""RNN_V2: operand places, gates, and one hidden unit's cell as lines of CUDA C++."""

from collections.abc import Callable

from trtlab.core.enums import RNNKind
from trtlab.kernels.cuda.per_element import optional
from trtlab.layers.recurrent import Recurrent
from trtlab.tactics.problem import Problem

X, W, R, B, LENGTHS, H0, C0, PEEPHOLE = range(8)
GATES = {RNNKind.LSTM: 4, RNNKind.GRU: 3, RNNKind.RELU: 1, RNNKind.TANH: 1}


def cell_lines(
    problem: Problem,
    hidden: int,
    of_input: Callable[[int], str],
    of_state: Callable[[int], str],
    result: str,
) -> list[str]:
    """The lines that update hidden unit ``i`` of direction ``dir``.

    Args:
        problem: A recurrent layer.
        hidden: Hidden units.
        of_input: A gate's product with the input, biased, as an expression.
        of_state: The same with the hidden state.
        result: What the new hidden state is assigned to. The old one is ``h[i]``, the cell
            state ``c[i]`` is updated in place.
    """
    op = problem.op
    assert isinstance(op, Recurrent)

    def gate(number: int) -> str:
        return f"{of_input(number)} + {of_state(number)}"

    if op.cell is RNNKind.LSTM:
        peephole = optional(problem, PEEPHOLE)

        def peep(number: int, state: str) -> str:
            if peephole is None:
                return ""
            first, step = peephole.strides
            return f" + wide(x7[dir * {first} + ({number * hidden} + i) * {step}]) * {state}"

        return [
            f"const float gi = sigmoid({gate(0)}{peep(0, 'c[i]')});",
            f"const float gf = sigmoid({gate(2)}{peep(2, 'c[i]')});",
            f"const float cn = gf * c[i] + gi * tanhf({gate(3)});",
            f"const float go = sigmoid({gate(1)}{peep(1, 'cn')});",
            "c[i] = cn;",
            f"{result} = go * tanhf(cn);",
        ]
    if op.cell is RNNKind.GRU:
        reset = f"sigmoid({gate(1)}) * " if op.linear_before_reset else ""
        return [
            f"const float z = sigmoid({gate(0)});",
            f"const float n = tanhf({of_input(2)} + {reset}{of_state(2)});",
            f"{result} = (1.0f - z) * n + z * h[i];",
        ]
    function = "max_nan({0}, 0.0f)" if op.cell is RNNKind.RELU else "tanhf({0})"
    return [f"{result} = {function.format(gate(0))};"]

"""The frame of kernels in which one thread computes one element of the result."""

from abc import abstractmethod
from collections.abc import Sequence
from math import prod

from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.kernels.cuda.lowering import unknown_types
from trtlab.kernels.cuda.pointwise import cost_us
from trtlab.kernels.cuda.text import Writer, blocks_for, dot, index_type, split_index
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_THREADS = 256


class PerElementTactic(Tactic):
    """One thread an output element; subclasses write what it computes."""

    function: str = "per_element"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines types that no kernel loads, then what the subclass declines."""
        return unknown_types(problem) or self.refuse(problem)

    def refuse(self, problem: Problem) -> Rejection | None:
        """Why the subclass declines a problem."""
        del problem
        return None

    def cost_hint_us(self, problem: Problem) -> float:
        """Bound by memory."""
        return cost_us(problem, 1e6)

    @abstractmethod
    def body(self, writer: Writer, problem: Problem, at: Sequence[str]) -> None:
        """Statements that compute the element and store it in ``y[to]``.

        Inputs are the parameters ``x0``, ``x1``, … by position, outputs ``y``, ``y1``.

        Args:
            writer: Collects them; ``index`` is the index type.
            problem: What to compute.
            at: Index variables of the element, one a dimension of the first output.
        """

    def extents(self, problem: Problem) -> tuple[int, ...]:
        """Of the threads: the result's shape unless a subclass walks along an axis."""
        return problem.outputs[0].shape

    def kernel(self, problem: Problem) -> Kernel:
        """The kernel; neighbouring threads compute neighbouring elements."""
        writer = Writer(self.name, problem)
        for number, operand in enumerate(problem.inputs):
            if operand is not None:
                writer.pointer(f"x{number}", operand.dtype)
        for number, operand in enumerate(problem.outputs):
            name = "y" if number == 0 else f"y{number}"
            writer.pointer(name, operand.dtype, written=True)
        out = problem.outputs[0]
        extents = self.extents(problem)
        order = sorted(range(len(extents)), key=lambda axis: -abs(out.strides[axis]))
        names = [f"i{axis}" for axis in range(len(extents))]
        count = prod(extents)
        index = index_type([*problem.inputs, *problem.outputs])
        index = index if count < (1 << 31) - _THREADS else "i64"
        writer.add(
            f"typedef {index} index;",
            f"const index t = (index)blockIdx.x * {_THREADS} + threadIdx.x;",
            f"if (t >= {count}) return;",
            *split_index(
                "t", [names[a] for a in order], tuple(extents[a] for a in order), "index"
            ),
            f"const index to = {dot(names, out.strides)};",
        )
        self.body(writer, problem, names)
        return writer.kernel(
            self.function, (blocks_for(count, _THREADS), 1, 1), (_THREADS, 1, 1)
        )

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch; none for an empty result."""
        if 0 in problem.outputs[0].shape:
            return ()
        addresses = [a for a in buffers.inputs if a is not None]
        return (KernelLaunch(self.kernel(problem), (*addresses, *buffers.outputs)),)


def given(problem: Problem, index: int) -> Operand:
    """An input that the layer's type rule promises."""
    operand = problem.inputs[index]
    assert operand is not None
    return operand


def optional(problem: Problem, index: int) -> Operand | None:
    """An optional input."""
    return problem.inputs[index] if index < len(problem.inputs) else None

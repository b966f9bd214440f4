"""Tactic for layers that are functions of each element, casts and reformats among them."""

from collections.abc import Sequence

from trtlab.devices.cuda.kernel import KernelLaunch
from trtlab.kernels.cuda.elementwise import Elementwise, Side
from trtlab.kernels.cuda.lowering import lower
from trtlab.kernels.cuda.transpose import Transpose
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_ALIGN = 16


def cost_us(problem: Problem, bytes_per_us: float = 2.5e6) -> float:
    """Launch, and bytes over the bandwidth that such a kernel reaches."""
    operands = (*problem.inputs, *problem.outputs)
    return 2.0 + sum(o.nbytes for o in operands if o is not None) / bytes_per_us


class PointwiseTactic(Tactic):
    """Any program over tensors of any strides, broadcast as in NumPy."""

    name = "cuda.pointwise.vector"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines types that no kernel loads, and functions that a type does not have."""
        found = lower(problem)
        return found if isinstance(found, Rejection) else None

    def cost_hint_us(self, problem: Problem) -> float:
        """Bound by memory."""
        return cost_us(problem)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch; through tiles where source and target run across each other."""
        lowered = lower(problem)
        assert not isinstance(lowered, Rejection)
        out = problem.outputs[0]
        if 0 in out.shape:
            return ()
        result = Side(out.dtype, out.strides)
        operands: list[Side] = []
        addresses: list[int] = []
        for index, strides in zip(lowered.inputs, lowered.strides, strict=True):
            operand = problem.inputs[index]
            assert operand is not None
            operands.append(Side(operand.dtype, strides))
            addresses.append(buffers.inputs[index] or 0)
        addresses.append(buffers.outputs[0])
        plain = len(lowered.program) == 1 and lowered.program[0].function == "identity"
        if plain:
            tiled = Transpose.of(out.shape, result, operands[0])
            if tiled is not None:
                return (KernelLaunch(tiled.kernel(self.name, problem), tuple(addresses)),)
        work = Elementwise(out.shape, result, tuple(operands), lowered.program, lowered.dtype)
        aligned = all(a % _ALIGN == 0 for a in addresses)
        return (
            KernelLaunch(work.kernel(self.name, problem, aligned=aligned), tuple(addresses)),
        )

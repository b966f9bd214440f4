"""What all tactics of NVIDIA's cuDNN library share: a place in its ranking of plans."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from trtlab.kernels.cuda.cudnn_launch import CudnnLaunch, plan_workspace_bytes, workspace_of
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Launch, Tactic


class CudnnTactic(Tactic):
    """One of the plans that the library ranks highest.

    Args:
        rank: Place in the ranking, from 0.

    Attributes:
        method: What the plans compute, in the tactic's name.
    """

    source: ClassVar[str] = "CUDNN"
    ranked: ClassVar[bool] = True
    method: ClassVar[str]

    def __init__(self, rank: int) -> None:
        self._rank = rank
        self.name = f"cuda.cudnn.{self.method}/plan{rank}"


class CudnnGraphTactic(CudnnTactic):
    """A plan for the problem as it is: one launch, whose scratch is all that it needs."""

    @property
    @abstractmethod
    def build(self) -> Callable[[Problem], Any]:
        """Makes a problem's operation graph with its ranked plans."""

    def workspace_bytes(self, problem: Problem) -> int:
        """The plan's own, once it is known."""
        return plan_workspace_bytes(problem, self._rank, self.build)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Launch]:
        """One launch."""
        given = [a for a in buffers.inputs if a is not None]
        addresses = (*given, buffers.outputs[0])
        return (
            CudnnLaunch(problem, self._rank, addresses, self.build, workspace_of(buffers)),
        )

"""The contract of one implementation of an operator."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from trtlab.layers.base import Array
from trtlab.tactics.problem import Problem

# A command of the device that the tactic belongs to (see `devices`): opaque to this room.
Launch = object


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a tactic declines a problem: normal, and always explained."""

    reason: str


@dataclass(frozen=True, slots=True)
class Buffers:
    """Where a problem's operands lie: device addresses as integers.

    Attributes:
        inputs: One a problem input; a constant's address holds what `Tactic.pack` made of it.
        outputs: One a problem output.
        workspace: Scratch of `Tactic.workspace_bytes`, 64-byte aligned; its content is garbage.
        workspace_bytes: How large it is. Libraries learn what they need when they make a plan,
            so that `Tactic.workspace_bytes` may have grown since the scratch was set aside.
    """

    inputs: tuple[int | None, ...]
    outputs: tuple[int, ...]
    workspace: int = 0
    workspace_bytes: int = 0


class Tactic(ABC):
    """One implementation with all its parameters fixed.

    Attributes:
        name: Stable and unique, ``device.operator.method/parameters``.
        source: The tactic source that a builder config can switch off.
        deterministic: Repeated runs give the same bits.
        emulated: Computes a lower precision through float32: shows accuracy, not speed.
        tf32: Multiplies FP32 factors with the ten bits after the point that TF32 keeps: only
            where a build allows it.
        ranked: Stands for a place in a library's own ranking, which is another for operands with
            other strides, and which may be shorter than the place's number.
        arch: The one GPU architecture whose instructions it uses, such as ``sm_90``; empty for
            tactics that run on all of them.
    """

    name: str
    source: ClassVar[str] = "GENERATED"
    deterministic: ClassVar[bool] = True
    emulated: bool = False
    tf32: ClassVar[bool] = False
    ranked: ClassVar[bool] = False
    arch: ClassVar[str] = ""

    @abstractmethod
    def check(self, problem: Problem) -> Rejection | None:
        """None when the tactic can compute the problem, else why not."""

    def workspace_bytes(self, problem: Problem) -> int:
        """Scratch that a launch needs, as far as it is known."""
        del problem
        return 0

    def cost_hint_us(self, problem: Problem) -> float:
        """A rough guess in microseconds, to order candidates and for builds without timing."""
        flops = problem.op.flops(problem.input_types, problem.output_types)
        moved = sum(o.nbytes for o in (*problem.inputs, *problem.outputs) if o is not None)
        return 2.0 + flops / 5e4 + moved / 5e3

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """Constants in the order that the kernel wants, by input index.

        Called once while building; the result is stored in the engine. It must depend on the
        constants' own shapes and the operator only, so that one packing serves every input
        shape of an optimization profile.
        """
        del problem
        return dict(constants)

    @abstractmethod
    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Launch]:
        """The device commands that compute the problem on these buffers."""

    def __repr__(self) -> str:
        return f"Tactic({self.name})"

"""One problem's candidates tried one after the other, each with poison around what it may write.

Runs in a process of its own (see `prover`): a kernel that faults takes that one's CUDA context
along, not the user's.
"""

from collections.abc import Callable, Sequence

import numpy as np

from trtlab.builder.agreement import Ballot, as_stored
from trtlab.builder.agreement_kernels import checksum
from trtlab.builder.timer import random_array
from trtlab.core.errors import DeviceLostError, TrtlabError
from trtlab.devices.cuda.device import CudaDevice
from trtlab.devices.cuda.libraries import cupy, told
from trtlab.devices.cuda.memory import give_back_unused
from trtlab.devices.protocol import Memory, Scheduled
from trtlab.tactics.contest import is_lasting
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Tactic

_GUARD_BYTES = 4096
_POISON = 0xFF  # NaN in every float type
# Told of each candidate: "begin", "refused" or "unproved", its name, and the reason.
Tell = Callable[[str, str, str], None]


class GuardedMemory:
    """Poisoned device memory between two guard zones.

    Attributes:
        address: First byte between the guards.
        nbytes: Bytes between the guards.
    """

    def __init__(self, device: CudaDevice, nbytes: int) -> None:
        self._device = device
        self._whole = device.allocate(nbytes + 2 * _GUARD_BYTES)
        self.address = self._whole.address + _GUARD_BYTES
        self.nbytes = nbytes
        self.poison()

    def poison(self) -> None:
        """Fill everything with the poison again."""
        stream = self._device.stream.ptr
        whole = self._whole
        with told("filling memory"):
            cupy().cuda.runtime.memsetAsync(whole.address, _POISON, whole.nbytes, stream)

    def is_intact(self) -> bool:
        """Whether nothing was written into the guard zones."""
        zones = (self._whole.address, self.address + self.nbytes)
        byte, shape = np.dtype(np.uint8), (_GUARD_BYTES,)
        return all((self._device.read(zone, byte, shape) == _POISON).all() for zone in zones)


def prove(device: CudaDevice, problem: Problem, tactics: Sequence[Tactic], tell: Tell) -> None:
    """Run every candidate once and tell what speaks against it; silence is consent.

    Raises:
        DeviceLostError: The candidate that began last faulted.
        TrtlabError: There is no room for the problem's operands.
    """
    stand = _Stand(device, problem)
    for tactic in tactics:
        tell("begin", tactic.name, "")
        try:
            with told("the candidate's run"):
                reason = stand.run(tactic)
        except DeviceLostError:
            raise
        except (TrtlabError, MemoryError) as error:
            said = (str(error) or type(error).__name__).splitlines()[0]
            kind = "refused" if is_lasting(error) else "unproved"
            tell(kind, tactic.name, f"failed while being tried: {said}")
            continue
        if reason:
            tell("refused", tactic.name, reason)
    tell("begin", "", "")  # what fails from here on is no candidate's fault
    for name, reason in stand.ballot.losers().items():
        tell("refused", name, reason)
    del stand
    give_back_unused()


class _Stand:
    """A problem's random operands, and everything a candidate may write, guarded."""

    def __init__(self, device: CudaDevice, problem: Problem) -> None:
        rng = np.random.default_rng(0)
        self._device = device
        self._problem = problem
        arrays = {
            i: random_array(operand, rng)
            for i, operand in enumerate(problem.inputs)
            if operand is not None
        }
        self._constants = {
            i: array
            for i, array in arrays.items()
            if (operand := problem.inputs[i]) is not None and operand.constant
        }
        self._arrays = {i: a for i, a in arrays.items() if i not in self._constants}
        self._inputs = {i: GuardedMemory(device, a.nbytes) for i, a in self._arrays.items()}
        self._fill_inputs()
        self._sums = self._input_sums()
        self._outputs = [GuardedMemory(device, o.nbytes) for o in problem.outputs]
        self.ballot = Ballot(device, problem, arrays)

    def run(self, tactic: Tactic) -> str:
        """Why the candidate is not to be used; empty when nothing speaks against it."""
        device, problem = self._device, self._problem
        packed = {
            i: device.hold(array) for i, array in tactic.pack(problem, self._constants).items()
        }
        held: dict[int, Memory] = {**self._inputs, **packed}
        workspace = GuardedMemory(device, tactic.workspace_bytes(problem))
        for output in self._outputs:
            output.poison()
        buffers = Buffers(
            tuple(held[i].address if i in held else None for i in range(len(problem.inputs))),
            tuple(output.address for output in self._outputs),
            workspace.address,
            workspace.nbytes,
        )
        device.program([Scheduled(tactic.bind(problem, buffers))], 1).run()
        device.synchronize()
        return self._trespass(workspace) or self.ballot.enter(tactic.name, self._outputs)

    def _trespass(self, workspace: GuardedMemory) -> str:
        """What was written outside of outputs and workspace, in words."""
        if not all(output.is_intact() for output in self._outputs):
            return "wrote outside its output"
        if not workspace.is_intact():
            return "wrote outside its workspace"
        intact = all(memory.is_intact() for memory in self._inputs.values())
        if not intact or self._input_sums() != self._sums:
            self._fill_inputs()
            return "wrote into its inputs, or beside them"
        return ""

    def _fill_inputs(self) -> None:
        for i, memory in self._inputs.items():
            memory.poison()
            operand = self._problem.inputs[i]
            assert operand is not None
            self._device.write(memory.address, as_stored(self._arrays[i], operand))

    def _input_sums(self) -> list[int]:
        return [checksum(self._device, m.address, m.nbytes) for m in self._inputs.values()]

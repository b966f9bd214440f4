"""Whether a problem's candidates agree: with the layer's meaning, or else with each other.

Small problems are computed by NumPy as well. For large ones the results are compared with each
other, and the group of most makes that agree is right: candidates of different make do not share
a mistake, those of one make do. Tolerances are wide: random data, other orders of summation and
rounding in between must never refuse a sound candidate; a wrong index, a missing bias or a lost
tile is far outside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from trtlab.builder.agreement_kernels import compare, survey
from trtlab.core.errors import TrtlabError
from trtlab.core.types import DataType, TensorFormat
from trtlab.devices.cuda.device import CudaDevice
from trtlab.devices.cuda.memory import ON_DEVICE, copy_async
from trtlab.devices.protocol import Memory
from trtlab.layers.base import Array
from trtlab.tactics.problem import Operand, Problem

# Relative to the value, and to the root mean square of all values.
TOLERANCES = {DataType.FLOAT: 1e-2, DataType.HALF: 3e-2, DataType.BF16: 1e-1}
_FEW_IN = 1000  # one value in so many may lie on the edge of a rounding function
_SMALL_FLOPS, _LARGE_FLOPS = 3e8, 2e10
_MOST_VALUES = 1 << 24
# Equal values, repeated indices and long chains of rounding: sound candidates differ here.
_AMBIGUOUS = {"TOPK", "SCATTER", "RNN_V2", "FILL", "NON_ZERO"}


@dataclass(slots=True)
class _Group:
    """Candidates with the same results; no names for the layer's meaning itself."""

    results: list[Memory | None]
    names: list[str] = field(default_factory=list[str])

    @property
    def weight(self) -> tuple[int, int]:
        """Makes, then candidates: a make is what a tactic's name has before its parameters."""
        return len({name.partition("/")[0] for name in self.names}), len(self.names)


class Ballot:
    """Collects results of a problem's candidates and says whose are wrong.

    Args:
        device: Where results lie.
        problem: What is computed.
        arrays: The inputs' values, by index.
    """

    def __init__(
        self, device: CudaDevice, problem: Problem, arrays: Mapping[int, Array]
    ) -> None:
        self._device = device
        self._problem = problem
        self._arrays = arrays
        self._groups: list[_Group] = []
        self._meaning: _Group | None = None
        if self._flops <= _SMALL_FLOPS:
            self._meaning = self._compute()

    def enter(self, name: str, results: Sequence[Memory]) -> str:
        """Take a candidate's results; they are copied where they are needed later.

        Returns:
            Why they are wrong; empty when nothing speaks against them yet.
        """
        for operand, memory in zip(self._problem.outputs, results, strict=True):
            if operand.dtype in TOLERANCES:
                missing, _ = survey(self._device, operand, memory.address)
                if missing:
                    return f"left {missing:,} of {_count(operand):,} values unwritten"
        if self._problem.op.kind in _AMBIGUOUS:
            return ""
        if self._meaning is not None:
            apart = self._apart(results, self._meaning.results)
            return f"{apart} from the layer's meaning" if apart else ""
        for group in self._groups:
            if not self._apart(results, group.results):
                group.names.append(name)
                return ""
        kept = zip(self._problem.outputs, results, strict=True)
        copies = [self._copied(m) if o.dtype in TOLERANCES else None for o, m in kept]
        self._groups.append(_Group(copies, [name]))
        return ""

    def losers(self) -> dict[str, str]:
        """Why candidates were outvoted, once all have entered."""
        if len(self._groups) < 2:
            return {}
        right = self._compute() if self._flops <= _LARGE_FLOPS else None
        if right is None:
            right = max(self._groups, key=lambda group: group.weight)
        whose = right.names[0] if right.names else "the layer's meaning"
        return {
            name: f"{apart} from {whose}"
            for group in self._groups
            if (apart := self._apart(group.results, right.results))
            for name in group.names
        }

    # ---- inside ------------------------------------------------------------------------

    @property
    def _flops(self) -> float:
        kinds = self._problem.input_types, self._problem.output_types
        return self._problem.op.flops(*kinds)

    def _apart(self, results: Sequence[Memory | None], wanted: Sequence[Memory | None]) -> str:
        """How results differ, in words; empty when they agree."""
        triples = zip(self._problem.outputs, results, wanted, strict=True)
        for operand, memory, right in triples:
            if memory is None or right is None:
                continue
            tolerance = TOLERANCES[operand.dtype]
            _, rms = survey(self._device, operand, right.address)
            off, worst = compare(
                self._device, operand, memory.address, right.address, tolerance,
                tolerance * rms + 1e-6,
            )  # fmt: skip
            count = _count(operand)
            if off > count // _FEW_IN:
                return f"wrong: {off:,} of {count:,} values differ, by up to {worst:.3g},"
        return ""

    def _copied(self, memory: Memory) -> Memory:
        copy = self._device.allocate(memory.nbytes)
        stream = self._device.stream.ptr
        copy_async(copy.address, memory.address, memory.nbytes, ON_DEVICE, stream)
        return copy

    def _compute(self) -> _Group | None:
        """The layer's meaning on the device; None where NumPy cannot tell in reasonable time."""
        operands = [o for o in (*self._problem.inputs, *self._problem.outputs) if o]
        if self._problem.op.kind in _AMBIGUOUS:
            return None
        if sum(_count(o) for o in operands) > _MOST_VALUES:
            return None
        arrays = [self._arrays.get(i) for i in range(len(self._problem.inputs))]
        wide = [
            a.astype(np.float64) if a is not None and o is not None and o.dtype.is_float else a
            for a, o in zip(arrays, self._problem.inputs, strict=True)
        ]
        try:
            with np.errstate(all="ignore"):
                made = self._problem.op.evaluate(wide)
        except TrtlabError:
            return None
        pairs = list(zip(made, self._problem.outputs, strict=True))
        if any(np.shape(array) != operand.shape for array, operand in pairs):
            return None  # random numbers took the place of ones that decide the shape
        return _Group([self._held(array, operand) for array, operand in pairs])

    def _held(self, array: Array, operand: Operand) -> Memory | None:
        if operand.dtype not in TOLERANCES:
            return None
        with np.errstate(all="ignore"):
            typed = np.asarray(array).astype(operand.dtype.numpy)
        return self._device.hold(as_stored(typed, operand))


def as_stored(array: Array, operand: Operand) -> Array:
    """The elements in the order in which the operand's format stores them."""
    if operand.format is TensorFormat.HWC and array.ndim > 2:
        return np.ascontiguousarray(np.moveaxis(array, 1, -1))  # [N, spatial..., C]
    return np.ascontiguousarray(array)


def _count(operand: Operand) -> int:
    return int(np.prod(operand.shape, dtype=np.int64))

"""Tactics made of others: for problems that a fast kernel takes almost as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trtlab.core.types import TensorFormat
from trtlab.devices.cpu.program import Command, HostCommand
from trtlab.kernels.cpu.movement import MoveTactic
from trtlab.kernels.cpu.pointwise import PointwiseTactic
from trtlab.layers.base import Array
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.fused import Reformat
from trtlab.layers.linear import MatrixMultiply
from trtlab.layers.pointwise import Pointwise
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

Commands = list[Command | HostCommand]
_FIRST_EXTRA = 3  # inputs before the epilogue operands, of all layers that have an epilogue
_IMAGE_RANK = 3  # batch, channels and one spatial axis


def _aligned(nbytes: int) -> int:
    return -(-nbytes // 64) * 64


def _commands(tactic: Tactic, problem: Problem, buffers: Buffers) -> Commands:
    launches = tactic.bind(problem, buffers)
    return [launch for launch in launches if isinstance(launch, Command | HostCommand)]


class SeparateEpilogue(Tactic):
    """Another tactic without the epilogue, then the epilogue over the whole result, in place.

    Args:
        name: Of this tactic.
        inner: Computes the layer without its epilogue.
    """

    def __init__(self, name: str, inner: Tactic) -> None:
        self.name = name
        self._inner = inner
        self._pointwise = PointwiseTactic()

    def check(self, problem: Problem) -> Rejection | None:
        """Declines what the inner tactic takes whole, or not even without the epilogue."""
        parts = _split(problem)
        if isinstance(parts, Rejection):
            return parts
        if self._inner.check(problem) is None:
            return Rejection(f"{self._inner.name} computes the epilogue too")
        return self._inner.check(parts[0]) or self._pointwise.check(parts[1])

    def workspace_bytes(self, problem: Problem) -> int:
        """What the inner tactic needs."""
        parts = _split(problem)
        return 0 if isinstance(parts, Rejection) else self._inner.workspace_bytes(parts[0])

    def cost_hint_us(self, problem: Problem) -> float:
        """One more pass over the result."""
        return 1.2 * self._inner.cost_hint_us(problem) + problem.outputs[0].nbytes / 5e3

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """As the inner tactic does; epilogue operands stay as they are."""
        main = {i: a for i, a in constants.items() if i < _FIRST_EXTRA}
        rest = {i: a for i, a in constants.items() if i >= _FIRST_EXTRA}
        parts = _split(problem)
        assert not isinstance(parts, Rejection)
        return {**self._inner.pack(parts[0], main), **rest}

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command | HostCommand]:
        """The inner tactic's commands, then the program's."""
        parts = _split(problem)
        assert not isinstance(parts, Rejection)
        main = replace(buffers, inputs=buffers.inputs[:_FIRST_EXTRA])
        operands = (buffers.outputs[0], *buffers.inputs[_FIRST_EXTRA:])
        after = Buffers(operands, buffers.outputs)
        return [
            *_commands(self._inner, parts[0], main),
            *_commands(self._pointwise, parts[1], after),
        ]


def _split(problem: Problem) -> tuple[Problem, Problem] | Rejection:
    """The layer without its epilogue, and the epilogue as a layer."""
    op = problem.op
    if not isinstance(op, Convolution | Deconvolution | MatrixMultiply) or not op.epilogue:
        return Rejection("there is no epilogue")
    main = Problem(replace(op, epilogue=()), problem.inputs[:_FIRST_EXTRA], problem.outputs)
    operands = (problem.outputs[0], *problem.inputs[_FIRST_EXTRA:])
    return main, Problem(Pointwise(op.epilogue), operands, problem.outputs)


@dataclass(frozen=True, slots=True)
class _Converted:
    """An operand that lies in the workspace in the other format."""

    index: int
    own: Operand
    inner: Operand
    offset: int


class ChannelsLast(Tactic):
    """Channels-first memory: converted there and back around channels-last tactics.

    Args:
        name: Of this tactic.
        inner: The first that takes the converted problem computes it.
    """

    def __init__(self, name: str, inner: Sequence[Tactic]) -> None:
        self.name = name
        self._inner = tuple(inner)
        self._move = MoveTactic()

    def check(self, problem: Problem) -> Rejection | None:
        """Declines channels-last problems, and those that no inner tactic takes."""
        if any(_is_last(o) for o in (*problem.inputs, *problem.outputs) if o is not None):
            return Rejection("the memory is channels-last already")
        inner, inputs, result, _ = _convert(problem)
        if not inputs or result is None:
            return Rejection("there are no images to convert")
        if self._refusal(problem) is None:
            return Rejection("nothing needs to be converted")
        for converted in inputs:
            refused = self._move.check(_to(converted))
            if refused is not None:
                return refused
        return self._move.check(_back(result)) or self._refusal(inner)

    def _refusal(self, inner: Problem) -> Rejection | None:
        refusals = [tactic.check(inner) for tactic in self._inner]
        return None if None in refusals else refusals[0]

    def _taker(self, inner: Problem) -> Tactic:
        return next(tactic for tactic in self._inner if tactic.check(inner) is None)

    def workspace_bytes(self, problem: Problem) -> int:
        """The converted operands, then the inner tactic's own."""
        inner, _, _, size = _convert(problem)
        if self._refusal(inner) is not None:
            return 0
        return size + self._taker(inner).workspace_bytes(inner)

    def cost_hint_us(self, problem: Problem) -> float:
        """Every image is moved once more."""
        moved = sum(o.nbytes for o in (*problem.inputs, *problem.outputs) if o is not None)
        return super().cost_hint_us(problem) + moved / 2e3

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """As the inner tactic does."""
        inner = _convert(problem)[0]
        return self._taker(inner).pack(inner, constants)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command | HostCommand]:
        """Conversions, the inner tactic's commands, the conversion back."""
        inner, inputs, result, size = _convert(problem)
        assert result is not None
        places = list(buffers.inputs)
        commands: Commands = []
        for converted in inputs:
            place = buffers.workspace + converted.offset
            source = Buffers((buffers.inputs[converted.index],), (place,))
            commands += _commands(self._move, _to(converted), source)
            places[converted.index] = place
        target = buffers.workspace + result.offset
        own = Buffers(tuple(places), (target,), buffers.workspace + size)
        commands += _commands(self._taker(inner), inner, own)
        back = Buffers((target,), buffers.outputs)
        return [*commands, *_commands(self._move, _back(result), back)]


def _is_last(operand: Operand) -> bool:
    return operand.format is TensorFormat.HWC


def _is_image(operand: Operand | None, rank: int) -> bool:
    return operand is not None and not operand.constant and len(operand.shape) == rank


def _convert(problem: Problem) -> tuple[Problem, list[_Converted], _Converted | None, int]:
    """The problem in channels-last memory, its converted operands, and their bytes."""
    rank = len(problem.outputs[0].shape)
    if rank < _IMAGE_RANK:
        return problem, [], None, 0
    inputs, size = list(problem.inputs), 0
    converted: list[_Converted] = []
    for index, operand in enumerate(problem.inputs):
        if operand is None or not _is_image(operand, rank):
            continue
        inner = Operand(operand.dtype, operand.shape, TensorFormat.HWC)
        inputs[index] = inner
        converted.append(_Converted(index, operand, inner, size))
        size += _aligned(operand.nbytes)
    own = problem.outputs[0]
    inner = Operand(own.dtype, own.shape, TensorFormat.HWC)
    result = _Converted(-1, own, inner, size)
    size += _aligned(own.nbytes)
    return Problem(problem.op, tuple(inputs), (inner,)), converted, result, size


def _to(converted: _Converted) -> Problem:
    return Problem(Reformat(TensorFormat.HWC), (converted.own,), (converted.inner,))


def _back(converted: _Converted) -> Problem:
    return Problem(Reformat(TensorFormat.LINEAR), (converted.inner,), (converted.own,))

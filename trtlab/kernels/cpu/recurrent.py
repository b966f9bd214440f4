"""Tactic for LSTM, GRU and plain recurrent layers in fp32 with constant weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trtlab.core.enums import RNNKind
from trtlab.core.types import DataType
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.program import Command
from trtlab.kernels.cpu import recur as r
from trtlab.kernels.cpu.bind_gemm import Product, bind_product
from trtlab.kernels.cpu.finishing import Finish, Rows
from trtlab.kernels.cpu.microkernel import tile
from trtlab.kernels.cpu.packing import pack_columns
from trtlab.layers.base import Array
from trtlab.layers.recurrent import Recurrent
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_X, _W, _R, _B, _LENGTHS, _H0, _C0, _PEEPHOLE = range(8)
_ROLES: Final = {
    _W: "input weights",
    _R: "recurrence weights",
    _B: "bias",
    _PEEPHOLE: "peepholes",
}
_GATES: Final = {RNNKind.LSTM: 4, RNNKind.GRU: 3, RNNKind.RELU: 1, RNNKind.TANH: 1}
_CELLS: Final = {
    RNNKind.LSTM: r.LSTM,
    RNNKind.GRU: r.GRU,
    RNNKind.RELU: r.RELU,
    RNNKind.TANH: r.TANH,
}
_LINE = 64
_WORK_OF_THREAD = 1 << 15
"""Multiplications a step that are worth another thread: about 2 µs of one core."""


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Extents of a problem; ``wide`` is the hidden size in whole vectors."""

    time: int
    batch: int
    features: int
    hidden: int
    directions: int
    gates: int

    @property
    def wide(self) -> int:
        return -(-self.hidden // LANES) * LANES

    @property
    def columns(self) -> int:
        """Of the inputs' product: all directions and gates."""
        return self.directions * self.gates * self.wide

    @property
    def state(self) -> int:
        """Elements of one padded state."""
        return self.directions * self.batch * self.wide


class RecurrentTactic(Tactic):
    """One product for the inputs of all steps, then all steps in one command."""

    name = "cpu.recurrent.steps"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines other types, weights that vary, and sequences with holes between rows."""
        for index, operand in enumerate(problem.inputs):
            reason = None if operand is None else _declines(index, operand)
            if reason is not None:
                return Rejection(reason)
        if any(o.strides[-1] != 1 and o.shape[-1] != 1 for o in problem.outputs):
            return Rejection("the last dimension of an output is not contiguous")
        for pair in ((_given(problem, _H0), _given(problem, _C0)), problem.outputs[1:]):
            if len({operand.strides for operand in pair if operand is not None}) > 1:
                return Rejection("hidden and cell state lie differently")
        x = problem.inputs[_X]
        assert x is not None
        if x.shape[0] > 1 and x.strides[0] != x.strides[1] * x.shape[1]:
            return Rejection("the sequence's rows are not evenly spaced")
        return Rejection("an operand is empty") if 0 in x.shape else None

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """Gates in whole vectors; input weights as panels; recurrence weights by blocks."""
        op = problem.op
        assert isinstance(op, Recurrent)
        gates, hidden = _GATES[op.cell], op.hidden_size
        packed = dict(constants)
        w = _by_gate(constants[_W], gates, hidden)  # [dirs, gates, wide, features]
        packed[_W] = pack_columns(np.ascontiguousarray(w.reshape(-1, w.shape[-1]).T))
        u = _by_gate(constants[_R], gates, hidden)
        blocks = u.reshape(*u.shape[:2], -1, LANES, hidden)
        # [dirs, gates, blocks, lanes, hidden] → [dirs, blocks, hidden, gates, lanes]
        packed[_R] = np.ascontiguousarray(blocks.transpose(0, 2, 4, 1, 3))
        if _B in constants:
            both = np.asarray(constants[_B], np.float32).reshape(-1, 2, gates * hidden)
            from_x, from_h = (_by_gate(both[:, side], gates, hidden) for side in (0, 1))
            extra = np.zeros_like(from_h[:, -1])
            if op.cell is RNNKind.GRU and op.linear_before_reset:
                extra = from_h[:, -1].copy()
                from_h[:, -1] = 0
            total = (from_x + from_h).reshape(-1)
            packed[_B] = np.concatenate([total, extra.reshape(-1)])
        if _PEEPHOLE in constants:
            packed[_PEEPHOLE] = _by_gate(constants[_PEEPHOLE], 3, hidden)
        return packed

    def workspace_bytes(self, problem: Problem) -> int:
        """The inputs' product, h before and after, c or r·h, z, zeros, a counter."""
        sizes = _sizes(problem)
        floats = sizes.time * sizes.batch * sizes.columns + 4 * sizes.state
        return 4 * floats + 2 * _LINE

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command]:
        """The product, the initial states, the steps."""
        sizes = _sizes(problem)
        x = problem.inputs[_X]
        assert x is not None
        rows = sizes.time * sizes.batch
        pitch = x.strides[1] if x.shape[1] > 1 else x.strides[0]
        bias = _address(problem, buffers, _B)
        product = bind_product(
            Product(
                rows,
                sizes.columns,
                sizes.features,
                Rows(buffers.inputs[_X] or 0, pitch),
                Rows(buffers.inputs[_W] or 0, 0),
                Rows(buffers.workspace, sizes.columns),
                finish=Finish(bias),
            )
        )
        args, keep = _arguments(problem, buffers, sizes)
        start = Command(r.start_states.address, args, keep=keep)
        return product, start, Command(r.recur.address, args)


def _declines(index: int, operand: Operand) -> str | None:
    """Why an input cannot be used; None when it can."""
    if index == _LENGTHS:
        return None if operand.is_dense else "the lengths do not lie densely"
    if operand.dtype is not DataType.FLOAT:
        return f"works on fp32, not on {operand.dtype.value}"
    if index in _ROLES and not operand.constant:
        return f"the {_ROLES[index]} are no constant"
    if operand.strides[-1] != 1 and operand.shape[-1] != 1:
        return "the last dimension of an operand is not contiguous"
    return None


def _by_gate(weights: Array, gates: int, hidden: int) -> NDArray[np.float32]:
    """[dirs, gates·hidden, ..] → [dirs, gates, wide, ..], zeros behind the hidden units."""
    data = np.asarray(weights, np.float32)
    split = data.reshape(data.shape[0], gates, hidden, *data.shape[2:])
    wide = -(-hidden // LANES) * LANES
    padding = [(0, 0)] * split.ndim
    padding[2] = (0, wide - hidden)
    return np.pad(split, padding)


def _sizes(problem: Problem) -> _Sizes:
    op, x = problem.op, problem.inputs[_X]
    assert isinstance(op, Recurrent)
    assert x is not None
    time, batch, features = x.shape
    if op.batch_first:
        time, batch = batch, time
    return _Sizes(time, batch, features, op.hidden_size, op.directions, _GATES[op.cell])


def _given(problem: Problem, index: int) -> Operand | None:
    return problem.inputs[index] if index < len(problem.inputs) else None


def _address(problem: Problem, buffers: Buffers, index: int) -> int:
    return 0 if _given(problem, index) is None else buffers.inputs[index] or 0


def _steps(operand: Operand | None, order: Sequence[int]) -> list[int]:
    """Bytes along the given axes; zeros where there is no operand."""
    return [0 if operand is None else 4 * operand.strides[axis] for axis in order]


def _arguments(
    problem: Problem, buffers: Buffers, sizes: _Sizes
) -> tuple[NDArray[np.int64], tuple[object, ...]]:
    op = problem.op
    assert isinstance(op, Recurrent)
    cell = _CELLS[op.cell]
    if op.cell is RNNKind.GRU and op.linear_before_reset:
        cell = r.GRU_LINEAR
    row = 4 * sizes.columns
    gates_steps = (row, sizes.time * row) if op.batch_first else (sizes.batch * row, row)
    state = buffers.workspace + sizes.time * sizes.batch * row
    cells, update = state + 8 * sizes.state, state + 12 * sizes.state
    counter = -(-(state + 16 * sizes.state) // _LINE) * _LINE
    zeros = np.zeros(sizes.directions * sizes.wide, np.float32)
    bias = _address(problem, buffers, _B)
    lengths = _given(problem, _LENGTHS)
    y, h = problem.outputs[:2]
    states = (1, 0) if op.batch_first else (0, 1)  # axes of direction and batch
    initial = _given(problem, _H0) or _given(problem, _C0)
    work = sizes.state * sizes.gates * sizes.hidden
    args = np.zeros(r.LENGTH, np.int64)
    args[:] = (
        *(cell, sizes.time, sizes.batch, sizes.hidden, sizes.directions),
        0 if op.direction == "reverse" else 1,
        sizes.wide // LANES,
        buffers.inputs[_R] or 0,
        bias + 4 * sizes.columns if bias else zeros.ctypes.data,
        _address(problem, buffers, _PEEPHOLE),
        *(buffers.workspace, *gates_steps, state, cells, update, counter),
        *(_address(problem, buffers, _LENGTHS),),
        lengths is not None and lengths.dtype is DataType.INT64,
        *(_address(problem, buffers, _H0), _address(problem, buffers, _C0)),
        *_steps(initial, states),
        buffers.outputs[0],
        *_steps(y, (1, 2, 0) if op.batch_first else (0, 1, 2)),
        buffers.outputs[1],
        buffers.outputs[2] if len(buffers.outputs) > 2 else 0,
        *_steps(h, states),
        *(sizes.gates, tile.address, max(1, work // _WORK_OF_THREAD)),
    )
    return args, (zeros,)

"""RNN_V2: LSTM, GRU and plain recurrent layers with ONNX's meaning."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.core.enums import RNNKind
from trtlab.core.types import DataType, TensorType, static, volume
from trtlab.layers import dims
from trtlab.layers.base import (
    Array,
    Op,
    ShapeValue,
    given,
    needed,
    optional,
    require,
    same_dtype,
    str_shape,
    wanted,
    wide,
)
from trtlab.layers.dims import Extent
from trtlab.layers.pointwise import FUNCTIONS
from trtlab.layers.shuffle import reverse_within

_GATES = {RNNKind.LSTM: 4, RNNKind.GRU: 3, RNNKind.RELU: 1, RNNKind.TANH: 1}
_DIRECTIONS = ("forward", "reverse", "bidirectional")
_X, _W, _R, _B, _LENGTHS, _H0, _C0, _PEEPHOLE = range(8)


def _sigmoid(x: Array) -> Array:
    return FUNCTIONS["sigmoid"].meaning(x)


@dataclass(frozen=True)
class Recurrent(Op):
    """h_t = cell(x_t, h_{t−1}), in one or both directions of time.

    Inputs: x [T, B, I], W [dirs, G·H, I], R [dirs, G·H, H]; then as far as given: bias
    [dirs, 2·G·H] (of W, then of R), lengths [B], initial h [dirs, B, H], initial c [dirs, B,
    H], peephole weights [dirs, 3·H]. Gates are in ONNX's order: i o f c for LSTM, z r h for
    GRU.
    Outputs: y [T, dirs, B, H] (0 beyond a length), last h [dirs, B, H], and for LSTM last c.
    With ``batch_first`` the batch is the first axis of x, y and the states.
    Source: ONNX operators LSTM, GRU and RNN, opset 14.
    """

    kind: ClassVar[str] = "RNN_V2"
    cell: RNNKind = RNNKind.LSTM
    hidden_size: int = 0
    direction: str = "forward"
    linear_before_reset: bool = False
    batch_first: bool = False

    @property
    def directions(self) -> int:
        """1, or 2 when bidirectional."""
        return 2 if self.direction == "bidirectional" else 1

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """Every weight has the one shape that x and ``hidden_size`` ask for."""
        del values
        x = wanted(inputs, _X, "sequence")
        require(
            self.direction in _DIRECTIONS,
            f"direction {self.direction!r} is none of {', '.join(_DIRECTIONS)}",
        )
        require(self.hidden_size >= 1, f"hidden_size is {self.hidden_size}")
        require(
            x.rank == 3, f"the sequence {str_shape(x.shape)} is not [time, batch, features]"
        )
        time, batch, features = x.shape
        if self.batch_first:
            time, batch = batch, time
        count, hidden, gates = self.directions, self.hidden_size, _GATES[self.cell]
        state = (batch, count, hidden) if self.batch_first else (count, batch, hidden)
        expected: dict[int, tuple[str, tuple[Extent, ...]]] = {
            _W: ("input weights", (count, gates * hidden, features)),
            _R: ("recurrence weights", (count, gates * hidden, hidden)),
            _B: ("bias", (count, 2 * gates * hidden)),
            _LENGTHS: ("lengths", (batch,)),
            _H0: ("initial hidden state", state),
            _C0: ("initial cell state", state),
            _PEEPHOLE: ("peephole weights", (count, 3 * hidden)),
        }
        for index, (role, shape) in expected.items():
            kind = wanted(inputs, index, role) if index <= _R else optional(inputs, index)
            if kind is not None:
                self._check(x, kind, role, shape)
        lstm = self.cell is RNNKind.LSTM
        for index in (_C0, _PEEPHOLE):
            require(
                lstm or optional(inputs, index) is None,
                f"a {self.cell.value} cell has no {expected[index][0]}",
            )
        y = (batch, time, count, hidden) if self.batch_first else (time, count, batch, hidden)
        states = (TensorType(x.dtype, state),) * (2 if lstm else 1)
        return (TensorType(x.dtype, y), *states)

    def _check(
        self, x: TensorType, kind: TensorType, role: str, shape: tuple[Extent, ...]
    ) -> None:
        if role == "lengths":
            whole = kind.dtype in {DataType.INT32, DataType.INT64}
            require(whole, f"lengths are {kind.dtype.value}, not integers")
        else:
            same_dtype([x, kind], f"sequence and {role}")
        fits = kind.rank == len(shape) and all(
            dims.equal(a, b) is not False for a, b in zip(kind.shape, shape, strict=True)
        )
        require(fits, f"{role} have shape {str_shape(kind.shape)}, not {str_shape(shape)}")

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Time step by time step, one direction after the other."""
        x = needed(inputs, _X, "sequence")
        dtype, work = x.dtype, wide(x.dtype)
        data = (x.swapaxes(0, 1) if self.batch_first else x).astype(work)  # [T, B, I]
        time, batch, _ = data.shape
        lengths = given(inputs, _LENGTHS)
        if lengths is None:
            lengths = np.full(batch, time, np.int64)
        ys: list[Array] = []
        hs: list[Array] = []
        cs: list[Array] = []
        for number in range(self.directions):
            backward = self.direction == "reverse" or number == 1
            source = reverse_within(data, lengths, 1, 0) if backward else data
            weights = self._weights(inputs, number, batch, work)
            y, h, c = self._run(source, lengths, weights)
            ys.append(reverse_within(y, lengths, 1, 0) if backward else y)
            hs.append(h)
            cs.append(c)
        lead = 0 if not self.batch_first else 1
        stacked = np.stack(ys, axis=1)  # [T, dirs, B, H]
        y = stacked.transpose(2, 0, 1, 3) if self.batch_first else stacked
        states = [np.stack(hs, axis=lead)]
        if self.cell is RNNKind.LSTM:
            states.append(np.stack(cs, axis=lead))
        return tuple(np.ascontiguousarray(a, dtype=dtype) for a in (y, *states))

    def _weights(
        self,
        inputs: Sequence[Array | None],
        number: int,
        batch: int,
        work: np.dtype[np.generic],
    ) -> dict[int, Array]:
        """Weights and initial states of one direction, zeros where left out."""
        hidden, gates = self.hidden_size, _GATES[self.cell]
        zeros = {
            _B: (2 * gates * hidden,),
            _H0: (batch, hidden),
            _C0: (batch, hidden),
            _PEEPHOLE: (3 * hidden,),
        }
        found: dict[int, Array] = {
            _W: needed(inputs, _W, "input weights")[number].astype(work),
            _R: needed(inputs, _R, "recurrence weights")[number].astype(work),
        }
        for index, shape in zeros.items():
            array = given(inputs, index)
            if array is None:
                found[index] = np.zeros(shape, work)
                continue
            state = index in {_H0, _C0} and self.batch_first
            found[index] = (array[:, number] if state else array[number]).astype(work)
        return found

    def _run(
        self, x: Array, lengths: Array, weights: dict[int, Array]
    ) -> tuple[Array, Array, Array]:
        """All steps of one direction: y [T, B, H], last h [B, H], last c [B, H]."""
        h, c = weights[_H0], weights[_C0]
        y = np.zeros((*x.shape[:2], self.hidden_size), x.dtype)
        projected = np.matmul(x, weights[_W].T)  # [T, B, G·H]
        for step, row in enumerate(projected):
            if self.cell is RNNKind.LSTM:
                new_h, new_c = self._lstm(row, h, c, weights)
            elif self.cell is RNNKind.GRU:
                new_h, new_c = self._gru(row, h, weights), c
            else:
                new_h, new_c = self._plain(row, h, weights), c
            alive = (step < lengths)[:, None]  # [B, 1]
            h, c = np.where(alive, new_h, h), np.where(alive, new_c, c)
            y[step] = np.where(alive, h, 0)
        return y, h, c

    def _lstm(
        self, row: Array, h: Array, c: Array, weights: dict[int, Array]
    ) -> tuple[Array, Array]:
        total = row + h @ weights[_R].T + weights[_B].reshape(2, -1).sum(axis=0)
        i, o, f, g = np.split(total, 4, axis=1)
        pi, po, pf = np.split(weights[_PEEPHOLE], 3)
        new_c = _sigmoid(f + pf * c) * c + _sigmoid(i + pi * c) * np.tanh(g)
        return _sigmoid(o + po * new_c) * np.tanh(new_c), new_c

    def _gru(self, row: Array, h: Array, weights: dict[int, Array]) -> Array:
        hidden = self.hidden_size
        from_x, from_h = weights[_B].reshape(2, -1)
        both, candidate = slice(0, 2 * hidden), slice(2 * hidden, None)
        gates = row[:, both] + h @ weights[_R][both].T + from_x[both] + from_h[both]
        z, r = np.split(_sigmoid(gates), 2, axis=1)
        if self.linear_before_reset:
            memory = r * (h @ weights[_R][candidate].T + from_h[candidate])
        else:
            memory = (r * h) @ weights[_R][candidate].T + from_h[candidate]
        new = np.tanh(row[:, candidate] + memory + from_x[candidate])
        return (1 - z) * new + z * h

    def _plain(self, row: Array, h: Array, weights: dict[int, Array]) -> Array:
        total = row + h @ weights[_R].T + weights[_B].reshape(2, -1).sum(axis=0)
        return np.maximum(total, 0) if self.cell is RNNKind.RELU else np.tanh(total)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """A step: two a weight, and some thirty a hidden unit for the gates' functions."""
        w, r = (static(wanted(inputs, index, "weights").shape) for index in (_W, _R))
        time, batch, _ = static(wanted(inputs, _X, "sequence").shape)
        gate = {RNNKind.LSTM: 30, RNNKind.GRU: 24, RNNKind.RELU: 4, RNNKind.TANH: 7}[self.cell]
        del outputs
        products = 2 * (volume(w) + volume(r))
        return time * batch * (products + gate * self.directions * self.hidden_size)

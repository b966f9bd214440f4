"""CONSTANT, SHAPE and FILL: tensors made from nothing or from a shape."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import ClassVar

import numpy as np

from trtlab.core.enums import FillOperation
from trtlab.core.errors import UsageError
from trtlab.core.types import DataType, TensorType, nbytes, static, volume
from trtlab.layers import dims
from trtlab.layers.base import (
    Array,
    Op,
    ShapeValue,
    extents_of,
    given,
    known,
    needed,
    optional,
    require,
    shape_value,
    small_shape,
    str_shape,
    wanted,
)


@dataclass(frozen=True)
class Constant(Op):
    """A tensor known when building; its array is held by the network's tensor."""

    kind: ClassVar[str] = "CONSTANT"
    dtype: DataType = DataType.FLOAT
    shape: tuple[int, ...] = ()

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The declared type."""
        del values
        require(not inputs, f"a constant has no inputs, {len(inputs)} are given")
        require(all(n >= 0 for n in self.shape), f"shape {self.shape} has a negative extent")
        return (TensorType(self.dtype, self.shape),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Not defined: the array is data of the network, not an option.

        Raises:
            UsageError: Always.
        """
        del inputs
        raise UsageError(
            "a constant's array is held by its output tensor",
            hint="read the tensor's data in place of evaluating the layer",
        )

    def traffic_bytes(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]
    ) -> int:
        """Nothing: the readers count the reading."""
        del inputs, outputs
        return 0


@dataclass(frozen=True)
class Shape(Op):
    """y = the extents of x from axis start to end, as INT64 [end − start]."""

    kind: ClassVar[str] = "SHAPE"
    start: int = 0
    end: int | None = None

    def _range(self, rank: int) -> slice:
        return slice(*slice(self.start, self.end).indices(rank))

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """One entry an axis; bounds are clamped as in ONNX."""
        del values
        x = wanted(inputs, 0, "data")
        return (TensorType(DataType.INT64, (len(x.shape[self._range(x.rank)]),)),)

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """Always known."""
        del values, outputs
        x = wanted(inputs, 0, "data")
        return (shape_value(x.shape[self._range(x.rank)]),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """The array's shape."""
        x = needed(inputs, 0, "data")
        return (np.array(x.shape[self._range(x.ndim)], dtype=np.int64),)

    def traffic_bytes(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]
    ) -> int:
        """Nothing: known before the run."""
        del inputs, outputs
        return 0


@dataclass(frozen=True)
class Fill(Op):
    """y = alpha + Σ index·beta (LINSPACE), or random values, or one value everywhere.

    Inputs, all optional: shape (a shape tensor, in place of the ``shape`` option), alpha,
    beta.
    LINSPACE: alpha is the start, beta the step an axis (scalar or [rank]). RANDOM_UNIFORM:
    alpha and beta are the bounds. RANDOM_NORMAL: alpha is the mean, beta the standard
    deviation. Without alpha and beta, LINSPACE gives ``value`` everywhere. Random values
    depend on ``seed`` alone, so that every run draws the same; without one the layer that
    carries the operator gives it a seed by its name, another than other layers have.
    """

    kind: ClassVar[str] = "FILL"
    shape: tuple[int, ...] = ()
    op: FillOperation = FillOperation.LINSPACE
    value: float = 0.0
    dtype: DataType = DataType.FLOAT
    seed: int | None = None

    def placed(self, layer: str) -> Op:
        """With the layer's seed, where random values have none."""
        if self.op is FillOperation.LINSPACE or self.seed is not None:
            return self
        return replace(
            self, seed=int.from_bytes(sha256(layer.encode()).digest()[:4], "little")
        )

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The declared type in the given shape."""
        require(
            self.op is FillOperation.LINSPACE or self.dtype.is_float,
            f"{self.op.value} gives floating-point values, not {self.dtype.value}",
        )
        shape = optional(inputs, 0)
        if shape is None:
            require(
                all(n >= 0 for n in self.shape), f"shape {self.shape} has a negative extent"
            )
            return (TensorType(self.dtype, self.shape),)
        require(
            shape.rank == 1 and isinstance(shape.shape[0], int),
            f"the shape input is {str_shape(shape.shape)}, not a known number of entries",
        )
        entries = extents_of(known(values, 0))
        if entries is None:
            count = shape.shape[0]
            assert isinstance(count, int)
            return (
                TensorType(self.dtype, tuple(dims.unknown(f"d{i}") for i in range(count))),
            )
        require(
            all(dims.at_least(entry, 0) is not False for entry in entries),
            f"shape {str_shape(entries)} has a negative extent",
        )
        return (TensorType(self.dtype, entries),)

    def plausible(self, index: int, drawn: Array) -> Array:
        """Bounds in order, a deviation that is not negative: 0 and 1 for random values."""
        if self.op is FillOperation.LINSPACE or index == 0:
            return drawn
        return np.full_like(drawn, index - 1)

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """Known for integers of known shape, start and step."""
        out, shape = outputs[0], small_shape(outputs[0].shape)
        if shape is None or out.dtype.is_float or self.op is not FillOperation.LINSPACE:
            return (None,)
        ends: list[tuple[int | dims.Dim, ...]] = []
        for index, default in ((1, (int(self.value),)), (2, (0,))):
            if optional(inputs, index) is None:
                ends.append(default)
                continue
            entries = extents_of(known(values, index))
            if entries is None:
                return (None,)
            ends.append(entries)
        start, steps = (
            ends[0][0],
            ends[1] if len(ends[1]) == len(shape) else ends[1] * len(shape),
        )
        entries = [
            dims.add(start, *(dims.mul(i, s) for i, s in zip(place, steps, strict=True)))
            for place in np.ndindex(*shape)
        ]
        return (shape_value(entries, shape),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Values in index order."""
        dynamic = given(inputs, 0)
        shape = self.shape if dynamic is None else tuple(int(n) for n in dynamic)
        alpha, beta = given(inputs, 1), given(inputs, 2)
        dtype = self.dtype.numpy
        if self.op is not FillOperation.LINSPACE:
            first = 0.0 if alpha is None else float(alpha)
            second = 1.0 if beta is None else float(beta)
            source = np.random.default_rng(self.seed or 0)
            uniform = self.op is FillOperation.RANDOM_UNIFORM
            draw = source.uniform if uniform else source.normal
            return (draw(first, second, shape).astype(dtype),)
        start = np.asarray(self.value if alpha is None else alpha, dtype)
        y = np.full(shape, start, dtype)
        if beta is None:
            return (y,)
        for axis, step in enumerate(np.broadcast_to(beta.astype(dtype), (len(shape),))):
            places = np.arange(shape[axis]).astype(dtype) * step
            y = y + places.reshape(-1, *(1,) * (len(shape) - 1 - axis))
        return (y.astype(dtype, copy=False),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """Two an element and axis for LINSPACE with a step, ten for a random value."""
        elements = volume(static(outputs[0].shape))
        if self.op is not FillOperation.LINSPACE:
            return 10 * elements
        return 0 if optional(inputs, 2) is None else 2 * elements * outputs[0].rank

    def traffic_bytes(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]
    ) -> int:
        """The output is written."""
        del inputs
        return nbytes(outputs[0].dtype, static(outputs[0].shape))

"""ACTIVATION, UNARY and PARAMETRIC_RELU: functions of one tensor, element by element."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.core.enums import ActivationType, UnaryOperation
from trtlab.core.types import DataType, TensorType, static, volume
from trtlab.layers import dims
from trtlab.layers.base import (
    Array,
    Op,
    ShapeValue,
    broadcast,
    extents_of,
    known,
    needed,
    require,
    same_dtype,
    shape_value,
    str_shape,
    wanted,
    wide,
)
from trtlab.layers.pointwise import FUNCTIONS, Program, Step, program_flops, run_program

_ALPHA = {ActivationType.LEAKY_RELU, ActivationType.ELU, ActivationType.THRESHOLDED_RELU}
_ALPHA_BETA = {
    ActivationType.SELU,
    ActivationType.SOFTPLUS,
    ActivationType.CLIP,
    ActivationType.HARD_SIGMOID,
    ActivationType.SCALED_TANH,
}


@dataclass(frozen=True)
class Activation(Op):
    """y = f(x) for one of TensorRT's activation functions.

    ``alpha`` and ``beta`` mean what they mean in TensorRT: the slope of LEAKY_RELU and ELU,
    the bounds of CLIP, α·x + β of HARD_SIGMOID, α·tanh(β·x) of SCALED_TANH, α·log(1 +
    exp(β·x)) of SOFTPLUS, the threshold α of THRESHOLDED_RELU; SELU is β·x, or β·α·(exp(x) −
    1) below 0.
    """

    kind: ClassVar[str] = "ACTIVATION"
    type: ActivationType = ActivationType.RELU
    alpha: float = 0.0
    beta: float = 0.0

    def program(self) -> Program:
        """The same as a pointwise program of one step."""
        params: tuple[float, ...] = ()
        if self.type in _ALPHA:
            params = (self.alpha,)
        elif self.type in _ALPHA_BETA:
            params = (self.alpha, self.beta)
        return (Step(self.type.value, (0,), params),)

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The input's type."""
        del values
        x = wanted(inputs, 0, "data")
        require(x.dtype is not DataType.BOOL, f"{self.type.value} of a BOOL tensor")
        return (x,)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """The function of every element."""
        x = needed(inputs, 0, "data")
        data = x.astype(wide(x.dtype), copy=False)
        return (run_program(self.program(), [data]).astype(x.dtype, copy=False),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """The function's cost times elements."""
        del inputs
        return program_flops(self.program()) * volume(static(outputs[0].shape))


_TESTS = {UnaryOperation.ISINF: np.isinf, UnaryOperation.ISNAN: np.isnan}
_EXACT = {UnaryOperation.ABS, UnaryOperation.NEG, UnaryOperation.SIGN}  # on integers too


@dataclass(frozen=True)
class Unary(Op):
    """y = f(x) for one of TensorRT's unary functions; NOT, ISINF and ISNAN give BOOL."""

    kind: ClassVar[str] = "UNARY"
    op: UnaryOperation = UnaryOperation.EXP

    def program(self) -> Program | None:
        """The same as a pointwise program; None for NOT, ISINF and ISNAN."""
        if self.op.value not in FUNCTIONS:
            return None
        return (Step(self.op.value, (0,)),)

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The input's shape; NOT takes BOOL, integers only have ABS, NEG and SIGN."""
        del values
        x = wanted(inputs, 0, "data")
        if self.op is UnaryOperation.NOT:
            fits = x.dtype is DataType.BOOL
        else:
            fits = x.dtype.is_float or (self.op in _EXACT and x.dtype is not DataType.BOOL)
        require(fits, f"{self.op.value} is not defined on {x.dtype.value}")
        return (TensorType(DataType.BOOL if self.op in _TESTS else x.dtype, x.shape),)

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """NEG of known dimensions, NOT of known truths, ABS and SIGN of numbers."""
        del inputs, outputs
        value = known(values, 0)
        entries = extents_of(value)
        if value is None or entries is None:
            return (None,)
        if self.op is UnaryOperation.NEG:
            return (shape_value([dims.sub(0, entry) for entry in entries], value.shape),)
        numbers = [entry for entry in entries if isinstance(entry, int)]
        if len(numbers) != len(entries):
            return (None,)
        results: dict[UnaryOperation, list[int]] = {
            UnaryOperation.ABS: [abs(n) for n in numbers],
            UnaryOperation.SIGN: [(n > 0) - (n < 0) for n in numbers],
            UnaryOperation.NOT: [int(not n) for n in numbers],
        }
        found = results.get(self.op)
        return (None if found is None else shape_value(found, value.shape),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """The function of every element; outside its domain NaN or infinity."""
        x = needed(inputs, 0, "data")
        if self.op is UnaryOperation.NOT:
            return (np.logical_not(x),)
        data = x.astype(wide(x.dtype), copy=False)
        if self.op in _TESTS:
            return (_TESTS[self.op](data),)
        y = run_program((Step(self.op.value, (0,)),), [data])
        return (y.astype(x.dtype, copy=False),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """The function's cost times elements."""
        del inputs
        program = self.program()
        return (
            0 if program is None else program_flops(program) * volume(static(outputs[0].shape))
        )


@dataclass(frozen=True)
class ParametricReLU(Op):
    """y = x where x ≥ 0, else x·slopes; the slopes broadcast against x."""

    kind: ClassVar[str] = "PARAMETRIC_RELU"

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The data's type."""
        del values
        x, slopes = wanted(inputs, 0, "data"), wanted(inputs, 1, "slopes")
        same_dtype([x, slopes], "data and slopes")
        require(
            broadcast([x.shape, slopes.shape]) == x.shape,
            f"slopes {str_shape(slopes.shape)} do not broadcast to {str_shape(x.shape)}",
        )
        return (x,)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """The function of every element."""
        x, slopes = needed(inputs, 0, "data"), needed(inputs, 1, "slopes")
        return (np.where(x < 0, x * slopes, x).astype(x.dtype, copy=False),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """Comparison and product."""
        del inputs
        return 2 * volume(static(outputs[0].shape))

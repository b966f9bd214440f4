"""The fallback: any layer, computed by its own NumPy meaning on views of the buffers."""

import ctypes
from collections.abc import Sequence
from math import prod
from typing import ClassVar

import numpy as np

from trtlab.core.errors import DeviceError
from trtlab.core.types import DataType, TensorFormat
from trtlab.devices.cpu.program import HostCommand
from trtlab.layers.base import Array, Op
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_FORMATS = {TensorFormat.LINEAR, TensorFormat.HWC}
_PACKED = {DataType.INT4, DataType.FP4}


def strided_view(address: int, operand: Operand) -> Array:
    """The operand's elements at an address, as an array that copies nothing.

    Args:
        address: Of the first element; the memory must outlive the array.
        operand: Shape, type and strides.
    """
    dtype = operand.dtype.numpy
    if not prod(operand.shape):
        return np.empty(operand.shape, dtype)
    reach = sum((e - 1) * s for e, s in zip(operand.shape, operand.strides, strict=True)) + 1
    memory = (ctypes.c_char * (reach * dtype.itemsize)).from_address(address)
    flat: Array = np.frombuffer(memoryview(memory), dtype)
    steps = tuple(s * dtype.itemsize for s in operand.strides)
    return np.lib.stride_tricks.as_strided(flat, operand.shape, steps)


class NumpyTactic(Tactic):
    """A layer type's `Op.evaluate`, run on the host between native commands.

    Args:
        op: The layer type.
    """

    source: ClassVar[str] = "NUMPY"

    def __init__(self, op: type[Op]) -> None:
        self._op = op
        self.name = f"cpu.numpy/{op.kind.lower()}"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines memory formats that strides cannot describe, and 4-bit types."""
        for operand in (*problem.inputs, *problem.outputs):
            if operand is None:
                continue
            if operand.format not in _FORMATS:
                return Rejection(f"NumPy has no view of the format {operand.format.value}")
            if operand.dtype in _PACKED:
                return Rejection(f"NumPy has no view of packed {operand.dtype.value}")
        return None

    def cost_hint_us(self, problem: Problem) -> float:
        """NumPy makes temporaries and its calls take their time."""
        return 20.0 + 8.0 * super().cost_hint_us(problem)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[HostCommand]:
        """One call on the host."""
        inputs = [
            None if operand is None or address is None else strided_view(address, operand)
            for operand, address in zip(problem.inputs, buffers.inputs, strict=True)
        ]
        outputs = [
            strided_view(address, operand)
            for operand, address in zip(problem.outputs, buffers.outputs, strict=True)
        ]
        op = problem.op

        def run() -> None:
            with np.errstate(all="ignore"):
                for target, value in zip(outputs, _evaluated(op, inputs), strict=True):
                    if value.shape != target.shape:
                        raise DeviceError(
                            f"{op.kind} made a result of shape {value.shape} where the engine "
                            f"expects {target.shape}",
                            hint="the shape depends on the data: build with other shapes",
                        )
                    target[...] = value

        return (HostCommand(run),)


def _evaluated(op: Op, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    """The operator's NumPy meaning.

    Raises:
        DeviceError: NumPy refuses the values, such as bounds in the wrong order.
    """
    try:
        return op.evaluate(inputs)
    except (ValueError, IndexError, ArithmeticError) as error:
        raise DeviceError(
            f"{op.kind} cannot be computed from these values: {error}",
            hint="look at what the layer reads",
        ) from error

"""Layers whose options are still to come.

TensorRT checks a layer when its outputs are first asked for, so user code may add a
convolution and say afterwards how many groups it has. A layer that its operator refuses
meanwhile carries `Unfinished` in place of the operator; every later option is a new attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trtlab.core.errors import InvalidNetworkError
from trtlab.core.types import DataType, TensorType
from trtlab.layers.base import Array, Op, ShapeValue
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.creation import Fill
from trtlab.layers.gather import Gather, Scatter
from trtlab.layers.normalization import Normalization
from trtlab.layers.pooling import Pooling
from trtlab.layers.resize import Resize
from trtlab.layers.scale import Scale
from trtlab.layers.shuffle import Concatenation, ReverseSequence, Shuffle
from trtlab.layers.slicing import Padding, Slice

# Operators with options that user code sets after adding the layer.
_PATIENT = (
    Concatenation,
    Convolution,
    Deconvolution,
    Fill,
    Gather,
    Normalization,
    Padding,
    Pooling,
    Resize,
    ReverseSequence,
    Scale,
    Scatter,
    Shuffle,
    Slice,
)


@dataclass(frozen=True, eq=False)
class Unfinished(Op):
    """An operator that refuses its inputs so far."""

    kind: ClassVar[str] = "UNFINISHED"
    op: Op
    error: InvalidNetworkError

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """A placeholder; nothing may read it."""
        del values
        first = next((t for t in inputs if t is not None), None)
        return (TensorType(DataType.FLOAT if first is None else first.dtype, ()),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Not possible yet.

        Raises:
            InvalidNetworkError: Always; what the operator refuses.
        """
        del inputs
        raise self.refusal()

    def refusal(self) -> InvalidNetworkError:
        """What the operator refuses, as a new error.

        Refusals that no option can turn away have hints of their own.
        """
        return InvalidNetworkError(
            self.error.what,
            where=self.error.where,
            hint=self.error.hint or "set the layer's options before its output is used",
        )


def is_patient(op: Op) -> bool:
    """Whether an operator may be refused for now, because options can still come."""
    return isinstance(op, _PATIENT)


def operator_of(op: Op) -> Op:
    """The operator itself, finished or not."""
    return op.op if isinstance(op, Unfinished) else op

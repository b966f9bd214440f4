"""``--inputIOFormats`` and ``--outputIOFormats``: types of an engine's inputs and outputs."""

from argparse import ArgumentTypeError
from collections.abc import Sequence

from trtlab.core.errors import UnsupportedError, UsageError
from trtlab.core.types import DataType
from trtlab.network.binding_types import convertible, with_binding_types
from trtlab.network.graph import Network, Tensor

_TYPES = {kind.value: kind for kind in DataType}
_ROW_BY_ROW = "chw"


def parse_io_formats(text: str) -> tuple[DataType, ...]:
    """Types as trtexec spells them with formats: ``fp16:chw,int32:chw``."""
    return tuple(_type_of(piece.strip()) for piece in text.split(","))


def _type_of(text: str) -> DataType:
    name, _, formats = text.partition(":")
    kind = _TYPES.get(name)
    if kind is None or not formats:
        raise ArgumentTypeError(f"{text!r} is no type with its format, such as fp16:chw")
    if _ROW_BY_ROW not in formats.split("+"):
        raise ArgumentTypeError(
            f"format {formats!r} is not available: inputs and outputs lie row by row,"
            f" {name}:{_ROW_BY_ROW}"
        )
    return kind


def with_io_formats(
    network: Network, inputs: Sequence[DataType], outputs: Sequence[DataType]
) -> Network:
    """A network whose inputs and outputs have the types asked for.

    Args:
        network: Not changed.
        inputs: One for each, in the model's order, or one for all; empty for the model's own.
        outputs: Likewise.

    Raises:
        UsageError: They are not as many as the inputs or outputs.
        UnsupportedError: A type cannot stand for the model's.
    """
    wanted = {
        **_by_tensor("input", network.inputs, inputs),
        **_by_tensor("output", network.outputs, outputs),
    }
    return with_binding_types(network, wanted)


def _by_tensor(
    role: str, tensors: Sequence[Tensor], kinds: Sequence[DataType]
) -> dict[Tensor, DataType]:
    if not kinds:
        return {}
    flag, own = f"--{role}IOFormats", ", ".join(f"{t.name} ({t.dtype.value})" for t in tensors)
    kinds = [*kinds] * len(tensors) if len(kinds) == 1 else kinds
    if len(kinds) != len(tensors):
        raise UsageError(
            f"{flag} has {len(kinds)} entries, the model {len(tensors)} {role}s",
            hint=f"give one for all or one for each: {own}",
        )
    for tensor, kind in zip(tensors, kinds, strict=True):
        if kind is not tensor.dtype and not convertible(kind, tensor.dtype):
            raise UnsupportedError(
                f"{role} {tensor.name!r} is {tensor.dtype.value} and cannot be {kind.value}",
                hint=f"give one type for each {role}: {own}; floats may be fp32, fp16 or bf16,"
                " integers int32 or int64",
            )
    return dict(zip(tensors, kinds, strict=True))

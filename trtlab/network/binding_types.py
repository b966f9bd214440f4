"""Inputs and outputs of other types than the layers at them: casts lie in between."""

from collections.abc import Mapping

from trtlab.core.types import DataType, TensorType
from trtlab.layers.scale import Cast
from trtlab.network.clone import clone
from trtlab.network.graph import Network, Tensor

_FAMILIES = (
    {DataType.FLOAT, DataType.HALF, DataType.BF16},
    {DataType.INT32, DataType.INT64},
)


def convertible(one: DataType, other: DataType) -> bool:
    """Whether a binding may have one type where its layer has the other."""
    return any({one, other} <= family for family in _FAMILIES)


def with_binding_types(network: Network, wanted: Mapping[Tensor, DataType]) -> Network:
    """A copy whose inputs and outputs have the wanted types; what lies between stays as it is.

    Args:
        network: Not changed; itself the result where nothing differs.
        wanted: By input or output of the network; other tensors are passed over.
    """
    inputs = [wanted.get(t, t.dtype) for t in network.inputs]
    outputs = [wanted.get(t, t.dtype) for t in network.outputs]
    kinds = [t.dtype for t in (*network.inputs, *network.outputs)]
    if [*inputs, *outputs] == kinds:
        return network
    result = clone(network)
    for tensor, kind in zip(result.inputs, inputs, strict=True):
        if tensor.dtype is not kind:
            _cast_input(result, tensor, kind)
    for index, kind in enumerate(outputs):
        if result.outputs[index].dtype is not kind:
            _cast_output(result, index, kind)
    return result


def _cast_input(network: Network, tensor: Tensor, kind: DataType) -> None:
    inner = tensor.dtype
    first = next((layer for layer in network if layer in tensor.consumers), None)
    tensor.type = TensorType(kind, tensor.shape)
    if first is not None:
        cast = network.add_layer(
            Cast(inner), (tensor,), name=f"{tensor.name} to {inner.value}", before=first
        )
        network.replace_uses(tensor, cast.output)


def _cast_output(network: Network, index: int, kind: DataType) -> None:
    """The cast's result takes the output's name."""
    tensor = network.outputs[index]
    name = tensor.name
    made = network.add_layer(Cast(kind), (tensor,), name=f"{name} to {kind.value}").output
    network.outputs[index] = made
    network.rename_tensor(tensor, f"{name}.{tensor.dtype.value}")
    network.rename_tensor(made, name)

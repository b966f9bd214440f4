"""A copy of a network that can be edited without touching the original."""

from trtlab.network.graph import Layer, Network, Tensor


def clone(network: Network) -> Network:
    """Copy layers and tensors; the arrays of constants are shared, as nobody writes to them.

    Names, order, types and everything else stay; nothing is inferred anew.
    """
    copies: dict[int, Tensor] = {}
    for tensor in network.tensors():
        copies[id(tensor)] = Tensor(
            tensor.name,
            tensor.type,
            data=tensor.data,
            value=tensor.value,
            detached=tensor.detached,
        )
    result = Network(network.name, strongly_typed=network.strongly_typed)
    result.inputs = [copies[id(t)] for t in network.inputs]
    result.adopt(_copy(layer, copies) for layer in network)
    result.outputs = [copies[id(t)] for t in network.outputs]
    return result


def _copy(layer: Layer, copies: dict[int, Tensor]) -> Layer:
    inputs = tuple(None if t is None else copies[id(t)] for t in layer.inputs)
    return Layer(
        layer.name,
        layer.op,
        inputs,
        tuple(copies[id(t)] for t in layer.outputs),
        layer.origins,
        layer.rules,
        layer.precision,
        layer.output_types,
        layer.metadata,
    )

"""Run a network by its operators' NumPy meaning: the reference for all that runs faster."""

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np

from trtlab.core.errors import UsageError
from trtlab.core.types import DataType
from trtlab.layers.base import Array
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.network.types_at import check_shape

Observer = Callable[[Layer, tuple[Array, ...]], None]


def evaluate(
    network: Network, inputs: Mapping[str, Array], *, observe: Observer | None = None
) -> dict[str, Array]:
    """Compute a network's outputs layer by layer.

    A tensor is dropped after its last reader, so that memory stays near what is needed.

    Args:
        network: Not changed.
        inputs: One array for each network input, in its type; float64 instead of a float type
            computes in double precision as far as constants allow.
        observe: Called after each layer with the layer and its results.

    Returns:
        The outputs by name.

    Raises:
        UsageError: An input is missing, unknown, or of another type or shape.
    """
    held = _bind(network, inputs)
    readers = Counter(id(t) for layer in network for t in _read(layer))
    kept = {id(t) for t in network.outputs}
    for layer in network:
        arguments = [None if t is None else _array(t, held) for t in layer.inputs]
        results = layer.op.evaluate(arguments) if layer.inputs else _constants(layer)
        if observe is not None:
            observe(layer, results)
        for tensor, array in zip(layer.outputs, results, strict=False):
            if readers[id(tensor)] or id(tensor) in kept:
                held[id(tensor)] = array
        for tensor in _read(layer):
            readers[id(tensor)] -= 1
            if not readers[id(tensor)] and id(tensor) not in kept:
                held.pop(id(tensor), None)
    return {tensor.name: _array(tensor, held) for tensor in network.outputs}


def _read(layer: Layer) -> tuple[Tensor, ...]:
    """The tensors that a layer reads, each once."""
    return tuple(dict.fromkeys(t for t in layer.inputs if t is not None))


def _array(tensor: Tensor, held: Mapping[int, Array]) -> Array:
    return tensor.data if tensor.data is not None else held[id(tensor)]


def _constants(layer: Layer) -> tuple[Array, ...]:
    """Results of a layer without inputs: constants hold their elements, others compute."""
    data = tuple(t.data for t in layer.outputs if t.data is not None)
    return data if len(data) == len(layer.outputs) else layer.op.evaluate([])


def _bind(network: Network, inputs: Mapping[str, Array]) -> dict[int, Array]:
    known = {t.name: t for t in network.inputs}
    for name in inputs:
        if name not in known:
            raise UsageError(
                f"the network has no input {name!r}",
                hint="inputs: " + ", ".join(sorted(known)),
            )
    held: dict[int, Array] = {}
    for name, tensor in known.items():
        if name not in inputs:
            raise UsageError(f"input {name!r} is missing", hint=f"give {tensor.type}")
        array = np.asarray(inputs[name])
        double = array.dtype == np.float64 and tensor.dtype.is_float
        if not double and DataType.from_numpy(array.dtype) is not tensor.dtype:
            raise UsageError(
                f"input {name!r} is {array.dtype}, not {tensor.dtype.value}",
                hint=f"convert it with .astype({tensor.dtype.numpy.name!r})",
            )
        check_shape(tensor, array.shape)
        held[id(tensor)] = array
    return held

"""Tensors whose size follows from values of the inputs: engines need sizes before they run."""

from collections.abc import Callable, Iterable, Iterator

from trtlab.layers.creation import Shape
from trtlab.layers.gather import NonZero
from trtlab.network.graph import Layer, Network, Tensor


def counting_layers(network: Network) -> list[Layer]:
    """Layers that an output needs and whose output has as many entries as values decide.

    What depends on the inputs' shapes alone is not among them: the shapes of a profile may
    make it known.
    """
    needed = {layer for t in _before(network.outputs, _all) if (layer := t.producer)}
    return [
        layer
        for layer in network
        if isinstance(layer.op, NonZero) and layer in needed and _by_values(layer.inputs)
    ]


def _by_values(tensors: Iterable[Tensor | None]) -> bool:
    """Whether values of the network's inputs decide what a tensor holds."""
    given = (t for t in tensors if t is not None)
    return any(t.producer is None and not t.is_constant for t in _before(given, _by_value))


def _all(tensor: Tensor) -> bool:
    del tensor
    return True


def _by_value(tensor: Tensor) -> bool:
    """Whether a tensor may hold more than what follows from shapes."""
    made_by = tensor.producer
    return tensor.value is None and not (made_by is not None and isinstance(made_by.op, Shape))


def _before(tensors: Iterable[Tensor], follow: Callable[[Tensor], bool]) -> Iterator[Tensor]:
    """Tensors and what they are computed from, as far as one follows."""
    waiting, seen = list(tensors), set[Tensor]()
    while waiting:
        tensor = waiting.pop()
        if tensor in seen or not follow(tensor):
            continue
        seen.add(tensor)
        yield tensor
        if tensor.producer is not None:
            waiting += [t for t in tensor.producer.inputs if t is not None]

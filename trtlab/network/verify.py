"""Checks that a network definition is sound: small, named, each reporting all it finds."""

from collections import Counter
from collections.abc import Callable, Iterator

from trtlab.core.errors import InvalidNetworkError
from trtlab.core.types import DataType
from trtlab.network.graph import Network

Check = Callable[[Network], Iterator[str]]


def verify(network: Network) -> None:
    """Run every check of `CHECKS`.

    Raises:
        InvalidNetworkError: Some fail; ``where`` has one line for each violation.
    """
    failures = [f"{check.__name__}: {text}" for check in CHECKS for text in check(network)]
    if failures:
        raise InvalidNetworkError(
            f"network {network.name!r} violates {len(failures)} conditions",
            where=failures,
            hint="an edit went past Network's methods; look at what changed it last",
        )


def layers_are_listed_once(network: Network) -> Iterator[str]:
    """No layer stands in the list twice."""
    counts = Counter(id(layer) for layer in network)
    names = {id(layer): layer.name for layer in network}
    yield from (f"layer {names[i]} stands {n} times" for i, n in counts.items() if n > 1)


def names_are_unique(network: Network) -> Iterator[str]:
    """Two layers never share a name, nor do two tensors."""
    for kind, names in (
        ("layers", Counter(layer.name for layer in network)),
        ("tensors", Counter(t.name for t in network.tensors())),
    ):
        yield from (f"{n} {kind} are named {name!r}" for name, n in names.items() if n > 1)


def producers_come_first(network: Network) -> Iterator[str]:
    """A layer reads only what inputs, constants and earlier layers give."""
    made = {id(t) for t in network.inputs}
    for layer in network:
        for tensor in layer.inputs:
            if tensor is None or tensor.is_constant or id(tensor) in made:
                continue
            late = "nothing makes" if tensor.producer is None else "no earlier layer makes"
            yield f"layer {layer.name} reads {tensor.name}, which {late}"
        made.update(id(t) for t in layer.outputs)


def outputs_know_their_producer(network: Network) -> Iterator[str]:
    """What a layer gives names that layer as its producer."""
    for layer in network:
        for tensor in layer.outputs:
            if tensor.producer is not layer:
                other = tensor.producer.name if tensor.producer else "nobody"
                yield f"{tensor.name} is made by layer {layer.name} but says {other}"


def consumers_are_the_readers(network: Network) -> Iterator[str]:
    """A tensor's consumers are the layers that read it, each once."""
    readers: dict[int, list[str]] = {}
    for layer in network:
        for tensor in dict.fromkeys(layer.inputs):
            if tensor is not None:
                readers.setdefault(id(tensor), []).append(layer.name)
    for tensor in network.tensors():
        said = sorted(c.name for c in tensor.consumers)
        real = sorted(readers.get(id(tensor), []))
        if said != real:
            yield f"{tensor.name} is read by {real} but says {said}"


def inputs_are_given(network: Network) -> Iterator[str]:
    """A network input is neither computed nor constant."""
    for tensor in network.inputs:
        if tensor.producer is not None:
            yield f"input {tensor.name} is computed by layer {tensor.producer.name}"
        if tensor.is_constant:
            yield f"input {tensor.name} is a constant"


def outputs_are_computed(network: Network) -> Iterator[str]:
    """There are outputs, each once, and a layer of this network computes each."""
    made = {id(t) for layer in network for t in layer.outputs}
    if not network.outputs:
        yield "no tensor is marked as output"
    counts = Counter(id(t) for t in network.outputs)
    for tensor in network.outputs:
        if counts[id(tensor)] > 1:
            yield f"output {tensor.name} is marked {counts[id(tensor)]} times"
        if id(tensor) not in made:
            yield f"output {tensor.name} is not computed by any layer"


def constants_fit_their_type(network: Network) -> Iterator[str]:
    """A constant's elements have its type and shape, and cannot be written to."""
    for tensor in network.tensors():
        if tensor.data is None:
            continue
        kind = DataType.from_numpy(tensor.data.dtype)
        if kind is not tensor.dtype or tensor.data.shape != tensor.shape:
            held = f"{kind.value}{list(tensor.data.shape)}"
            yield f"{tensor.name} is {tensor.type} but holds {held}"
        if tensor.data.flags.writeable:
            yield f"{tensor.name} can be written to"


def types_follow_from_inputs(network: Network) -> Iterator[str]:
    """Each layer's outputs have the types that its operator infers."""
    for layer in network:
        try:
            inferred = network.infer(layer)
        except InvalidNetworkError as error:
            yield f"layer {layer.name}: {error.what}"
            continue
        if len(inferred) != len(layer.outputs):
            yield f"layer {layer.name} gives {len(layer.outputs)} outputs, not {len(inferred)}"
        for tensor, kind in zip(layer.outputs, inferred, strict=False):
            if tensor.type != kind:
                yield f"layer {layer.name}: {tensor.name} is {tensor.type}, should be {kind}"


CHECKS: tuple[Check, ...] = (
    layers_are_listed_once,
    names_are_unique,
    producers_come_first,
    outputs_know_their_producer,
    consumers_are_the_readers,
    inputs_are_given,
    outputs_are_computed,
    constants_fit_their_type,
    types_follow_from_inputs,
)

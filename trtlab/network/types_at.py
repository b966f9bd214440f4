"""Types and shape values of every tensor for given input shapes."""

from collections.abc import Mapping
from dataclasses import dataclass

from trtlab.core.errors import InvalidNetworkError, UsageError
from trtlab.core.types import Shape, StaticShape, TensorType, format_shape
from trtlab.layers.base import Array, ShapeValue, str_shape
from trtlab.layers.dims import qualify
from trtlab.network.graph import Layer, Network, Tensor

_SHOWN = 4  # inputs that a message names


@dataclass(frozen=True, slots=True)
class Inferred:
    """What follows from the input shapes alone.

    Attributes:
        types: Every tensor's type; a dimension that depends on data stays a Dim.
        values: Integers of tensors that follow from the shapes (shape arithmetic).
        outputs: Tensors that must be written to the caller's memory all the same.
    """

    types: Mapping[Tensor, TensorType]
    values: Mapping[Tensor, Array]
    outputs: frozenset[Tensor] = frozenset()

    @property
    def known(self) -> frozenset[Tensor]:
        """Tensors for which nothing has to run."""
        return frozenset(self.values) - self.outputs


def check_shape(tensor: Tensor, shape: StaticShape) -> None:
    """A static shape fits an input's declared one.

    Raises:
        UsageError: Rank or a fixed extent differs, or an extent is negative.
    """
    declared = tensor.shape
    fits = len(declared) == len(shape) and all(
        extent >= 0 and (not isinstance(d, int) or d == extent)
        for d, extent in zip(declared, shape, strict=True)
    )
    if not fits:
        raise UsageError(
            f"shape {format_shape(shape)} does not fit input {tensor.name!r}, "
            f"declared as {format_shape(declared)}",
            hint="give every extent; only named dimensions may vary",
        )


def infer_at(network: Network, shapes: Mapping[str, StaticShape]) -> Inferred:
    """Infer every tensor's type with the inputs at the given shapes.

    Args:
        network: Not changed.
        shapes: One shape for each input with named dimensions; others may be left out.

    Raises:
        UsageError: A shape is unknown or does not fit.
        InvalidNetworkError: A layer refuses the shapes; says which.
    """
    declared = {tensor.name for tensor in network.inputs}
    for name in shapes:
        if name not in declared:
            raise UsageError(
                f"the network has no input {name!r}",
                hint="inputs: " + ", ".join(sorted(declared)),
            )
    types: dict[Tensor, TensorType] = {}
    values: dict[Tensor, ShapeValue] = {}
    for tensor in network.inputs:
        shape: Shape = shapes.get(tensor.name, tensor.shape)
        if tensor.name in shapes:
            check_shape(tensor, shapes[tensor.name])
        types[tensor] = TensorType(tensor.dtype, shape)
    for layer in network.layers:
        _infer_layer(layer, types, values)
    computed = {
        t: v
        for t, v in values.items()
        if t.producer is not None and v is not None and all(isinstance(x, int) for x in v.flat)
    }
    return Inferred(types, computed, frozenset(network.outputs))


def _read(layer: Layer, types: dict[Tensor, TensorType]) -> tuple[str, ...]:
    """The layer's inputs with their shapes, as a place; no constants, which people never named."""
    named = [t for t in layer.inputs if t is not None and not t.is_constant]
    inputs = ", ".join(f"{t.name} {str_shape(types[t].shape)}" for t in named[:_SHOWN])
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return (f"inputs {inputs}{more}",) if named else ()


def _infer_layer(
    layer: Layer, types: dict[Tensor, TensorType], values: dict[Tensor, ShapeValue]
) -> None:
    for t in layer.inputs:
        if t is not None and t.is_constant:
            types[t], values[t] = t.type, t.value
    ins = [None if t is None else types[t] for t in layer.inputs]
    vals = [None if t is None else values.get(t) for t in layer.inputs]
    try:
        outs = qualify(layer.op.infer(ins, vals), layer.name)
    except InvalidNetworkError as error:
        raise InvalidNetworkError(
            error.what,
            where=(
                f"layer {layer.name} ({layer.op.kind})",
                *_read(layer, types),
                *error.where,
            ),
            hint=error.hint or "give shapes to the network's inputs that suit this layer",
        ) from error
    out_values = layer.op.infer_values(ins, vals, outs)
    for t, kind, value in zip(layer.outputs, outs, out_values, strict=True):
        types[t], values[t] = kind, value

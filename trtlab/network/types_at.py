"""Types and shape values of every tensor for given input shapes."""

from collections.abc import Mapping

from trtlab.core.errors import InvalidNetworkError, UsageError
from trtlab.core.types import Shape, StaticShape, TensorType, format_shape
from trtlab.layers.base import ShapeValue
from trtlab.network.graph import Network, Tensor


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


def types_at(
    network: Network,
    shapes: Mapping[str, StaticShape],
    values: Mapping[str, ShapeValue] | None = None,
) -> dict[Tensor, TensorType]:
    """Infer every tensor's type with the inputs at the given shapes.

    Args:
        network: Not changed.
        shapes: One shape for each input with named dimensions; others may be left out.
        values: Integers of input shape tensors, where known.

    Returns:
        Types by tensor. A dimension that depends on data stays a Dim.

    Raises:
        UsageError: A shape is missing, unknown or does not fit.
        InvalidNetworkError: A layer refuses the shapes; says which.
    """
    known = {tensor.name for tensor in network.inputs}
    for name in shapes:
        if name not in known:
            raise UsageError(
                f"the network has no input {name!r}",
                hint="inputs: " + ", ".join(sorted(known)),
            )
    types: dict[Tensor, TensorType] = {}
    held: dict[Tensor, ShapeValue] = {}
    for tensor in network.inputs:
        shape: Shape = shapes.get(tensor.name, tensor.shape)
        if tensor.name in shapes:
            check_shape(tensor, shapes[tensor.name])
        types[tensor] = TensorType(tensor.dtype, shape)
        held[tensor] = (values or {}).get(tensor.name)
    for layer in network.layers:
        for t in layer.inputs:
            if t is not None and t.is_constant:
                types[t], held[t] = t.type, t.value
        ins = [None if t is None else types[t] for t in layer.inputs]
        vals = [None if t is None else held.get(t) for t in layer.inputs]
        try:
            outs = layer.op.infer(ins, vals)
        except InvalidNetworkError as error:
            raise InvalidNetworkError(
                error.what,
                where=(f"layer {layer.name} ({layer.op.kind})", *error.where),
                hint=error.hint or "the input shapes do not suit this layer",
            ) from error
        out_values = layer.op.infer_values(ins, vals, outs)
        for t, kind, value in zip(layer.outputs, outs, out_values, strict=False):
            types[t], held[t] = kind, value
    return types

"""Random inputs for a model: never zeros, which draw less power and run faster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from trtlab.core.errors import UsageError
from trtlab.zoo import catalog
from trtlab.zoo.catalog import InputKind
from trtlab.zoo.graph import Dimension
from trtlab.zoo.weights import generator

# Ids of unknown use are below this; every table has as many rows.
FEWEST_IDS = 2
_ID_TRANSPARENT_OPS = frozenset({"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze"})


@dataclass(frozen=True, slots=True)
class _Input:
    """What drawing one input needs to know; ``default`` sizes fill unnamed axes."""

    name: str
    dtype: np.dtype[np.generic]
    shape: tuple[Dimension, ...]
    kind: InputKind
    id_count: int
    default: tuple[int, ...] | None


def random_inputs(
    model_or_name: onnx.ModelProto | str,
    shapes: Mapping[str, Sequence[int]] | None = None,
    seed: int = 0,
) -> dict[str, npt.NDArray[np.generic]]:
    """Draw one array per input.

    Floats are N(0, 1); ids are uniform over the table that they index; a mask is ones up
    to a random length of at least half a row, then zeros; booleans are fair coins.

    Args:
        model_or_name: A model, or a name out of ``names()``.
        shapes: Shape by input name. Inputs left out take sizes of symbolic axes from those
            given (``batch`` is the same everywhere); a zoo model's other axes come from
            its optimal profile shapes.
        seed: The same seed gives the same inputs.

    Returns:
        Arrays by input name, in the graph's order.

    Raises:
        UsageError: An unknown name, a shape that contradicts the model, or an axis of
            unknown size.
    """
    inputs = (
        _named_inputs(model_or_name)
        if isinstance(model_or_name, str)
        else _model_inputs(model_or_name)
    )
    given = dict(shapes or {})
    known = [i.name for i in inputs]
    for name in given:
        if name not in known:
            raise catalog.unknown_name("model input", name, known)
    sizes = _symbol_sizes(inputs, given)
    rng = generator(seed)
    return {i.name: _draw(rng, i, _resolved(i, given, sizes)) for i in inputs}


def _named_inputs(name: str) -> list[_Input]:
    return [
        _Input(i.name, np.dtype(i.dtype), i.shape, i.kind, i.id_count, i.opt_shape)
        for i in catalog.info(name).inputs
    ]


def _model_inputs(model: onnx.ModelProto) -> list[_Input]:
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs: list[_Input] = []
    for value in model.graph.input:
        if value.name in weights:
            continue
        tensor_type = value.type.tensor_type
        shape = tuple(
            dim.dim_value
            if dim.HasField("dim_value")
            else dim.dim_param or f"{value.name}.{i}"
            for i, dim in enumerate(tensor_type.shape.dim)
        )
        dtype = helper.tensor_dtype_to_np_dtype(tensor_type.elem_type)
        id_count = _rows_indexed_by(model.graph, value.name)
        kind: InputKind = "values"
        if np.issubdtype(dtype, np.integer):
            kind = "mask" if not id_count and "mask" in value.name else "ids"
        inputs.append(
            _Input(value.name, dtype, shape, kind, id_count or FEWEST_IDS, default=None)
        )
    return inputs


def _rows_indexed_by(graph: onnx.GraphProto, name: str) -> int:
    """Size of the table axis that a Gather looks ``name`` up in; 0 if there is none."""
    tables = {tensor.name: tensor.dims for tensor in graph.initializer}
    names = {name}
    for node in graph.node:  # in topological order
        if node.op_type in _ID_TRANSPARENT_OPS and node.input[0] in names:
            names.update(node.output)
        elif node.op_type == "Gather" and node.input[1] in names and node.input[0] in tables:
            axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
            return tables[node.input[0]][axis]
    return 0


def _symbol_sizes(inputs: list[_Input], given: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """Sizes of symbolic axes, as the given shapes fix them."""
    sizes: dict[str, int] = {}
    for model_input in inputs:
        shape = given.get(model_input.name)
        if shape is None:
            continue
        spelled = "×".join(str(dim) for dim in model_input.shape)
        where = (f"input {model_input.name!r} of shape {spelled}",)
        if len(shape) != len(model_input.shape):
            raise UsageError(f"shape {tuple(shape)} has the wrong rank", where=where)
        for axis, (dim, size) in enumerate(zip(model_input.shape, shape, strict=True)):
            expected = sizes.setdefault(dim, size) if isinstance(dim, str) else dim
            if size < 1 or size != expected:
                wanted = f"{dim} = {expected}" if size >= 1 else "1 or more"
                raise UsageError(
                    f"axis {axis} of shape {tuple(shape)} is {size}, not {wanted}", where=where
                )
    return sizes


def _resolved(
    model_input: _Input, given: Mapping[str, Sequence[int]], sizes: Mapping[str, int]
) -> tuple[int, ...]:
    if model_input.name in given:
        return tuple(given[model_input.name])
    resolved: list[int] = []
    for axis, dim in enumerate(model_input.shape):
        if isinstance(dim, int):
            resolved.append(dim)
        elif dim in sizes:
            resolved.append(sizes[dim])
        elif model_input.default is not None:
            resolved.append(model_input.default[axis])
        else:
            raise UsageError(
                f"axis {dim!r} of input {model_input.name!r} has no size",
                hint=f"pass shapes={{{model_input.name!r}: (...)}}",
            )
    return tuple(resolved)


def _draw(
    rng: np.random.Generator, model_input: _Input, shape: tuple[int, ...]
) -> npt.NDArray[np.generic]:
    dtype = model_input.dtype
    if model_input.kind == "ids":
        return rng.integers(0, model_input.id_count, shape).astype(dtype)
    if model_input.kind == "mask":
        length = shape[-1]
        lengths = rng.integers((length + 1) // 2, length + 1, (*shape[:-1], 1))
        return (np.arange(length) < lengths).astype(dtype)
    if dtype == np.bool_:
        return rng.integers(0, 2, shape).astype(dtype)
    return rng.standard_normal(shape, dtype=np.float32).astype(dtype)

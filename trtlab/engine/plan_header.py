"""The engine's description as JSON values, and back with every name checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trtlab.core.errors import EngineFormatError
from trtlab.core.types import DataType, Dim, Shape, TensorFormat, TensorType
from trtlab.engine.engine import Engine, ShapeProfile, ShapeRange
from trtlab.layers.base import Array, ShapeValue
from trtlab.layers.catalog import from_attributes
from trtlab.network.graph import Layer, Network, Origin, Tensor
from trtlab.planner.plan import LayerChoice
from trtlab.report.plain_data import MismatchError, from_plain, to_plain
from trtlab.report.records import BuildRecord, ConfigRecord, DeviceRecord, ModelRecord


@dataclass(frozen=True, slots=True)
class _TensorEntry:
    name: str
    dtype: str
    shape: tuple[int | str, ...]
    constant: bool = False
    value: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class _LayerEntry:
    name: str
    kind: str
    attributes: dict[str, object]
    inputs: tuple[int | None, ...]  # indices of tensors
    outputs: tuple[int, ...]
    origins: tuple[tuple[str, str, str], ...]
    rules: tuple[str, ...]
    tactic: str
    format: str
    time_us: float
    metadata: str = ""
    precision: str | None = None


@dataclass(frozen=True, slots=True)
class _Header:
    name: str
    tensors: tuple[_TensorEntry, ...]
    layers: tuple[_LayerEntry, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    profiles: tuple[dict[str, ShapeRange], ...]
    streams: int
    compatibility: str
    device: DeviceRecord
    model: ModelRecord
    config: ConfigRecord
    build: BuildRecord
    verbosity: str
    arena_bytes: int
    created: str
    strongly_typed: bool = False
    network_name: str = field(default="network")


def encode_header(engine: Engine) -> dict[str, Any]:
    """Everything but the weights."""
    tensors = engine.network.tensors()
    index = {id(t): i for i, t in enumerate(tensors)}
    header = _Header(
        name=engine.name,
        tensors=tuple(_tensor_entry(t) for t in tensors),
        layers=tuple(_layer_entry(layer, engine, index) for layer in engine.network.layers),
        inputs=tuple(index[id(t)] for t in engine.network.inputs),
        outputs=tuple(index[id(t)] for t in engine.network.outputs),
        profiles=tuple(dict(p.inputs) for p in engine.profiles),
        streams=engine.streams,
        compatibility=engine.compatibility,
        device=engine.device,
        model=engine.model,
        config=engine.config,
        build=engine.build,
        verbosity=engine.verbosity,
        arena_bytes=engine.arena_bytes,
        created=engine.created,
        strongly_typed=engine.network.strongly_typed,
        network_name=engine.network.name,
    )
    return to_plain(header)


def decode_header(data: object, weights: Mapping[str, Array], digest: str) -> Engine:
    """The engine that `encode_header` described.

    Raises:
        EngineFormatError: The description contradicts itself.
    """
    try:
        header = from_plain(_Header, data)
    except MismatchError as error:
        raise EngineFormatError(
            f"the engine's description is damaged: {error.path} {error}", hint="build it again"
        ) from None
    network, choices = _network(header)
    return Engine(
        name=header.name,
        network=network,
        choices=choices,
        weights=weights,
        profiles=tuple(ShapeProfile(p) for p in header.profiles),
        streams=header.streams,
        compatibility=header.compatibility,
        device=header.device,
        model=header.model,
        config=header.config,
        build=header.build,
        verbosity=header.verbosity,
        arena_bytes=header.arena_bytes,
        created=header.created,
        digest=digest,
    )


def _tensor_entry(tensor: Tensor) -> _TensorEntry:
    value = None
    if tensor.is_constant and tensor.value is not None:
        value = tuple(int(x) for x in tensor.value.flat)
    shape = tuple(str(d) if isinstance(d, Dim) else d for d in tensor.shape)
    return _TensorEntry(tensor.name, tensor.dtype.value, shape, tensor.is_constant, value)


def _layer_entry(layer: Layer, engine: Engine, index: Mapping[int, int]) -> _LayerEntry:
    choice = engine.choices[layer.name]
    return _LayerEntry(
        name=layer.name,
        kind=layer.op.kind,
        attributes=layer.op.attributes(),
        inputs=tuple(None if t is None else index[id(t)] for t in layer.inputs),
        outputs=tuple(index[id(t)] for t in layer.outputs),
        origins=tuple((o.node, o.op_type, o.scope) for o in layer.origins),
        rules=layer.rules,
        tactic=choice.tactic,
        format=choice.format.value,
        time_us=choice.time_us,
        metadata=layer.metadata,
        precision=None if layer.precision is None else layer.precision.value,
    )


def _network(header: _Header) -> tuple[Network, dict[str, LayerChoice]]:
    tensors = [_tensor(entry) for entry in header.tensors]
    network = Network(header.network_name, strongly_typed=header.strongly_typed)
    network.inputs = [tensors[i] for i in header.inputs]
    layers: list[Layer] = []
    choices: dict[str, LayerChoice] = {}
    for entry in header.layers:
        layers.append(
            Layer(
                entry.name,
                from_attributes(entry.kind, entry.attributes),
                tuple(None if i is None else tensors[i] for i in entry.inputs),
                tuple(tensors[i] for i in entry.outputs),
                tuple(Origin(*origin) for origin in entry.origins),
                entry.rules,
                None if entry.precision is None else DataType(entry.precision),
                metadata=entry.metadata,
            )
        )
        choices[entry.name] = LayerChoice(
            entry.tactic, TensorFormat(entry.format), entry.time_us
        )
    network.adopt(layers)
    network.outputs = [tensors[i] for i in header.outputs]
    return network, choices


def _tensor(entry: _TensorEntry) -> Tensor:
    shape: Shape = tuple(Dim(d) if isinstance(d, str) else d for d in entry.shape)
    value: ShapeValue = None
    if entry.value is not None:
        extents = tuple(d for d in entry.shape if isinstance(d, int))
        value = np.array(entry.value, dtype=object).reshape(extents)
    return Tensor(
        entry.name,
        TensorType(DataType(entry.dtype), shape),
        detached=entry.constant,
        value=value,
    )

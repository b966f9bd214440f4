"""Parse an ONNX model: the parser's entry."""

from collections import Counter
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import onnx

from trtlab.core.types import Shape, is_static, nbytes, static
from trtlab.network.graph import Network, Tensor
from trtlab.parser.convert import network_of
from trtlab.parser.functions import inlined
from trtlab.parser.source import LoadedModel, Source, load
from trtlab.report.records import ModelRecord, TensorRecord


@dataclass(frozen=True, slots=True)
class ParsedModel:
    """A model as a network, and what the report says about the file."""

    network: Network
    model_record: ModelRecord


def parse(
    source: Source, *, name: str = "", label: str = "", path: Path | None = None
) -> ParsedModel:
    """Read an ONNX model and convert it into a network.

    Each layer carries the node it was made of; constants and tensors keep the model's names;
    dimensions keep their names, and unnamed dynamic ones are called ``input.axis``.

    Args:
        source: A path, the file's bytes, or a decoded model. External data is read only from
            the folder of a path. Nothing in the model is executed.
        name: The network's name; made from the file when left out.
        label: What the record says the source is, such as ``zoo:resnet50``.
        path: The file that ``source`` was read from: external data is in its folder.

    Raises:
        ModelError: The file is damaged or contradicts the ONNX specification (a ParseError).
        UnsupportedModelError: It uses operators, types or attributes that trtlab does not
            have (an UnsupportedError); lists each node.
    """
    model = load(source)
    if path is not None:
        folder = path.resolve().parent
        model = replace(model, folder=folder, stem=path.stem, label=str(path))
    graph = inlined(model).graph
    network = network_of(graph, model, name or _name(model))
    return ParsedModel(network, _record(model, graph, network, label or model.label))


def _name(model: LoadedModel) -> str:
    """The file's name; exporters call every graph the same."""
    return model.stem or model.proto.graph.name or "model"


def _record(
    model: LoadedModel, graph: onnx.GraphProto, network: Network, label: str
) -> ModelRecord:
    proto = model.proto
    producer = " ".join(part for part in (proto.producer_name, proto.producer_version) if part)
    weights = [t for t in network.tensors() if t.is_constant and t.dtype.is_float and t.shape]
    return ModelRecord(
        name=network.name,
        source=label,
        digest=model.digest,
        opset=model.opset,
        producer=producer,
        nodes=len(graph.node),
        parameters=sum(prod(static(t.shape)) for t in weights),
        inputs=tuple(_tensor_record(t) for t in network.inputs),
        outputs=tuple(_tensor_record(t) for t in network.outputs),
        op_counts=dict(Counter(node.op_type for node in graph.node)),
    )


def _tensor_record(tensor: Tensor) -> TensorRecord:
    shape: Shape = tensor.shape
    size = nbytes(tensor.dtype, static(shape)) if is_static(shape) else 0
    extents = tuple(e if isinstance(e, int) else e.name for e in shape)
    return TensorRecord(tensor.name, tensor.dtype.value, extents, nbytes=size)

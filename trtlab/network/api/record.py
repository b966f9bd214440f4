"""The model record of a network that user code built."""

from collections import Counter
from hashlib import sha256
from math import prod

from trtlab.core.types import is_static, nbytes, static
from trtlab.network.graph import Network, Tensor
from trtlab.network.text import dump
from trtlab.report.records import ModelRecord, TensorRecord


def record_of(graph: Network) -> ModelRecord:
    """The record of a network that was not imported; its text stands for the file."""
    held = [t for t in graph.tensors() if t.is_constant and t.dtype.is_float]
    return ModelRecord(
        name=graph.name,
        source="network definition",
        digest=sha256(dump(graph).encode()).hexdigest(),
        opset=0,
        producer="trtlab",
        nodes=len(graph),
        parameters=sum(prod(static(t.shape)) for t in held),
        inputs=tuple(_tensor_record(t) for t in graph.inputs),
        outputs=tuple(_tensor_record(t) for t in graph.outputs),
        op_counts=dict(Counter(layer.op.kind for layer in graph.layers)),
    )


def _tensor_record(tensor: Tensor) -> TensorRecord:
    size = nbytes(tensor.dtype, static(tensor.shape)) if is_static(tensor.shape) else 0
    shape = tuple(e if isinstance(e, int) else e.name for e in tensor.shape)
    return TensorRecord(tensor.name, tensor.dtype.value, shape, nbytes=size)

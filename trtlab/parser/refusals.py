"""Why an operator cannot be converted at all, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass

import onnx

from trtlab.parser.catalog import CONVERTERS
from trtlab.parser.restrictions import LISTED
from trtlab.parser.source import DEFAULT_DOMAINS

_MOST_STEPS = 3  # that one message tells

_END_BEFORE = "end the model before it, and run it on the engine's outputs"
_UNROLL = "export the model with its loops unrolled, as tracing does"
_BEFORE_QUANTIZATION = (
    "export the model before its quantization, and build it in FP16 or BF16 instead"
)
_OTHER = f"export the model without it, or end the model before it; {LISTED}"
_INSTEAD = {
    "Loop": _UNROLL,
    "Scan": _UNROLL,
    "NonMaxSuppression": _END_BEFORE,
    "Unique": _END_BEFORE,
    "QuantizeLinear": _BEFORE_QUANTIZATION,
    "DequantizeLinear": _BEFORE_QUANTIZATION,
    "DynamicQuantizeLinear": _BEFORE_QUANTIZATION,
    "QLinearConv": _BEFORE_QUANTIZATION,
    "QLinearMatMul": _BEFORE_QUANTIZATION,
    "ConvInteger": _BEFORE_QUANTIZATION,
    "MatMulInteger": _BEFORE_QUANTIZATION,
}
_DOMAINS = {
    "com.microsoft": "take the model as it was before ONNX Runtime optimized it",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a node cannot be converted.

    Attributes:
        text: One sentence.
        step: What to do.
    """

    text: str
    step: str


def refusal(proto: onnx.NodeProto, opset: int) -> Refusal | None:
    """Why a node cannot be converted; None when its operator is in the catalog."""
    op_type, domain = proto.op_type, proto.domain
    if domain not in DEFAULT_DOMAINS:
        step = _DOMAINS.get(domain, "export the model without operators of other domains")
        return Refusal(f"operator {op_type} of domain {domain!r} is not supported", step)
    if any(a.ref_attr_name for a in proto.attribute):
        text = f"operator {op_type} refers to an attribute of a function, outside of one"
        return Refusal(text, "export the model anew: the file contradicts itself")
    entry = CONVERTERS.get(op_type)
    if entry is None:
        return Refusal(f"operator {op_type} is not supported", _INSTEAD.get(op_type, _OTHER))
    if opset < entry.min_opset:
        return Refusal(
            f"operator {op_type} is supported since opset {entry.min_opset}, not {opset}",
            f"export the model with opset {max(entry.min_opset, 17)}",
        )
    return None


def next_steps(found: Sequence[Refusal]) -> str:
    """What to do about all of them, each step once."""
    steps = list(dict.fromkeys(each.step for each in found))
    return "; ".join(steps[:_MOST_STEPS])

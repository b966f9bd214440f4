"""An engine's layers as records, without times: what the report's table starts from."""

from collections.abc import Mapping

from trtlab.core.types import TensorType, is_static, nbytes, static
from trtlab.engine.engine import Engine
from trtlab.network.graph import Layer, Tensor
from trtlab.planner.plan import Plan, Step, weight_key
from trtlab.report.records import LayerRecord, Samples, TensorRecord
from trtlab.tactics.formats import operand
from trtlab.tactics.problem import Operand

_VIEW, _KNOWN = "none (shares memory)", "none (known from shapes)"


def layer_records(engine: Engine, layout: Plan) -> tuple[LayerRecord, ...]:
    """One record a layer of the engine's network, at the plan's shapes."""
    steps = {step.layer: step for step in layout.steps}
    return tuple(
        _record(index, layer, engine, layout, steps.get(layer))
        for index, layer in enumerate(engine.network.layers)
    )


def _record(
    index: int, layer: Layer, engine: Engine, layout: Plan, step: Step | None
) -> LayerRecord:
    types = layout.types
    ins = [None if t is None else types[t] for t in layer.inputs]
    outs = [types[t] for t in layer.outputs]
    weights = {
        id(a): a.nbytes
        for i in range(len(layer.inputs))
        if (a := engine.weights.get(weight_key(layer, i))) is not None
    }
    tactic = (_VIEW if layer in layout.views else _KNOWN) if step is None else step.tactic.name
    seen_in, seen_out = _operands(engine, layer, layout, step)
    return LayerRecord(
        index=index,
        name=layer.name,
        type=layer.op.kind,
        origins=tuple(f"{o.node} ({o.op_type})" for o in layer.origins),
        rules=layer.rules,
        tactic=tactic,
        precision="tf32" if step and step.tactic.tf32 else _precision(layer, types),
        stream=0 if step is None else step.placement.stream,
        inputs=_tensors(layer.inputs, types, seen_in),
        outputs=_tensors(layer.outputs, types, seen_out),
        time_us=Samples(()),
        flops=layer.op.flops(ins, outs),
        bytes=0 if step is None else layer.op.traffic_bytes(ins, outs),
        weights_bytes=sum(weights.values()),
        workspace_bytes=0 if step is None else step.tactic.workspace_bytes(step.problem),
        attributes={k: v for k, v in layer.op.attributes().items() if v not in (None, "")},
    )


def _operands(
    engine: Engine, layer: Layer, layout: Plan, step: Step | None
) -> tuple[tuple[Operand | None, ...], tuple[Operand, ...]]:
    """What the layer reads and writes as its kernel, or the memory that it shares, has it."""
    if step is not None:
        return step.problem.inputs, step.problem.outputs
    if layer not in layout.views:
        return (), ()
    lies = engine.choices[layer.name].format
    return (
        tuple(None if t is None else operand(t, layout.types[t], lies) for t in layer.inputs),
        tuple(operand(t, layout.types[t], lies) for t in layer.outputs),
    )


def _tensors(
    tensors: tuple[Tensor | None, ...],
    types: Mapping[Tensor, TensorType],
    operands: tuple[Operand | None, ...],
) -> tuple[TensorRecord, ...]:
    records: list[TensorRecord] = []
    for i, tensor in enumerate(tensors):
        if tensor is None:
            continue
        kind = types[tensor]
        seen = operands[i] if i < len(operands) else None
        records.append(
            TensorRecord(
                tensor.name,
                kind.dtype.value,
                tuple(d if isinstance(d, int) else str(d) for d in kind.shape),
                seen.format.value if seen is not None else "linear",
                nbytes(kind.dtype, static(kind.shape)) if is_static(kind.shape) else 0,
            )
        )
    return tuple(records)


def _precision(layer: Layer, types: Mapping[Tensor, TensorType]) -> str:
    """The type that the layer computes in: its lowest float operand, else its output's."""
    kinds = [types[t].dtype for t in (*layer.inputs, *layer.outputs) if t is not None]
    floats = sorted((k for k in kinds if k.is_float), key=lambda k: k.itemsize)
    return (floats[0] if floats else types[layer.outputs[0]].dtype).value

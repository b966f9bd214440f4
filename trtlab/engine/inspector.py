"""The engine in the shape of TensorRT's inspector: JSON, one line a layer, or a table."""

import html
import json
from collections.abc import Mapping, Sequence

from trtlab.core.types import StaticShape, TensorType, format_shape
from trtlab.engine.engine import Engine
from trtlab.network.graph import Layer, Tensor
from trtlab.network.types_at import infer_at
from trtlab.report.precisions import layer_precision, precision_text
from trtlab.report.quantity import nbytes
from trtlab.report.records import LayerRecord
from trtlab.report.short_name import short_name

_SHOWN = 12
_LETTERS = 60  # of a layer's name


def engine_text(engine: Engine, *, as_json: bool, shapes: Mapping[str, StaticShape]) -> str:
    """All layers and bindings at the given input shapes."""
    if not as_json:
        return "\n".join(
            layer_text(engine, i, as_json=False, shapes=shapes)
            for i in range(len(engine.network))
        )
    return json.dumps(engine_information(engine, shapes), indent=1)


def engine_information(engine: Engine, shapes: Mapping[str, StaticShape]) -> dict[str, object]:
    """Layers, Bindings and I/O Tensors as plain values."""
    types = infer_at(engine.network, shapes).types
    layers: list[object] = [
        layer.name if engine.verbosity == "layer_names_only" else _layer(engine, layer, types)
        for layer in engine.network.layers
    ]
    if engine.verbosity == "none":
        layers = []
    inside = engine.network.inputs
    bindings = [*inside, *engine.network.outputs]
    return {
        "Layers": layers,
        "Bindings": [t.name for t in bindings],
        "I/O Tensors": [
            {
                "Name": t.name,
                "IOMode": "Input" if t in inside else "Output",
                "DataType": t.dtype.value,
                "Dimensions": [d if isinstance(d, int) else -1 for d in t.shape],
                "Location": "Device",
                "IsShapeInferenceIO": False,
                "ProfileInfo": [
                    dict(
                        zip(
                            ("MinShape", "OptShape", "MaxShape"), p.inputs[t.name], strict=True
                        )
                    )
                    for p in engine.profiles
                    if t.name in p.inputs
                ],
            }
            for t in bindings
        ],
        "Compiled Code": {
            "Kernels": engine.kernel_count,
            "Library Plans": len(engine.code) - engine.kernel_count,
            "Bytes": engine.code_bytes,
        },
    }


def layer_text(
    engine: Engine, index: int, *, as_json: bool, shapes: Mapping[str, StaticShape]
) -> str:
    """One layer as JSON or as one line."""
    layer = engine.network.layers[index]
    if engine.verbosity == "none":
        return json.dumps(str(index)) if as_json else str(index)
    if engine.verbosity == "layer_names_only":
        return json.dumps(layer.name) if as_json else layer.name
    types = infer_at(engine.network, shapes).types
    facts = _layer(engine, layer, types)
    if as_json:
        return json.dumps(facts, indent=1)
    ins = ", ".join(str(types[t]) for t in layer.inputs if t is not None)
    outs = ", ".join(str(types[t]) for t in layer.outputs)
    tactic = facts["TacticName"] or "no launch"
    return f"{layer.op.kind} {layer.name}: {ins} -> {outs} [{tactic}]"


def _layer(
    engine: Engine, layer: Layer, types: Mapping[Tensor, TensorType]
) -> dict[str, object]:
    choice = engine.choices[layer.name]
    return {
        "Name": layer.name,
        "LayerType": layer.op.kind,
        "Inputs": [
            _tensor(t, types, choice.format.value)
            for t in layer.inputs
            if t is not None and not t.is_constant
        ],
        "Outputs": [_tensor(t, types, choice.format.value) for t in layer.outputs],
        "ParameterType": layer.op.kind,
        "TacticName": choice.tactic,
        "TacticTimeUs": choice.time_us,
        "StreamId": 0,
        "Metadata": "\x1e".join(f"[ONNX Layer: {o.node}]" for o in layer.origins),
        "Origins": [f"{o.node} ({o.op_type})" for o in layer.origins],
        "Rules": list(layer.rules),
        **{k: v for k, v in layer.op.attributes().items() if v not in (None, [], "")},
    }


def _tensor(
    tensor: Tensor, types: Mapping[Tensor, TensorType], layout: str
) -> dict[str, object]:
    kind = types[tensor]
    image = kind.rank == 4 and kind.dtype.is_float
    return {
        "Name": tensor.name,
        "Location": "Device",
        "Dimensions": [d if isinstance(d, int) else -1 for d in kind.shape],
        "Format/Datatype": f"{layout if image else 'linear'} {kind.dtype.value}",
    }


def code_summary(engine: Engine) -> str:
    """How much compiled code the engine carries, in words; empty for none."""
    if not engine.code:
        return ""
    plans = len(engine.code) - engine.kernel_count
    return (
        f"{engine.kernel_count} compiled kernels and {plans} library plans, "
        f"{nbytes(engine.code_bytes)}"
    )


def html_summary(engine: Engine, layers: Sequence[LayerRecord]) -> str:
    """A small table for notebooks; colours come from the page.

    Args:
        engine: What it is about.
        layers: Its layers as `layer_records` tells them.
    """
    rows = "".join(_row(layer, engine) for layer in layers[:_SHOWN])
    more = len(layers) - _SHOWN
    rest = f"<tr><td colspan=5>… and {more} more layers</td></tr>" if more > 0 else ""
    inputs = ", ".join(
        f"{html.escape(name)} {format_shape(low)} … {format_shape(high)}"
        for name, (low, _, high) in engine.profiles[0].inputs.items()
    )
    facts = (
        html.escape(precision_text(engine.config, layers)),
        f"{len(layers)} layers",
        f"weights {nbytes(engine.weights_bytes)}",
        f"activations {nbytes(engine.arena_bytes)}",
        code_summary(engine),
    )
    return (
        f"<div><b>Engine {html.escape(engine.name)}</b> · {' · '.join(filter(None, facts))}<br>"
        f"<small>{html.escape(engine.device.name)} · inputs {inputs} · "
        f"built in {engine.build.seconds:.2f} s</small>"
        "<table><thead><tr><th>Layer</th><th>Type</th><th>Precision</th><th>Tactic</th>"
        f"<th>µs while tuning</th></tr></thead><tbody>{rows}{rest}</tbody></table></div>"
    )


def _row(layer: LayerRecord, engine: Engine) -> str:
    name = html.escape(short_name(layer.name, _LETTERS))
    choice = engine.choices[layer.name]
    return (
        f"<tr title='{html.escape(layer.name)}'><td>{name}</td><td>{layer.type}</td>"
        f"<td>{layer_precision(layer)}</td><td>{html.escape(choice.tactic or '–')}</td>"
        f"<td style='text-align:right'>{choice.time_us:,.1f}</td></tr>"
    )

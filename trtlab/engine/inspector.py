"""The engine in the shape of TensorRT's inspector: JSON, one line a layer, or a table."""

import html
import json
from collections.abc import Sequence

from trtlab.core.types import format_shape
from trtlab.engine.engine import Engine
from trtlab.report.precisions import layer_precision, precision_text
from trtlab.report.quantity import nbytes
from trtlab.report.records import LayerRecord, TensorRecord
from trtlab.report.short_name import short_name
from trtlab.report.tensor_formats import format_phrase

_SHOWN = 12
_LETTERS = 60  # of a layer's name


def engine_text(engine: Engine, layers: Sequence[LayerRecord], *, as_json: bool) -> str:
    """All layers and bindings.

    Args:
        engine: What it is about.
        layers: Its layers at the shapes in question, as `layer_records` tells them.
        as_json: One JSON object instead of one line a layer.
    """
    if not as_json:
        return "\n".join(layer_text(engine, layer, as_json=False) for layer in layers)
    return json.dumps(engine_information(engine, layers), indent=1)


def engine_information(engine: Engine, layers: Sequence[LayerRecord]) -> dict[str, object]:
    """Layers, Bindings and I/O Tensors as plain values; `layers` as for `engine_text`."""
    told: list[object] = [
        layer.name if engine.verbosity == "layer_names_only" else _layer(engine, layer)
        for layer in layers
    ]
    if engine.verbosity == "none":
        told = []
    inside = engine.network.inputs
    bindings = [*inside, *engine.network.outputs]
    return {
        "Layers": told,
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


def layer_text(engine: Engine, layer: LayerRecord, *, as_json: bool) -> str:
    """One layer as JSON or as one line."""
    if engine.verbosity == "none":
        return json.dumps(str(layer.index)) if as_json else str(layer.index)
    if engine.verbosity == "layer_names_only":
        return json.dumps(layer.name) if as_json else layer.name
    if as_json:
        return json.dumps(_layer(engine, layer), indent=1)
    ins = ", ".join(map(_type, layer.inputs))
    outs = ", ".join(map(_type, layer.outputs))
    return f"{layer.type} {layer.name}: {ins} -> {outs} [{layer.tactic}]"


def _type(tensor: TensorRecord) -> str:
    return f"{tensor.dtype}[{','.join(map(str, tensor.shape))}]"


def _layer(engine: Engine, layer: LayerRecord) -> dict[str, object]:
    operands = engine.network.layers[layer.index].inputs
    weights = {t.name for t in operands if t is not None and t.is_constant}
    nodes = [origin.rsplit(" (", 1)[0] for origin in layer.origins]
    return {
        "Name": layer.name,
        "LayerType": layer.type,
        "Inputs": [_tensor(t) for t in layer.inputs if t.name not in weights],
        "Outputs": [_tensor(t) for t in layer.outputs],
        "ParameterType": layer.type,
        "TacticName": layer.tactic,
        "TacticTimeUs": engine.choices[layer.name].time_us,
        "StreamId": layer.stream,
        "Metadata": "\x1e".join(f"[ONNX Layer: {node}]" for node in nodes),
        "Origins": list(layer.origins),
        "Rules": list(layer.rules),
        **{k: v for k, v in layer.attributes.items() if v != []},
    }


def _tensor(tensor: TensorRecord) -> dict[str, object]:
    return {
        "Name": tensor.name,
        "Location": "Device",
        "Dimensions": [d if isinstance(d, int) else -1 for d in tensor.shape],
        "Format/Datatype": format_phrase(tensor.format, tensor.dtype),
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

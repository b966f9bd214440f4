"""What an engine tells of itself: a notebook's summary, and the inspector's JSON."""

import json
import re
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import trtlab as trt
from tests.support.tiny_models import branches
from trtlab.report import trtexec_files
from trtlab.report.quantity import nbytes
from trtlab.runtime.api import ICudaEngine
from trtlab.session.one_call import build
from trtlab.session.work import describe

FIRST = "/stem/Conv <a>"


def _build(**options):
    model = branches()
    model.graph.node[0].name = FIRST
    if "profiles" not in options:
        options["shapes"] = {"x": (2, 3, 16, 16)}
    return build(model, optimization_level=1, **options)


@pytest.fixture(scope="module")
def mixed():
    """Of FP32, but for the first convolution and the classifier."""
    return _build(layer_precisions={FIRST: "fp16", "Gemm_13": "bf16"})


def _rows(page):
    """Layer, type, precision, tactic and time of the listed layers."""
    rows = re.findall(r"<tr[^>]*>(<td>.*?)</tr>", page)
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]


def test_the_precisions_that_layers_run_in_are_told(mixed):
    page = mixed._repr_html_()
    said = " · fp32, 1 layer fp16 (emulated), 1 layer bf16 (emulated) · "
    assert said in page
    rows = {name: precision for name, _, precision, _, _ in _rows(page)}
    assert rows["stem/Conv &lt;a&gt;"] == "fp16 (emulated)"
    assert rows["Conv_2 + Relu_3"] == "fp32"


def test_an_engine_of_one_precision_names_it_alone():
    page = _build()._repr_html_()
    assert "</b> · fp32 · " in page
    assert {precision for _, _, precision, _, _ in _rows(page)} == {"fp32"}
    assert "</b> · fp16 (emulated) · " in _build(precision="fp16")._repr_html_()


def test_sizes_have_the_units_of_reports(mixed):
    page, engine = mixed._repr_html_(), mixed.engine
    weights, arena = nbytes(engine.weights_bytes), nbytes(engine.arena_bytes)
    assert f"weights {weights} · activations {arena}<br>" in page
    assert weights.endswith(" KiB")


def test_names_are_short_safe_and_whole_when_pointed_at(mixed):
    page = mixed._repr_html_()
    assert "<a>" not in page
    assert "title='/stem/Conv &lt;a&gt;'" in page


def test_a_profile_without_fixed_shapes_is_described_at_its_opt():
    shapes = ((1, 3, 16, 16), (2, 3, 16, 16), (4, 3, 16, 16))
    page = _build(profiles={"x": shapes})._repr_html_()
    assert "inputs x 1x3x16x16 … 4x3x16x16" in page


def _told(engine):
    text = engine.create_engine_inspector().get_engine_information(
        trt.LayerInformationFormat.JSON
    )
    return json.loads(text)["Layers"]


def _towers():
    """Three chains of products that know nothing of each other, and their sum."""
    rng = np.random.default_rng(0)
    nodes, weights = [], []
    for tower in "abc":
        last = "x"
        for step in range(3):
            name = f"{tower}{step}"
            drawn = (rng.standard_normal((256, 256)) * 0.05).astype(np.float32)
            weights.append(numpy_helper.from_array(drawn, f"w_{name}"))
            nodes.append(helper.make_node("MatMul", [last, f"w_{name}"], [f"m_{name}"]))
            nodes.append(helper.make_node("Softmax", [f"m_{name}"], [name]))
            last = name
    nodes.append(helper.make_node("Sum", ["a2", "b2", "c2"], ["y"]))
    ends = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [64, 256]) for n in "xy"]
    graph = helper.make_graph(nodes, "towers", ends[:1], ends[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_layers_tell_the_streams_that_they_run_on():
    made = build(_towers(), max_aux_streams=2, optimization_level=0).engine
    slow = {name: replace(choice, time_us=1000.0) for name, choice in made.choices.items()}
    engine = ICudaEngine(replace(made, choices=slow, streams=3))
    told = [layer["StreamId"] for layer in _told(engine)]
    assert len(set(told)) > 1
    assert told == [layer.stream for layer in describe(engine.engine).layers]


def test_formats_are_those_that_kernels_read_and_write(mixed):
    layers = _told(mixed)
    first = next(la for la in layers if "x" in [t["Name"] for t in la["Inputs"]])
    assert first["Inputs"][0]["Format/Datatype"] == "Row major linear FP32"
    change = next(la for la in layers if la["LayerType"] == "REFORMAT")
    assert len({t["Format/Datatype"] for t in (*change["Inputs"], *change["Outputs"])}) == 2


def test_a_tensor_has_one_format_for_all_who_read_and_write_it(mixed):
    """A concatenation that runs nothing tells the format of the memory that it shares."""
    seen = {}
    for layer in _told(mixed):
        for tensor in (*layer["Inputs"], *layer["Outputs"]):
            seen.setdefault(tensor["Name"], set()).add(tensor["Format/Datatype"])
    assert {"Channel major FP32 format"} in seen.values()
    assert {name for name, formats in seen.items() if len(formats) > 1} == set()


def test_the_inspector_and_the_exported_file_agree(mixed):
    exported = trtexec_files.layer_info(describe(mixed.engine))["Layers"]
    for told, written in zip(_told(mixed), exported, strict=True):
        written["Inputs"] = [t for t in written["Inputs"] if t in told["Inputs"]]
        assert {key: told[key] for key in ("Inputs", "Outputs", "StreamId", "TacticName")} == {
            key: written[key] for key in ("Inputs", "Outputs", "StreamId", "TacticName")
        }


def test_layers_are_told_at_the_shapes_of_the_context():
    shapes = ((1, 3, 16, 16), (2, 3, 16, 16), (4, 3, 16, 16))
    engine = _build(profiles={"x": shapes})
    inspector = engine.create_engine_inspector()

    def batch():
        text = inspector.get_layer_information(0, trt.LayerInformationFormat.JSON)
        return json.loads(text)["Outputs"][0]["Dimensions"][0]

    assert batch() == 2
    inspector.execution_context = engine.create_execution_context()
    inspector.execution_context.set_input_shape("x", (4, 3, 16, 16))
    assert batch() == 4

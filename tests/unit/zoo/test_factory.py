"""Every architecture: valid, finite, in range, dynamic, and the same for a seed."""

import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from trtlab import zoo
from trtlab.core.errors import UsageError
from trtlab.zoo import catalog, factory

SHAPES = {
    "bert_base": {"input_ids": (2, 24)},
    "gpt2": {"input_ids": (2, 24)},
    "lstm": {"x": (2, 12, 80)},
}
# Layers whose output spread tells whether activations stay in range.
LAYERS = {
    "BatchNormalization",
    "Conv",
    "ConvTranspose",
    "Gemm",
    "LSTM",
    "LayerNormalization",
    "MatMul",
}
HEAVY = {"bert_base", "gpt2", "vit_b16"}


@dataclass
class Ran:
    """A built model and what ONNX Runtime made of it, unoptimized."""

    name: str
    model: onnx.ModelProto
    session: ort.InferenceSession
    inputs: dict[str, np.ndarray]
    values: dict[str, np.ndarray]

    @property
    def outputs(self):
        return {o.name: self.values[o.name] for o in self.model.graph.output}


def model_param(name):
    return pytest.param(name, marks=[pytest.mark.slow] * (name in HEAVY))


def model_params():
    return [model_param(name) for name in zoo.names()]


every_model = pytest.mark.parametrize("ran", model_params(), indirect=True)
only_bert = pytest.mark.parametrize("ran", [model_param("bert_base")], indirect=True)
only_gpt2 = pytest.mark.parametrize("ran", [model_param("gpt2")], indirect=True)


@pytest.fixture(scope="module")
def ran(request):
    name = request.param
    model = zoo.build(name)
    declared = len(model.graph.output)
    known = {o.name for o in model.graph.output}
    for node in model.graph.node:
        if node.op_type in LAYERS and node.output[0] not in known:
            model.graph.output.append(onnx.ValueInfoProto(name=node.output[0]))
    content = model.SerializeToString()
    del model.graph.output[declared:]
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    shapes = SHAPES.get(name, {"x": (2, *zoo.info(name).inputs[0].opt_shape[1:])})
    inputs = zoo.random_inputs(name, shapes, seed=1)
    names = [o.name for o in session.get_outputs()]
    values = dict(zip(names, session.run(names, inputs), strict=True))
    return Ran(name, model, session, inputs, values)


@every_model
def test_passes_the_full_check_with_symbolic_axes(ran):
    onnx.checker.check_model(ran.model, full_check=True)
    described = zoo.info(ran.name).inputs
    for value, expected in zip(ran.model.graph.input, described, strict=True):
        dims = value.type.tensor_type.shape.dim
        shape = tuple(d.dim_param or d.dim_value for d in dims)
        assert (value.name, shape) == (expected.name, expected.shape)
    for value in ran.model.graph.output:
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"


@every_model
def test_every_name_is_unique(ran):
    outputs = [o for n in ran.model.graph.node for o in n.output]
    names = outputs + [t.name for t in ran.model.graph.initializer]
    assert len(names) == len(set(names))
    node_names = [n.name for n in ran.model.graph.node]
    assert len(node_names) == len(set(node_names))


@every_model
def test_activations_neither_vanish_nor_explode(ran):
    for name, values in ran.values.items():
        assert np.isfinite(values).all(), name
        assert 0.02 < values.std() < 30, name
        assert np.abs(values).max() < 300, name


@every_model
def test_outputs_depend_on_the_sample(ran):
    for name, values in ran.outputs.items():
        first, second = values
        difference = np.linalg.norm(first - second) / np.linalg.norm(first)
        assert difference > 0.1, name
        assert len(np.unique(values)) > 0.9 * min(values.size, 1000), name


@every_model
def test_a_batch_of_one_gives_the_first_of_two(ran):
    alone = {name: values[:1] for name, values in ran.inputs.items()}
    names = list(ran.outputs)
    for name, values in zip(names, ran.session.run(names, alone), strict=True):
        np.testing.assert_allclose(values, ran.outputs[name][:1], rtol=1e-3, atol=1e-3)


@every_model
def test_a_seed_gives_the_same_model(ran):
    assert zoo.build(ran.name, seed=0) == ran.model


@pytest.mark.parametrize("name", ["lstm", "mobilenet_v2", "unet"])
def test_another_seed_gives_other_weights_and_the_same_graph(name):
    first, second = (zoo.build(name, seed=seed) for seed in (0, 1))
    for a, b in zip(first.graph.initializer, second.graph.initializer, strict=True):
        assert (a.name, a.dims) == (b.name, b.dims)
        assert a.raw_data != b.raw_data
    assert list(first.graph.node) == list(second.graph.node)


def test_a_new_process_gives_the_same_bytes(tmp_path):
    code = "import sys; from trtlab import zoo; zoo.export('lstm', sys.argv[1], seed=5)"
    paths = [tmp_path / name for name in ("a.onnx", "b.onnx")]
    for path in paths:
        subprocess.run([sys.executable, "-c", code, path], check=True, timeout=300)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("length", [1, 3, 12])
def test_lstm_takes_any_number_of_steps(length):
    session = ort.InferenceSession(zoo.build("lstm").SerializeToString())
    inputs = zoo.random_inputs("lstm", {"x": (3, length, 80)})
    assert session.run(None, inputs)[0].shape == (3, length, 61)


@only_bert
def test_bert_ignores_padding(ran):
    inputs = zoo.random_inputs("bert_base", {"input_ids": (1, 10)})
    inputs["attention_mask"] = np.array([[1] * 6 + [0] * 4])
    padded = ran.session.run(["last_hidden_state"], inputs)[0]
    short = ran.session.run(
        ["last_hidden_state"], {name: values[:, :6] for name, values in inputs.items()}
    )[0]
    np.testing.assert_allclose(padded[:, :6], short, rtol=1e-3, atol=1e-3)


@only_gpt2
def test_gpt2_does_not_look_ahead(ran):
    inputs = zoo.random_inputs("gpt2", {"input_ids": (2, 9)})
    whole = ran.session.run(["logits"], inputs)[0]
    start = ran.session.run(["logits"], {"input_ids": inputs["input_ids"][:, :5]})[0]
    np.testing.assert_allclose(whole[:, :5], start, rtol=1e-3, atol=1e-3)


def operators(name):
    return {node.op for node in catalog.draft(name).nodes}


def test_graphs_have_the_patterns_that_they_are_there_for():
    assert {"BatchNormalization", "GlobalAveragePool", "Gemm"} <= operators("resnet50")
    assert {"BatchNormalization", "Clip"} <= operators("mobilenet_v2")
    assert {"Sigmoid", "Mul", "BatchNormalization"} <= operators("efficientnet_b0")
    assert {"ConvTranspose", "Concat", "MaxPool"} <= operators("unet")
    assert operators("lstm") == {"Add", "LSTM", "MatMul", "Squeeze", "Transpose"}


def test_transformers_are_decomposed_as_exporters_do():
    decomposed = {"MatMul", "Softmax", "Transpose", "Reshape", "LayerNormalization"}
    assert decomposed | {"Erf", "Unsqueeze", "Cast", "Div"} <= operators("bert_base")
    assert decomposed | {"Erf", "Gather", "Expand"} <= operators("vit_b16")
    assert decomposed | {"Tanh", "Split", "Where", "Shape", "Range"} <= operators("gpt2")


def test_export_writes_one_file_and_leaves_nothing_else(tmp_path):
    path = zoo.export("lstm", tmp_path / "models" / "lstm.onnx")
    assert path == tmp_path / "models" / "lstm.onnx"
    assert [p.name for p in path.parent.iterdir()] == ["lstm.onnx"]
    assert onnx.load_model(path) == zoo.build("lstm")


def test_export_replaces_a_file_and_keeps_it_when_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "lstm.onnx"
    path.write_text("old")

    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(factory.Path, "write_bytes", fail)
        with pytest.raises(UsageError, match="disk full"):
            zoo.export("lstm", path)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
    zoo.export("lstm", path)
    assert onnx.load_model(path).graph.name == "lstm"


def test_export_moves_large_weights_beside_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(factory, "LARGEST_SINGLE_FILE_BYTES", 1000)
    path = zoo.export("lstm", tmp_path / "lstm.onnx", seed=3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["lstm.onnx", "lstm.onnx.data"]
    assert path.stat().st_size < 10_000
    onnx.checker.check_model(path)
    inputs = zoo.random_inputs("lstm", {"x": (1, 4, 80)})
    outputs = [
        ort.InferenceSession(source, providers=["CPUExecutionProvider"]).run(None, inputs)[0]
        for source in (path, zoo.build("lstm", seed=3).SerializeToString())
    ]
    np.testing.assert_array_equal(*outputs)


def test_export_refuses_a_folder(tmp_path):
    with pytest.raises(UsageError, match="is a folder") as caught:
        zoo.export("lstm", tmp_path)
    assert "lstm.onnx" in caught.value.hint


def test_export_tells_of_a_path_that_cannot_be_written(tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("precious")
    with pytest.raises(UsageError, match="cannot write"):
        zoo.export("lstm", in_the_way / "lstm.onnx")
    assert in_the_way.read_text() == "precious"

"""What an engine is made of is told where the device that it is for is not there."""

from dataclasses import replace

import onnx
from onnx_models import model, node

from trtlab.session.requests import BuildRequest
from trtlab.session.work import build_engine, describe


def test_an_engine_of_a_gpu_is_described_without_one(tmp_path):
    path = tmp_path / "relu.onnx"
    onnx.save(model([node("Relu", "x", "y")], {"x": [4, 8]}), path)
    engine = build_engine(BuildRequest(str(path), optimization_level=1))
    (name,) = engine.choices
    there = replace(
        engine,
        device=replace(engine.device, kind="cuda", isa="sm_90", name="NVIDIA H200"),
        choices={name: replace(engine.choices[name], tactic="cuda.pointwise.vector")},
    )
    (layer,) = describe(there).layers
    assert layer.tactic == "cuda.pointwise.vector"
    assert layer.inputs[0].shape == (4, 8)

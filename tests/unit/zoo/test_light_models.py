"""The light models: nine topologies whose outputs mean something after the refill."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from trtlab import zoo
from trtlab.core.errors import UsageError

LARGE = {"light_bvlc_alexnet", "light_vgg19", "light_zfnet512"}  # 60 M parameters and more


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] * (n in LARGE)) for n in zoo.light_names()],
)
def test_outputs_have_many_distinct_finite_values(name):
    model = zoo.light(name)
    onnx.checker.check_model(model, full_check=True)
    assert len(model.graph.input) == 1
    assert not [n for n in model.graph.node if n.op_type == "ConstantOfShape"]
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    first, second = (
        session.run(None, zoo.random_inputs(model, seed=seed))[0].ravel() for seed in (1, 2)
    )
    assert first.size == 1000
    assert np.isfinite(first).all()
    # SqueezeNet ends in a ReLU before its softmax: classes that it cuts off share a score.
    assert len(np.unique(first)) > (800 if name == "light_squeezenet" else 900)
    assert first.max() < (6 if name == "light_densenet121" else 0.6)  # logits; softmax
    assert np.linalg.norm(first - second) > 0.05 * np.linalg.norm(first)


def test_a_seed_gives_the_same_weights():
    first, again, other = (
        zoo.light("light_squeezenet", seed=s).SerializeToString(deterministic=True)
        for s in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_an_unknown_name_lists_near_ones():
    with pytest.raises(UsageError, match="'light_resnet'") as caught:
        zoo.light("light_resnet")
    assert "light_resnet50" in caught.value.hint

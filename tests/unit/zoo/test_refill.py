"""Fresh weights for any model: which constants change, and how."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper

from trtlab import zoo

MODEL = """
<ir_version: 8, opset_import: ["" : 17]>
net (float[n, 4, 8, 8] x) => (float[n, 10] y)
<int64[4] w_shape = {32, 4, 3, 3}, int64[2] flat = {0, -1}, float[1] spare = {7.0}>
{
    w = ConstantOfShape <value = float[1] {0.02}> (w_shape)
    b = Constant <value = float[32] {BIAS}> ()
    c = Conv <pads = [1, 1, 1, 1]> (x, w, b)
    one = Constant <value = float {1.5}> ()
    scaled = Mul (c, one)
    n_ = BatchNormalization (scaled, ones, ones, ones, ones)
    r = Relu (n_)
    p = GlobalAveragePool (r)
    f = Reshape (p, flat)
    m_t = Transpose <perm = [1, 0]> (m)
    y = MatMul (f, m_t)
}
"""


def initializers(model):
    return {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}


def half_centred(filters, axis):
    """Half of the mean that N(0, σ²) would have; the margin is four deviations."""
    means = filters.mean(axis=axis)
    wanted = filters.std() / (filters.size / means.size) ** 0.5 / 2
    return abs(means.std() / wanted - 1) < 4 / (2 * means.size) ** 0.5


@pytest.fixture
def model():
    text = MODEL.replace("BIAS", ", ".join(["0.02"] * 32))
    parsed = onnx.parser.parse_model(text)
    ones = np.ones(32, dtype=np.float32)
    # One tensor in four roles would be refilled once; each role gets its own.
    norm = next(n for n in parsed.graph.node if n.op_type == "BatchNormalization")
    for index, name in enumerate(("scale", "bias", "mean", "variance"), start=1):
        norm.input[index] = name
        parsed.graph.initializer.append(numpy_helper.from_array(ones, name))
    matrix = np.full((10, 32), 0.02, dtype=np.float32)
    parsed.graph.initializer.append(numpy_helper.from_array(matrix, "m"))
    onnx.checker.check_model(parsed, full_check=True)
    return parsed


def test_every_weight_is_drawn_for_its_role(model):
    fresh = zoo.refill_weights(model)
    onnx.checker.check_model(fresh, full_check=True)
    values = initializers(fresh)
    w = values["w"]
    assert w.shape == (32, 4, 3, 3)
    assert w.std() == pytest.approx((1 / 36) ** 0.5, rel=0.1)
    assert half_centred(w, axis=(1, 2, 3))
    assert 0 < values["b"].std() < 0.1
    assert 0.8 <= values["scale"].min() <= values["scale"].max() <= 1.2
    assert values["variance"].min() >= 0.7
    assert abs(values["mean"]).max() < 1
    # The reader sums over the 32 columns of the untransposed matrix, after a ReLU.
    assert values["m"].std() == pytest.approx((2.63 / 32) ** 0.5, rel=0.15)
    assert half_centred(values["m"], axis=1)


def test_formulas_stay_and_what_nothing_reads_goes(model):
    fresh = zoo.refill_weights(model)
    constants = [n for n in fresh.graph.node if n.op_type.startswith("Constant")]
    assert [n.output[0] for n in constants] == ["one"]
    assert "flat" in initializers(fresh)
    assert not {"w_shape", "spare"} & initializers(fresh).keys()
    kept = [n.op_type for n in model.graph.node if not n.op_type.startswith("Constant")]
    assert [
        n.op_type for n in fresh.graph.node if not n.op_type.startswith("Constant")
    ] == kept


def test_the_given_model_stays_and_a_seed_repeats(model):
    before = model.SerializeToString(deterministic=True)
    first, again, other = (
        zoo.refill_weights(model, seed=s).SerializeToString(deterministic=True)
        for s in (1, 1, 2)
    )
    assert model.SerializeToString(deterministic=True) == before
    assert first == again
    assert first != other


def test_constant_outputs_become_meaningful(model):
    def run(proto, x):
        session = ort.InferenceSession(
            proto.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        return session.run(None, {"x": x})[0]

    x = zoo.random_inputs(model, {"x": (2, 4, 8, 8)})["x"]
    assert len(np.unique(run(model, x)[0])) == 1
    y = run(zoo.refill_weights(model), x)
    assert len(np.unique(y)) == 20
    assert 0.05 < y.std() < 5


def test_the_scale_that_ends_a_residual_branch_is_small():
    fresh = zoo.refill_weights(zoo.build("resnet50"), seed=8)
    values = initializers(fresh)
    assert values["layer2.1.bn3.weight"].max() <= 0.3
    assert values["layer2.1.bn2.weight"].min() >= 0.8


def test_weights_in_recurrences_and_tables_are_drawn_too():
    old, fresh = (
        initializers(m)
        for m in (zoo.build("lstm"), zoo.refill_weights(zoo.build("lstm"), seed=8))
    )
    assert old.keys() == fresh.keys()
    for name, values in fresh.items():
        assert values.shape == old[name].shape
        assert not np.array_equal(values, old[name]), name
    assert fresh["lstm.1.R"].std() == pytest.approx(512**-0.5, rel=0.02)


def test_norms_that_are_added_to_each_other_share_the_sum():
    values = initializers(zoo.refill_weights(zoo.build("resnet50")))
    for name in ("layer2.0.bn3.weight", "layer2.0.downsample.1.weight"):
        assert 0.6 <= values[name].min() <= values[name].max() <= 0.8


@pytest.mark.parametrize("name", ["efficientnet_b0", "mobilenet_v2"])
def test_gates_and_bottlenecks_keep_the_signal(name):
    model = zoo.refill_weights(zoo.build(name), seed=3)
    session = ort.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    first, second = session.run(None, zoo.random_inputs(name, {"x": (2, 3, 224, 224)}))[0]
    assert 0.1 < first.std() < 10
    assert np.linalg.norm(first - second) > 0.1 * np.linalg.norm(first)

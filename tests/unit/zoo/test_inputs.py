"""Random inputs: shapes, distributions, and complaints."""

import numpy as np
import onnx
import pytest
from onnx import helper

from trtlab import zoo
from trtlab.core.errors import UsageError


@pytest.mark.parametrize("name", zoo.names())
def test_shapes_default_to_the_optimal_profile(name):
    inputs = zoo.random_inputs(name)
    for i in zoo.info(name).inputs:
        assert inputs[i.name].shape == i.opt_shape
        assert inputs[i.name].dtype == i.dtype
    assert list(inputs) == [i.name for i in zoo.info(name).inputs]


def test_floats_are_standard_normal():
    x = zoo.random_inputs("resnet50", seed=4)["x"]
    assert abs(x.mean()) < 0.02
    assert x.std() == pytest.approx(1, abs=0.02)


def test_ids_cover_the_vocabulary_and_masks_end_in_padding():
    inputs = zoo.random_inputs("bert_base", {"input_ids": (8, 384)})
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    assert ids.min() >= 0
    assert 29_000 < ids.max() < 30_522
    assert set(np.unique(inputs["token_type_ids"])) == {0, 1}
    assert mask.shape == (8, 384)
    assert (np.diff(mask, axis=1) <= 0).all()
    assert (mask.sum(axis=1) >= 192).all()
    assert len(np.unique(mask.sum(axis=1))) > 1


def test_a_seed_gives_the_same_inputs():
    first, again, other = (zoo.random_inputs("lstm", seed=s)["x"] for s in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_one_shape_sizes_the_other_inputs():
    inputs = zoo.random_inputs("bert_base", {"token_type_ids": (3, 7)})
    assert {values.shape for values in inputs.values()} == {(3, 7)}


def small_model(**kinds):
    """A model of one Gather over 50 rows; ``kinds`` are further inputs by name."""
    table = helper.make_tensor("table", onnx.TensorProto.FLOAT, (4, 50), [0.5] * 200)
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Cast", ["ids"], ["wide"], to=onnx.TensorProto.INT64),
        helper.make_node("Gather", ["table", "wide"], ["y"], axis=1),
    ]
    inputs = [value("ids", onnx.TensorProto.INT32, ["n"])]
    inputs += [value(name, dtype, [None, "n", 3]) for name, dtype in kinds.items()]
    outputs = [value("y", onnx.TensorProto.FLOAT, [4, "n"])]
    return helper.make_model(helper.make_graph(nodes, "small", inputs, outputs, [table]))


def test_a_models_ids_stay_inside_the_table_that_they_index():
    ids = zoo.random_inputs(small_model(), {"ids": (500,)})["ids"]
    assert ids.dtype == np.int32
    assert set(np.unique(ids)) == set(range(50))


def test_a_models_inputs_are_drawn_by_type():
    model = small_model(
        half=onnx.TensorProto.FLOAT16,
        flag=onnx.TensorProto.BOOL,
        key_mask=onnx.TensorProto.INT64,
    )
    shape = (2, 40, 3)
    inputs = zoo.random_inputs(model, {"half": shape, "flag": shape, "key_mask": shape})
    assert inputs["ids"].shape == (40,)
    assert inputs["half"].dtype == np.float16
    assert inputs["half"].std() == pytest.approx(1, abs=0.2)
    assert set(np.unique(inputs["flag"])) == {False, True}
    assert (inputs["key_mask"][..., :2] == 1).all()


def test_the_name_and_the_model_give_the_same_inputs():
    model = zoo.build("lstm")
    shapes = {"x": (2, 5, 80)}
    by_name, by_model = (zoo.random_inputs(m, shapes, seed=9) for m in ("lstm", model))
    np.testing.assert_array_equal(by_name["x"], by_model["x"])


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"input_idz": (1, 2)}, "'input_idz'"),
        ({"input_ids": (1, 2, 3)}, "wrong rank"),
        ({"input_ids": (1, 0)}, "not 1 or more"),
        ({"input_ids": (1, 4), "attention_mask": (1, 5)}, "not sequence = 4"),
    ],
)
def test_contradicting_shapes_are_refused(shapes, message):
    with pytest.raises(UsageError, match=message):
        zoo.random_inputs("bert_base", shapes)


def test_a_fixed_axis_cannot_be_changed():
    with pytest.raises(UsageError, match=r"axis 1 of shape .* is 4, not 3"):
        zoo.random_inputs("resnet50", {"x": (1, 4, 224, 224)})


def test_a_models_open_axis_needs_a_size():
    with pytest.raises(UsageError, match="axis 'n' of input 'ids' has no size") as caught:
        zoo.random_inputs(small_model())
    assert "shapes=" in caught.value.hint

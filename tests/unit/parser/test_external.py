"""External data is read from the model's own folder, and from nowhere else."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx_models import model, node

from trtlab.core.errors import ParseError
from trtlab.network.evaluate import evaluate
from trtlab.parser.parse import parse

WEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3)


def write(folder, location, *, offset=None, length=None, shape=(2, 3), name="model.onnx"):
    """A model whose weight lies in another file."""
    made = model(node("Add", "x w"), {"x": [2, 3]}, constants={"w": WEIGHTS})
    weight = made.graph.initializer[0]
    weight.ClearField("raw_data")
    del weight.dims[:]
    weight.dims.extend(shape)
    weight.data_location = TensorProto.EXTERNAL
    for key, given in (("location", location), ("offset", offset), ("length", length)):
        if given is not None:
            weight.external_data.add(key=key, value=str(given))
    path = folder / name
    path.write_bytes(made.SerializeToString())
    return path


def result(path):
    return evaluate(parse(path).network, {"x": np.ones((2, 3), np.float32)})["y"]


def refused(path, text):
    with pytest.raises(ParseError, match=text) as caught:
        parse(path)
    assert "initializer 'w'" in str(caught.value)
    return caught.value


def test_data_beside_the_model_are_read(tmp_path):
    (tmp_path / "w.bin").write_bytes(b"\0" * 8 + WEIGHTS.tobytes())
    assert np.array_equal(result(write(tmp_path, "w.bin", offset=8, length=24)), WEIGHTS + 1)


def test_a_folder_below_may_hold_the_data(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "w.bin").write_bytes(WEIGHTS.tobytes())
    assert np.array_equal(result(write(tmp_path, "data/w.bin")), WEIGHTS + 1)


def test_models_that_onnx_saves_are_read(tmp_path):
    made = model(node("Add", "x w"), {"x": [2, 3]}, constants={"w": WEIGHTS})
    onnx.save(made, tmp_path / "m.onnx", save_as_external_data=True, size_threshold=0)
    assert np.array_equal(result(tmp_path / "m.onnx"), WEIGHTS + 1)


@pytest.mark.parametrize(
    "location", ["../w.bin", "data/../../w.bin", "/etc/hostname", "", ".", "a\0b"]
)
def test_paths_outside_the_folder_are_refused(tmp_path, location):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "w.bin").write_bytes(WEIGHTS.tobytes())
    refused(write(inner, location), "lies outside the model's folder")


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "w.bin").write_bytes(WEIGHTS.tobytes())
    (inner / "w.bin").symlink_to(tmp_path / "w.bin")
    refused(write(inner, "w.bin"), "lies outside the model's folder")


def test_a_linked_folder_outside_is_refused(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "w.bin").write_bytes(WEIGHTS.tobytes())
    (inner / "data").symlink_to(tmp_path)
    refused(write(inner, "data/w.bin"), "lies outside the model's folder")


def test_a_missing_data_file_is_named(tmp_path):
    error = refused(write(tmp_path, "w.bin"), r"'w.bin' cannot be read: No such file")
    assert str(tmp_path) in error.hint


def test_a_short_data_file(tmp_path):
    (tmp_path / "w.bin").write_bytes(WEIGHTS.tobytes()[:20])
    refused(write(tmp_path, "w.bin"), "w.bin has 20 bytes; data at 0 would end at 24")


def test_a_length_that_contradicts_the_shape(tmp_path):
    (tmp_path / "w.bin").write_bytes(WEIGHTS.tobytes())
    refused(write(tmp_path, "w.bin", length=20), "20 bytes of external data do not fit")


@pytest.mark.parametrize("offset", ["-4", "x", "1" * 30, "²"])
def test_an_offset_that_is_no_size(tmp_path, offset):
    (tmp_path / "w.bin").write_bytes(WEIGHTS.tobytes())
    refused(write(tmp_path, "w.bin", offset=offset), "offset .*, which is no size")


def test_absurd_shapes_do_not_allocate(tmp_path):
    (tmp_path / "w.bin").write_bytes(WEIGHTS.tobytes())
    with pytest.raises(ParseError, match="has 24 bytes; data at 0 would end at"):
        parse(write(tmp_path, "w.bin", shape=(1 << 19, 1 << 19)))


def test_a_model_in_memory_has_no_folder(tmp_path):
    (tmp_path / "w.bin").write_bytes(WEIGHTS.tobytes())
    refused(write(tmp_path, "w.bin").read_bytes(), "was not read from a folder")

"""Files that are no models end in an error that says what they are and what to do."""

import contextlib
import gzip

import numpy as np
import onnx
import pytest
from onnx_models import model, node

from trtlab.core.errors import ParseError, UnsupportedError
from trtlab.parser.errors import ErrorCode
from trtlab.parser.parse import parse
from trtlab.parser.source import LATEST_OPSET, load


def relu(**changes):
    return model(node("Relu", "x"), {"x": [2, 3]}, **changes)


def refused(source, text, error=ParseError):
    with pytest.raises(error, match=text) as caught:
        parse(source)
    return caught.value


def test_a_path_bytes_and_a_decoded_model_give_the_same(tmp_path):
    path = tmp_path / "small.onnx"
    onnx.save(relu(), path)
    data = path.read_bytes()
    digests = {load(path).digest, load(str(path)).digest, load(data).digest}
    assert len(digests) == 1
    assert load(path).stem == "small"
    assert (
        len(parse(data).network) == len(parse(path).network) == len(parse(relu()).network) == 1
    )


def test_a_missing_file_is_named(tmp_path):
    error = refused(tmp_path / "none.onnx", "cannot be read: No such file")
    assert str(tmp_path / "none.onnx") in error.where[0]
    assert error.hint
    assert error.problems[0].code is ErrorCode.MODEL_DESERIALIZE_FAILED


def test_a_folder_is_no_model(tmp_path):
    refused(tmp_path, "cannot be read: Is a directory")


def test_an_empty_file(tmp_path):
    path = tmp_path / "empty.onnx"
    path.write_bytes(b"")
    refused(path, "the model file is empty")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS pointer"),
        (b"PK\x03\x04 zipped", "PyTorch checkpoint"),
        (b"\x80\x02}q\x00", "Python pickle"),
        (b"\x89HDF\r\n\x1a\n", "Keras"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"  <!DOCTYPE html><html>", "HTML"),
        (b'{"graph": {}}', "JSON"),
        (b'{"model": {}, "schema_version": 1}', "a report of trtlab"),
        (b"TRTLAB\r\n\x01", "an engine file of trtlab"),
        (b"ir_version: 8\ngraph {", "ONNX text file"),
        (b"\x1c\x00\x00\x00TFL3", "TensorFlow Lite"),
    ],
)
def test_files_of_other_kinds_are_recognized(data, text):
    error = refused(data, f"this is .*{text}.*, not an ONNX model")
    assert error.hint


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "compressed"])
def test_a_report_is_no_model_and_it_is_said_what_opens_it(tmp_path, pack):
    path = tmp_path / "run.json.gz"
    path.write_bytes(pack(b'{"model": {}, "layers": [], "schema_version": 1}'))
    error = refused(path, "this is a report of trtlab, not an ONNX model")
    assert "`trtlab lab FILE`" in error.hint
    assert 'trtlab.load_report("FILE")' in error.hint


def test_other_archives_are_archives():
    whole = gzip.compress(b"words" * 99)
    for data in (whole, whole[:20], gzip.compress(b'{"graph": {}}')):
        assert refused(data, "this is a gzip archive").hint == "unpack it first"


def test_a_text_file_is_no_model():
    refused(b"just some words in a file\n" * 3, "does not decode as protobuf|no ONNX model")


def test_a_truncated_file_is_no_model():
    data = model(
        node("Add", "x w"), {"x": [64]}, constants={"w": np.ones(64, np.float32)}
    ).SerializeToString()
    for keep in (len(data) // 2, len(data) - 3):
        refused(data[:keep], r"\(\d+ bytes\) is truncated or damaged")


def test_every_truncation_ends_in_an_error_for_users():
    data = model(
        node("Add", "x w"), {"x": [4]}, constants={"w": np.ones(4, np.float32)}
    ).SerializeToString()
    for keep in range(len(data)):
        with pytest.raises((ParseError, UnsupportedError)):
            parse(data[:keep])


def test_every_flipped_byte_ends_in_a_network_or_an_error_for_users():
    data = bytearray(
        model(
            [node("Conv", "x w", "c", strides=[2, 2]), node("Relu", "c")],
            {"x": ["n", 1, 8, 8]},
            constants={"w": np.ones((2, 1, 3, 3), np.float32)},
        ).SerializeToString()
    )
    for position in range(len(data)):
        for flip in (0x01, 0x80):
            damaged = bytearray(data)
            damaged[position] ^= flip
            with contextlib.suppress(ParseError, UnsupportedError):  # others fail the test
                parse(bytes(damaged))


def test_a_model_without_a_graph():
    made = relu()
    made.ClearField("graph")
    refused(made, "has no graph")


def test_a_model_without_an_opset():
    made = relu()
    del made.opset_import[:]
    refused(made, "imports no version")


def test_a_model_with_two_opsets():
    made = relu()
    made.opset_import.add(domain="ai.onnx", version=7)
    refused(made, "imports several versions")


def test_an_opset_that_does_not_exist():
    made = relu()
    made.opset_import[0].version = 0
    refused(made, "opset 0 does not exist")


def test_an_opset_from_the_future():
    made = relu()
    made.opset_import[0].version = LATEST_OPSET + 1
    error = refused(made, f"asks for opset {LATEST_OPSET + 1}", UnsupportedError)
    assert str(LATEST_OPSET) in error.hint

"""Elements of tensors: every type that trtlab has, and sizes that do not fit."""

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from trtlab.core.errors import ParseError, UnsupportedError
from trtlab.core.types import DataType
from trtlab.parser.tensors import array_of, data_type, type_name

ARRAYS = [
    np.array([[1.5, -2], [0, 7]], np.float32),
    np.array([1.5, -2], np.float16),
    np.array([1.5, -2], ml_dtypes.bfloat16),
    np.array([1, -2], np.int8),
    np.array([1, 200], np.uint8),
    np.array([1, -2], np.int32),
    np.array(1 << 40, np.int64),
    np.array([True, False]),
    np.array([1.5, -2], ml_dtypes.float8_e4m3fn),
    np.array([1, -2, 7], ml_dtypes.int4),
    np.array([1, -2, 6], ml_dtypes.float4_e2m1fn),
    np.zeros((0, 3), np.float32),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{list(a.shape)}")
def test_raw_elements(array):
    found = array_of(numpy_helper.from_array(array), None, "weight")
    assert found.dtype == array.dtype
    assert np.array_equal(found.astype(np.float64), array.astype(np.float64))


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{list(a.shape)}")
def test_listed_elements(array):
    code = helper.np_dtype_to_tensor_dtype(array.dtype)
    tensor = helper.make_tensor("w", code, array.shape, array.reshape(-1).astype(np.float64))
    found = array_of(tensor, None, "weight")
    assert found.dtype == array.dtype
    assert np.array_equal(found.astype(np.float64), array.astype(np.float64))


def test_double_becomes_float():
    found = array_of(numpy_helper.from_array(np.array([0.1, 2.0])), None, "weight")
    assert found.dtype == np.float32
    assert found[0] == np.float32(0.1)
    assert data_type(TensorProto.DOUBLE) is DataType.FLOAT


@pytest.mark.parametrize(
    "code", [TensorProto.STRING, TensorProto.UINT64, TensorProto.COMPLEX64, 99]
)
def test_other_types_are_refused(code):
    with pytest.raises(UnsupportedError, match=f"element type {type_name(code)} is not among"):
        data_type(code)


def raw(shape, nbytes, code=TensorProto.FLOAT):
    return onnx.TensorProto(dims=shape, data_type=code, raw_data=b"\0" * nbytes)


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (raw([2, 3], 20), r"FLOAT\[2, 3\] needs 24 bytes, but the file gives 20"),
        (raw([3], 1, TensorProto.INT4), r"INT4\[3\] needs 2 bytes, but the file gives 1"),
        (raw([1 << 20, 1 << 19], 8), "needs 2199023255552 bytes"),
        (raw([1 << 40, 1 << 40], 8), "would have .* elements"),
        (raw([-1, 4], 16), r"impossible shape \[-1, 4\]"),
        (raw([1] * 40, 4), "impossible shape"),
        (
            onnx.TensorProto(dims=[3], data_type=TensorProto.FLOAT, float_data=[1.0]),
            "needs 3 values, but the file gives 1",
        ),
        (onnx.TensorProto(dims=[3], data_type=TensorProto.FLOAT), "needs 3 values"),
        (
            onnx.TensorProto(dims=[1], data_type=TensorProto.FLOAT, int64_data=[1]),
            "weight cannot be read|needs 1 values",
        ),
    ],
)
def test_data_that_do_not_fit_the_shape(tensor, text):
    with pytest.raises(ParseError, match=text):
        array_of(tensor, None, "weight")

"""Dims, Permutation, Weights and enumerations."""

import enum
import json

import numpy as np
import pytest

import trtlab as trt


def test_dims_behave_as_a_sequence():
    dims = trt.Dims([1, 3, -1])
    assert dims == (1, 3, -1)
    assert (1, 3, -1) == dims  # noqa: SIM300 - both directions
    assert dims == [1, 3, -1]
    assert dims != (1, 3)
    assert len(dims) == 3
    assert dims[1:] == [3, -1]
    assert repr(dims) == "(1, 3, -1)"
    dims[2] = 4
    assert np.zeros(dims).shape == (1, 3, 4)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: trt.Dims("123"),
        lambda: trt.Dims([1.5]),
        lambda: trt.Dims([None]),
        lambda: trt.Dims(range(9)),
        lambda: trt.Dims(3),
        lambda: trt.Dims2(1),
        lambda: trt.Dims3((1, 2)),
        lambda: trt.Permutation((0, 0, 1)),
        lambda: trt.Permutation((1, 2)),
    ],
)
def test_dims_refuse_what_they_cannot_be(bad):
    with pytest.raises(trt.UsageError):
        bad()


def test_dims_of_fixed_length_take_one_argument_an_extent():
    assert trt.Dims2(2, 3) == (2, 3)
    assert trt.Dims4(1, 2, 3, 4) == trt.Dims4([1, 2, 3, 4])
    assert trt.DimsHW(5, 6).w == 6
    assert trt.Dims3() == (0, 0, 0)
    assert trt.Dims() == ()


def test_dims_take_numpy_integers_and_dims_hw_has_sides():
    size = trt.DimsHW(np.array([2, 5], np.int32))
    size.h += 1
    assert (size.h, size.w) == (3, 5)
    assert trt.Permutation((1, 0, 2)) == (1, 0, 2)


def test_weights_share_memory():
    array = np.arange(6, dtype=np.float16).reshape(2, 3)
    weights = trt.Weights(array)
    array[0, 0] = 7
    assert weights.numpy()[0, 0] == 7
    assert (weights.dtype, weights.size, weights.nbytes, len(weights)) == (
        trt.float16,
        6,
        12,
        6,
    )


def test_weights_from_an_address():
    array = np.arange(4, dtype=np.int32)
    weights = trt.Weights(trt.int32, array.ctypes.data, 4)
    np.testing.assert_array_equal(weights.numpy(), array)


def test_empty_weights_have_a_type():
    assert trt.Weights().size == 0
    assert trt.Weights(trt.int8).dtype is trt.int8


@pytest.mark.parametrize(
    "bad",
    [None, "abc", {}, [1, "a"], [[1], [2, 3]], np.array(["x"]), np.zeros(2, np.complex64)],
)
def test_weights_refuse_what_holds_no_numbers(bad):
    with pytest.raises(trt.UsageError):
        trt.Weights(bad)


def test_weights_refuse_senseless_addresses():
    with pytest.raises(trt.UsageError, match="make no sense"):
        trt.Weights(trt.float32, 0, 5)


def _enumerations():
    named = {name: getattr(trt, name) for name in dir(trt)} | {
        "Severity": trt.Logger.Severity,
        "ErrorCode": trt.ErrorCode,
    }
    return {n: e for n, e in named.items() if isinstance(e, type) and issubclass(e, enum.Enum)}


@pytest.mark.parametrize("kind", _enumerations().values(), ids=_enumerations())
def test_enumerations_print_their_names(kind):
    for member in kind:
        name = f"{kind.__name__}.{member.name}"
        assert (str(member), f"{member}", "%s" % member) == (name, name, name)  # noqa: UP031


def test_numbered_enumerations_are_numbers_otherwise():
    flag = trt.BuilderFlag.BF16
    assert 1 << flag == 1 << int(flag) == 131072
    assert flag == 17
    assert trt.Logger.ERROR < trt.Logger.WARNING
    assert "abc"[trt.Logger.WARNING] == "c"
    assert json.dumps({"flag": flag}) == '{"flag": 17}'
    assert (f"{flag:03d}", "%d" % flag) == ("017", "17")  # noqa: UP031

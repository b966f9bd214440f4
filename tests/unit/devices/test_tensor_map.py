"""What the driver is told of matrices, heads and windows; encoding itself needs a driver."""

import pytest

from trtlab.core.types import DataType
from trtlab.devices.cuda.libraries import driver
from trtlab.devices.cuda.tensor_map import HeadsMap, TensorMap, WindowMap

pytest.importorskip("cuda.bindings")
HALF = DataType.HALF


@pytest.fixture
def told(monkeypatch):
    """Arguments of the last encoding."""
    calls = {}

    def take(name):
        def encode(*arguments):
            plain = [[int(x) for x in a] if isinstance(a, list) else a for a in arguments]
            calls["name"], calls["arguments"] = name, plain
            return driver().CUresult.CUDA_SUCCESS, None

        return encode

    for name in ("cuTensorMapEncodeTiled", "cuTensorMapEncodeIm2col"):
        monkeypatch.setattr(driver(), name, take(name))
    return calls


def test_a_matrix(told):
    TensorMap(4096, HALF, rows=100, columns=72, pitch=80, box_rows=64).encoded()
    assert told["arguments"][1:7] == [2, 4096, [72, 100], [160], [64, 64], [1, 1]]


def test_heads_that_stand_side_by_side(told):
    heads = HeadsMap(4096, HALF, 197, 64, 2304, 64, heads=(12, 64), batches=(2, 197 * 2304))
    heads.encoded()
    assert told["arguments"][1:5] == [4, 4096, [64, 197, 12, 2], [4608, 128, 197 * 4608]]
    assert told["arguments"][5:7] == [[64, 64, 1, 1], [1, 1, 1, 1]]


@pytest.mark.parametrize(
    ("extent", "taps", "stride", "before", "after"),
    [(56, 3, 1, 1, 1), (56, 3, 2, 1, 1), (57, 3, 2, 1, 1), (14, 1, 2, 0, 0), (22, 3, 2, 0, 2)],
)
def test_the_windows_of_an_image_are_as_many_as_outputs(
    told, extent, taps, stride, before, after
):
    """The copy engine counts windows from the box that its first taps span."""
    outputs = (extent + before + after - taps) // stride + 1
    window = WindowMap(
        4096, HALF, (2, extent, extent, 64), (extent * extent * 64, extent * 64, 64),
        (-before, -before), ((outputs - 1) * stride - before,) * 2, (stride, stride), 128,
    )  # fmt: skip
    window.encoded()
    assert told["name"] == "cuTensorMapEncodeIm2col"
    _, rank, _, extents, steps, lower, upper, channels, rows, strides = told["arguments"][:10]
    assert (rank, extents) == (4, [64, extent, extent, 2])
    assert steps == [128, extent * 128, extent * extent * 128]
    assert (channels, rows, strides) == (64, 128, [1, stride, stride, 1])
    for low, high in zip(lower, upper, strict=True):
        assert len(range(low, extent + high, stride)) == outputs


def test_lines_come_after_pixels(told):
    WindowMap(
        4096, HALF, (1, 15, 22, 64), (15 * 22 * 64, 22 * 64, 64), (-1, 0), (11, 20), (1, 2), 64
    ).encoded()
    assert told["arguments"][3] == [64, 22, 15, 1]
    assert told["arguments"][5:7] == [[0, -1], [-1, -3]]
    assert told["arguments"][9] == [1, 2, 1, 1]

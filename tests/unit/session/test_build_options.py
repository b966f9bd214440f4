"""What a request asks of the builder, and how mistakes in it are answered."""

import pytest

import trtlab
from tests.support.tiny_models import mlp
from trtlab.core.errors import UsageError
from trtlab.core.types import DataType
from trtlab.session.requests import BuildRequest
from trtlab.session.sources import open_source
from trtlab.session.work import build_options


def options(**asked):
    return build_options(BuildRequest(source="", **asked), open_source(mlp()))


@pytest.mark.parametrize(
    ("name", "dtype", "tf32"),
    [
        ("fp32", DataType.FLOAT, False),
        ("FP16", DataType.HALF, False),
        ("bf16", DataType.BF16, False),
        ("TF32", DataType.FLOAT, True),
    ],
)
def test_precisions_by_name(name, dtype, tf32):
    built = options(device="cuda", precision=name)
    assert (built.precision, built.tf32) == (dtype, tf32)


def test_an_unknown_precision_is_answered_with_all_there_are():
    with pytest.raises(UsageError, match="unknown precision 'fp61'") as caught:
        trtlab.build(mlp(), precision="fp61")
    assert caught.value.hint == "use one of fp32, fp16, bf16, or tf32 on a GPU"


def test_the_cpu_refuses_tf32():
    with pytest.raises(UsageError, match="the CPU does not multiply in tf32") as caught:
        options(precision="tf32")
    assert caught.value.hint == "use fp32, or a GPU"


def test_layers_have_no_tf32_of_their_own():
    with pytest.raises(UsageError, match="layer 'fc' cannot have the precision 'tf32'") as no:
        options(device="cuda", layer_precisions={"fc": "tf32"})
    assert no.value.hint == "use one of fp32, fp16, bf16; tf32 is for whole builds"
    with pytest.raises(UsageError, match="layer 'fc' cannot have the precision 'int8'") as no:
        options(device="cuda", layer_precisions={"fc": "int8"})
    assert no.value.hint == "use one of fp32, fp16, bf16"


@pytest.mark.parametrize(
    ("device", "name"),
    [("cuda", "timing-cuda"), ("cuda:0", "timing-cuda"), ("cuda:1", "timing-cuda-1"),
     ("cuda:10", "timing-cuda-10"), ("cpu", "timing-cpu")],
)  # fmt: skip
def test_a_device_has_one_timing_cache_whatever_it_is_called(device, name):
    assert options(device=device).timing_cache.name == f"{name}.jsonl"

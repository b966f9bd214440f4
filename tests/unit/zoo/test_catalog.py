"""What the zoo says about itself."""

import itertools
import subprocess
import sys

import pytest

from trtlab import zoo
from trtlab.core.errors import UsageError

# Published counts: torchvision 0.21 for the CNNs and ViT, transformers for the others.
PARAMETERS = {
    "resnet50": 25_557_032,
    "mobilenet_v2": 3_504_872,
    "efficientnet_b0": 5_288_548,
    "bert_base": 109_482_240,
    "vit_b16": 86_567_656,
    "gpt2": 124_439_808,
    # Gates times (input, recurrence, two biases) for 2 layers of 512, then 61 classes.
    "lstm": 4 * 512 * (80 + 512 + 2) + 4 * 512 * (512 + 512 + 2) + 513 * 61,
}


def test_names_are_the_documented_models():
    assert set(zoo.names()) == {*PARAMETERS, "unet"}


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_parameters_equal_the_published_count(name, count):
    assert zoo.info(name).parameters == count


def test_unet_parameters_follow_from_the_paper_at_half_width():
    def conv(kernel, c, k):
        return kernel * kernel * c * k + k

    widths = [32, 64, 128, 256, 512]
    count = conv(3, 3, 32) + conv(3, 32, 32)
    for c, k in itertools.pairwise(widths):
        count += conv(3, c, k) + conv(3, k, k)  # down
        count += conv(2, k, c) + conv(3, k, c) + conv(3, c, c)  # up
    count += conv(1, 32, 2)
    assert zoo.info("unet").parameters == count


@pytest.mark.parametrize("name", zoo.names())
def test_info_is_complete_and_its_shapes_are_ordered(name):
    model = zoo.info(name)
    assert model.name == name
    assert all((model.title, model.task, model.source))
    assert model.description.endswith(".")
    for i in model.inputs:
        assert i.shape[0] == "batch"
        assert len(i.shape) == len(i.min_shape) == len(i.opt_shape) == len(i.max_shape)
        for dim, low, opt, high in zip(
            i.shape, i.min_shape, i.opt_shape, i.max_shape, strict=True
        ):
            assert 1 <= low <= opt <= high
            assert low == high == dim if isinstance(dim, int) else low < high
        assert (i.kind == "values") == (i.dtype == "float32")
        assert (i.kind == "ids") == (i.id_count > 0)


def test_an_unknown_name_lists_near_ones():
    with pytest.raises(UsageError, match="'resnet5O'") as caught:
        zoo.info("resnet5O")
    assert "resnet50" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        zoo.build("zzz")
    assert "gpt2" in caught.value.hint
    assert "unet" in caught.value.hint


def test_light_names_are_the_nine_topologies():
    assert len(zoo.light_names()) == 9
    assert "light_resnet50" in zoo.light_names()


def test_listing_the_zoo_does_not_import_onnx():
    code = """
import sys
from trtlab import zoo
lines = [f"{m.title} {m.parameters}" for m in map(zoo.info, zoo.names())]
assert len(lines) == 8 and zoo.light_names()
assert "onnx" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_the_package_offers_its_functions_and_refuses_others():
    assert {"build", "export", "light", "refill_weights"} <= set(dir(zoo))
    assert not hasattr(zoo, "download")

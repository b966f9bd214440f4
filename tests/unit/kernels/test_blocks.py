"""Strided convolutions over blocks of pixels: geometry, weights, what is declined."""

from dataclasses import replace

import numpy as np
import pytest
from cuda_cases_border import BORDER_CASES
from cuda_conformance import bound_kernels, in_type
from kernel_conformance import Case, Spec, assert_close

from trtlab.core.enums import PaddingMode
from trtlab.core.types import DataType
from trtlab.kernels.cuda import cudnn_blocks, cudnn_conv, patches
from trtlab.kernels.cuda.blocks import blocks_kernel, blocks_of, pack_blocks
from trtlab.layers.convolution import Convolution
from trtlab.layers.pointwise import Step
from trtlab.tactics.tactic import Rejection

HALF = DataType.HALF
IMAGES = [in_type(c, HALF) for c in BORDER_CASES if isinstance(c.op, Convolution)]


@pytest.fixture
def libraries(monkeypatch):
    """Both libraries as if they were installed; nothing of theirs is called."""
    monkeypatch.setattr(cudnn_conv, "available", lambda: True)
    monkeypatch.setattr(patches, "available", lambda: True)


def _problem(case):
    return case.problem(case.arrays(np.random.default_rng(0)))


def _copy(image, found):
    """The image in blocks, by NumPy: zeros around, then [N, rows, columns, C · high · wide]."""
    (high, wide), (above, left) = found.block, found.before
    whole = np.zeros(
        (found.batch, image.shape[1], found.rows * high, found.columns * wide), image.dtype
    )
    rows = min(image.shape[2], whole.shape[2] - above * high)
    columns = min(image.shape[3], whole.shape[3] - left * wide)
    inside = image[:, :, :rows, :columns]
    whole[:, :, above * high :, left * wide :][:, :, :rows, :columns] = inside
    split = whole.reshape(found.batch, -1, found.rows, high, found.columns, wide)
    blocks = split.transpose(0, 2, 4, 1, 3, 5).reshape(*_pixels(found), -1)
    missing = found.channels - blocks.shape[-1]
    return np.pad(blocks, ((0, 0), (0, 0), (0, 0), (0, missing)))


def _pixels(found):
    return found.batch, found.rows, found.columns


@pytest.mark.parametrize("case", IMAGES, ids=lambda c: c.name)
def test_a_dense_convolution_over_the_blocks_is_the_strided_one(case):
    problem, found = _problem(case), blocks_of(_problem(case))
    if isinstance(found, Rejection):
        assert case.op.stride_nd == ()
        return
    arrays = [
        None if a is None else a.astype(np.float64)
        for a in case.arrays(np.random.default_rng(0))
    ]
    over = cudnn_blocks._over(problem, found)
    image, kernel = over.inputs[:2]
    copy = _copy(arrays[0], found).transpose(0, 3, 1, 2)
    assert copy.shape == image.shape
    assert copy.size * 2 == found.nbytes
    packed = pack_blocks(problem, {1: arrays[1]})[1]
    maps, channels, down, right = kernel.shape
    weights = packed.reshape(maps, down, right, channels).transpose(0, 3, 1, 2)
    (result,) = over.op.evaluate([copy, weights, *arrays[2:]])
    assert_close(replace(case, rtol=1e-12, atol=1e-12), result, *case.op.evaluate(arrays))


def test_the_stem_of_a_residual_network_becomes_four_taps_on_sixteen_channels():
    options = {"stride_nd": (2, 2), "pre_padding": (3, 3), "post_padding": (3, 3)}
    inputs = (Spec((32, 3, 224, 224)), Spec((64, 3, 7, 7), HALF, constant=True))
    problem = _problem(Case("stem", Convolution(**options, rounds_data=True), inputs))
    found = blocks_of(problem)
    assert (found.taps, found.channels, found.block) == ((4, 4), 16, (2, 2))
    assert (found.rows, found.columns) == (115, 115)
    text = blocks_kernel(problem, found, "name", aligned=True).text
    assert "Vec<float, 2> s" in text
    assert "Vec<float, 1> s" in blocks_kernel(problem, found, "name", aligned=False).text


REFUSED = {
    "fp16 or bf16": (Convolution(stride_nd=(2, 2)), (1, 3, 8, 8), (8, 3, 3, 3), DataType.FLOAT),
    "blocks of pixels": (Convolution(stride_nd=(2, 1)), (1, 3, 8, 8), (8, 3, 3, 3), HALF),
    "the image's size": (
        Convolution(stride_nd=(2, 2), padding_mode=PaddingMode.SAME_UPPER),
        (1, 3, 8, 8), (8, 3, 3, 3), HALF,
    ),
    "less than eight": (Convolution(stride_nd=(2, 2)), (1, 8, 8, 8), (8, 8, 3, 3), HALF),
    "one group": (Convolution(stride_nd=(2, 2), num_groups=2), (1, 4, 8, 8), (8, 2, 3, 3), HALF),
    "more pixels": (Convolution(stride_nd=(40, 40)), (1, 3, 40, 40), (8, 3, 40, 40), HALF),
}  # fmt: skip


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_no_convolution_over_blocks_is_declined(reason):
    op, shape, kernel, kind = REFUSED[reason]
    inputs = (Spec(shape, kind), Spec(kernel, kind, constant=True))
    found = blocks_of(_problem(Case("refused", op, inputs)))
    assert isinstance(found, Rejection)
    assert reason in found.reason


def _patches(name):
    case = next(c for c in IMAGES if c.name == name)
    return _problem(case)


def test_patches_are_one_product(libraries):
    tactic, problem = patches.PatchesTactic(0), _patches("rounded-patches-hwc")
    assert tactic.check(problem) is None
    form = patches._over(problem, blocks_of(problem))
    assert form.sizes == (1, 2 * 2 * 3, 64, 768)
    assert tactic.workspace_bytes(problem) == 2 * 2 * 2 * 3 * 768
    assert len(bound_kernels(tactic, problem)) == 1  # the copy; the product is the library's


def test_patches_go_to_their_place_in_a_sequence_as_batches(libraries):
    problem = _patches("rounded-slot")
    assert patches.PatchesTactic(0).check(problem) is None
    form = patches._over(problem, blocks_of(problem))
    assert form.sizes == (2, 2 * 3, 64, 768)
    assert form.result.batch == (7 * 64,)


def test_what_the_product_does_not_fuse_follows_it(libraries):
    assert len(bound_kernels(patches.PatchesTactic(0), _patches("rounded-sum"))) == 2


@pytest.mark.parametrize(
    ("name", "reason"),
    [("rounded-stem-hwc", "windows overlap"), ("rounded-patches", "channels fastest")],
)
def test_other_convolutions_are_no_patches(libraries, name, reason):
    refused = patches.PatchesTactic(0).check(_patches(name))
    assert refused is not None
    assert reason in refused.reason


def test_a_program_over_one_value_a_map_is_declined(libraries):
    op = Convolution(stride_nd=(4, 4), epilogue=(Step("add", (0, 1)),))
    inputs = (
        Spec((1, 3, 8, 8), HALF), Spec((8, 3, 4, 4), HALF, constant=True), None,
        Spec((1, 8, 1, 1), HALF),
    )  # fmt: skip
    problem = _problem(Case("maps", op, inputs, (Spec((), hwc=True),)))
    assert patches.PatchesTactic(0).check(problem) is not None

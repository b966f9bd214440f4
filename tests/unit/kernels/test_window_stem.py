"""Convolutions straight from the image: the tensor cores' fragments, played with NumPy."""

import re

import numpy as np
import pytest
from cuda_cases_border import BORDER_CASES
from cuda_conformance import in_type
from kernel_conformance import Case, Spec

from trtlab.core.types import DataType
from trtlab.kernels.cuda.window_stem import WindowStemTactic, window_of
from trtlab.kernels.cuda.window_stem_text import lanes_row
from trtlab.layers.convolution import Convolution
from trtlab.tactics.tactic import Rejection

HALF = DataType.HALF
IMAGES = [in_type(c, HALF) for c in BORDER_CASES if isinstance(c.op, Convolution)]
TAKEN = [c for c in IMAGES if c.name.endswith("-hwc")]
LANE = np.arange(32)


def _problem(case):
    return case.problem(case.arrays(np.random.default_rng(0)))


def _shared_image(image, found, p0, q0):
    """What a block brings: [channels, lines, pitch, 2]."""
    shared = np.zeros((found.channels, found.lines, found.pitch, 2))
    for c, r, w, e in np.ndindex(shared.shape):
        i, j = p0 * found.down + r - found.top, 2 * (q0 + w) - found.left + e
        if 0 <= i < image.shape[1] and 0 <= j < image.shape[2]:
            shared[c, r, w, e] = image[c, i, j]
    return shared.reshape(-1, 2)


def _rows(found, step, half):
    """The row that each lane reads, out of the kernel's own text."""
    text = lanes_row(found, step, half)
    choices = re.findall(r"== (\d+) \? (\d+)", text)
    last = int(re.findall(r"\d+$", text)[0])
    which = LANE % 4 // found.pairs
    rows = np.full(32, last)
    for number, place in choices:
        rows[which == int(number)] = int(place)
    return rows


def _tile(found, shared, weights, tile):
    """Sums [16 results, maps] of one tile, as the tensor cores add them up."""
    base = tile // found.wide * found.down * found.pitch + tile % found.wide * 16
    sums = np.zeros((16, found.maps))
    g, quarter, tiles = LANE // 4, LANE % 4, found.maps // 8
    for step in range(found.steps):
        a, b = np.zeros((16, 16)), np.zeros((16, tiles, 8))
        for half in range(2):
            word = base + g + LANE % found.pairs + _rows(found, step, half)
            for e in range(2):
                k = half * 8 + quarter * 2 + e
                a[g, k], a[g + 8, k] = shared[word, e], shared[word + 8, e]
                for n in range(tiles):
                    b[k, n, g] = weights[step, n // 2, LANE, n % 2, half, e]
        products = np.einsum("mk,ktn->mtn", a, b)
        for n, column in np.ndindex(tiles, 8):
            place = n // 4 * 32 + column // 2 * 8 + n % 4 * 2 + column % 2
            sums[:, place] += products[:, n, column]
    return sums


@pytest.mark.parametrize("case", TAKEN, ids=lambda c: c.name)
def test_fragments_add_up_to_the_convolution(case):
    problem, tactic = _problem(case), WindowStemTactic(2, 1, 2)
    found = window_of(problem, 2, 1)
    if isinstance(found, Rejection):
        assert tactic.check(problem) is not None
        assert case.op.stride_nd[-1:] != (2,)
        return
    assert tactic.check(problem) is None
    image, kernel, _ = (a.astype(np.float64) for a in case.arrays(np.random.default_rng(0)))
    packed = tactic.pack(problem, {1: kernel})[1]
    packed = packed.reshape(-1, found.steps, found.maps // 16, 32, 2, 2, 2)
    bare = Convolution(**{k: v for k, v in vars(case.op).items() if k != "epilogue"})
    (expected,) = bare.evaluate([image, kernel, None])
    maps, rows, columns = expected.shape[1:]
    shared = _shared_image(image[-1], found, p0=2, q0=0)
    for tile in (0, found.wide, 2 * found.wide - 1):
        sums = _tile(found, shared, packed[0], tile)
        p, q = 2 + tile // found.wide, tile % found.wide * 16
        inside = min(16, columns - q)
        if p < rows:
            wanted = expected[-1, :, p, q : q + inside].T
            np.testing.assert_allclose(sums[:inside, :maps], wanted, atol=1e-12)


def test_the_stem_of_a_residual_network_needs_eleven_steps():
    options = {"stride_nd": (2, 2), "pre_padding": (3, 3), "post_padding": (3, 3)}
    inputs = (Spec((32, 3, 224, 224)), Spec((64, 3, 7, 7), HALF, constant=True))
    case = Case(
        "stem", Convolution(**options, rounds_data=True), inputs, (Spec((), hwc=True),)
    )
    found = window_of(_problem(case), 4, 2)
    assert (found.steps, found.pairs, found.wide, found.warps) == (11, 4, 7, 14)
    assert found.shared_bytes == 11 * 64 * 32 + 2 * 4 * 3 * 13 * 115


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("rounded-stem", "runs of eight channels"),
        ("rounded-stem-four-hwc", "two columns"),
        ("rounded-stem-dense-hwc", "two columns"),
    ],
)
def test_others_are_declined(case, reason):
    problem = _problem(next(c for c in IMAGES if c.name == case))
    refused = WindowStemTactic(2, 2, 2).check(problem)
    assert refused is not None
    assert reason in refused.reason


def test_windows_that_need_too_much_are_declined():
    for size, reason in ((9, "wider than eight"), (7, "too large")):
        op = Convolution(stride_nd=(2, 2))
        rows = 50 if size == 7 else size
        inputs = (Spec((1, 7, 64, 200), HALF), Spec((64, 7, rows, size), HALF, constant=True))
        found = window_of(_problem(Case("large", op, inputs)), 4, 2)
        assert isinstance(found, Rejection)
        assert reason in found.reason

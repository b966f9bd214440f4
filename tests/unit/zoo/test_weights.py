"""Distributions: spread, centring, types, and the gains' definition."""

import math

import numpy as np
import pytest

from trtlab.zoo import weights
from trtlab.zoo.weights import Normal, Uniform, fan_in_normal, generator


def test_normal_has_its_mean_and_spread_in_float32():
    values = Normal(0.5, mean=2.0).draw(generator(0), (200, 300))
    assert values.dtype == np.float32
    assert values.mean() == pytest.approx(2.0, abs=0.01)
    assert values.std() == pytest.approx(0.5, rel=0.01)


def test_centred_filters_have_no_mean():
    values = Normal(0.5, centred_axes=(1,)).draw(generator(0), (20, 64))
    np.testing.assert_allclose(values.mean(axis=1), 0, atol=1e-6)
    assert values.std() == pytest.approx(0.5, rel=0.1)


def test_half_centred_filters_keep_half_of_their_mean():
    plain = Normal(0.5).draw(generator(0), (20, 64))
    values = Normal(0.5, centred_axes=(1,), centring=0.5).draw(generator(0), (20, 64))
    np.testing.assert_allclose(values.mean(axis=1), plain.mean(axis=1) / 2, atol=1e-6)


def test_uniform_stays_in_its_interval():
    values = Uniform(0.7, 1.4).draw(generator(0), (5000,))
    assert values.dtype == np.float32
    assert 0.7 <= values.min() < 0.71
    assert 1.39 < values.max() <= 1.4


def test_small_filters_are_not_centred():
    assert fan_in_normal(9, 1.0, (1, 2, 3)) == Normal(1 / 3)
    assert fan_in_normal(64, 2.0, (1,)) == Normal(0.25, centred_axes=(1,))
    assert fan_in_normal(64, 2.0, (1,), centring=weights.NOT_CENTRED) == Normal(
        0.25, centring=0.0
    )


def relu(z):
    return np.maximum(z, 0)


def silu(z):
    return z / (1 + np.exp(-z))


def gelu(z):
    return 0.5 * z * (1 + np.vectorize(math.erf)(z / math.sqrt(2)))


@pytest.mark.parametrize(
    ("gain", "activation"),
    [
        (weights.GAIN_RELU, relu),
        (weights.GAIN_SILU, silu),
        (weights.GAIN_GELU, gelu),
    ],
)
def test_a_gain_restores_unit_spread(gain, activation):
    z = np.linspace(-9, 9, 20001)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    f = activation(z)
    mean = (f * density).sum()
    assert gain**2 * ((f - mean) ** 2 * density).sum() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize(
    ("gain", "activation"),
    [(weights.GAIN_RELU_HALF_CENTRED, relu), (weights.GAIN_SILU_HALF_CENTRED, silu)],
)
def test_a_half_centred_gain_counts_a_quarter_of_the_squared_mean(gain, activation):
    z = np.linspace(-9, 9, 20001)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    mean = (activation(z) * density).sum()
    spread = ((activation(z) - mean) ** 2 * density).sum()
    assert gain**2 * (spread + mean**2 / 4) == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize(
    ("gain", "activation"),
    [(weights.GAIN_RELU_UNCENTRED, relu), (weights.GAIN_SILU_UNCENTRED, silu)],
)
def test_an_uncentred_gain_restores_the_second_moment(gain, activation):
    z = np.linspace(-9, 9, 20001)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    assert gain**2 * (activation(z) ** 2 * density).sum() == pytest.approx(1, rel=1e-4)

"""Seeded weights whose activations stay in range, layer after layer.

Dense filters are drawn He-scaled (variance gain² / fan-in) and centred: each filter's mean
is taken away, so that the positive mean which a ReLU leaves behind cannot pile up and
drown the input's own signal, as it does in deep networks with plain random weights.

Networks without norms keep half of each mean. Wholly centred they would be chaotic: each layer
would magnify relative errors by 1.2, and two correct programs would disagree about VGG-19.

Source: He et al. 2015, arXiv:1502.01852 (variance); Brock et al. 2021, arXiv:2101.08692
(centring, and gains for centred filters); Poole et al. 2016, arXiv:1606.05340 (chaos).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float32]

# 1 / std(f(z)) for z ~ N(0, 1), by numerical integration; ReLU's is sqrt(2 / (1 - 1/pi)).
GAIN_LINEAR = 1.0
GAIN_RELU = 1.71286
GAIN_SILU = 1.78719
GAIN_GELU = 1.70093
# With half of the means kept, in networks without norms: 1 / sqrt(Var f(z) + E[f(z)]² / 4).
HALF_CENTRED = 0.5
GAIN_RELU_HALF_CENTRED = 1.62086
# Filters too small to centre (depthwise) see the activation's mean too: 1 / sqrt(E[f(z)²]).
GAIN_RELU_UNCENTRED = math.sqrt(2.0)
GAIN_SILU_UNCENTRED = 1.67653
# A gate sigmoid(z) is about one half; the filters behind it make up for that.
GATE_GAIN = 2.0

SMALLEST_CENTRED_FAN_IN = 16


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal values around ``mean``.

    Attributes:
        std: Standard deviation.
        mean: Mean.
        centred_axes: Axes along which the drawn mean is taken away; empty for none.
        centring: Share of it that is taken away.
    """

    std: float
    mean: float = 0.0
    centred_axes: tuple[int, ...] = ()
    centring: float = 1.0

    def draw(self, rng: np.random.Generator, shape: Sequence[int]) -> FloatArray:
        """Draw a float32 array of ``shape``."""
        values = rng.standard_normal(tuple(shape), dtype=np.float32)
        if self.centred_axes:
            means = values.mean(axis=self.centred_axes, keepdims=True)
            values -= np.float32(self.centring) * means
        values *= np.float32(self.std)
        if self.mean:
            values += np.float32(self.mean)
        return values


@dataclass(frozen=True, slots=True)
class Uniform:
    """Uniform values in [``low``, ``high``)."""

    low: float
    high: float

    def draw(self, rng: np.random.Generator, shape: Sequence[int]) -> FloatArray:
        """Draw a float32 array of ``shape``."""
        values = rng.random(tuple(shape), dtype=np.float32)
        values *= np.float32(self.high - self.low)
        values += np.float32(self.low)
        return values


Fill: TypeAlias = Normal | Uniform

BIAS = Normal(0.05)
NORM_SCALE = Uniform(0.8, 1.2)
# The norm that ends a residual branch: a smaller scale keeps the sum of many branches
# from growing by a power of two per block.
NORM_SCALE_RESIDUAL = Uniform(0.3, 0.6)
# Two norms added to each other, as in a block with a projected shortcut.
NORM_SCALE_SUMMED = Uniform(0.6, 0.8)
BN_BIAS = Normal(0.1)
BN_MEAN = Normal(0.1)
# E[1 / variance] is 0.99, so that the norm keeps its input's spread on average.
BN_VARIANCE = Uniform(0.7, 1.4)


def fan_in_normal(
    fan_in: int, gain: float, reduced_axes: tuple[int, ...], *, centring: float = 1.0
) -> Normal:
    """Distribution of a filter bank.

    Args:
        fan_in: Products summed into one output element.
        gain: Factor on the standard deviation, for what the activation before took away.
        reduced_axes: Axes of the weight that one output element sums over.
        centring: Share of each filter's mean that is taken away.

    Returns:
        N(0, (gain² / fan_in)), centred unless the filters are too small for it.
    """
    axes = reduced_axes if fan_in >= SMALLEST_CENTRED_FAN_IN else ()
    return Normal(gain / math.sqrt(fan_in), centred_axes=axes, centring=centring)


def generator(seed: int) -> np.random.Generator:
    """The one stream of random numbers that a model's weights or inputs come from."""
    return np.random.Generator(np.random.PCG64(seed))

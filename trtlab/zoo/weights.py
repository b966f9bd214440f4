"""Seeded weights whose activations stay in range, layer after layer.

Dense filters are drawn He-scaled (variance gain² / fan-in). Two dangers lie on either side.
Plain random filters let the positive mean that a ReLU leaves behind pile up, until it drowns
the input's own signal. Centred filters (each one's mean taken away) are chaotic behind a ReLU:
every layer magnifies relative errors by 1.2, so that after thirty layers rounding to FP16
moves the outputs by percents, which it does not in trained networks. Hence:

* deep ReLU networks with norms keep half of each mean (the zoo's two with thin linear
  bottlenecks, which are not chaotic, none of it);
* networks without norms keep all of it, as He et al. drew VGG's and U-Net's authors theirs;
* the branches of residual networks add little to what they are added to. Training begins
  and ends there: their last norms start at zero, and normalization biases blocks to identity.

Source: He et al. 2015, arXiv:1502.01852 (variance); Brock et al. 2021, arXiv:2101.08692
(centring, and gains for centred filters); Poole et al. 2016, arXiv:1606.05340 (chaos); Goyal
et al. 2017, arXiv:1706.02677, section 5.1, and De and Smith 2020, arXiv:2002.10444 (branches).
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
# With half of the means kept: 1 / sqrt(Var f(z) + E[f(z)]² / 4).
HALF_CENTRED = 0.5
GAIN_RELU_HALF_CENTRED = 1.62086
GAIN_SILU_HALF_CENTRED = 1.75748
# Filters that are not centred see the activation's whole mean: 1 / sqrt(E[f(z)²]).
NOT_CENTRED = 0.0
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
# The norm that ends a residual branch, see above.
NORM_SCALE_RESIDUAL = Uniform(0.1, 0.3)
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
        N(0, gain² / fan_in), centred unless the filters are too small for it.
    """
    axes = reduced_axes if centring and fan_in >= SMALLEST_CENTRED_FAN_IN else ()
    return Normal(gain / math.sqrt(fan_in), centred_axes=axes, centring=centring)


def generator(seed: int) -> np.random.Generator:
    """The one stream of random numbers that a model's weights or inputs come from."""
    return np.random.Generator(np.random.PCG64(seed))

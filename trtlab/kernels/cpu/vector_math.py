# ruff: noqa: ARG001  (values of untyped libraries; declarations without bodies)
"""Elementary functions of float32 vectors: as formulas, and as operations for kernels.

Errors are relative and were measured against float64 on dense samples of the stated domain
(``tests/unit/kernels/test_vector_math.py``). Polynomials are minimax fits made for this
module (Remez exchange; for tanh weighted least squares), coefficients rounded to float32.
NaN goes in, NaN comes out.
"""

from trtlab.devices.cpu.operation import VECTOR, KernelOnly, Vector, operation
from trtlab.kernels.cpu.expression import Lanes, formula

_LOG2_E = 1.4426950408889634
# ln 2 in two parts; the first has trailing zero bits, so that n times it is exact.
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4
_ROUNDER = 1.5 * 2**23
_LARGEST = 88.72283
_SMALLEST = -87.33654  # below, exp would be subnormal: flushed to zero
_FAR = 1e6  # beyond, three parts of π/2 and a float32 count of quarter turns do not do


def absolute(x: Lanes) -> Lanes:
    """|x|."""
    return x.intrinsic("fabs")


def square_root(x: Lanes) -> Lanes:
    """√x, correctly rounded."""
    return x.intrinsic("sqrt")


def _split(x: Lanes) -> tuple[Lanes, Lanes]:
    """X = n ln 2 + r with whole n and |r| ≤ ½ ln 2; returns n + _ROUNDER and r.

    Adding the large constant rounds to a whole number and leaves n in the lowest bits.
    """
    shifted = x.fma(_LOG2_E, _ROUNDER)
    n = shifted - _ROUNDER
    return shifted, n.fma(-_LN2_LOW, n.fma(-_LN2_HIGH, x))


def exp_bounded(x: Lanes) -> Lanes:
    """exp(x) for x ≤ 88.72; error ≤ 2e-7. Below −87.3 the result is 0."""
    shifted, r = _split(x.at_least(_SMALLEST))
    grown = r.polynomial(
        0.0083747246745, 0.0418987385929, 0.1666645705700, 0.4999914467335, 1.0, 1.0
    )
    return (x < _SMALLEST).choose(0.0, grown.times_power_of_two(shifted))


def exp(x: Lanes) -> Lanes:
    """The exponential; error ≤ 2e-7. Above 88.72 infinity; below −87.3 zero."""
    return (x > _LARGEST).choose(float("inf"), exp_bounded(x.at_most(_LARGEST)))


def expm1(x: Lanes) -> Lanes:
    """exp(x) − 1; error ≤ 3e-7, also close to zero. Beyond ±87 the bound's value."""
    shifted, r = _split(x.at_least(-87.0).at_most(87.0))
    tail = r.polynomial(
        0.0013946450781, 0.0083665838465, 0.0416662804782, 0.1666654348373, 0.5
    )  # (exp(r) − 1 − r) / r²
    scale = x.constant(1.0).times_power_of_two(shifted)
    return scale.fma((r * r).fma(tail, r), scale - 1.0)


def log(x: Lanes) -> Lanes:
    """Natural logarithm; error ≤ 2e-7 (1e-7 absolute close to 1).

    Zero and subnormal numbers give −infinity, negative numbers NaN.
    """
    smallest = 1.1754944e-38
    held = x.at_least(smallest)
    e, m = held.exponent(), held.mantissa()
    big = m > 1.4142135
    e, m = big.choose(e + 1.0, e), big.choose(m * 0.5, m)
    f = m - 1.0
    p = f.polynomial(
        *(-0.0785961822, 0.1288165003, -0.1312875301, 0.1418119222),
        *(-0.1662455350, 0.2000228614, -0.2500081062, 0.3333331645),
    )  # (log(1+f) − f + f²/2) / f³
    square = f * f
    tail = square.fma(-0.5, e.fma(_LN2_LOW, f * square * p))
    result = e.fma(_LN2_HIGH, f + tail)
    result = (x > 3.4028234e38).choose(x, result)
    result = (x < smallest).choose(float("-inf"), result)
    return x.compare(">=", 0.0).choose(result, float("nan"))


def sigmoid(x: Lanes) -> Lanes:
    """1 / (1 + exp(−x)); error ≤ 3e-7 for x ≥ −87, below it stays at 6e-39."""
    return 1.0 / (exp_bounded((-x).at_most(88.0)) + 1.0)


def tanh(x: Lanes) -> Lanes:
    """Hyperbolic tangent; error ≤ 4e-7, so that 1 may be exceeded by one place."""
    held = x.at_least(-9.0).at_most(9.0)
    u = held * held
    above = u.polynomial(
        *(1.3354535112e-8, 2.0609001204e-5, 0.0034955836013, 0.1338102194519, 0.9999999794516)
    )
    below = u.polynomial(
        *(7.7765096026e-7, 3.2856271420e-4, 0.0258769653540, 0.4671433753851, 1.0)
    )
    return held * above / below


def erf(x: Lanes) -> Lanes:
    """Error function; error ≤ 4e-7."""
    size = absolute(x).at_most(4.0)
    inner = size * (size * size).polynomial(
        *(7.8538614616e-5, -8.0101937056e-4, 0.0051883277483, -0.0268538128585),
        *(0.1128358542919, -0.3761262595654, 1.1283791065216),
    )
    outer = 1.0 - exp_bounded(
        size.polynomial(
            *(1.8557398289e-4, -0.0029396070167, 0.0218053180724, -0.1030373647809),
            *(-0.6382256746292, -1.1270400285721, -3.537197772e-4),
        )  # log erfc
    )
    return (size > 1.0).choose(outer, inner).intrinsic("copysign", x)


def gelu(x: Lanes) -> Lanes:
    """x·Φ(x), the exact GELU; error ≤ 1e-6 for x ≥ −3, below it 3e-8 absolute."""
    t = absolute(x).at_most(5.6)
    log_phi = t.polynomial(
        *(3.056997127e-7, -5.933294688e-6, 4.805258504e-5, -1.855098692e-4),
        *(-8.986928150e-6, 0.0048227249645, -0.0363545529544, -0.3183056414127),
        *(-0.7978849411011, -0.6931471824646),
    )  # log Φ(−t)
    below = (t < 5.6).choose(exp_bounded(log_phi), 0.0)
    return x * (x < 0.0).choose(below, 1.0 - below)


def gelu_tanh(x: Lanes) -> Lanes:
    """GELU by its tanh approximation, which is x·sigmoid(2·inner); error ≤ 1e-6 for x ≥ −3."""
    doubled = x * (x * x).fma(0.0713548162726, 1.5957691216057)
    return x * sigmoid(doubled)


def softplus(x: Lanes) -> Lanes:
    """log(1 + exp(x)); error ≤ 5e-7 for x ≥ −15, below it 1e-7 absolute."""
    e = exp_bounded(-absolute(x))
    rounded = e + 1.0
    lost = e - (rounded - 1.0)
    return x.at_least(0.0) + log(rounded) + lost / rounded


def _sine_shifted(x: Lanes, quarter: float, exact: str) -> Lanes:
    """sin(x + quarter·π/2), where |x| is beyond `_FAR` by the C library's ``exact``.

    The library reduces with as many digits of π as the number needs (Payne and Hanek).
    """
    shifted = x.fma(0.6366197723675814, _ROUNDER)  # leaves n, whole, in the lowest bits
    n = shifted - _ROUNDER
    r = n.fma(-1.5707963705062866, x)  # π/2 in three parts
    r = n.fma(1.7151245100058819e-15, n.fma(4.371139000186241e-08, r))
    u = r * r
    sine = (r * u).fma(
        u.polynomial(2.718304131e-6, -1.983933470e-4, 0.0083333291111, -0.1666666716337), r
    )
    cosine = (u * u).fma(
        u.polynomial(2.443837911e-5, -0.0013887366513, 0.0416666455567), u.fma(-0.5, 1.0)
    )
    turn = shifted + quarter
    value = turn.bit(0).choose(cosine, sine)
    near = turn.bit(1).choose(-value, value)
    return (absolute(x) > _FAR).choose_rarely(lambda: x.by_element(exact), near)


def sin(x: Lanes) -> Lanes:
    """Sine of any finite number; error ≤ 1.6 units of the last place, ≤ 1e-7. ±∞: NaN."""
    return _sine_shifted(x, 0.0, "sinf")


def cos(x: Lanes) -> Lanes:
    """Cosine of any finite number; error ≤ 1.6 units of the last place, ≤ 1e-7. ±∞: NaN."""
    return _sine_shifted(x, 1.0, "cosf")


@operation(VECTOR, (VECTOR,), formula(exp_bounded))
def vexp_bounded(x: Vector) -> Vector:
    """exp(x) for x ≤ 88; below −87.3 it is 0."""
    raise KernelOnly


@operation(VECTOR, (VECTOR,), formula(log))
def vlog(x: Vector) -> Vector:
    """Natural logarithm."""
    raise KernelOnly


@operation(VECTOR, (VECTOR,), formula(sigmoid))
def vsigmoid(x: Vector) -> Vector:
    """1 / (1 + exp(−x))."""
    raise KernelOnly


@operation(VECTOR, (VECTOR,), formula(tanh))
def vtanh(x: Vector) -> Vector:
    """Hyperbolic tangent."""
    raise KernelOnly

"""Cases of functions that work element by element."""

import ml_dtypes
import numpy as np
from layer_cases import Case, normal
from onnx_node import run_node

from trtlab.core.enums import (
    ActivationType,
    ElementWiseOperation,
    ScaleMode,
    UnaryOperation,
)
from trtlab.core.types import DataType, TensorFormat
from trtlab.layers.activation import Activation, ParametricReLU, Unary
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.fused import Reformat
from trtlab.layers.pointwise import Pointwise, Step
from trtlab.layers.scale import Cast, Identity, Scale

_A, _U, _E = ActivationType, UnaryOperation, ElementWiseOperation
_X = (normal(3, 4, seed=1) * 3).astype(np.float32)

_ACTIVATIONS = {
    _A.RELU: ("Relu", {}, (0, 0)),
    _A.SIGMOID: ("Sigmoid", {}, (0, 0)),
    _A.TANH: ("Tanh", {}, (0, 0)),
    _A.LEAKY_RELU: ("LeakyRelu", {"alpha": 0.2}, (0.2, 0)),
    _A.ELU: ("Elu", {"alpha": 0.7}, (0.7, 0)),
    _A.SELU: ("Selu", {"alpha": 1.5, "gamma": 1.1}, (1.5, 1.1)),
    _A.SOFTSIGN: ("Softsign", {}, (0, 0)),
    _A.SOFTPLUS: ("Softplus", {}, (1, 1)),
    _A.HARD_SIGMOID: ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}, (0.3, 0.4)),
    _A.THRESHOLDED_RELU: ("ThresholdedRelu", {"alpha": 0.5}, (0.5, 0)),
    _A.GELU_ERF: ("Gelu", {"approximate": "none"}, (0, 0)),
    _A.GELU_TANH: ("Gelu", {"approximate": "tanh"}, (0, 0)),
}
ACTIVATIONS = [
    *(
        Case(
            kind.value,
            Activation(kind, *params),
            (_X,),
            lambda node=node, attributes=attributes: run_node(node, (_X,), **attributes),
        )
        for kind, (node, attributes, params) in _ACTIVATIONS.items()
    ),
    Case("clip", Activation(_A.CLIP, -1.5, 2.0), (_X,), lambda: [np.clip(_X, -1.5, 2.0)]),
    Case(
        "scaled_tanh",
        Activation(_A.SCALED_TANH, 1.7, 0.6),
        (_X,),
        lambda: [1.7 * np.tanh(0.6 * _X)],
    ),
    Case(
        "softplus_scaled",
        Activation(_A.SOFTPLUS, 1.7, 0.6),
        (_X,),
        lambda: [1.7 * np.log1p(np.exp(0.6 * _X))],
    ),
]

_INSIDE = np.clip(_X / 10, -0.9, 0.9)  # in the domain of the inverse functions
_UNARY = {
    _U.EXP: ("Exp", _X),
    _U.LOG: ("Log", np.abs(_X)),
    _U.SQRT: ("Sqrt", np.abs(_X)),
    _U.RECIP: ("Reciprocal", _X),
    _U.ABS: ("Abs", _X),
    _U.NEG: ("Neg", _X),
    _U.SIN: ("Sin", _X),
    _U.COS: ("Cos", _X),
    _U.TAN: ("Tan", _INSIDE),
    _U.SINH: ("Sinh", _X),
    _U.COSH: ("Cosh", _X),
    _U.ASIN: ("Asin", _INSIDE),
    _U.ACOS: ("Acos", _INSIDE),
    _U.ATAN: ("Atan", _X),
    _U.ASINH: ("Asinh", _X),
    _U.ACOSH: ("Acosh", np.abs(_X) + 1),
    _U.ATANH: ("Atanh", _INSIDE),
    _U.CEIL: ("Ceil", _X),
    _U.FLOOR: ("Floor", _X),
    _U.ERF: ("Erf", _X),
    _U.NOT: ("Not", _X > 0),
    _U.SIGN: ("Sign", np.round(_X)),
    _U.ROUND: ("Round", np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.7], np.float32)),
    _U.ISINF: ("IsInf", np.array([1, np.inf, -np.inf, np.nan], np.float32)),
    _U.ISNAN: ("IsNaN", np.array([1, np.inf, -np.inf, np.nan], np.float32)),
}
UNARIES = [
    Case(op.value, Unary(op), (x,), lambda node=node, x=x: run_node(node, (x,)))
    for op, (node, x) in _UNARY.items()
]

_INTEGERS = np.array([[7, -7, 9], [-9, 5, -1]], np.int32)
_DIVISORS = np.array([[2, 2, -4], [-4, 3, 5]], np.int32)
_TRUTHS = (np.array([[True, False]]), np.array([[True], [False]]))
_PAIR = (normal(3, 1, 4), normal(2, 1))
_ARITHMETIC = {
    _E.SUM: ("Add", _PAIR),
    _E.PROD: ("Mul", _PAIR),
    _E.MAX: ("Max", _PAIR),
    _E.MIN: ("Min", _PAIR),
    _E.SUB: ("Sub", _PAIR),
    _E.DIV: ("Div", _PAIR),
    _E.POW: ("Pow", (np.abs(_PAIR[0]), _PAIR[1])),
    _E.AND: ("And", _TRUTHS),
    _E.OR: ("Or", _TRUTHS),
    _E.XOR: ("Xor", _TRUTHS),
    _E.EQUAL: ("Equal", (_INTEGERS, _INTEGERS[:1])),
    _E.GREATER: ("Greater", _PAIR),
    _E.LESS: ("Less", _PAIR),
}
ELEMENTWISES = [
    *(
        Case(op.value, ElementWise(op), pair, lambda n=node, p=pair: run_node(n, p))
        for op, (node, pair) in _ARITHMETIC.items()
    ),
    Case(
        "div_integers",
        ElementWise(_E.DIV),
        (_INTEGERS, _DIVISORS),
        lambda: run_node("Div", (_INTEGERS, _DIVISORS)),
    ),
    Case(
        "pow_integers",
        ElementWise(_E.POW),
        (_INTEGERS, np.abs(_DIVISORS)),
        lambda: run_node("Pow", (_INTEGERS, np.abs(_DIVISORS))),
    ),
    Case(
        "floor_div_integers",
        ElementWise(_E.FLOOR_DIV),
        (_INTEGERS, _DIVISORS),
        lambda: [_INTEGERS // _DIVISORS],
    ),
    Case(
        "floor_div", ElementWise(_E.FLOOR_DIV), _PAIR, lambda: [np.floor(_PAIR[0] / _PAIR[1])]
    ),
]


def _scale(name, mode, shapes, spread, axis=1):
    x = np.abs(normal(2, 3, 4)) + 0.5
    weights = tuple(
        None if s is None else np.abs(normal(*s, seed=i)) for i, s in enumerate(shapes)
    )

    def reference():
        shift, scale, power = (None if w is None else w.reshape(spread) for w in weights)
        y = x if scale is None else x * scale
        y = y if shift is None else y + shift
        return [y if power is None else y**power]

    return Case(name, Scale(mode, axis), (x, *weights), reference)


SCALES = [
    _scale("uniform", ScaleMode.UNIFORM, ((), (1,), ()), ()),
    _scale("channel", ScaleMode.CHANNEL, ((3,), (3,), (3,)), (3, 1)),
    _scale("channel_scale_only", ScaleMode.CHANNEL, (None, (4,), None), (4,), 2),
    _scale("elementwise", ScaleMode.ELEMENTWISE, ((3, 4), (3, 4), None), (3, 4)),
]

_FLOATS = np.array([[-2.7, 0.0, 0.4], [2.5, 300.0, -1.0]], np.float32)
_CASTS = (DataType.HALF, DataType.INT32, DataType.INT64, DataType.BOOL, DataType.BF16)
CASTS = [
    *(
        Case(f"to_{to.value}", Cast(to), (_FLOATS,), lambda to=to: [_FLOATS.astype(to.numpy)])
        for to in _CASTS
    ),
    Case(
        "saturating_fp8",
        Cast(DataType.FP8),
        (np.array([6e4, -6e4, 3.3], np.float32),),
        lambda: [np.array([448, -448, 3.25], ml_dtypes.float8_e4m3fn)],
    ),
    Case("integers", Cast(), (_INTEGERS,), lambda: [_INTEGERS.astype(np.float32)]),
    Case("same", Identity(), (_X,), lambda: [_X]),
    Case("typed", Identity(DataType.HALF), (_X,), lambda: [_X.astype(np.float16)]),
    Case("same", Reformat(TensorFormat.HWC), (_X,), lambda: [_X]),
    Case(
        "typed",
        Reformat(TensorFormat.CHW4, DataType.INT32),
        (_FLOATS,),
        lambda: [np.array([[-2, 0, 0], [2, 300, -1]], np.int32)],
    ),
]

_SLOPES = np.abs(normal(4))
OTHERS = [
    Case(
        "channels",
        ParametricReLU(),
        (_X, _SLOPES),
        lambda: run_node("PRelu", (_X, _SLOPES)),
    ),
    Case(
        "broadcast",
        Select(),
        (_TRUTHS[1], normal(2, 3), normal(3)),
        lambda: run_node("Where", (_TRUTHS[1], normal(2, 3), normal(3))),
    ),
    Case(
        "chain",
        Pointwise((Step("add", (0, 1)), Step("sigmoid", (2,)), Step("mul", (2, 3)))),
        _PAIR,
        lambda: [(_PAIR[0] + _PAIR[1]) / (1 + np.exp(-_PAIR[0] - _PAIR[1]))],
    ),
    Case(
        "parameters",
        Pointwise((Step("clip", (0,), (-1.0, 0.5)), Step("affine", (1,), (2.0, 0.1)))),
        (_X,),
        lambda: [2 * np.clip(_X, -1, 0.5) + np.float32(0.1)],
    ),
]
POINTWISE = [*ACTIVATIONS, *UNARIES, *ELEMENTWISES, *SCALES, *CASTS, *OTHERS]

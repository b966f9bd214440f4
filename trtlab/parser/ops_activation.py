"""Activations and unary functions."""

from collections.abc import Callable

from trtlab.core.enums import ActivationType, ElementWiseOperation, UnaryOperation
from trtlab.core.types import DataType
from trtlab.layers.activation import Activation, ParametricReLU, Unary
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.pointwise import Pointwise, Step
from trtlab.layers.scale import Cast
from trtlab.network.graph import Tensor
from trtlab.parser.errors import ErrorCode
from trtlab.parser.node import Converted, Node
from trtlab.parser.tensors import data_type

Converter = Callable[[Node], Converted]
# Attribute names and defaults that stand for alpha and beta.
_NO_PARAMETERS = (("", 0.0), ("", 0.0))


def _activation(
    kind: ActivationType,
    parameters: tuple[tuple[str, float], tuple[str, float]] = _NO_PARAMETERS,
) -> Converter:
    def convert(node: Node) -> Converted:
        alpha, beta = (
            node.attr_float(name, default) if name else default for name, default in parameters
        )
        return node.emit(Activation(type=kind, alpha=alpha, beta=beta), node.input(0))

    convert.__doc__ = f"An activation: {kind.value}."
    return convert


sigmoid = _activation(ActivationType.SIGMOID)
tanh = _activation(ActivationType.TANH)
softsign = _activation(ActivationType.SOFTSIGN)
softplus = _activation(ActivationType.SOFTPLUS, (("", 1.0), ("", 1.0)))
leaky_relu = _activation(ActivationType.LEAKY_RELU, (("alpha", 0.01), ("", 0.0)))
elu = _activation(ActivationType.ELU, (("alpha", 1.0), ("", 0.0)))
selu = _activation(
    ActivationType.SELU,
    (("alpha", 1.67326319217681884765625), ("gamma", 1.05070102214813232421875)),
)
hard_sigmoid = _activation(ActivationType.HARD_SIGMOID, (("alpha", 0.2), ("beta", 0.5)))
thresholded_relu = _activation(ActivationType.THRESHOLDED_RELU, (("alpha", 1.0), ("", 0.0)))


def relu(node: Node) -> Converted:
    """Relu; on integers the larger of x and 0."""
    x = node.input(0)
    if x.dtype.is_float:
        return node.emit(Activation(type=ActivationType.RELU), x)
    zero = node.new_scalar(0, x.dtype, "zero", rank=len(x.shape))
    return node.emit(ElementWise(ElementWiseOperation.MAX), x, zero)


def gelu(node: Node) -> Converted:
    """Gelu, exact or by tanh."""
    kinds = {"none": ActivationType.GELU_ERF, "tanh": ActivationType.GELU_TANH}
    text = node.attr_str("approximate", "none")
    if text not in kinds:
        raise node.invalid(f"approximate {text!r} does not exist")
    return node.emit(Activation(type=kinds[text]), node.input(0))


def hard_swish(node: Node) -> Converted:
    """HardSwish: x · clip(x/6 + ½, 0, 1)."""
    return node.emit(Pointwise((Step("hard_swish", (0,)),)), node.input(0))


def swish(node: Node) -> Converted:
    """Swish: x · sigmoid(αx)."""
    alpha = node.attr_float("alpha", 1.0)
    plain = (Step("swish", (0,)),)
    scaled = (
        Step("affine", (0,), (alpha, 0.0)),
        Step("sigmoid", (1,)),
        Step("mul", (0, 2)),
    )
    return node.emit(Pointwise(plain if alpha == 1 else scaled), node.input(0))


def mish(node: Node) -> Converted:
    """Mish: x · tanh(softplus(x))."""
    program = (
        Step("softplus", (0,), (1.0, 1.0)),
        Step("tanh", (1,)),
        Step("mul", (0, 2)),
    )
    return node.emit(Pointwise(program), node.input(0))


def celu(node: Node) -> Converted:
    """Celu: α · elu(x/α)."""
    alpha = node.attr_float("alpha", 1.0)
    if alpha == 0:
        raise node.invalid("alpha is 0")
    program = (
        Step("affine", (0,), (1 / alpha, 0.0)),
        Step("elu", (1,), (1.0,)),
        Step("affine", (2,), (alpha, 0.0)),
    )
    return node.emit(Pointwise(program), node.input(0))


def shrink(node: Node) -> Converted:
    """Shrink: x + bias below −λ, x − bias above λ, else 0."""
    x = node.input(0)
    bias, bound = node.attr_float("bias", 0.0), node.attr_float("lambd", 0.5)
    rank = len(x.shape)

    def scalar(value: float, part: str) -> Tensor:
        return node.new_scalar(value, x.dtype, part, rank)

    low = node.emit(
        ElementWise(ElementWiseOperation.LESS), x, scalar(-bound, "low"), part="is_low"
    )
    high = node.emit(
        ElementWise(ElementWiseOperation.GREATER), x, scalar(bound, "high"), part="is_high"
    )
    raised = node.emit(
        ElementWise(ElementWiseOperation.SUM), x, scalar(bias, "bias"), part="raised"
    )
    lowered = node.emit(
        ElementWise(ElementWiseOperation.SUB), x, scalar(bias, "bias"), part="lowered"
    )
    inner = node.emit(Select(), high, lowered, scalar(0, "zero"), part="upper")
    return node.emit(Select(), low, raised, inner)


def prelu(node: Node) -> Converted:
    """PRelu."""
    return node.emit(ParametricReLU(), node.input(0), node.input(1))


def clip(node: Node) -> Converted:
    """Clip, with bounds as attributes (before opset 11) or inputs."""
    x = node.input(0)
    if node.opset < 11:
        bounds = [
            node.new_scalar(node.attr_float(name, 0.0), x.dtype, name)
            if node.has(name)
            else None
            for name in ("min", "max")
        ]
    else:
        bounds = [node.optional(1), node.optional(2)]
    low, high = (None if t is None else node.known(t) for t in bounds)
    if x.dtype.is_float and low is not None and high is not None:
        alpha, beta = (float(bound.reshape(())) for bound in (low, high))
        if alpha <= beta:
            return node.emit(Activation(type=ActivationType.CLIP, alpha=alpha, beta=beta), x)
    lower, upper = bounds
    if lower is None and upper is None:
        return x
    if lower is not None:
        part = "" if upper is None else "lower"
        x = node.emit(ElementWise(ElementWiseOperation.MAX), x, lower, part=part)
    if upper is not None:
        x = node.emit(ElementWise(ElementWiseOperation.MIN), x, upper)
    return x


def _unary(op: UnaryOperation) -> Converter:
    def convert(node: Node) -> Converted:
        return node.emit(Unary(op), node.input(0))

    convert.__doc__ = f"A unary function: {op.value}."
    return convert


UNARY: dict[str, Converter] = {
    "Abs": _unary(UnaryOperation.ABS),
    "Acos": _unary(UnaryOperation.ACOS),
    "Acosh": _unary(UnaryOperation.ACOSH),
    "Asin": _unary(UnaryOperation.ASIN),
    "Asinh": _unary(UnaryOperation.ASINH),
    "Atan": _unary(UnaryOperation.ATAN),
    "Atanh": _unary(UnaryOperation.ATANH),
    "Ceil": _unary(UnaryOperation.CEIL),
    "Cos": _unary(UnaryOperation.COS),
    "Cosh": _unary(UnaryOperation.COSH),
    "Erf": _unary(UnaryOperation.ERF),
    "Exp": _unary(UnaryOperation.EXP),
    "Floor": _unary(UnaryOperation.FLOOR),
    "IsNaN": _unary(UnaryOperation.ISNAN),
    "Log": _unary(UnaryOperation.LOG),
    "Neg": _unary(UnaryOperation.NEG),
    "Not": _unary(UnaryOperation.NOT),
    "Reciprocal": _unary(UnaryOperation.RECIP),
    "Round": _unary(UnaryOperation.ROUND),
    "Sign": _unary(UnaryOperation.SIGN),
    "Sin": _unary(UnaryOperation.SIN),
    "Sinh": _unary(UnaryOperation.SINH),
    "Sqrt": _unary(UnaryOperation.SQRT),
    "Tan": _unary(UnaryOperation.TAN),
}


def is_inf(node: Node) -> Converted:
    """IsInf; one sign only by a comparison with 0 too."""
    x = node.input(0)
    positive = node.attr_int("detect_positive", 1) != 0
    negative = node.attr_int("detect_negative", 1) != 0
    if positive and negative:
        return node.emit(Unary(UnaryOperation.ISINF), x)
    if not positive and not negative:
        raise node.unsupported("it detects neither sign")
    infinite = node.emit(Unary(UnaryOperation.ISINF), x, part="isinf")
    zero = node.new_scalar(0, x.dtype, "zero", rank=len(x.shape))
    op = ElementWiseOperation.GREATER if positive else ElementWiseOperation.LESS
    signed = node.emit(ElementWise(op), x, zero, part="signed")
    return node.emit(ElementWise(ElementWiseOperation.AND), infinite, signed)


def cast(node: Node) -> Converted:
    """Cast; DOUBLE is FLOAT here."""
    return _cast(node, data_type(node.attr_int("to", 0)))


def cast_like(node: Node) -> Converted:
    """CastLike."""
    return _cast(node, node.input(1).dtype)


def _cast(node: Node, to: DataType) -> Converted:
    if not node.attr_int("saturate", 1) and to is DataType.FP8:
        raise node.unsupported(
            "saturate=0: casts to 8-bit floats saturate", ErrorCode.UNSUPPORTED_NODE_ATTR
        )
    return node.emit(Cast(to), node.input(0))

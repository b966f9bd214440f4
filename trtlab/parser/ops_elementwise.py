"""Binary and variadic arithmetic, comparison, logic, Where."""

from collections.abc import Callable

from trtlab.core.enums import ElementWiseOperation, UnaryOperation
from trtlab.core.types import DataType
from trtlab.layers.activation import Unary
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.network.graph import Tensor
from trtlab.parser.errors import ErrorCode
from trtlab.parser.node import Converted, Node

Converter = Callable[[Node], Converted]
_E = ElementWiseOperation


def _binary(op: ElementWiseOperation) -> Converter:
    def convert(node: Node) -> Converted:
        return node.emit(ElementWise(op), node.input(0), node.input(1))

    convert.__doc__ = f"A binary operation: {op.value}."
    return convert


BINARY: dict[str, Converter] = {
    "Add": _binary(_E.SUM),
    "Sub": _binary(_E.SUB),
    "Mul": _binary(_E.PROD),
    "Div": _binary(_E.DIV),
    "Equal": _binary(_E.EQUAL),
    "Greater": _binary(_E.GREATER),
    "Less": _binary(_E.LESS),
    "And": _binary(_E.AND),
    "Or": _binary(_E.OR),
    "Xor": _binary(_E.XOR),
}


def power(node: Node) -> Converted:
    """Pow; the exponent is brought to the base's type."""
    base, exponent = node.input(0), node.input(1)
    if exponent.dtype.is_float and not base.dtype.is_float:
        result = node.emit(
            ElementWise(_E.POW),
            node.cast(base, exponent.dtype, "base"),
            exponent,
            part="power",
        )
        return node.cast(result, base.dtype, "")
    return node.emit(ElementWise(_E.POW), base, node.cast(exponent, base.dtype, "exponent"))


def _or_equal(strict: ElementWiseOperation) -> Converter:
    def convert(node: Node) -> Converted:
        a, b = node.input(0), node.input(1)
        beyond = node.emit(ElementWise(strict), a, b, part=strict.value)
        same = node.emit(ElementWise(_E.EQUAL), a, b, part="equal")
        return node.emit(ElementWise(_E.OR), beyond, same)

    convert.__doc__ = f"{strict.value.capitalize()} or equal; false for NaN."
    return convert


greater_or_equal = _or_equal(_E.GREATER)
less_or_equal = _or_equal(_E.LESS)


def _chain(node: Node, op: ElementWiseOperation, part: str) -> Tensor:
    """All inputs, taken two at a time from the left."""
    result = node.input(0)
    for index in range(1, len(node.inputs)):
        last = index == len(node.inputs) - 1
        result = node.emit(
            ElementWise(op), result, node.input(index), part=part if last else f"{index}"
        )
    return result


def _variadic(op: ElementWiseOperation) -> Converter:
    def convert(node: Node) -> Converted:
        return _chain(node, op, "")

    convert.__doc__ = f"{op.value.capitalize()} of any number of inputs."
    return convert


total = _variadic(_E.SUM)
largest = _variadic(_E.MAX)
smallest = _variadic(_E.MIN)


def mean(node: Node) -> Converted:
    """Mean of any number of inputs."""
    if len(node.inputs) == 1:
        return node.input(0)
    result = _chain(node, _E.SUM, "sum")
    factor = node.new_scalar(1 / len(node.inputs), result.dtype, "factor")
    return node.emit(ElementWise(_E.PROD), result, factor)


def modulo(node: Node) -> Converted:
    """Mod: a − ⌊a/b⌋·b, or with ``fmod`` the rest of the division towards zero."""
    a, b = node.input(0), node.input(1)
    if not node.attr_int("fmod", 0):
        quotient = node.emit(ElementWise(_E.FLOOR_DIV), a, b, part="quotient")
    elif a.dtype.is_float:
        quotient = _towards_zero(node, node.emit(ElementWise(_E.DIV), a, b, part="ratio"))
    else:
        quotient = node.emit(ElementWise(_E.DIV), a, b, part="quotient")
    whole = node.emit(ElementWise(_E.PROD), quotient, b, part="whole")
    return node.emit(ElementWise(_E.SUB), a, whole)


def _towards_zero(node: Node, x: Tensor) -> Tensor:
    """sign(x) · ⌊|x|⌋."""
    size = node.emit(Unary(UnaryOperation.ABS), x, part="size")
    floor = node.emit(Unary(UnaryOperation.FLOOR), size, part="floor")
    sign = node.emit(Unary(UnaryOperation.SIGN), x, part="sign")
    return node.emit(ElementWise(_E.PROD), sign, floor, part="quotient")


def where(node: Node) -> Converted:
    """Where."""
    condition, yes, no = node.input(0), node.input(1), node.input(2)
    if condition.dtype is not DataType.BOOL:
        raise node.unsupported(
            f"its condition is {condition.dtype.value}, not bool",
            ErrorCode.UNSUPPORTED_NODE_DATATYPE,
        )
    return node.emit(Select(), condition, yes, no)

"""Cases of layers that are functions of each element."""

from kernel_conformance import Case, Spec

from trtlab.core.enums import (
    ActivationType,
    ElementWiseOperation,
    FillOperation,
    ScaleMode,
    UnaryOperation,
)
from trtlab.core.types import DataType
from trtlab.layers.activation import Activation, ParametricReLU, Unary
from trtlab.layers.creation import Fill
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.pointwise import FUNCTIONS, Pointwise, Step
from trtlab.layers.scale import Cast, Identity, Scale

F = DataType.FLOAT
_E, _U, _A = ElementWiseOperation, UnaryOperation, ActivationType


def _pointwise():
    residual = (Step("add", (0, 1)), Step("relu", (2,)))
    gate = (Step("mul", (0, 1)), Step("add", (3, 2)), Step("swish", (4,)), Step("mul", (5, 0)))
    shapes = {
        "scalar": ((), ()),
        "one": ((1,), (1,)),
        "short": ((7,), (7,)),
        "row": ((33, 257), (257,)),
        "short-row": ((37, 5), (5,)),
        "channel": ((2, 5, 7, 9), (5, 1, 1)),
        "long-channel": ((2, 3, 17, 19), (3, 1, 1)),
        "outer-product": ((41, 1), (1, 43)),
        "middle": ((3, 1, 5, 7), (3, 4, 5, 1)),
        "large": ((3, 50_001), (3, 50_001)),
    }
    for name, (a, b) in shapes.items():
        yield Case(f"residual-{name}", Pointwise(residual), (Spec(a), Spec(b)))
    yield Case("empty", Pointwise(residual), (Spec((0, 5)), Spec((5,))))
    hwc = Spec((2, 37, 5, 7), hwc=True)
    held = Spec((2, 37, 5, 7), hwc=True, hole=11)
    yield Case("hwc", Pointwise(residual), (hwc, hwc), (hwc,))
    yield Case("hwc-holes", Pointwise(residual), (held, hwc), (held,))
    yield Case("hwc-and-linear", Pointwise(residual), (hwc, Spec((2, 37, 5, 7))), (hwc,))
    yield Case(
        "hwc-channel", Pointwise(residual), (hwc, Spec((37, 1, 1), constant=True)), (hwc,)
    )
    yield Case("linear-holes", Pointwise(residual), (Spec((9, 301), hole=3), Spec((9, 301))))
    three = (Spec((5, 6, 300)), Spec((6, 300)), Spec((1,)))
    yield Case("gate", Pointwise(gate), three, atol=2e-5)
    yield Case(
        "many-temporaries", Pointwise(_tree(8)), (Spec((3, 517)),), rtol=1e-5, atol=1e-5
    )
    yield Case(
        "ends-early",
        Pointwise((Step("add", (0, 1)), Step("exp", (0,)))),
        three[1:] + three[2:],
    )
    limits = {"pow": (0.1, 2), "pow_scalar": (0.1, 2), "log": (1e-3, 9), "sqrt": (0, 9)}
    limits |= {"acosh": (1.1, 9), "rsqrt": (0.1, 9), "recip": (0.1, 9)}
    limits |= dict.fromkeys(("asin", "acos", "atanh"), (-0.95, 0.95))
    params = {"clip": (-0.5, 0.7), "selu": (1.67, 1.05)}
    for function, rule in FUNCTIONS.items():
        low, high = limits.get(function, (-9, 9))
        step = Step(
            function, tuple(range(rule.arity)), params.get(function, (1.3, 0.7)[: rule.params])
        )
        operands = tuple(Spec((3, 277), low=low, high=high) for _ in range(rule.arity))
        loose = {"rtol": 1e-5, "atol": 4e-6}
        yield Case(function, Pointwise((step,)), operands, **loose)


def _tree(leaves):
    """A balanced tree: all leaves are made before the first sum."""
    steps = [Step("affine", (0,), (0.1 * k, 0.3 - k)) for k in range(leaves)]
    values = list(range(1, 1 + leaves))
    while len(values) > 1:
        steps.append(Step("add", (values.pop(0), values.pop(0))))
        values.append(len(steps))
    return tuple(steps)


def _activations():
    options = {_A.CLIP: (-0.5, 0.75), _A.SELU: (1.67, 1.05), _A.HARD_SIGMOID: (0.2, 0.5)}
    for kind in ActivationType:
        alpha, beta = options.get(kind, (0.7, 1.3))
        op = Activation(kind, alpha, beta)
        yield Case(kind.value, op, (Spec((3, 5, 77)),), atol=4e-6)
    yield Case("half", Activation(_A.SIGMOID), (Spec((3, 5, 77), DataType.HALF),))
    yield Case("bf16", Activation(_A.SIGMOID), (Spec((3, 5, 77), DataType.BF16),))


def _elementwise():
    numbers = (Spec((3, 1, 57)), Spec((4, 57)))
    positive = tuple(Spec(s.shape, low=0.3, high=2.0) for s in numbers)
    truths = tuple(Spec(s.shape, DataType.BOOL) for s in numbers)
    for op in ElementWiseOperation:
        logic = op in {_E.AND, _E.OR, _E.XOR}
        specs = truths if logic else positive if op in {_E.POW, _E.DIV} else numbers
        if op is _E.FLOOR_DIV:
            specs = (Spec((3, 1, 57), low=-20, high=20), Spec((4, 57), low=0.5, high=0.7))
        yield Case(op.value, ElementWise(op), specs)
    same = Spec((40, 300), low=0, high=3)
    yield Case(
        "equal-numbers",
        ElementWise(_E.EQUAL),
        (Spec((5,), DataType.INT64), Spec((5,), DataType.INT64)),
    )
    yield Case("greater-long", ElementWise(_E.GREATER), (same, same))
    whole = Spec((2, 9), DataType.INT32, low=1, high=9)
    for op in (_E.SUM, _E.DIV, _E.LESS):
        yield Case(f"{op.value}-int32", ElementWise(op), (whole, whole))
    half = Spec((5, 33), DataType.HALF)
    yield Case("sum-half", ElementWise(_E.SUM), (half, half))


def _others():
    limits = {_U.LOG: (0.01, 9), _U.SQRT: (0, 9), _U.ACOSH: (1.1, 5), _U.RECIP: (0.2, 5)}
    limits |= dict.fromkeys((_U.ASIN, _U.ACOS, _U.ATANH), (-0.95, 0.95))
    for op in UnaryOperation:
        low, high = limits.get(op, (-3, 3))
        kind = DataType.BOOL if op is _U.NOT else F
        yield Case(
            op.value,
            Unary(op),
            (Spec((5, 67), kind, low=low, high=high),),
            rtol=1e-5,
            atol=4e-6,
        )
    yield Case("neg-int", Unary(_U.NEG), (Spec((5, 7), DataType.INT64, low=-9, high=9),))
    x, row = Spec((2, 6, 5, 7), low=0.5), Spec((6,), constant=True, low=0.3)
    yield Case("uniform", Scale(ScaleMode.UNIFORM), (x, None, Spec((1,), constant=True)))
    yield Case("channel", Scale(ScaleMode.CHANNEL), (x, row, row))
    yield Case("channel-power", Scale(ScaleMode.CHANNEL), (x, row, row, row), rtol=1e-5)
    every = Spec((6, 5, 7), low=0.3)
    yield Case("elementwise", Scale(ScaleMode.ELEMENTWISE), (x, every, every))
    hwc = Spec((2, 6, 5, 7), hwc=True)
    yield Case("channel-hwc", Scale(ScaleMode.CHANNEL), (hwc, row, row), (hwc,))
    yield Case("slopes", ParametricReLU(), (Spec((2, 6, 57)), Spec((6, 1), constant=True)))
    yield Case("one-slope", ParametricReLU(), (Spec((2, 6, 57)), Spec((1, 1))))
    condition = Spec((4, 1, 77), DataType.BOOL)
    yield Case("broadcast", Select(), (condition, Spec((4, 5, 77)), Spec((1,))))
    yield Case(
        "long", Select(), (Spec((3, 999), DataType.BOOL), Spec((3, 999)), Spec((3, 999)))
    )
    yield Case(
        "int", Select(), (condition, Spec((77,), DataType.INT64), Spec((1,), DataType.INT64))
    )
    yield Case("copy", Identity(), (Spec((3, 5, 7)),))
    yield Case("copy-int", Identity(), (Spec((3, 5, 7), DataType.INT32),))
    yield Case("copy-to-half", Identity(DataType.HALF), (Spec((3, 5, 7)),))
    sources = [F, DataType.HALF, DataType.BF16, DataType.INT32, DataType.INT64, DataType.BOOL]
    sources += [DataType.UINT8, DataType.INT8]
    for source in sources:
        for target in sources:
            low = 0 if DataType.UINT8 in {source, target} else -99
            spec = Spec((3, 5, 37), source, low=low, high=99)
            yield Case(f"{source.value}-to-{target.value}", Cast(target), (spec,))
    yield Case("empty", Cast(DataType.HALF), (Spec((5, 0)),))
    yield Case(
        "holes", Cast(DataType.HALF), (Spec((3, 37), hole=3),), (Spec((3, 37), hole=5),)
    )
    hwc = Spec((2, 6, 5, 7), hwc=True)
    yield Case("hwc", Cast(DataType.INT32), (hwc,), (hwc,))
    yield Case("value", Fill((3, 5), FillOperation.LINSPACE), (None, Spec(()), Spec((2,))))


POINTWISE_CASES = [*_pointwise(), *_activations(), *_elementwise(), *_others()]

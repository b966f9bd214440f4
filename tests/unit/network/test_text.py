"""The text form: what it looks like, that it comes back the same, and what it refuses."""

import numpy as np
import pytest
from cases_moving import MOVING
from cases_pointwise import POINTWISE
from cases_reducing import REDUCING
from cases_spatial import SPATIAL

from trtlab.core.enums import ElementWiseOperation, PaddingMode
from trtlab.core.errors import InvalidNetworkError, ParseError, UsageError
from trtlab.core.types import DataType, Dim
from trtlab.layers.activation import Activation
from trtlab.layers.convolution import Convolution
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.gather import NonZero
from trtlab.layers.pointwise import Pointwise, Step
from trtlab.layers.reduction import TopK
from trtlab.network import text
from trtlab.network.graph import Network, Origin

WEIGHT = np.arange(18, dtype=np.float32).reshape(2, 1, 3, 3)


def constants_of(network):
    return {t.name: t.data for t in network.tensors() if t.data is not None}


def round_trip(network):
    written = text.dump(network)
    back = text.parse(written, constants_of(network))
    assert text.dump(back) == written
    assert [layer.op for layer in back] == [layer.op for layer in network]
    return written


@pytest.fixture
def network():
    made = Network("small net")
    x = made.add_input("x", DataType.FLOAT, (Dim("batch"), 1, 8, -1))
    w = made.add_constant("conv.weight", WEIGHT)
    conv = made.add_layer(
        Convolution(stride_nd=(2, 1), padding_mode=PaddingMode.SAME_UPPER),
        [x, w],
        name="/conv1/Conv",
        output_names=["y"],
        origins=(Origin("/conv1/Conv", "Conv", "conv1"), Origin("bn 1", "Bn")),
        rules=("fold-scale",),
    )
    conv.precision, conv.output_types = DataType.HALF, (DataType.FLOAT,)
    conv.metadata = 'says "so"'
    made.mark_output(conv.output)
    return made


def test_what_it_looks_like(network):
    assert text.dump(network).splitlines() == [
        'network "small net"',
        "input %x: fp32[batch,1,8,x.3]",
        "constant %conv.weight: fp32[2,1,3,3] sha256:" + text.digest(WEIGHT),
        (
            "%y: fp32[batch,2,4,x.3] = convolution(%x, %conv.weight) "
            "{stride_nd=[2,1], padding_mode=same_upper} @/conv1/Conv precision fp16 "
            'types fp32 metadata "says \\"so\\"" from Conv:/conv1/Conv:conv1, Bn:"bn 1" '
            "by fold-scale"
        ),
        "output %y",
    ]


def test_it_comes_back_the_same(network):
    round_trip(network)
    back = text.parse(text.dump(network), constants_of(network))
    (layer,) = back.layers
    assert layer.origins == network.layers[0].origins
    assert (layer.rules, layer.metadata) == (("fold-scale",), 'says "so"')
    assert (layer.precision, layer.output_types) == (DataType.HALF, (DataType.FLOAT,))
    assert back.find_tensor("y").type == network.find_tensor("y").type


@pytest.mark.parametrize("case", [*SPATIAL, *POINTWISE, *MOVING, *REDUCING], ids=str)
def test_every_operator_comes_back_the_same(case):
    made = Network()
    inputs = []
    for number, array in enumerate(case.inputs):
        if array is None:
            inputs.append(None)
        elif number in case.shape_inputs:
            inputs.append(made.add_constant(f"c{number}", array))
        else:
            kind = DataType.from_numpy(array.dtype)
            inputs.append(made.add_input(f"x{number}", kind, array.shape))
    made.add_layer(case.op, inputs)
    round_trip(made)


def test_names_of_any_letters_come_back():
    made = Network('quote " and \\ slash')
    x = made.add_input("a b,c]", DataType.FLOAT, (Dim("n, m"), Dim("3"), Dim("[")))
    layer = made.add_layer(Activation(), [x], name="conv1 + relu1", output_names=["ü\n%"])
    layer.origins = (Origin("a:b", "Relu", "x:y"),)
    made.mark_output(layer.output)
    round_trip(made)


def test_numbers_come_back_exactly():
    program = (Step("clip", (0,), (0.1, float("inf"))), Step("pow_scalar", (1,), (1 / 3,)))
    made = Network()
    x = made.add_input("x", DataType.FLOAT, (2,))
    made.mark_output(made.add_layer(Pointwise(program), [x]).output)
    round_trip(made)


def test_several_outputs_and_inputs_left_out():
    made = Network(strongly_typed=True)
    x = made.add_input("x", DataType.FLOAT, (2, 9))
    top = made.add_layer(TopK(k=3), [x], output_names=["v", "i"])
    made.mark_output(top.outputs[1])
    made.mark_output(made.add_layer(NonZero(), [top.outputs[0]], name="found").output)
    written = round_trip(made)
    assert "%v: fp32[2,3], %i: int32[2,3] = topk(%x) {k=3}" in written
    assert "strongly_typed" in written.splitlines()[0]
    assert text.parse(written, {}).strongly_typed


def test_digests_tell_elements_apart():
    one, two = np.zeros(3, np.float32), np.array([0, 0, -0.0], np.float32)
    assert text.digest(one) != text.digest(two)
    frozen = one.copy()
    frozen.flags.writeable = False
    assert text.digest(frozen) == text.digest(frozen) == text.digest(one)
    one[0] = 1  # arrays that may change are read each time
    assert text.digest(one) != text.digest(frozen)


LINES = [
    "network n",
    "input %x: fp32[2]",
    "constant %c: fp32[2] sha256:" + text.digest(np.ones(2, np.float32)),
    "%y: fp32[2] = elementwise(%x, %c) {op=prod} @mul",
    "output %y",
]


@pytest.mark.parametrize(
    ("number", "line", "message"),
    [
        (1, "input %x fp32[2]", "expected ':', found 'fp32"),
        (1, "input %x: fp99[2]", "expected a data type, not 'fp99'"),
        (1, "input %x: fp32[2;", "expected ',', found|expected"),
        (1, "inputs %x: fp32[2]", "network, input, constant, output or a layer, not 'inputs'"),
        (3, "%y: fp32[2] = magic(%x) @m", "a layer type, not 'magic'"),
        (3, "%y: fp32[2] = unary(%z) @m", "a tensor from an earlier line, not 'z'"),
        (3, "%y: fp32[2] = unary(%x", "expected ',', found 'the end of the line'"),
        (3, "%y: fp32[2] = unary(%x) {op=} @m", "expected a value"),
        (3, "%y: fp32[2] = unary(%x) m", "expected '@', found 'm'"),
        (3, "%y: fp32[2] = unary(%x) @m often", "not 'often'"),
        (4, "output %y again", "expected the end of the line, found 'again'"),
    ],
)
def test_what_is_not_the_text_form(number, line, message):
    lines = [*LINES[:number], line, *LINES[number + 1 :]]
    with pytest.raises(ParseError, match=message) as caught:
        text.parse("\n".join(lines), {"c": np.ones(2, np.float32)})
    assert caught.value.where == (f"line {number + 1}: {line}",)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%y: fp16[2] = elementwise(%x, %c) @mul", "said to be fp16.2., but %y is fp32.2."),
        (
            "%y: fp32[2] = elementwise(%x, %c) {op=prods} @mul",
            "attribute op of ELEMENTWISE is",
        ),
        ("%y: fp32[2] = elementwise(%x, %c) {axis=1} @mul", "has no attribute 'axis'"),
        ("%x: fp32[2] = elementwise(%x, %c) @mul", "%x is said to be fp32.2., but %x_1 is"),
    ],
)
def test_what_the_layers_refuse(line, message):
    with pytest.raises(InvalidNetworkError, match=message):
        text.parse("\n".join([*LINES[:3], line]), {"c": np.ones(2, np.float32)})


@pytest.mark.parametrize(
    ("constants", "message"),
    [
        ({}, "the elements of constant 'c' are missing"),
        ({"c": np.zeros(2, np.float32)}, "with digest .* in constants"),
        ({"c": np.ones(2, np.float16)}, "but fp16.2. with digest"),
    ],
)
def test_constants_must_be_those_of_the_text(constants, message):
    with pytest.raises(UsageError, match=message):
        text.parse("\n".join(LINES), constants)


def test_an_edited_text_is_another_network():
    edited = "\n".join(LINES).replace("op=prod", "op=max")
    made = text.parse(edited, {"c": np.ones(2, np.float32)})
    assert made.layers[0].op == ElementWise(ElementWiseOperation.MAX)

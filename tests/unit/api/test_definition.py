"""INetworkDefinition, ITensor and ILayer: views, edits and refusals."""

import numpy as np
import pytest
from definitions import meaning, network, random

import trtlab as trt
from trtlab.core.errors import MissingNameError, UnknownNameError
from trtlab.network.verify import verify

RELU = trt.ActivationType.RELU


@pytest.fixture
def chain():
    """data → convolution → relu, which is the output."""
    definition = network()
    x = definition.add_input("data", trt.float32, (-1, 3, 8, 8))
    conv = definition.add_convolution_nd(x, 4, (3, 3), random(4, 3, 3, 3), random(4))
    relu = definition.add_activation(conv.get_output(0), RELU)
    definition.mark_output(relu.get_output(0))
    return definition, x, conv, relu


# ---- views -----------------------------------------------------------------------------


def test_views_are_the_same_every_time(chain):
    definition, x, conv, relu = chain
    assert definition.get_layer(0) is conv
    assert list(definition) == [conv, relu]
    assert definition[-1] is relu
    assert conv.get_input(0) is x
    assert relu.get_input(0) is conv.get_output(0)
    assert definition.get_output(0) is relu.get_output(0)


def test_layers_of_a_parsed_network_get_their_class():
    definition = network()
    data = trt.zoo.build("resnet50").SerializeToString()
    assert trt.OnnxParser(definition, trt.Logger()).parse(data)
    kinds = {type(layer) for layer in definition}
    assert {trt.IConvolutionLayer, trt.IActivationLayer, trt.IElementWiseLayer} <= kinds
    first = next(la for la in definition if la.type == trt.LayerType.CONVOLUTION)
    assert first.kernel.shape == (64, 3, 7, 7)
    assert first.stride_nd == (2, 2)
    assert first.padding_nd == (3, 3)
    assert "[ONNX Layer: " in first.metadata


def test_the_layers_class_may_be_assigned_as_scripts_do(chain):
    _, _, conv, _ = chain
    conv.__class__ = trt.ILayer
    assert not isinstance(conv, trt.IConvolutionLayer)
    conv.__class__ = trt.IConvolutionLayer
    assert conv.num_output_maps == 4


def test_types_of_layers(chain):
    _, _, conv, relu = chain
    assert conv.type == trt.LayerType.CONVOLUTION
    assert relu.type == trt.LayerType.ACTIVATION


def test_counts_flags_and_names(chain):
    definition, _, conv, relu = chain
    assert (definition.num_layers, definition.num_inputs, definition.num_outputs) == (2, 1, 1)
    assert len(definition) == 2
    assert definition.get_flag(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)
    assert not definition.has_implicit_batch_dimension
    definition.name = "tiny"
    conv.name = "conv1"
    relu.get_output(0).name = "prob"
    assert definition.graph.name == "tiny"
    assert definition.get_output(0).name == "prob"
    assert isinstance(definition.builder, trt.Builder)
    verify(definition.graph)


def test_layer_names_are_made_unique(chain):
    _, _, conv, relu = chain
    conv.name = relu.name = "same"
    assert conv.name == "same"
    assert relu.name == "same_1"


# ---- edits -----------------------------------------------------------------------------


def test_an_option_changes_the_shapes_behind(chain):
    definition, _, conv, relu = chain
    assert relu.get_output(0).shape == (-1, 4, 6, 6)
    conv.stride_nd = (2, 2)
    assert relu.get_output(0).shape == (-1, 4, 3, 3)
    verify(definition.graph)


def test_an_option_that_a_reader_refuses_changes_nothing(chain):
    definition, _, conv, relu = chain
    other = definition.add_constant((1, 4, 6, 6), random(1, 4, 6, 6))
    definition.add_elementwise(
        relu.get_output(0), other.get_output(0), trt.ElementWiseOperation.SUM
    )
    with pytest.raises(trt.InvalidNetworkError, match="broadcast"):
        conv.stride_nd = (2, 2)
    assert conv.stride_nd == (1, 1)
    assert relu.get_output(0).shape == (-1, 4, 6, 6)
    verify(definition.graph)


def test_set_input_reorders_when_it_must(chain):
    definition, x, conv, relu = chain
    late = definition.add_unary(x, trt.UnaryOperation.NEG)
    conv.set_input(0, late.get_output(0))
    assert [layer.name for layer in definition] == [late.name, conv.name, relu.name]
    verify(definition.graph)


def test_set_input_refuses_cycles(chain):
    definition, _, conv, relu = chain
    conv.padding_nd = (1, 1)
    back = definition.add_slice(relu.get_output(0), (0, 0, 0, 0), (1, 3, 8, 8), (1, 1, 1, 1))
    with pytest.raises(trt.InvalidNetworkError, match="cycle"):
        conv.set_input(0, back.get_output(0))
    assert conv.get_input(0).name == "data"
    verify(definition.graph)


def test_weights_can_be_replaced(chain):
    definition, _, conv, _ = chain
    conv.kernel = np.zeros((4, 3, 3, 3), np.float32)
    conv.bias = np.arange(4, dtype=np.float32)
    (result,) = meaning(definition, data=random(1, 3, 8, 8))
    np.testing.assert_array_equal(result[0, :, 0, 0], [0, 1, 2, 3])
    conv.bias = None
    assert conv.bias is None


def test_weights_follow_the_type_of_the_input():
    definition = network()
    x = definition.add_input("x", trt.float16, (1, 3, 8, 8))
    conv = definition.add_convolution_nd(x, 4, (3, 3), random(4, 3, 3, 3))
    assert conv.kernel.dtype == np.float16


def test_outputs_can_be_marked_and_unmarked(chain):
    definition, _, conv, relu = chain
    definition.mark_output(conv.get_output(0))
    definition.mark_output(conv.get_output(0))
    assert definition.num_outputs == 2
    assert conv.get_output(0).is_network_output
    definition.unmark_output(relu.get_output(0))
    assert [t.name for t in definition.graph.outputs] == [conv.get_output(0).name]
    with pytest.raises(trt.UsageError, match="no output"):
        definition.unmark_output(relu.get_output(0))


def test_unread_inputs_can_be_removed(chain):
    definition, x, _, _ = chain
    spare = definition.add_input("spare", trt.int32, ())
    definition.remove_tensor(spare)
    assert definition.num_inputs == 1
    with pytest.raises(trt.UsageError, match="is read by"):
        definition.remove_tensor(x)


# ---- tensors ---------------------------------------------------------------------------


def test_input_shape_and_type_can_change(chain):
    definition, x, conv, relu = chain
    x.shape = (2, 3, 10, -1)
    assert relu.get_output(0).shape == (2, 4, 8, -1)
    with pytest.raises(trt.InvalidNetworkError, match="type"):
        x.dtype = trt.int8  # the weights stay float32
    assert x.dtype is trt.float32
    x.dtype = trt.float16  # a cast lies in between
    assert x.dtype is trt.float16
    assert conv.get_output(0).dtype is trt.float32
    verify(definition.graph)
    with pytest.raises(trt.UsageError, match="no input"):
        conv.get_output(0).shape = (1, 2)


def test_dimension_names_are_equalities():
    definition = network()
    a = definition.add_input("a", trt.float32, (-1, 4))
    b = definition.add_input("b", trt.float32, (-1, 4))
    both = definition.add_concatenation([a, b])
    both.axis = 1
    assert a.get_dimension_name(0) == ""
    a.set_dimension_name(0, "batch")
    b.set_dimension_name(0, "batch")
    a.set_dimension_name(1, "features")
    assert a.get_dimension_name(0) == b.get_dimension_name(0) == "batch"
    assert a.get_dimension_name(1) == "features"
    assert str(both.get_output(0).tensor.shape[0]) == "batch"


def test_shape_tensors_are_told_from_data(chain):
    definition, x, conv, _ = chain
    shape = definition.add_shape(x).get_output(0)
    assert shape.is_shape_tensor
    assert not shape.is_execution_tensor
    assert not conv.get_output(0).is_shape_tensor
    assert conv.get_output(0).is_execution_tensor


def test_dynamic_ranges_are_kept(chain):
    _, x, _, _ = chain
    x.set_dynamic_range(-1, 2.5)
    assert x.dynamic_range == (-1, 2.5)
    x.dynamic_range = (0, 1)
    x.reset_dynamic_range()
    assert x.dynamic_range is None
    with pytest.raises(trt.UsageError, match="above max"):
        x.set_dynamic_range(2, 1)


def test_bindings_are_linear_device_tensors(chain):
    _, x, _, _ = chain
    x.allowed_formats = 1 << int(trt.TensorFormat.LINEAR)
    assert x.allowed_formats == 1
    assert x.location is trt.TensorLocation.DEVICE
    with pytest.raises(trt.UnsupportedError, match="row-major"):
        x.allowed_formats = 1 << int(trt.TensorFormat.CHW32)
    with pytest.raises(trt.UnsupportedError):
        x.location = trt.TensorLocation.HOST


# ---- wished types ----------------------------------------------------------------------


def test_precision_can_be_wished_for(chain):
    _, _, conv, _ = chain
    assert not conv.precision_is_set
    conv.precision = trt.float16
    assert conv.precision_is_set
    assert conv.layer.precision is trt.float16
    conv.reset_precision()
    assert conv.precision is trt.float32
    with pytest.raises(trt.UnsupportedError, match="int8"):
        conv.precision = trt.int8


def test_output_types_can_be_wished_for(chain):
    _, _, conv, _ = chain
    conv.set_output_type(0, trt.float16)
    assert conv.output_type_is_set(0)
    assert conv.get_output_type(0) is trt.float16
    conv.reset_output_type(0)
    assert not conv.output_type_is_set(0)
    assert conv.layer.output_types == ()
    conv.get_output(0).dtype = trt.bfloat16
    assert conv.get_output_type(0) is trt.bfloat16
    with pytest.raises(trt.UnsupportedError, match="add_cast"):
        conv.set_output_type(0, trt.int32)


def test_strongly_typed_networks_take_no_wishes():
    definition = network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    x = definition.add_input("x", trt.float16, (2,))
    layer = definition.add_activation(x, RELU)
    with pytest.raises(trt.UsageError, match="strongly typed"):
        layer.precision = trt.float32


# ---- refusals --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (lambda d, x, c: setattr(c, "strides", (2, 2)), "did you mean stride"),
        (lambda d, x, c: c.kernel_sise, "kernel_size"),
        (lambda d, x, c: setattr(x, "nme", "y"), "did you mean name"),
        (lambda d, x, c: d.add_conv2d, "add_convolution_nd"),
    ],
)
def test_unknown_names_are_refused_with_a_suggestion(chain, bad, told):
    definition, x, conv, _ = chain
    with pytest.raises(UnknownNameError, match=told):
        bad(definition, x, conv)
    with pytest.raises(AttributeError):
        bad(definition, x, conv)


@pytest.mark.parametrize("name", ["add_loop", "add_plugin_v3", "add_quantize", "mark_debug"])
def test_missing_methods_say_what_to_do(chain, name):
    definition = chain[0]
    assert not hasattr(definition, name)
    with pytest.raises(MissingNameError, match="not available"):
        getattr(definition, name)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (lambda d, x, c: setattr(c, "stride_nd", (2, 2, 2)), "3 entries for 2 spatial axes"),
        (lambda d, x, c: setattr(c, "stride_nd", (0, 1)), "below 1"),
        (lambda d, x, c: setattr(c, "stride_nd", "22"), "not a sequence"),
        (lambda d, x, c: setattr(c, "num_groups", 1.5), "not an integer"),
        (lambda d, x, c: setattr(c, "padding_mode", "same"), "PaddingMode.SAME_UPPER"),
        (lambda d, x, c: setattr(c, "name", ""), "not a text"),
        (lambda d, x, c: setattr(x, "name", c.get_output(0).name), "exists already"),
        (lambda d, x, c: d.add_activation(c, RELU), r"get_output\(0\)"),
        (lambda d, x, c: d.add_activation(np.zeros(3), RELU), "add_constant"),
        (lambda d, x, c: d.add_activation(x, "relu"), "ActivationType.RELU"),
        (lambda d, x, c: d.add_reduce(x, trt.ReduceOperation.SUM, (1, 2), True), "bit mask"),
        (lambda d, x, c: d.add_reduce(x, trt.ReduceOperation.SUM, 1 << 4, True), "4 axes"),
        (
            lambda d, x, c: d.add_convolution_nd(x, 4, (3, 3), random(3, 4, 3, 3)),
            "in this order",
        ),
        (lambda d, x, c: d.add_convolution_nd(x, 4, (3, 3), random(35)), "does not fit"),
        (lambda d, x, c: d.add_convolution_nd(x, 4, (3, 3), random(108), random(5)), "5 elem"),
        (lambda d, x, c: d.add_convolution_nd(x, 4, (3,), random(36)), "dimensions"),
        (lambda d, x, c: d.add_convolution_nd(x, 4, 3, random(36)), "not a sequence"),
        (lambda d, x, c: d.add_input("data", trt.float32, (1,)), "exists already"),
        (lambda d, x, c: d.add_input("y", "float32", (1,)), "DataType"),
        (lambda d, x, c: d.add_input("y", trt.float32, (1, -2)), "below -1"),
        (lambda d, x, c: d.add_input("y", trt.float32, None), "not a sequence"),
        (lambda d, x, c: d.add_constant((2, 2), np.zeros(3)), "do not fill"),
        (lambda d, x, c: d.add_concatenation(x), "not a list"),
        (lambda d, x, c: d.add_concatenation([]), "not a list"),
        (lambda d, x, c: d.mark_output(x), "cannot be an output"),
        (lambda d, x, c: d.get_layer(7), "2 layers"),
        (lambda d, x, c: c.get_output(1), "1 output,"),
        (lambda d, x, c: c.set_input(3, x), "0 input, 1 kernel, 2 bias"),
        (lambda d, x, c: x.get_dimension_name(4), "4 dimensions"),
        (lambda d, x, c: d.add_slice(x, (0,), (1,), (1,)), "4 dimensions"),
        (lambda d, x, c: d.add_squeeze(x, c.get_output(0)), "known while building"),
    ],
)
def test_strange_arguments_are_refused_early(chain, bad, told):
    definition, x, conv, _ = chain
    with pytest.raises((trt.UsageError, trt.InvalidNetworkError), match=told):
        bad(definition, x, conv)
    verify(definition.graph)
    assert conv.stride_nd == (1, 1)


def test_tensors_of_other_networks_are_refused(chain):
    foreign = network().add_input("x", trt.float32, (1,))
    with pytest.raises(trt.UsageError, match="another network"):
        chain[0].add_activation(foreign, RELU)


def test_an_unfinished_layer_is_refused_where_it_is_used(chain):
    definition, x, _, _ = chain
    conv = definition.add_convolution_nd(x, 3, (3, 3), random(3, 1, 3, 3))
    for use in (
        lambda: conv.get_output(0).shape,
        lambda: definition.add_activation(conv.get_output(0), RELU),
        lambda: definition.mark_output(conv.get_output(0)),
        definition.check,
    ):
        with pytest.raises(trt.InvalidNetworkError, match="wants 1 input channels") as caught:
            use()
        assert "options" in caught.value.hint
    conv.num_groups = 3
    assert conv.get_output(0).shape == (-1, 3, 6, 6)
    definition.check()


def test_flags_must_exist():
    with pytest.raises(trt.UsageError, match="unknown bits"):
        network(1 << 9)


OPTIONS = "set the layer's options before its output is used"


def test_an_option_is_the_advice_only_where_one_could_help():
    net = network()
    x = net.add_input("x", trt.float32, (3, 4))

    def refusal(layer):
        with pytest.raises(trt.InvalidNetworkError) as caught:
            net.mark_output(layer.get_output(0))
        return str(caught.value)

    def integers(*values):
        data = np.array(values, np.int32)
        return net.add_constant(data.shape, data).get_output(0)

    outside = refusal(net.add_gather(x, integers(7), 0))
    assert "index 7 lies outside axis 0 with 3 elements" in outside
    assert "-3 to 2 are inside" in outside
    few = refusal(net.add_reverse_sequence(x, integers(1, 1)))
    assert "give 4 lengths, one a sequence" in few
    ranks = refusal(net.add_concatenation([x, integers(1)]))
    assert OPTIONS not in outside + few + ranks
    assert OPTIONS in refusal(net.add_reverse_sequence(x, integers(1, 1, 1)))

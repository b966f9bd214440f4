"""Networks are edited through their methods only, and stay sound."""

import numpy as np
import pytest

from trtlab.core.enums import ElementWiseOperation, UnaryOperation
from trtlab.core.errors import InternalError, InvalidNetworkError, UsageError
from trtlab.core.types import DataType, Dim, TensorType
from trtlab.layers.activation import Activation, Unary
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.gather import NonZero
from trtlab.layers.scale import Cast
from trtlab.network.graph import Layer, Network, Origin, merge_origins
from trtlab.network.verify import verify

NEG = Unary(UnaryOperation.NEG)


def chain(count=3):
    """x → l0 → l1 → …, the last one an output."""
    network = Network()
    tensor = network.add_input("x", DataType.FLOAT, (2, -1))
    for number in range(count):
        tensor = network.add_layer(NEG, [tensor], name=f"l{number}").output
    network.mark_output(tensor)
    return network


def names(network):
    return [layer.name for layer in network]


def test_unknown_extents_are_named_after_input_and_axis():
    tensor = Network().add_input("x", DataType.FLOAT, (2, -1, Dim("n")))
    assert tensor.shape == (2, Dim("x.1"), Dim("n"))
    assert str(tensor.type) == "fp32[2,x.1,n]"


def test_wrong_inputs_are_refused():
    network = Network()
    network.add_input("x", DataType.FLOAT, (2,))
    with pytest.raises(UsageError, match="'x' exists"):
        network.add_input("x", DataType.FLOAT, (2,))
    with pytest.raises(UsageError, match="extent -2"):
        network.add_input("y", DataType.FLOAT, (-2,))


def test_constants_are_read_only_shared_and_at_most_single_precision():
    network = Network()
    data = np.ones((2, 3), np.float32)
    tensor = network.add_constant("c", data)
    assert np.shares_memory(tensor.data, data)
    assert not tensor.data.flags.writeable
    assert data.flags.writeable
    assert network.add_constant("d", np.ones(2)).dtype is DataType.FLOAT
    assert network.add_constant("s", np.int64(3)).shape == ()
    assert network.add_constant("i", np.arange(3)).value.tolist() == [0, 1, 2]


def test_layers_and_tensors_each_have_unique_names():
    network = Network()
    x = network.add_input("x", DataType.FLOAT, (2,))
    first = network.add_layer(NEG, [x], name="x", output_names=["y"])
    second = network.add_layer(NEG, [x], name="x", output_names=["y"])
    assert (first.name, second.name) == ("x", "x_1")
    assert (first.output.name, second.output.name) == ("y", "y_1")


def test_many_layers_without_names_are_quick():
    network = Network()
    tensor = network.add_input("x", DataType.FLOAT, (2,))
    for _ in range(2000):
        tensor = network.add_layer(NEG, [tensor]).output
    assert tensor.name == "unary_1999.out"


def test_a_refused_layer_leaves_nothing_behind():
    network = Network()
    a, b = (network.add_input(n, DataType.FLOAT, s) for n, s in (("a", (2,)), ("b", (3,))))
    with pytest.raises(InvalidNetworkError, match="broadcast") as caught:
        network.add_layer(ElementWise(), [a, b], name="sum")
    assert caught.value.where == ("layer sum (ELEMENTWISE)",)
    assert len(network) == 0
    assert a.consumers == ()
    assert network.unique_layer_name("sum") == "sum"


def test_a_layer_may_be_put_before_another():
    network = chain(2)
    first = network.layers[0]
    network.add_layer(NEG, [network.inputs[0]], name="early", before=first)
    network.add_layer(NEG, [network.inputs[0]], name="later", before=first)
    assert names(network) == ["early", "later", "l0", "l1"]
    verify(network)


def test_readers_follow_a_replaced_tensor():
    network = chain(3)
    first, second, _ = network.layers
    other = network.add_layer(NEG, [network.inputs[0]], name="other", before=second)
    network.replace_uses(first.output, other.output)
    network.remove(first)
    assert names(network) == ["other", "l1", "l2"]
    verify(network)


def test_a_layer_can_be_put_behind_a_tensor():
    network = chain(2)
    first, last = network.layers
    for layer, name in ((first, "inner"), (last, "outer")):
        cast = network.add_layer(Cast(DataType.HALF), [layer.output], name=name)
        network.replace_uses(layer.output, cast.output)
    network.sort()
    network.refresh_all()
    assert names(network) == ["l0", "inner", "l1", "outer"]
    assert network.outputs[0].name == "l1.out"
    assert network.outputs[0].producer.name == "outer"
    assert network.outputs[0].dtype is DataType.HALF
    verify(network)


def test_an_output_cannot_be_replaced_by_an_input():
    network = chain(1)
    with pytest.raises(InternalError, match="cannot be replaced"):
        network.replace_uses(network.outputs[0], network.inputs[0])


def test_inputs_and_operators_can_be_replaced():
    network = chain(2)
    _, last = network.layers
    network.replace_input(last, 0, network.inputs[0])
    network.replace_op(last, ElementWise(ElementWiseOperation.SUM), [network.inputs[0]] * 2)
    assert last.inputs == (network.inputs[0],) * 2
    assert network.layers[0].output.consumers == ()
    verify(network)


def test_a_layer_that_is_read_cannot_be_removed():
    network = chain(2)
    for layer in network:
        with pytest.raises(InternalError, match="is still needed"):
            network.remove(layer)


def test_names_of_removed_layers_become_free():
    network = chain(1)
    stray = network.add_layer(NEG, [network.inputs[0]], name="stray")
    network.remove(stray)
    again = network.add_layer(NEG, [network.inputs[0]], name="stray")
    assert (again.name, again.output.name) == ("stray", "stray.out")


def test_renaming():
    network = chain(2)
    network.rename_layer(network.layers[0], "l1")
    network.rename_tensor(network.outputs[0], "x")
    assert names(network) == ["l1_1", "l1"]
    assert network.outputs[0].name == "x_1"
    assert network.unique_layer_name("l0") == "l0"
    verify(network)


def test_outputs_can_move_to_another_layer():
    network = chain(2)
    old = network.layers[0]
    new = Layer("new", Activation(), old.inputs)
    tensor = old.output
    network.move_outputs(old, new)
    assert tensor.producer is new
    assert old.outputs == ()


def test_iterating_shows_a_snapshot():
    network = chain(2)
    for layer in network:
        network.add_layer(NEG, [network.inputs[0]], before=layer)
    assert len(network) == 4


def test_sorting_keeps_the_order_where_it_can():
    network = chain(4)
    mixed = Network("mixed", network.inputs, network.outputs)
    layers = network.layers
    mixed.adopt([layers[3], layers[0], layers[2], layers[1]])
    mixed.sort()
    assert names(mixed) == ["l0", "l1", "l2", "l3"]
    verify(mixed)


def test_sorting_finds_cycles():
    network = chain(2)
    first, last = network.layers
    first.inputs = (last.output,)
    with pytest.raises(InvalidNetworkError, match="layers form a cycle: l0, l1"):
        network.sort()


def test_sizes_that_data_decide_are_named_after_their_layer():
    network = Network()
    x = network.add_input("x", DataType.FLOAT, (4,))
    shapes = [network.add_layer(NonZero(), [x], name="found").output.shape for _ in range(2)]
    assert shapes == [(1, Dim("found.count")), (1, Dim("found_1.count"))]


def test_types_are_inferred_again_after_edits():
    network = chain(3)
    network.inputs[0].type = TensorType(DataType.HALF, (2, 2))
    network.refresh_all()
    assert network.outputs[0].type == TensorType(DataType.HALF, (2, 2))
    verify(network)


def test_tensors_and_lookups():
    network = chain(2)
    assert [t.name for t in network.tensors()] == ["x", "l0.out", "l1.out"]
    assert network.find_tensor("l0.out") is network.layers[0].output
    assert network.find_layer("l1") is network.layers[1]
    assert network.find_layer("l9") is None
    assert network.find_tensor("l9") is None


def test_origins_merge_in_order():
    a, b = Origin("a", "Conv"), Origin("b", "Relu")
    layers = [Layer("1", NEG, (), origins=(a, b)), Layer("2", NEG, (), origins=(b,))]
    assert merge_origins(layers) == (a, b)

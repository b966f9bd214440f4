"""RANDOM_UNIFORM and RANDOM_NORMAL: they build, are timed, and draw what was asked."""

from dataclasses import dataclass

import numpy as np
import pytest
from onnx import TensorProto, helper

import trtlab as trt
from trtlab.builder.timer import DeviceTimer
from trtlab.core.types import DataType
from trtlab.devices.cpu.device import CpuDevice
from trtlab.kernels.cpu.numpy_tactic import NumpyTactic
from trtlab.layers.activation import Activation
from trtlab.tactics.contest import ContestRules, hold_contest
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.timing_cache import TimingCache

QUIET = trt.Logger(trt.Logger.ERROR)
UNIFORM, NORMAL = trt.FillOperation.RANDOM_UNIFORM, trt.FillOperation.RANDOM_NORMAL


def context(define):
    """A context of the network whose outputs ``define`` makes, at default options."""
    builder = trt.Builder(QUIET)
    network = builder.create_network()
    for place, tensor in enumerate(define(network)):
        tensor.name = f"y{place}"
        network.mark_output(tensor)
    plan = builder.build_serialized_network(network, builder.create_builder_config())
    return trt.Runtime(QUIET).deserialize_cuda_engine(plan).create_execution_context()


def fill(network, op, count=4000, **bounds):
    layer = network.add_fill((count,), op)
    for name, value in bounds.items():
        setattr(layer, name, value)
    return layer.get_output(0)


def drawn(op, **bounds):
    return context(lambda network: [fill(network, op, **bounds)]).infer({})["y0"]


@pytest.mark.parametrize("bounds", [{}, {"alpha": 2.0, "beta": 3.0}])
def test_uniform_values_lie_between_their_bounds(bounds):
    low = bounds.get("alpha", 0.0)
    values = drawn(UNIFORM, **bounds)
    assert low <= values.min() < low + 0.05
    assert low + 0.95 < values.max() <= low + 1


@pytest.mark.parametrize("bounds", [{}, {"alpha": 10.0, "beta": 0.5}])
def test_normal_values_have_their_mean_and_deviation(bounds):
    values = drawn(NORMAL, **bounds)
    assert abs(values.mean() - bounds.get("alpha", 0.0)) < 0.05
    assert abs(values.std() / bounds.get("beta", 1.0) - 1) < 0.05


def test_bounds_that_other_layers_compute_are_heeded():
    def define(network):
        x = network.add_input("x", trt.float32, ())
        layer = network.add_fill((100,), UNIFORM)
        layer.set_input(1, x)
        layer.set_input(2, network.add_unary(x, trt.UnaryOperation.EXP).get_output(0))
        return [layer.get_output(0)]

    values = context(define).infer({"x": np.float32(5)})["y0"]
    assert values.min() >= 5
    assert 100 < values.max() <= np.exp(5)


def test_bounds_in_the_wrong_order_are_told_when_running():
    ready = context(lambda network: [fill(network, UNIFORM, alpha=2.0, beta=1.0)])
    with pytest.raises(trt.DeviceError, match=r"FILL cannot be computed from these values"):
        ready.infer({})


def test_layers_draw_numbers_of_their_own_and_every_build_the_same():
    def define(network):
        turned = network.add_fill((100,), trt.FillOperation.LINSPACE)
        turned.operation = UNIFORM
        return [fill(network, UNIFORM, 100), fill(network, UNIFORM, 100), turned.get_output(0)]

    ready = context(define)
    found = ready.infer({})
    assert len({array.tobytes() for array in found.values()}) == 3
    for again in (ready.infer({}), context(define).infer({})):
        for name, array in found.items():
            np.testing.assert_array_equal(again[name], array)


def from_onnx(*seeds, named=True):
    """What a model draws: a node for each seed, None for nodes without one."""
    nodes = [
        helper.make_node(
            "RandomUniform", [], [f"y{place}"], f"draw{place}" if named else "",
            shape=[100], **({} if seed is None else {"seed": seed}),
        )
        for place, seed in enumerate(seeds)
    ]  # fmt: skip
    outputs = [
        helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, [100])
        for node in nodes
    ]
    graph = helper.make_graph(nodes, "drawn", [], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])

    def define(network):
        assert trt.OnnxParser(network, QUIET).parse(model.SerializeToString())
        outputs = [network.get_output(i) for i in range(network.num_outputs)]
        for tensor in outputs:
            network.unmark_output(tensor)
        return outputs

    return [array.tobytes() for _, array in sorted(context(define).infer({}).items())]


@pytest.mark.parametrize("named", [True, False])
def test_nodes_without_a_seed_draw_numbers_of_their_own(named):
    first = from_onnx(None, None, 0.0, named=named)
    assert len(set(first)) == 3
    assert from_onnx(None, None, 0.0, named=named) == first


def test_equal_seeds_draw_equal_numbers_and_others_do_not():
    one, same, near, negative, broken = from_onnx(2.0, 2.0, 2.5, -2.0, float("nan"))
    assert one == same
    assert len({one, near, negative, broken}) == 4
    assert from_onnx(2.0, float("nan")) == [one, broken]


@dataclass(frozen=True)
class Choosy(Activation):
    """An operator that refuses what it is timed on."""

    def evaluate(self, inputs):
        raise ValueError("not with me")


def test_a_candidate_that_numpy_stops_is_refused_with_the_reason():
    x = Operand(DataType.FLOAT, (1, 8))
    registry = TacticRegistry()
    registry.add(Choosy, [NumpyTactic(Choosy)])
    timer, cache = DeviceTimer(CpuDevice(1)), TimingCache("cpu")
    found = hold_contest(Problem(Choosy(), (x,), (x,)), registry, timer, cache, ContestRules())
    assert found.chosen is None
    (only,) = found.contenders
    assert only.rejection == (
        "failed while being timed: ACTIVATION cannot be computed from these values: not with me"
    )

"""Scripts in the style of TensorRT's samples, after ``import trtlab as trt``."""

import json

import numpy as np
import onnxruntime
import pytest
from definitions import meaning, random
from onnx import TensorProto, helper, numpy_helper

import trtlab as trt

TRT_LOGGER = trt.Logger(trt.Logger.WARNING)
EXPLICIT_BATCH = 1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)


def classifier() -> bytes:
    """Conv, ReLU, pooling and a linear layer over a dynamic batch."""
    weights = {
        "w1": random(8, 3, 3, 3, seed=1) / 3,
        "b1": random(8, seed=2),
        "w2": random(8, 10, seed=3),
        "b2": random(10, seed=4),
    }
    nodes = [
        helper.make_node("Conv", ["data", "w1", "b1"], ["c"], "conv1", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], "relu1"),
        helper.make_node("GlobalAveragePool", ["r"], ["g"], "pool"),
        helper.make_node("Flatten", ["g"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w2", "b2"], ["logits"], "fc"),
        helper.make_node("Softmax", ["logits"], ["prob"], "softmax", axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "classifier",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["N", 3, 16, 16])],
        [helper.make_tensor_value_info("prob", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 10
    return model.SerializeToString()


@pytest.fixture(scope="module")
def model():
    return classifier()


def build_plan(model: bytes, change=lambda builder, network, config: None):
    """What every sample begins with."""
    with (
        trt.Builder(TRT_LOGGER) as builder,
        builder.create_network(EXPLICIT_BATCH) as network,
        trt.OnnxParser(network, TRT_LOGGER) as parser,
        builder.create_builder_config() as config,
    ):
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1 << 30)
        if not parser.parse(model):
            pytest.fail("\n".join(str(parser.get_error(i)) for i in range(parser.num_errors)))
        profile = builder.create_optimization_profile()
        name, shape = network.get_input(0).name, tuple(network.get_input(0).shape[1:])
        profile.set_shape(name, (1, *shape), (4, *shape), (8, *shape))
        config.add_optimization_profile(profile)
        change(builder, network, config)
        return builder.build_serialized_network(network, config)


@pytest.fixture(scope="module")
def plan(model):
    def detailed(builder, network, config):
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED

    return build_plan(model, detailed)


@pytest.fixture
def engine(plan):
    with trt.Runtime(TRT_LOGGER) as runtime:
        return runtime.deserialize_cuda_engine(plan)


class HostDeviceMem:
    """A host array, whose memory is the device's on the CPU."""

    def __init__(self, size: int, dtype: np.dtype):
        self.host = np.empty(size, dtype)

    @property
    def device(self) -> int:
        return self.host.ctypes.data


def allocate_buffers(engine: trt.ICudaEngine, profile_idx: int = 0):
    """Buffers for the largest shapes, as the samples' ``common.py`` makes them."""
    inputs, outputs = {}, {}
    for i in range(engine.num_io_tensors):
        name = engine.get_tensor_name(i)
        shape = engine.get_tensor_shape(name)
        if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
            shape = engine.get_tensor_profile_shape(name, profile_idx)[-1]
        elif np.any(np.array(shape) < 0):
            shape[0] = 8
        dtype = np.dtype(trt.nptype(engine.get_tensor_dtype(name)))
        memory = HostDeviceMem(trt.volume(shape), dtype)
        inside = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
        (inputs if inside else outputs)[name] = memory
    return inputs, outputs


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_dynamic_shapes_agree_with_onnxruntime(model, engine, batch):
    inputs, outputs = allocate_buffers(engine)
    data = random(batch, 3, 16, 16, seed=batch)
    with engine.create_execution_context() as context:
        context.set_optimization_profile_async(0, 0)
        context.set_input_shape("data", data.shape)
        assert context.all_binding_shapes_specified
        for name, memory in {**inputs, **outputs}.items():
            context.set_tensor_address(name, memory.device)
        np.copyto(inputs["data"].host[: data.size], data.ravel())
        assert context.execute_async_v3(stream_handle=0)
        shape = context.get_tensor_shape("prob")
        assert shape == (batch, 10)
        result = outputs["prob"].host[: trt.volume(shape)].reshape(shape)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (wanted,) = session.run(None, {"data": data})
    np.testing.assert_allclose(result, wanted, rtol=1e-4, atol=1e-6)


def test_engine_files_go_there_and_back(tmp_path, plan):
    path = tmp_path / "model.engine"
    with path.open("wb") as file:
        file.write(plan)
    assert path.stat().st_size == plan.nbytes
    with path.open("rb") as file:
        engine = trt.Runtime(TRT_LOGGER).deserialize_cuda_engine(file.read())
    assert list(engine) == ["data", "prob"]
    assert bytes(engine.serialize())[:6] == bytes(plan)[:6]
    assert repr(plan) == f"IHostMemory({len(plan):,} bytes)"


def test_profile_shapes_can_be_asked_of_every_tensor(engine):
    told = {name: engine.get_tensor_profile_shape(name, 0) for name in engine}
    assert told["prob"] == [(), (), ()]
    assert [tuple(shape)[1:] for shape in told["data"]] == [(3, 16, 16)] * 3
    assert engine.get_tensor_profile_values("prob", 0) == []
    with pytest.raises(trt.UsageError, match="optimization profile 7"):
        engine.get_tensor_profile_shape("prob", 7)


def test_a_profiler_hears_every_layer(engine):
    class Profiler(trt.IProfiler):
        def __init__(self):
            trt.IProfiler.__init__(self)
            self.times = {}

        def report_layer_time(self, layer_name, ms):
            self.times[layer_name] = ms

    context = engine.create_execution_context()
    context.profiler = profiler = Profiler()
    context.infer({"data": random(2, 3, 16, 16)})
    inspector = engine.create_engine_inspector()
    text = inspector.get_engine_information(trt.LayerInformationFormat.JSON)
    names = {layer["Name"] for layer in json.loads(text)["Layers"]}
    assert profiler.times
    assert set(profiler.times) <= names
    assert all(ms > 0 for ms in profiler.times.values())
    context.enqueue_emits_profile = False
    profiler.times.clear()
    context.infer({"data": random(2, 3, 16, 16)})
    assert not profiler.times
    assert context.report_to_profiler()
    assert profiler.times


def test_the_inspector_speaks_json(engine):
    inspector = engine.create_engine_inspector()
    facts = json.loads(inspector.get_engine_information(trt.LayerInformationFormat.JSON))
    assert facts["Bindings"] == ["data", "prob"]
    convolution = next(la for la in facts["Layers"] if la["LayerType"] == "CONVOLUTION")
    assert "conv1" in convolution["Name"]
    assert "[ONNX Layer: relu1]" in convolution["Metadata"]
    assert convolution["TacticName"]
    line = inspector.get_layer_information(0, trt.LayerInformationFormat.ONELINE)
    assert isinstance(line, str)
    assert "\n" not in line


@pytest.mark.parametrize(
    ("verbosity", "kind"),
    [(trt.ProfilingVerbosity.LAYER_NAMES_ONLY, str), (trt.ProfilingVerbosity.DETAILED, dict)],
)
def test_verbosity_says_how_much_the_inspector_tells(model, verbosity, kind):
    def change(builder, network, config):
        config.profiling_verbosity = verbosity
        config.builder_optimization_level = 0

    engine = trt.Runtime(TRT_LOGGER).deserialize_cuda_engine(build_plan(model, change))
    assert engine.profiling_verbosity is verbosity
    text = engine.create_engine_inspector().get_engine_information(
        trt.LayerInformationFormat.JSON
    )
    assert {type(layer) for layer in json.loads(text)["Layers"]} == {kind}


class Monitor(trt.IProgressMonitor):
    """Keeps what it hears, and stops after some steps."""

    def __init__(self, steps: int = 1 << 30):
        trt.IProgressMonitor.__init__(self)
        self.steps = steps
        self.started, self.finished = [], []

    def phase_start(self, phase_name, parent_phase, num_steps):
        self.started.append(phase_name)

    def step_complete(self, phase_name, step):
        self.steps -= 1
        return self.steps > 0

    def phase_finish(self, phase_name):
        self.finished.append(phase_name)


def test_a_progress_monitor_hears_every_phase(model):
    monitor = Monitor()

    def change(builder, network, config):
        config.progress_monitor = monitor

    assert build_plan(model, change) is not None
    assert len(monitor.started) >= 3
    assert monitor.started == monitor.finished


@pytest.mark.parametrize("steps", [1, 5, 60])
def test_a_progress_monitor_stops_the_build(model, steps):
    monitor = Monitor(steps)

    def change(builder, network, config):
        config.progress_monitor = monitor

    assert build_plan(model, change) is None
    assert monitor.steps == 0
    assert monitor.started == monitor.finished


def test_the_timing_cache_serves_the_next_build(model):
    kept = {}

    def first(builder, network, config):
        cache = config.create_timing_cache(b"")
        assert config.set_timing_cache(cache, ignore_mismatch=False)
        kept["cache"] = cache

    assert build_plan(model, first)
    blob = kept["cache"].serialize()
    assert len(kept["cache"].queryKeys()) > 0

    def second(builder, network, config):
        config.set_timing_cache(config.create_timing_cache(blob), ignore_mismatch=False)
        config.set_flag(trt.BuilderFlag.ERROR_ON_TIMING_CACHE_MISS)
        kept["engine"] = builder.build_engine_with_config(network, config)

    build_plan(model, second)
    record = kept["engine"].engine.build
    assert record.cache_hits > 0
    timed = [c for s in record.selections for c in s.contenders if c.time_us is not None]
    assert timed
    assert all(contender.from_cache for contender in timed)


def test_a_cache_miss_can_be_an_error(model):
    def change(builder, network, config):
        config.set_flag(trt.BuilderFlag.ERROR_ON_TIMING_CACHE_MISS)

    with pytest.raises(trt.UsageError, match="no time in the timing cache"):
        build_plan(model, change)


def test_fp16_computes_in_half(model):
    def change(builder, network, config):
        config.set_flag(trt.BuilderFlag.FP16)

    engine = trt.Runtime(TRT_LOGGER).deserialize_cuda_engine(build_plan(model, change))
    assert engine.engine.config.precision == "fp16"
    data = random(2, 3, 16, 16)
    result = engine.create_execution_context().infer({"data": data})["prob"]
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (wanted,) = session.run(None, {"data": data})
    assert 0 < np.abs(result - wanted).max() < 1e-2


def populate_network(network: trt.INetworkDefinition) -> None:
    """LeNet for digits, as the sample ``network_api_pytorch_mnist`` writes it."""

    def add_matmul_as_fc(net, input, outputs, w, b):  # noqa: A002
        assert len(input.shape) >= 3
        m, k = 1, trt.volume(input.shape[1:])
        reshape = net.add_shuffle(input)
        reshape.reshape_dims = trt.Dims2(-1, k)
        filter_const = net.add_constant(trt.Dims2(outputs, k), w)
        mm = net.add_matrix_multiply(
            reshape.get_output(0), trt.MatrixOperation.NONE,
            filter_const.get_output(0), trt.MatrixOperation.TRANSPOSE,
        )  # fmt: skip
        bias_const = net.add_constant(trt.Dims2(m, outputs), b)
        bias_add = net.add_elementwise(
            mm.get_output(0), bias_const.get_output(0), trt.ElementWiseOperation.SUM
        )
        output_reshape = net.add_shuffle(bias_add.get_output(0))
        output_reshape.reshape_dims = trt.Dims4(-1, outputs, 1, 1)
        return output_reshape

    data = network.add_input(name="data", dtype=trt.float32, shape=(-1, 1, 28, 28))
    conv1 = network.add_convolution_nd(
        input=data, num_output_maps=20, kernel_shape=(5, 5),
        kernel=random(20, 1, 5, 5, seed=1).ravel() / 5, bias=random(20, seed=2),
    )  # fmt: skip
    conv1.stride_nd = (1, 1)
    pool1 = network.add_pooling_nd(
        input=conv1.get_output(0), type=trt.PoolingType.MAX, window_size=(2, 2)
    )
    pool1.stride_nd = trt.Dims2(2, 2)
    conv2 = network.add_convolution_nd(
        pool1.get_output(0), 50, (5, 5), random(50 * 20 * 25, seed=3) / 20, random(50, seed=4)
    )
    conv2.stride_nd = (1, 1)
    pool2 = network.add_pooling_nd(conv2.get_output(0), trt.PoolingType.MAX, (2, 2))
    pool2.stride_nd = trt.Dims2(2, 2)
    fc1 = add_matmul_as_fc(
        network, pool2.get_output(0), 64, random(64 * 800, seed=5) / 28, random(64, seed=6)
    )
    relu1 = network.add_activation(input=fc1.get_output(0), type=trt.ActivationType.RELU)
    fc2 = add_matmul_as_fc(
        network, relu1.get_output(0), 10, random(10 * 64, seed=7) / 8, random(10, seed=8)
    )
    softmax = network.add_softmax(fc2.get_output(0))
    softmax.get_output(0).name = "prob"
    network.mark_output(tensor=softmax.get_output(0))


def test_a_network_built_layer_by_layer_agrees_with_its_meaning():
    builder = trt.Builder(TRT_LOGGER)
    network = builder.create_network(0)
    populate_network(network)
    config = builder.create_builder_config()
    config.builder_optimization_level = 2
    profile = builder.create_optimization_profile()
    profile.set_shape("data", (1, 1, 28, 28), (2, 1, 28, 28), (3, 1, 28, 28))
    config.add_optimization_profile(profile)
    engine = builder.build_engine_with_config(network, config)
    data = random(3, 1, 28, 28, seed=9)
    result = engine.create_execution_context().infer({"data": data})["prob"]
    (wanted,) = meaning(network, data=data)
    assert result.shape == (3, 10, 1, 1)
    np.testing.assert_allclose(result, wanted, rtol=1e-3, atol=1e-5)
    assert engine.engine.model.source == "network definition"
    assert engine.num_layers < network.num_layers


def test_several_profiles(model):
    def change(builder, network, config):
        wide = builder.create_optimization_profile()
        wide.set_shape("data", (16, 3, 16, 16), (16, 3, 16, 16), (16, 3, 16, 16))
        assert config.add_optimization_profile(wide) == 1

    engine = trt.Runtime(TRT_LOGGER).deserialize_cuda_engine(build_plan(model, change))
    assert engine.num_optimization_profiles == 2
    context = engine.create_execution_context()
    with pytest.raises(trt.UsageError, match="outside the optimization profile"):
        context.set_input_shape("data", (16, 3, 16, 16))
    context.active_optimization_profile = 1
    assert context.infer({"data": random(16, 3, 16, 16)})["prob"].shape == (16, 10)


def test_a_script_of_tensorrt_8_runs(model, engine):
    """Numbered bindings, as samples wrote them before TensorRT 8.5."""
    inputs, outputs, bindings = [], [], []
    data = random(2, 3, 16, 16)
    context = engine.create_execution_context()
    context.set_binding_shape(engine.get_binding_index("data"), data.shape)
    for binding in engine:
        shape = context.get_binding_shape(engine[binding])
        size = trt.volume(shape) * engine.max_batch_size
        memory = HostDeviceMem(size, trt.nptype(engine.get_binding_dtype(binding)))
        bindings.append(memory.device)
        (inputs if engine.binding_is_input(binding) else outputs).append(memory)
    assert engine.num_bindings == len(bindings) == 2
    assert [engine.get_binding_name(i) for i in range(2)] == ["data", "prob"]
    np.copyto(inputs[0].host, data.ravel())
    assert context.execute_async_v2(bindings=bindings, stream_handle=0)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (wanted,) = session.run(None, {"data": data})
    np.testing.assert_allclose(outputs[0].host.reshape(2, 10), wanted, rtol=1e-4, atol=1e-6)
    assert engine.get_binding_index("nobody") == -1
    assert engine.get_profile_shape(0, "data")[2] == (8, 3, 16, 16)
    assert context.get_strides(1) == (10, 1)
    with pytest.raises(trt.UsageError, match="2 bindings"):
        engine.get_binding_name(2)

"""Attributes of engines, contexts and what makes them: refused, explained, or told truly."""

import numpy as np
import pytest
from definitions import network

import trtlab as trt
from trtlab.core.errors import MissingNameError, UnknownNameError
from trtlab.runtime.missing import CONTEXT, ENGINE, RUNTIME


class Notes(trt.ILogger):
    """Keeps what it hears."""

    def __init__(self):
        self.heard = []

    def log(self, severity, msg):
        self.heard.append((severity, msg))


@pytest.fixture(scope="module")
def engine():
    definition = network()
    x = definition.add_input("x", trt.float32, (1, 4))
    layer = definition.add_activation(x, trt.ActivationType.RELU)
    layer.get_output(0).name = "y"
    definition.mark_output(layer.get_output(0))
    builder = trt.Builder(trt.Logger())
    config = builder.create_builder_config()
    config.builder_optimization_level = 0
    return builder.build_engine_with_config(definition, config)


@pytest.fixture
def subjects(engine):
    return {
        "logger": trt.Logger(),
        "runtime": trt.Runtime(trt.Logger()),
        "engine": engine,
        "context": engine.create_execution_context(),
        "inspector": engine.create_engine_inspector(),
        "config": engine.create_runtime_config(),
    }


@pytest.mark.parametrize(
    ("who", "name", "meant"),
    [
        ("logger", "min_severty", "min_severity"),
        ("runtime", "max_thread", "max_threads"),
        ("engine", "num_layer", "num_layers"),
        ("context", "profilerr", "profiler"),
        ("context", "enqueue_emit_profile", "enqueue_emits_profile"),
        ("inspector", "executoin_context", "execution_context"),
        ("config", "strategy", "set_execution_context_allocation_strategy"),
    ],
)
def test_misspelt_attributes_are_refused_with_a_suggestion(subjects, who, name, meant):
    with pytest.raises(UnknownNameError, match=meant):
        setattr(subjects[who], name, 5)
    assert not hasattr(subjects[who], name)


@pytest.mark.parametrize("who", ["logger", "runtime", "engine", "inspector"])
def test_misspelt_names_are_not_read_either(subjects, who):
    known = next(n for n in dir(type(subjects[who])) if not n.startswith("_"))
    with pytest.raises(UnknownNameError, match=known):
        getattr(subjects[who], f"{known}_")


@pytest.mark.parametrize(
    ("who", "name", "reason"),
    [
        *(("runtime", name, reason) for name, reason in RUNTIME.items()),
        *(("engine", name, reason) for name, reason in ENGINE.items()),
        *(("context", name, reason) for name, reason in CONTEXT.items()),
    ],
)
def test_missing_names_say_why(subjects, who, name, reason):
    subject = subjects[who]
    assert not hasattr(subject, name)
    assert name not in dir(subject)
    for use in (lambda: getattr(subject, name), lambda: setattr(subject, name, 5)):
        with pytest.raises(MissingNameError) as raised:
            use()
        assert name in raised.value.what
        assert raised.value.hint == reason


def test_names_that_are_gone_are_not_suggested(subjects):
    with pytest.raises(UnknownNameError) as raised:
        subjects["context"].get_debug_statee = 1
    assert "get_debug_state " not in f"{raised.value.hint} "


def test_attributes_that_exist_can_be_set(subjects):
    context, inspector = subjects["context"], subjects["inspector"]
    context.name, context.debug_sync = "one", True
    context.profiler, context.enqueue_emits_profile = trt.Profiler(), False
    context.nvtx_verbosity = trt.ProfilingVerbosity.NONE
    inspector.execution_context = context
    assert (context.name, context.debug_sync) == ("one", True)
    assert inspector.execution_context is context
    subjects["logger"].min_severity = trt.Logger.ERROR
    assert subjects["logger"].min_severity is trt.Logger.ERROR


def test_classes_of_users_have_attributes_of_their_own():
    class Counting(trt.Logger):
        def __init__(self):
            super().__init__(trt.Logger.ERROR)
            self.count = 0

        def log(self, severity, msg):
            self.count += 1

    class Times(trt.Profiler):
        def __init__(self):
            self.times = []

    logger = Counting()
    logger.note = "mine"
    trt.Runtime(logger).max_threads = 4096
    assert (logger.count, logger.note, Times().times) == (1, "mine", [])


# ---- what has one true value ---------------------------------------------------------------


def test_an_engine_tells_what_it_is(engine):
    assert engine.engine_capability is trt.EngineCapability.STANDARD
    assert engine.hardware_compatibility_level is trt.HardwareCompatibilityLevel.NONE
    assert engine.streamable_weights_size == 0
    assert engine.get_aliased_input_tensor("y") is None
    assert engine.is_debug_tensor("y") is False
    assert engine.get_tensor_profile_values("x", 0) == []
    for ask in (engine.get_aliased_input_tensor, engine.is_debug_tensor):
        with pytest.raises(trt.UsageError, match="'z'"):
            ask("z")


def test_tactic_sources_are_those_of_the_build(engine):
    builder = trt.Builder(trt.Logger())
    config = builder.create_builder_config()
    assert engine.tactic_sources == config.get_tactic_sources() != 0
    fewer = config.get_tactic_sources() & ~(1 << trt.TacticSource.GENERATED)
    assert fewer != engine.tactic_sources
    config.set_tactic_sources(fewer)
    config.builder_optimization_level = 0
    definition = network()
    x = definition.add_input("x", trt.float32, (1, 4))
    definition.mark_output(definition.add_unary(x, trt.UnaryOperation.NEG).get_output(0))
    plan = builder.build_serialized_network(definition, config)
    again = trt.Runtime(trt.Logger()).deserialize_cuda_engine(plan)
    assert again.tactic_sources == fewer
    context = again.create_execution_context()
    (found,) = context.infer({"x": np.ones((1, 4), np.float32)}).values()
    np.testing.assert_array_equal(found, -np.ones((1, 4), np.float32))


def test_a_runtime_tells_what_it_is():
    notes = Notes()
    runtime = trt.Runtime(notes)
    assert runtime.logger is notes
    assert (runtime.DLA_core, runtime.num_DLA_cores) == (-1, 0)
    assert runtime.gpu_allocator is None
    runtime.DLA_core, runtime.gpu_allocator, runtime.error_recorder = -1, None, None
    threads = runtime.max_threads
    runtime.max_threads = threads
    runtime.engine_host_code_allowed = False
    assert notes.heard == []
    runtime.max_threads = threads + 1
    runtime.engine_host_code_allowed = True
    assert runtime.max_threads == threads
    assert runtime.engine_host_code_allowed is True
    assert [severity for severity, _ in notes.heard] == [trt.Logger.INFO] * 2
    assert [text.split()[0] for _, text in notes.heard] == [
        "max_threads",
        "engine_host_code_allowed",
    ]


@pytest.mark.parametrize(
    ("who", "name", "value"),
    [
        ("runtime", "DLA_core", 0),
        ("runtime", "gpu_allocator", object()),
        ("runtime", "error_recorder", object()),
        ("engine", "error_recorder", object()),
        ("inspector", "error_recorder", object()),
        ("context", "error_recorder", object()),
        ("context", "temporary_allocator", object()),
        ("context", "nvtx_verbosity", trt.ProfilingVerbosity.DETAILED),
    ],
)
def test_other_values_are_refused(subjects, who, name, value):
    before = getattr(subjects[who], name)
    with pytest.raises(trt.UnsupportedError, match=name):
        setattr(subjects[who], name, value)
    assert getattr(subjects[who], name) == before


def test_a_runtime_needs_a_logger():
    with pytest.raises(trt.UsageError, match="no logger"):
        trt.Runtime(None)

"""IBuilderConfig and IOptimizationProfile: what is set has its effect, or is refused."""

import pytest

import trtlab as trt
from trtlab.builder.progress import SilentMonitor
from trtlab.core.errors import UnknownNameError
from trtlab.session.work import describe


class Notes(trt.ILogger):
    """A logger that keeps what it hears."""

    def __init__(self):
        self.heard = []

    def log(self, severity, msg):
        self.heard.append((severity, msg))

    def told(self, text):
        return any(text in message for _, message in self.heard)


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def builder(notes):
    return trt.Builder(notes)


@pytest.fixture
def config(builder):
    return builder.create_builder_config()


@pytest.fixture
def definition(builder):
    made = builder.create_network()
    x = made.add_input("x", trt.float32, (-1, 4))
    layer = made.add_activation(x, trt.ActivationType.RELU)
    made.mark_output(layer.get_output(0))
    return made


# ---- flags -----------------------------------------------------------------------------


def test_defaults_are_those_of_tensorrt(config):
    assert config.flags == 1 << int(trt.BuilderFlag.TF32)
    assert config.builder_optimization_level == 3
    assert config.avg_timing_iterations == 1
    assert config.max_num_tactics == -1
    assert config.profiling_verbosity is trt.ProfilingVerbosity.LAYER_NAMES_ONLY
    assert config.num_optimization_profiles == 0
    assert config.progress_monitor is None
    assert config.get_timing_cache() is None


def test_flags_and_their_bit_mask(config):
    config.set_flag(trt.BuilderFlag.FP16)
    assert config.get_flag(trt.BuilderFlag.FP16)
    assert config.flags == 1 << int(trt.BuilderFlag.FP16) | 1 << int(trt.BuilderFlag.TF32)
    config.clear_flag(trt.BuilderFlag.TF32)
    config.flags |= 1 << int(trt.BuilderFlag.BF16)
    assert config.get_flag(trt.BuilderFlag.BF16)
    config.reset()
    assert config.flags == 1 << int(trt.BuilderFlag.TF32)


@pytest.mark.parametrize(
    "name",
    ["INT8", "FP8", "INT4", "FP4", "REFIT", "STRIP_PLAN", "WEIGHT_STREAMING", "DIRECT_IO",
     "VERSION_COMPATIBLE", "STRICT_NANS", "SAFETY_SCOPE", "DISTRIBUTIVE_INDEPENDENCE"],
)  # fmt: skip
def test_promises_that_cannot_be_kept_are_refused(config, name):
    before = config.flags
    flag = trt.BuilderFlag[name]
    with pytest.raises(trt.UnsupportedError, match=name) as caught:
        config.set_flag(flag)
    assert caught.value.hint
    with pytest.raises(trt.UnsupportedError):
        config.flags = before | 1 << flag
    assert config.flags == before


def test_hints_are_told_and_accepted(config, notes):
    config.set_flag(trt.BuilderFlag.SPARSE_WEIGHTS)
    assert config.get_flag(trt.BuilderFlag.SPARSE_WEIGHTS)
    assert notes.told("SPARSE_WEIGHTS has no effect here")
    config.tiling_optimization_level = trt.TilingOptimizationLevel.FAST
    assert notes.told("tiling_optimization_level")
    config.set_preview_feature(trt.PreviewFeature.PROFILE_SHARING_0806, True)
    assert config.get_preview_feature(trt.PreviewFeature.PROFILE_SHARING_0806)
    with pytest.raises(trt.UnsupportedError):
        config.set_preview_feature(trt.PreviewFeature.ALIASED_PLUGIN_IO_10_03, True)


@pytest.mark.parametrize(
    ("flags", "precision", "enabled"),
    [
        ((), trt.float32, set()),
        (("FP16",), trt.float16, {trt.float16}),
        (("BF16",), trt.bfloat16, {trt.bfloat16}),
        (("FP16", "BF16"), trt.float16, {trt.float16, trt.bfloat16}),
    ],
)
def test_precision_flags_become_types(config, definition, flags, precision, enabled):
    for name in flags:
        config.set_flag(trt.BuilderFlag[name])
    options = config.options(definition.graph)
    assert options.precision is precision
    assert options.enabled_types == enabled
    assert set(flags) <= set(options.flags)


def test_wishes_need_a_flag(config, definition, notes):
    definition.get_layer(0).precision = trt.float16
    assert config.options(definition.graph).constraints == "none"
    name = definition.get_layer(0).name
    assert notes.told(f"1 layer asks for types ({name}); without OBEY")
    config.set_flag(trt.BuilderFlag.PREFER_PRECISION_CONSTRAINTS)
    assert config.options(definition.graph).constraints == "prefer"
    config.set_flag(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)
    assert config.options(definition.graph).constraints == "obey"


def test_preferred_types_that_no_flag_enables_are_told(builder, config, notes):
    network = builder.create_network()
    tensor = network.add_input("x", trt.float32, (4,))
    for name in ("one", "two", "three"):
        layer = network.add_activation(tensor, trt.ActivationType.RELU)
        layer.name = name
        tensor = layer.get_output(0)
    network.mark_output(tensor)
    network.get_layer(0).precision = network.get_layer(1).precision = trt.float16
    network.get_layer(2).set_output_type(0, trt.bfloat16)
    config.set_flag(trt.BuilderFlag.PREFER_PRECISION_CONSTRAINTS)
    built = builder.build_engine_with_config(network, config)
    assert {layer.precision for layer in describe(built.engine).layers} == {"fp32"}
    said = "which no flag enables; with PREFER_PRECISION_CONSTRAINTS this is ignored"
    assert notes.told(f"2 layers ask for fp16 (one, …), {said}")
    assert notes.told(f"1 layer asks for bf16 (three), {said}")
    assert [severity for severity, _ in notes.heard].count(trt.Logger.WARNING) == 2
    notes.heard.clear()
    config.set_flag(trt.BuilderFlag.FP16)
    config.options(network.graph)
    assert notes.told("bf16 (three)")
    assert not notes.told("fp16")


def test_strongly_typed_networks_refuse_precision_flags(builder, config):
    strong = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    config.set_flag(trt.BuilderFlag.FP16)
    with pytest.raises(trt.UsageError, match="strongly typed"):
        config.options(strong.graph)


# ---- search ----------------------------------------------------------------------------


def test_search_options_reach_the_build(config, definition):
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1 << 20)
    config.builder_optimization_level = 4
    config.avg_timing_iterations = 5
    config.max_num_tactics = 2
    config.max_aux_streams = 1
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    config.set_flag(trt.BuilderFlag.DISABLE_TIMING_CACHE)
    options = config.options(definition.graph)
    assert options.memory_pools == {"WORKSPACE": 1 << 20}
    assert config.max_workspace_size == 1 << 20
    assert (options.optimization_level, options.timing_iterations) == (4, 5)
    assert (options.max_tactics, options.max_aux_streams) == (2, 1)
    assert options.verbosity == "detailed"
    assert not options.use_timing_cache
    rules = options.contest_rules
    assert (rules.workspace_limit_bytes, rules.max_tactics) == (1 << 20, 2)


def test_the_tactic_heuristic_lowers_the_usual_level(config, definition):
    config.set_flag(trt.BuilderFlag.ENABLE_TACTIC_HEURISTIC)
    assert config.options(definition.graph).optimization_level == 2
    config.builder_optimization_level = 5
    assert config.options(definition.graph).optimization_level == 5


def test_workspace_is_the_devices_memory_until_limited(config):
    assert config.get_memory_pool_limit(trt.MemoryPoolType.WORKSPACE) > 1 << 28
    assert config.get_memory_pool_limit(trt.MemoryPoolType.DLA_LOCAL_DRAM) == 0


def test_tactic_sources(config, definition, notes):
    generated, numpy = trt.TacticSource.GENERATED, trt.TacticSource.NUMPY
    everything = config.get_tactic_sources()
    assert everything >> generated & 1
    assert everything >> numpy & 1
    config.set_tactic_sources(1 << int(trt.TacticSource.CUBLAS))
    assert notes.told("tactic source CUBLAS has no effect here")
    assert config.options(definition.graph).tactic_sources == frozenset()
    config.set_tactic_sources(everything & ~(1 << generated))
    assert config.options(definition.graph).tactic_sources == {"NUMPY"}
    assert config.get_tactic_sources() == 1 << numpy
    with pytest.raises(trt.UsageError, match="unknown bits"):
        config.set_tactic_sources(1 << 40)


def test_every_source_of_the_device_has_a_bit(config):
    from trtlab.runtime.devices import open_runtime

    sources = open_runtime("cpu")[1].sources()
    assert sources <= set(trt.TacticSource.__members__)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("builder_optimization_level", 6, "0 to 5"),
        ("builder_optimization_level", -1, "at least 0"),
        ("builder_optimization_level", "3", "not an integer"),
        ("avg_timing_iterations", 0, "at least 1"),
        ("max_num_tactics", 0, "at least one tactic"),
        ("max_aux_streams", -2, "at least -1"),
        ("profiling_verbosity", "DETAILED", "ProfilingVerbosity.DETAILED"),
        ("progress_monitor", object(), "IProgressMonitor"),
        ("max_worksapce_size", 1, "max_workspace_size"),
    ],
)
def test_strange_values_are_refused(config, name, value, told):
    with pytest.raises((trt.UsageError, UnknownNameError), match=told):
        setattr(config, name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DLA_core", 0),
        ("default_device_type", trt.DeviceType.DLA),
        ("engine_capability", trt.EngineCapability.SAFETY),
        ("hardware_compatibility_level", trt.HardwareCompatibilityLevel.AMPERE_PLUS),
        ("runtime_platform", trt.RuntimePlatform.WINDOWS_AMD64),
        ("int8_calibrator", object()),
        ("plugins_to_serialize", ["libplugin.so"]),
    ],
)
def test_what_does_not_exist_is_refused_and_its_absence_accepted(config, name, value):
    before = getattr(config, name)
    setattr(config, name, before)
    with pytest.raises(trt.UnsupportedError, match=name):
        setattr(config, name, value)
    assert getattr(config, name) == before


def test_only_the_workspace_can_be_limited(config):
    with pytest.raises(trt.UnsupportedError, match="WORKSPACE"):
        config.set_memory_pool_limit(trt.MemoryPoolType.DLA_MANAGED_SRAM, 1)
    with pytest.raises(trt.UsageError, match="at least 0"):
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, -1)


def test_any_object_with_the_three_methods_is_a_monitor(config):
    config.progress_monitor = SilentMonitor()
    config.progress_monitor = None


# ---- profiles --------------------------------------------------------------------------


def test_profiles_reach_the_build(builder, config, definition):
    profile = builder.create_optimization_profile()
    assert not profile
    with pytest.raises(trt.UsageError, match="empty"):
        config.add_optimization_profile(profile)
    profile.set_shape("x", (1, 4), trt.Dims2((2, 4)), [8, 4])
    assert profile
    assert profile.get_shape("x") == [(1, 4), (2, 4), (8, 4)]
    assert profile.get_shape("y") == []
    assert config.add_optimization_profile(profile) == 0
    assert config.num_optimization_profiles == 1
    (plain,) = config.options(definition.graph).profiles
    assert plain.inputs == {"x": ((1, 4), (2, 4), (8, 4))}


@pytest.mark.parametrize(
    ("shapes", "told"),
    [
        (((2, 4), (1, 4), (8, 4)), "min ≤ opt ≤ max"),
        (((1, 4), (9, 4), (8, 4)), "min ≤ opt ≤ max"),
        (((1, 4), (1, 4, 1), (8, 4)), "differ in rank"),
        (((1, -1), (1, 4), (8, 4)), "below 0"),
        (("1x4", (1, 4), (8, 4)), "not a sequence"),
    ],
)
def test_profiles_must_make_sense(builder, shapes, told):
    profile = builder.create_optimization_profile()
    with pytest.raises(trt.UsageError, match=told):
        profile.set_shape("x", *shapes)
    assert not profile


def test_shape_inputs_do_not_exist(builder):
    with pytest.raises(trt.UnsupportedError, match="shape input"):
        builder.create_optimization_profile().set_shape_input("x", (1,), (1,), (1,))


# ---- the builder -----------------------------------------------------------------------


def test_is_network_supported_tells_why_not(builder, config, definition, notes):
    assert not builder.is_network_supported(builder.create_network(), config)
    assert notes.told("has no output")
    assert builder.is_network_supported(definition, config)
    profile = builder.create_optimization_profile()
    profile.set_shape("y", (1,), (1,), (1,))
    config.add_optimization_profile(profile)
    assert not builder.is_network_supported(definition, config)
    assert notes.told("names input 'y'")


def test_a_dynamic_input_needs_a_profile(builder, config, definition, notes):
    with pytest.raises(trt.UsageError, match="dynamic shape"):
        builder.build_serialized_network(definition, config)
    assert notes.heard[-1][0] == trt.Logger.ERROR


@pytest.mark.parametrize(
    ("name", "said"), [(None, "(-1, 3, -1)"), ("batch", "(batch, 3, -1)")]
)
def test_a_missing_range_is_told_in_words_of_the_api(builder, config, name, said):
    network = builder.create_network()
    x = network.add_input("x", trt.float32, (-1, 3, -1))
    if name:
        x.set_dimension_name(0, name)
    network.mark_output(network.add_activation(x, trt.ActivationType.RELU).get_output(0))
    with pytest.raises(trt.UsageError, match="no range") as caught:
        builder.build_serialized_network(network, config)
    assert f"input 'x' has dynamic shape {said} and no range" in str(caught.value)
    assert 'profile.set_shape("x", min, opt, max)' in caught.value.hint
    profile = builder.create_optimization_profile()
    profile.set_shape("x", (1, 2, 4), (1, 2, 4), (1, 2, 4))
    config.add_optimization_profile(profile)
    with pytest.raises(trt.UsageError, match="does not fit") as caught:
        builder.build_serialized_network(network, config)
    assert f"declared as {said}" in str(caught.value)


@pytest.mark.parametrize("bad", [None, "logger", 3])
def test_a_builder_needs_a_logger(bad):
    with pytest.raises(trt.UsageError, match="no logger"):
        trt.Builder(bad)


def test_a_builder_needs_a_device():
    with pytest.raises(trt.UsageError, match="tpu"):
        trt.Builder(trt.Logger(), device="tpu")


def test_the_platform(builder):
    assert not builder.platform_has_fast_fp16
    assert not builder.platform_has_fast_int8
    assert builder.num_DLA_cores == 0
    assert builder.max_threads >= 1


def test_builders_and_configs_serve_with(builder):
    with builder as same, same.create_network() as net, same.create_builder_config() as config:
        assert net.num_layers == 0
        assert config.num_optimization_profiles == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda b: b,
        lambda b: b.create_network(),
        lambda b: b.create_builder_config(),
        lambda b: b.create_optimization_profile(),
        lambda b: trt.OnnxParser(b.create_network(), trt.Logger()),
    ],
)
def test_misspelt_attributes_are_refused_everywhere(builder, make):
    with pytest.raises(UnknownNameError, match="max_bach_size"):
        make(builder).max_bach_size = 8


def test_the_batch_size_of_old_scripts_is_a_hint(builder, notes):
    builder.max_batch_size = 8
    assert notes.told("optimization profiles bound the batch")

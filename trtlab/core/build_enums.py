"""TensorRT's enumerations whose numbers user code relies on, as bit positions and indices.

The numbers are those of TensorRT 10.16, the largest set; members of 8.6 that it dropped follow
behind, and trtlab's own layer types start at 1000.
"""

from trtlab.core.enums import NamedInt


class BuilderFlag(NamedInt):
    """Switches of `IBuilderConfig`."""

    FP16 = 0
    INT8 = 1
    DEBUG = 2
    GPU_FALLBACK = 3
    REFIT = 4
    DISABLE_TIMING_CACHE = 5
    TF32 = 6
    SPARSE_WEIGHTS = 7
    SAFETY_SCOPE = 8
    OBEY_PRECISION_CONSTRAINTS = 9
    PREFER_PRECISION_CONSTRAINTS = 10
    DIRECT_IO = 11
    REJECT_EMPTY_ALGORITHMS = 12
    VERSION_COMPATIBLE = 13
    EXCLUDE_LEAN_RUNTIME = 14
    FP8 = 15
    ERROR_ON_TIMING_CACHE_MISS = 16
    BF16 = 17
    DISABLE_COMPILATION_CACHE = 18
    STRIP_PLAN = 19
    WEIGHTLESS = 19
    REFIT_IDENTICAL = 20
    WEIGHT_STREAMING = 21
    INT4 = 22
    REFIT_INDIVIDUAL = 23
    STRICT_NANS = 24
    MONITOR_MEMORY = 25
    FP4 = 26
    EDITABLE_TIMING_CACHE = 27
    DISTRIBUTIVE_INDEPENDENCE = 28
    ENABLE_TACTIC_HEURISTIC = 29
    STRICT_TYPES = 30


class MemoryPoolType(NamedInt):
    """Memory that a build may be limited in."""

    WORKSPACE = 0
    DLA_MANAGED_SRAM = 1
    DLA_LOCAL_DRAM = 2
    DLA_GLOBAL_DRAM = 3
    TACTIC_DRAM = 4
    TACTIC_SHARED_MEMORY = 5


class TacticSource(NamedInt):
    """Where tactics come from; trtlab's own sources start at 16."""

    CUBLAS = 0
    CUBLAS_LT = 1
    CUDNN = 2
    EDGE_MASK_CONVOLUTIONS = 3
    JIT_CONVOLUTIONS = 4
    GENERATED = 16
    NUMPY = 17


class PreviewFeature(NamedInt):
    """Features that TensorRT releases early."""

    PROFILE_SHARING_0806 = 0
    ALIASED_PLUGIN_IO_10_03 = 1
    RUNTIME_ACTIVATION_RESIZE_10_10 = 2
    MULTIDEVICE_RUNTIME_10_16 = 3
    FASTER_DYNAMIC_SHAPES_0805 = 4
    DISABLE_EXTERNAL_TACTIC_SOURCES_FOR_CORE_0805 = 5


class HardwareCompatibilityLevel(NamedInt):
    """On which other devices an engine shall run."""

    NONE = 0
    AMPERE_PLUS = 1
    SAME_COMPUTE_CAPABILITY = 2


class RuntimePlatform(NamedInt):
    """On which operating system an engine shall run."""

    SAME_AS_BUILD = 0
    WINDOWS_AMD64 = 1


class TilingOptimizationLevel(NamedInt):
    """How hard to look for tilings across layers."""

    NONE = 0
    FAST = 1
    MODERATE = 2
    FULL = 3


class NetworkDefinitionCreationFlag(NamedInt):
    """Switches of `Builder.create_network`."""

    EXPLICIT_BATCH = 0
    STRONGLY_TYPED = 1
    PREFER_JIT_PYTHON_PLUGINS = 2
    PREFER_AOT_PYTHON_PLUGINS = 3


class EngineCapability(NamedInt):
    """Restrictions that an engine follows."""

    STANDARD = 0
    SAFETY = 1
    DLA_STANDALONE = 2
    DEFAULT = 0
    SAFE_GPU = 1
    SAFE_DLA = 2


class DeviceType(NamedInt):
    """Where layers run; GPU stands for the builder's device, whatever it is."""

    GPU = 0
    DLA = 1


class QuantizationFlag(NamedInt):
    """Switches of implicit quantization."""

    CALIBRATE_BEFORE_FUSION = 0


class OnnxParserFlag(NamedInt):
    """Switches of `OnnxParser`."""

    NATIVE_INSTANCENORM = 0
    ENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA = 1
    REPORT_CAPABILITY_DLA = 2
    ENABLE_PLUGIN_OVERRIDE = 3
    ADJUST_FOR_DLA = 4


class CausalMaskKind(NamedInt):
    """Which corner a causal mask of `IAttention` starts from."""

    NONE = 0
    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class LayerType(NamedInt):
    """What a layer of a network computes."""

    CONVOLUTION = 0
    CAST = 1
    ACTIVATION = 2
    POOLING = 3
    LRN = 4
    SCALE = 5
    SOFTMAX = 6
    DECONVOLUTION = 7
    CONCATENATION = 8
    ELEMENTWISE = 9
    PLUGIN = 10
    UNARY = 11
    PADDING = 12
    SHUFFLE = 13
    REDUCE = 14
    TOPK = 15
    GATHER = 16
    MATRIX_MULTIPLY = 17
    RAGGED_SOFTMAX = 18
    CONSTANT = 19
    IDENTITY = 20
    PLUGIN_V2 = 21
    SLICE = 22
    SHAPE = 23
    PARAMETRIC_RELU = 24
    RESIZE = 25
    TRIP_LIMIT = 26
    RECURRENCE = 27
    ITERATOR = 28
    LOOP_OUTPUT = 29
    SELECT = 30
    FILL = 31
    QUANTIZE = 32
    DEQUANTIZE = 33
    CONDITION = 34
    CONDITIONAL_INPUT = 35
    CONDITIONAL_OUTPUT = 36
    SCATTER = 37
    EINSUM = 38
    ASSERTION = 39
    ONE_HOT = 40
    NON_ZERO = 41
    GRID_SAMPLE = 42
    NMS = 43
    REVERSE_SEQUENCE = 44
    NORMALIZATION = 45
    PLUGIN_V3 = 46
    SQUEEZE = 47
    UNSQUEEZE = 48
    CUMULATIVE = 49
    DYNAMIC_QUANTIZE = 50
    ATTENTION_INPUT = 51
    ATTENTION_OUTPUT = 52
    ROTARY_EMBEDDING = 53
    KV_CACHE_UPDATE = 54
    MOE = 55
    DIST_COLLECTIVE = 56
    ATTENTION = 1000
    EXPAND = 1001
    POINTWISE = 1002
    REFORMAT = 1003
    RNN_V2 = 1004

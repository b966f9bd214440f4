"""TensorRT's operation enumerations; the value is the spelling in text forms and records."""

from enum import Enum, IntEnum


class NamedInt(IntEnum):
    """A number that prints as `Class.NAME`, as TensorRT's enumerations do."""

    def __str__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    def __format__(self, spec: str) -> str:
        """The name; a format such as ``d`` is about the number."""
        return int.__format__(self, spec) if spec else str(self)


class Numbered(Enum):
    """An enumeration whose members have TensorRT's number besides their spelling."""

    def __int__(self) -> int:
        """The number: the member's place."""
        return list(type(self)).index(self)


class ActivationType(Numbered):
    """Functions of `IActivationLayer`."""

    RELU = "relu"
    SIGMOID = "sigmoid"
    TANH = "tanh"
    LEAKY_RELU = "leaky_relu"
    ELU = "elu"
    SELU = "selu"
    SOFTSIGN = "softsign"
    SOFTPLUS = "softplus"
    CLIP = "clip"
    HARD_SIGMOID = "hard_sigmoid"
    SCALED_TANH = "scaled_tanh"
    THRESHOLDED_RELU = "thresholded_relu"
    GELU_ERF = "gelu_erf"
    GELU_TANH = "gelu_tanh"


class ElementWiseOperation(Numbered):
    """Functions of `IElementWiseLayer`."""

    SUM = "sum"
    PROD = "prod"
    MAX = "max"
    MIN = "min"
    SUB = "sub"
    DIV = "div"
    POW = "pow"
    FLOOR_DIV = "floor_div"
    AND = "and"
    OR = "or"
    XOR = "xor"
    EQUAL = "equal"
    GREATER = "greater"
    LESS = "less"


class UnaryOperation(Numbered):
    """Functions of `IUnaryLayer`."""

    EXP = "exp"
    LOG = "log"
    SQRT = "sqrt"
    RECIP = "recip"
    ABS = "abs"
    NEG = "neg"
    SIN = "sin"
    COS = "cos"
    TAN = "tan"
    SINH = "sinh"
    COSH = "cosh"
    ASIN = "asin"
    ACOS = "acos"
    ATAN = "atan"
    ASINH = "asinh"
    ACOSH = "acosh"
    ATANH = "atanh"
    CEIL = "ceil"
    FLOOR = "floor"
    ERF = "erf"
    NOT = "not"
    SIGN = "sign"
    ROUND = "round"
    ISINF = "isinf"
    ISNAN = "isnan"


class ReduceOperation(Numbered):
    """Functions of `IReduceLayer`."""

    SUM = "sum"
    PROD = "prod"
    MAX = "max"
    MIN = "min"
    AVG = "avg"
    NONE = "none"


class PoolingType(Numbered):
    """Kinds of `IPoolingLayer`."""

    MAX = "max"
    AVERAGE = "average"
    MAX_AVERAGE_BLEND = "max_average_blend"


class PaddingMode(Numbered):
    """How windows are padded: explicitly, or as TensorFlow's SAME."""

    EXPLICIT_ROUND_DOWN = "explicit_round_down"
    EXPLICIT_ROUND_UP = "explicit_round_up"
    SAME_UPPER = "same_upper"
    SAME_LOWER = "same_lower"


class MatrixOperation(Numbered):
    """What is done to an operand of `IMatrixMultiplyLayer` first."""

    NONE = "none"
    TRANSPOSE = "transpose"
    VECTOR = "vector"


class ScaleMode(Numbered):
    """How far one scale value of `IScaleLayer` reaches."""

    UNIFORM = "uniform"
    CHANNEL = "channel"
    ELEMENTWISE = "elementwise"


class SampleMode(Numbered):
    """What `ISliceLayer` and `IGridSampleLayer` read outside the input."""

    STRICT_BOUNDS = "strict_bounds"
    DEFAULT = "strict_bounds"  # TensorRT 8's older name
    WRAP = "wrap"
    CLAMP = "clamp"
    FILL = "fill"
    REFLECT = "reflect"


class InterpolationMode(Numbered):
    """How `IResizeLayer` interpolates."""

    NEAREST = "nearest"
    LINEAR = "linear"
    CUBIC = "cubic"


class ResizeCoordinateTransformation(Numbered):
    """How `IResizeLayer` maps an output coordinate to the input."""

    ALIGN_CORNERS = "align_corners"
    ASYMMETRIC = "asymmetric"
    HALF_PIXEL = "half_pixel"


class ResizeSelector(Numbered):
    """Whether `IResizeLayer` maps a one-pixel output to the upper-left pixel."""

    FORMULA = "formula"
    UPPER = "upper"


class ResizeRoundMode(Numbered):
    """How nearest-neighbour `IResizeLayer` rounds."""

    HALF_UP = "half_up"
    HALF_DOWN = "half_down"
    FLOOR = "floor"
    CEIL = "ceil"


class GatherMode(Numbered):
    """Kinds of `IGatherLayer`, after ONNX's Gather, GatherElements and GatherND."""

    DEFAULT = "default"
    ELEMENT = "element"
    ND = "nd"


class ScatterMode(Numbered):
    """Kinds of `IScatterLayer`, after ONNX's ScatterElements and ScatterND."""

    ELEMENT = "element"
    ND = "nd"


class FillOperation(Numbered):
    """How `IFillLayer` makes values."""

    LINSPACE = "linspace"
    RANDOM_UNIFORM = "random_uniform"
    RANDOM_NORMAL = "random_normal"


class TopKOperation(Numbered):
    """Which end `ITopKLayer` keeps."""

    MAX = "max"
    MIN = "min"


class CumulativeOperation(Numbered):
    """Functions of `ICumulativeLayer`."""

    SUM = "sum"


class LoopOutput(Numbered):
    """Kinds of loop outputs."""

    LAST_VALUE = "last_value"
    CONCATENATE = "concatenate"
    REVERSE = "reverse"


class TripLimit(Numbered):
    """How a loop ends."""

    COUNT = "count"
    WHILE = "while"


class AttentionNormalizationOp(Numbered):
    """What `IAttention` applies to the scores."""

    NONE = "none"
    SOFTMAX = "softmax"


class ProfilingVerbosity(Numbered):
    """How much the engine inspector can tell."""

    LAYER_NAMES_ONLY = "layer_names_only"
    NONE = "none"
    DETAILED = "detailed"
    DEFAULT = "layer_names_only"  # TensorRT 8's older names
    VERBOSE = "detailed"


class TensorIOMode(Numbered):
    """Whether a tensor enters or leaves an engine."""

    NONE = "none"
    INPUT = "input"
    OUTPUT = "output"


class TensorLocation(Numbered):
    """Where a tensor's bytes lie."""

    DEVICE = "device"
    HOST = "host"


class RNNKind(Numbered):
    """Cells of the recurrent layer."""

    LSTM = "lstm"
    GRU = "gru"
    RELU = "relu"
    TANH = "tanh"

"""The package's surface: names, where they come from, and what importing costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import trtlab as trt
from trtlab.core.errors import MissingNameError, UnknownNameError
from trtlab.core.public_names import PUBLIC

# What scripts written for TensorRT use, and what trtlab promises besides.
EXPECTED = """
    ActivationType AttentionNormalizationOp Builder BuilderFlag CausalMaskKind
    CumulativeOperation DataType DeviceType Dims Dims2 Dims3 Dims4 DimsHW ElementWiseOperation
    EngineCapability EngineInspector ErrorCode ExecutionContextAllocationStrategy FillOperation
    GatherMode HardwareCompatibilityLevel IActivationLayer IAttention IBuilderConfig ICastLayer
    IConcatenationLayer IConstantLayer IConvolutionLayer ICudaEngine ICumulativeLayer
    IDeconvolutionLayer IEinsumLayer IElementWiseLayer IExecutionContext IFillLayer
    IFullyConnectedLayer IGatherLayer IHostMemory IIdentityLayer ILRNLayer ILayer ILogger
    IMatrixMultiplyLayer INetworkDefinition INonZeroLayer INormalizationLayer IOneHotLayer
    IOptimizationProfile IOutputAllocator IPaddingLayer IParametricReLULayer IPoolingLayer
    IProfiler IProgressMonitor IReduceLayer IResizeLayer IReverseSequenceLayer IRuntimeConfig
    IScaleLayer IScatterLayer
    ISelectLayer IShapeLayer IShuffleLayer ISliceLayer ISoftMaxLayer ISqueezeLayer
    IStreamWriter ITensor ITimingCache ITopKLayer IUnaryLayer IUnsqueezeLayer InterpolationMode
    LayerInformationFormat LayerType Logger MatrixOperation MemoryPoolType
    NetworkDefinitionCreationFlag OnnxParser OnnxParserFlag PaddingMode ParserError Permutation
    PoolingType PreviewFeature Profiler ProfilingVerbosity QuantizationFlag ReduceOperation
    ResizeCoordinateTransformation ResizeMode ResizeRoundMode ResizeSelector Runtime
    RuntimePlatform SampleMode ScaleMode ScatterMode SliceMode TacticSource TensorFormat
    TensorIOMode TensorLocation TilingOptimizationLevel TimingCacheKey TimingCacheValue
    TopKOperation UnaryOperation Weights
    bfloat16 bool e8m0 float16 float32 fp4 fp8 int32 int4 int64 int8 uint8
    get_nv_onnx_parser_version init_libnvinfer_plugins nptype volume
    Report Workbench build compare load_report profile zoo
    CancelledError DeviceError DeviceLostError EngineFormatError InternalError
    InvalidNetworkError
    KernelCompileError MeasurementError NoTacticError ParseError TrtlabError UnsupportedError
    UsageError
""".split()  # noqa: SIM905 - reads better than 142 lines

HEAVY = (
    "numpy",
    "onnx",
    "cupy",
    "numba",
    "IPython",
    "ipywidgets",
    "plotly",
    "pandas",
    "psutil",
)


def test_the_surface_is_what_was_promised():
    assert sorted(trt.__all__) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_every_name_loads(name):
    assert getattr(trt, name) is getattr(trt, name)
    assert name in dir(trt)


def test_type_checkers_see_the_same_names():
    """Names under TYPE_CHECKING are those of the table."""
    tree = ast.parse(Path(trt.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = set()
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            seen |= {alias.asname for alias in node.names if alias.asname}
        elif isinstance(node, ast.Assign):
            targets = node.targets[0]
            seen |= {n.id for n in ast.walk(targets) if isinstance(n, ast.Name)}
    assert seen == set(PUBLIC)


def test_import_is_light():
    """Importing trtlab loads no array library, model library or notebook package."""
    code = "import sys, trtlab; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    modules = done.stdout.split()
    loaded = {name.split(".")[0] for name in modules}
    assert not loaded & set(HEAVY)
    rooms = {name for name in modules if name.startswith("trtlab.")}
    assert rooms == {"trtlab.core", "trtlab.core.public_names"}


def test_builder_needs_no_notebook_package():
    code = "import sys, trtlab; trtlab.Builder; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"onnx", "cupy", "IPython", "ipywidgets", "plotly", "anywidget"}


def test_names_of_tensorrt_that_are_missing_say_why():
    assert not hasattr(trt, "Refitter")
    with pytest.raises(MissingNameError, match="cannot be refitted"):
        _ = trt.Refitter
    with pytest.raises(MissingNameError, match="INT8"):
        _ = trt.IInt8EntropyCalibrator2


def test_misspelt_names_get_a_suggestion():
    with pytest.raises(UnknownNameError, match="Builder"):
        _ = trt.Biulder


def test_module_functions():
    assert trt.volume((2, 3, 4)) == 24
    assert trt.volume(()) == 1
    assert trt.nptype(trt.float16)(1.5).itemsize == 2
    assert trt.init_libnvinfer_plugins(trt.Logger(), "") is True
    assert isinstance(trt.get_nv_onnx_parser_version(), int)


@pytest.mark.parametrize(
    ("member", "number"),
    [
        (trt.DataType.HALF, 1),
        (trt.DataType.BF16, 7),
        (trt.TensorFormat.LINEAR, 0),
        (trt.TensorFormat.HWC, 8),
        (trt.TensorFormat.DHWC, 12),
        (trt.BuilderFlag.FP16, 0),
        (trt.BuilderFlag.TF32, 6),
        (trt.MemoryPoolType.WORKSPACE, 0),
        (trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED, 1),
        (trt.LayerType.DIST_COLLECTIVE, 56),
        (trt.ProfilingVerbosity.DETAILED, 2),
        (trt.SampleMode.FILL, 3),
        (trt.UnaryOperation.ISNAN, 24),
    ],
)
def test_numbers_are_those_of_tensorrt(member, number):
    assert int(member) == number

"""TensorRT's object model over open kernels, and a workbench that explains every layer.

::

    import trtlab as trt          # TensorRT's names: Builder, OnnxParser, Runtime, …

    trtlab.profile("resnet50")    # a model, built and measured: a Report
    trtlab.build("model.onnx")    # an engine
    trtlab.compare("a.json", "b.json")  # two reports of one model, part by part
    trtlab.Workbench()            # the same with buttons, in a notebook
    trtlab.zoo.names()            # reference models

Names load on first use, so that importing the package takes no time.
"""

import importlib
from difflib import get_close_matches
from typing import TYPE_CHECKING

from trtlab.core.public_names import HOMES, PUBLIC, RENAMED, TYPES

if TYPE_CHECKING:
    from trtlab_widgets.workbench import Workbench as Workbench

    from trtlab import zoo as zoo
    from trtlab.builder.api import Builder as Builder
    from trtlab.builder.api import IStreamWriter as IStreamWriter
    from trtlab.builder.cache import ITimingCache as ITimingCache
    from trtlab.builder.cache import TimingCacheKey as TimingCacheKey
    from trtlab.builder.cache import TimingCacheValue as TimingCacheValue
    from trtlab.builder.config import IBuilderConfig as IBuilderConfig
    from trtlab.builder.profile import IOptimizationProfile as IOptimizationProfile
    from trtlab.builder.progress import IProgressMonitor as IProgressMonitor
    from trtlab.core.build_enums import BuilderFlag as BuilderFlag
    from trtlab.core.build_enums import CausalMaskKind as CausalMaskKind
    from trtlab.core.build_enums import DeviceType as DeviceType
    from trtlab.core.build_enums import EngineCapability as EngineCapability
    from trtlab.core.build_enums import (
        HardwareCompatibilityLevel as HardwareCompatibilityLevel,
    )
    from trtlab.core.build_enums import LayerType as LayerType
    from trtlab.core.build_enums import MemoryPoolType as MemoryPoolType
    from trtlab.core.build_enums import (
        NetworkDefinitionCreationFlag as NetworkDefinitionCreationFlag,
    )
    from trtlab.core.build_enums import OnnxParserFlag as OnnxParserFlag
    from trtlab.core.build_enums import PreviewFeature as PreviewFeature
    from trtlab.core.build_enums import QuantizationFlag as QuantizationFlag
    from trtlab.core.build_enums import RuntimePlatform as RuntimePlatform
    from trtlab.core.build_enums import TacticSource as TacticSource
    from trtlab.core.build_enums import TilingOptimizationLevel as TilingOptimizationLevel
    from trtlab.core.dims import Dims as Dims
    from trtlab.core.dims import Dims2 as Dims2
    from trtlab.core.dims import Dims3 as Dims3
    from trtlab.core.dims import Dims4 as Dims4
    from trtlab.core.dims import DimsHW as DimsHW
    from trtlab.core.dims import Permutation as Permutation
    from trtlab.core.enums import ActivationType as ActivationType
    from trtlab.core.enums import AttentionNormalizationOp as AttentionNormalizationOp
    from trtlab.core.enums import CumulativeOperation as CumulativeOperation
    from trtlab.core.enums import ElementWiseOperation as ElementWiseOperation
    from trtlab.core.enums import FillOperation as FillOperation
    from trtlab.core.enums import GatherMode as GatherMode
    from trtlab.core.enums import InterpolationMode as InterpolationMode
    from trtlab.core.enums import MatrixOperation as MatrixOperation
    from trtlab.core.enums import PaddingMode as PaddingMode
    from trtlab.core.enums import PoolingType as PoolingType
    from trtlab.core.enums import ProfilingVerbosity as ProfilingVerbosity
    from trtlab.core.enums import ReduceOperation as ReduceOperation
    from trtlab.core.enums import (
        ResizeCoordinateTransformation as ResizeCoordinateTransformation,
    )
    from trtlab.core.enums import ResizeRoundMode as ResizeRoundMode
    from trtlab.core.enums import ResizeSelector as ResizeSelector
    from trtlab.core.enums import SampleMode as SampleMode
    from trtlab.core.enums import ScaleMode as ScaleMode
    from trtlab.core.enums import ScatterMode as ScatterMode
    from trtlab.core.enums import TensorIOMode as TensorIOMode
    from trtlab.core.enums import TensorLocation as TensorLocation
    from trtlab.core.enums import TopKOperation as TopKOperation
    from trtlab.core.enums import UnaryOperation as UnaryOperation
    from trtlab.core.errors import CancelledError as CancelledError
    from trtlab.core.errors import DeviceError as DeviceError
    from trtlab.core.errors import DeviceLostError as DeviceLostError
    from trtlab.core.errors import EngineFormatError as EngineFormatError
    from trtlab.core.errors import InternalError as InternalError
    from trtlab.core.errors import InvalidNetworkError as InvalidNetworkError
    from trtlab.core.errors import KernelCompileError as KernelCompileError
    from trtlab.core.errors import MeasurementError as MeasurementError
    from trtlab.core.errors import NoTacticError as NoTacticError
    from trtlab.core.errors import ParseError as ParseError
    from trtlab.core.errors import TrtlabError as TrtlabError
    from trtlab.core.errors import UnsupportedError as UnsupportedError
    from trtlab.core.errors import UsageError as UsageError
    from trtlab.core.logger import ILogger as ILogger
    from trtlab.core.logger import Logger as Logger
    from trtlab.core.module_level import (
        get_nv_onnx_parser_version as get_nv_onnx_parser_version,
    )
    from trtlab.core.module_level import init_libnvinfer_plugins as init_libnvinfer_plugins
    from trtlab.core.module_level import nptype as nptype
    from trtlab.core.types import DataType as DataType
    from trtlab.core.types import TensorFormat as TensorFormat
    from trtlab.core.types import volume as volume
    from trtlab.core.weights import Weights as Weights
    from trtlab.network.api.axes import ICumulativeLayer as ICumulativeLayer
    from trtlab.network.api.axes import INormalizationLayer as INormalizationLayer
    from trtlab.network.api.axes import IReduceLayer as IReduceLayer
    from trtlab.network.api.axes import ISoftMaxLayer as ISoftMaxLayer
    from trtlab.network.api.axes import ITopKLayer as ITopKLayer
    from trtlab.network.api.creation import IConstantLayer as IConstantLayer
    from trtlab.network.api.creation import IFillLayer as IFillLayer
    from trtlab.network.api.creation import IShapeLayer as IShapeLayer
    from trtlab.network.api.indexing import IGatherLayer as IGatherLayer
    from trtlab.network.api.indexing import INonZeroLayer as INonZeroLayer
    from trtlab.network.api.indexing import IOneHotLayer as IOneHotLayer
    from trtlab.network.api.indexing import IScatterLayer as IScatterLayer
    from trtlab.network.api.layer import ILayer as ILayer
    from trtlab.network.api.linear import IAttention as IAttention
    from trtlab.network.api.linear import IEinsumLayer as IEinsumLayer
    from trtlab.network.api.linear import IMatrixMultiplyLayer as IMatrixMultiplyLayer
    from trtlab.network.api.movement import IConcatenationLayer as IConcatenationLayer
    from trtlab.network.api.movement import IResizeLayer as IResizeLayer
    from trtlab.network.api.movement import IReverseSequenceLayer as IReverseSequenceLayer
    from trtlab.network.api.movement import IShuffleLayer as IShuffleLayer
    from trtlab.network.api.movement import ISliceLayer as ISliceLayer
    from trtlab.network.api.movement import ISqueezeLayer as ISqueezeLayer
    from trtlab.network.api.movement import IUnsqueezeLayer as IUnsqueezeLayer
    from trtlab.network.api.pointwise import IActivationLayer as IActivationLayer
    from trtlab.network.api.pointwise import ICastLayer as ICastLayer
    from trtlab.network.api.pointwise import IElementWiseLayer as IElementWiseLayer
    from trtlab.network.api.pointwise import IIdentityLayer as IIdentityLayer
    from trtlab.network.api.pointwise import IParametricReLULayer as IParametricReLULayer
    from trtlab.network.api.pointwise import IScaleLayer as IScaleLayer
    from trtlab.network.api.pointwise import ISelectLayer as ISelectLayer
    from trtlab.network.api.pointwise import IUnaryLayer as IUnaryLayer
    from trtlab.network.api.tensor import ITensor as ITensor
    from trtlab.network.api.window import IConvolutionLayer as IConvolutionLayer
    from trtlab.network.api.window import IDeconvolutionLayer as IDeconvolutionLayer
    from trtlab.network.api.window import IFullyConnectedLayer as IFullyConnectedLayer
    from trtlab.network.api.window import ILRNLayer as ILRNLayer
    from trtlab.network.api.window import IPaddingLayer as IPaddingLayer
    from trtlab.network.api.window import IPoolingLayer as IPoolingLayer
    from trtlab.network.definition import INetworkDefinition as INetworkDefinition
    from trtlab.parser.api import OnnxParser as OnnxParser
    from trtlab.parser.api import ParserError as ParserError
    from trtlab.parser.errors import ErrorCode as ErrorCode
    from trtlab.profiling.comparison import compare_reports
    from trtlab.report import codec
    from trtlab.report.records import Report as Report
    from trtlab.runtime.allocators import (
        ExecutionContextAllocationStrategy as ExecutionContextAllocationStrategy,
    )
    from trtlab.runtime.allocators import IOutputAllocator as IOutputAllocator
    from trtlab.runtime.allocators import IRuntimeConfig as IRuntimeConfig
    from trtlab.runtime.api import ICudaEngine as ICudaEngine
    from trtlab.runtime.api import IHostMemory as IHostMemory
    from trtlab.runtime.api import Runtime as Runtime
    from trtlab.runtime.context import IExecutionContext as IExecutionContext
    from trtlab.runtime.inspector import EngineInspector as EngineInspector
    from trtlab.runtime.inspector import LayerInformationFormat as LayerInformationFormat
    from trtlab.runtime.profiler import IProfiler as IProfiler
    from trtlab.runtime.profiler import Profiler as Profiler
    from trtlab.session.one_call import build as build
    from trtlab.session.one_call import profile as profile

    SliceMode, ResizeMode, load_report = SampleMode, InterpolationMode, codec.load
    compare = compare_reports
    float32 = DataType.FLOAT
    float16 = DataType.HALF
    bfloat16 = DataType.BF16
    int8 = DataType.INT8
    int32 = DataType.INT32
    int64 = DataType.INT64
    bool = DataType.BOOL  # noqa: A001 - TensorRT's name
    uint8 = DataType.UINT8
    fp8 = DataType.FP8
    int4 = DataType.INT4
    fp4 = DataType.FP4
    e8m0 = DataType.E8M0

__all__ = [*PUBLIC]  # noqa: PLE0604 # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    value = _load(name)
    globals()[name] = value
    return value


def _load(name: str) -> object:
    if name in HOMES:
        return getattr(importlib.import_module(HOMES[name]), name)
    if name in RENAMED:
        module, original = RENAMED[name]
        return getattr(importlib.import_module(module), original)
    if name in TYPES:
        return getattr(importlib.import_module("trtlab.core.types").DataType, TYPES[name])
    if name == "zoo":
        return importlib.import_module("trtlab.zoo")
    if name == "__version__":
        return importlib.import_module("trtlab.core.version").package_version()
    raise _missing(name)


def _missing(name: str) -> AttributeError:
    if name.startswith("_"):
        return AttributeError(f"module 'trtlab' has no attribute {name!r}")
    reason = importlib.import_module("trtlab.core.module_level").why_missing(name)
    errors = importlib.import_module("trtlab.core.errors")
    if reason:
        return errors.MissingNameError(f"trtlab has no {name}: {reason}")
    near = get_close_matches(name, PUBLIC, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "see dir(trtlab)"
    return errors.UnknownNameError(f"trtlab has no {name}", hint=hint)


def __dir__() -> list[str]:
    return sorted({*globals(), *PUBLIC, "__version__"})

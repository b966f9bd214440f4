"""Every public name and where it is defined; text only, so that it loads at once."""

# Module → names that it defines.
MODULES = {
    "trtlab.builder.api": "Builder IStreamWriter",
    "trtlab.builder.cache": "ITimingCache TimingCacheKey TimingCacheValue",
    "trtlab.builder.config": "IBuilderConfig",
    "trtlab.builder.profile": "IOptimizationProfile",
    "trtlab.builder.progress": "IProgressMonitor",
    "trtlab.core.build_enums": """
        BuilderFlag CausalMaskKind DeviceType EngineCapability
        HardwareCompatibilityLevel LayerType MemoryPoolType
        NetworkDefinitionCreationFlag OnnxParserFlag PreviewFeature
        QuantizationFlag RuntimePlatform TacticSource TilingOptimizationLevel
    """,
    "trtlab.core.dims": "Dims Dims2 Dims3 Dims4 DimsHW Permutation",
    "trtlab.core.enums": """
        ActivationType AttentionNormalizationOp CumulativeOperation
        ElementWiseOperation FillOperation GatherMode InterpolationMode
        MatrixOperation PaddingMode PoolingType ProfilingVerbosity
        ReduceOperation ResizeCoordinateTransformation ResizeRoundMode
        ResizeSelector SampleMode ScaleMode ScatterMode TensorIOMode
        TensorLocation TopKOperation UnaryOperation
    """,
    "trtlab.core.errors": """
        CancelledError DeviceError DeviceLostError EngineFormatError InternalError
        InvalidNetworkError KernelCompileError MeasurementError NoTacticError
        ParseError TrtlabError UnsupportedError UsageError
    """,
    "trtlab.core.logger": "ILogger Logger",
    "trtlab.core.module_level": "get_nv_onnx_parser_version init_libnvinfer_plugins nptype",
    "trtlab.core.types": "DataType TensorFormat volume",
    "trtlab.core.weights": "Weights",
    "trtlab.network.api.axes": """
        ICumulativeLayer INormalizationLayer IReduceLayer ISoftMaxLayer
        ITopKLayer
    """,
    "trtlab.network.api.creation": "IConstantLayer IFillLayer IShapeLayer",
    "trtlab.network.api.indexing": "IGatherLayer INonZeroLayer IOneHotLayer IScatterLayer",
    "trtlab.network.api.layer": "ILayer",
    "trtlab.network.api.linear": "IAttention IEinsumLayer IMatrixMultiplyLayer",
    "trtlab.network.api.movement": """
        IConcatenationLayer IResizeLayer IReverseSequenceLayer IShuffleLayer
        ISliceLayer ISqueezeLayer IUnsqueezeLayer
    """,
    "trtlab.network.api.pointwise": """
        IActivationLayer ICastLayer IElementWiseLayer IIdentityLayer
        IParametricReLULayer IScaleLayer ISelectLayer IUnaryLayer
    """,
    "trtlab.network.api.tensor": "ITensor",
    "trtlab.network.api.window": """
        IConvolutionLayer IDeconvolutionLayer IFullyConnectedLayer ILRNLayer
        IPaddingLayer IPoolingLayer
    """,
    "trtlab.network.definition": "INetworkDefinition",
    "trtlab.parser.api": "OnnxParser ParserError",
    "trtlab.parser.errors": "ErrorCode",
    "trtlab.report.records": "Report",
    "trtlab.runtime.api": "ICudaEngine IHostMemory Runtime",
    "trtlab.runtime.allocators": """
        ExecutionContextAllocationStrategy IOutputAllocator IRuntimeConfig
    """,
    "trtlab.runtime.context": "IExecutionContext",
    "trtlab.runtime.inspector": "EngineInspector LayerInformationFormat",
    "trtlab.runtime.profiler": "IProfiler Profiler",
    "trtlab.session.one_call": "build profile",
    "trtlab_widgets.workbench": "Workbench",
}
# Names whose definition is called otherwise: module and name there.
RENAMED = {
    "ResizeMode": ("trtlab.core.enums", "InterpolationMode"),
    "SliceMode": ("trtlab.core.enums", "SampleMode"),
    "load_report": ("trtlab.report.codec", "load"),
    "compare": ("trtlab.profiling.comparison", "compare_reports"),
}
# Members of DataType.
TYPES = {
    "float32": "FLOAT",
    "float16": "HALF",
    "bfloat16": "BF16",
    "int8": "INT8",
    "int32": "INT32",
    "int64": "INT64",
    "bool": "BOOL",
    "uint8": "UINT8",
    "fp8": "FP8",
    "int4": "INT4",
    "fp4": "FP4",
    "e8m0": "E8M0",
}
HOMES = {name: module for module, names in MODULES.items() for name in names.split()}
PUBLIC = (*HOMES, *RENAMED, *TYPES, "zoo")

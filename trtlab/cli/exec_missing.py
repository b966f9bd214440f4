"""trtexec's flags that `trtlab exec` does not have, and why; what other commands call its own."""

_QUANTIZED = "there are no quantized engines; use --fp16 or --bf16"
_REFIT = "engines cannot be refitted; build again with other weights"
_PORTABLE = "engines run on machines like the one that built them"
_DLA = "there are no deep learning accelerators; --device is cpu or cuda"
_PLUGINS = "there are no plugins"
_SAFE = "there is no safety runtime"
_STREAMED = "weights always lie in device memory"
_MODEL = "models are ONNX files: --onnx=FILE"
_BATCH = "the batch is part of the shapes: --shapes=NAME:8x…"
_TILING = "layers are not tiled together"
_DEBUG = "there are no debug tensors; mark tensors as outputs of the model"

_FLAGS = {
    "int8 fp8 int4 fp4 calib": _QUANTIZED,
    "refit stripWeights stripAllWeights timeRefit dumpRefit": _REFIT,
    "versionCompatible vc hardwareCompatibilityLevel runtimePlatform useRuntime": _PORTABLE,
    "leanDLLPath excludeLeanRuntime": "engine files hold no runtime",
    "useDLACore allowGPUFallback buildDLAStandalone layerDeviceTypes": _DLA,
    "plugins staticPlugins dynamicPlugins setPluginsToSerialize pluginInstanceNorm": _PLUGINS,
    "safe consistency restricted": _SAFE,
    "allowWeightStreaming weightStreamingBudget": _STREAMED,
    "directIO": "inputs and outputs may be reformatted",
    "layerOutputTypes": "--layerPrecisions says what layers compute in, and store",
    "model deploy uff output": _MODEL,
    "batch maxBatch": _BATCH,
    "sparsity": "no kernel makes use of sparse weights",
    "heuristic": "--builderOptimizationLevel=2 times only the likeliest tactics",
    "noCompilationCache": "compiled kernels are kept between processes regardless",
    "tilingOptimizationLevel l2LimitForTiling": _TILING,
    "preview": "no preview feature would change anything",
    "remoteAutoTuningConfig": "tactics are timed on this machine",
    "maxTactics": "in Python, max_num_tactics of the builder config",
    "errorOnTimingCacheMiss": "in Python, BuilderFlag.ERROR_ON_TIMING_CACHE_MISS",
    "markDebug saveDebugTensors markUnfusedTensorsAsDebugTensors": _DEBUG,
    "threads": "one stream of inferences is measured",
    "sleepTime": "--idleTime=MS pauses after each inference",
    "useManagedMemory": "memory of a device is its own",
    "useProfile": "the first profile is used",
    "timeDeserialize": "loading an engine is not timed",
    "persistentCacheRatio": "in Python, persistent_cache_limit of the execution context",
    "allocationStrategy": "in Python, create_execution_context(strategy)",
    "dumpRawBindingsToFile": "--exportOutput=FILE writes the outputs",
    "dumpOptimizationProfile": "`trtlab inspect engine FILE` shows the profile",
    "getPlanVersionOnly": "`trtlab inspect engine FILE` shows what an engine was built for",
}

MISSING = {name: reason for names, reason in _FLAGS.items() for name in names.split()}

# Options of `trtlab profile`, some by their value → what says the same as trtexec does.
INSTEAD = {
    "precision": "use --fp16, --bf16 or --best; FP32 needs no flag",
    "precision fp16": "use --fp16",
    "precision bf16": "use --bf16",
    "precision fp32": "leave it out; --noTF32 keeps a GPU from multiplying in TF32",
    "precision tf32": "leave it out: FP32 layers of a GPU multiply in TF32 unless --noTF32",
    "optimization-level": "use --builderOptimizationLevel",
    "pool-limit": "use --memPoolSize",
    "json": "use --exportTimes, --exportProfile or --exportLayerInfo",
    "html": "`trtlab profile MODEL --html FILE` writes a page",
    "no-telemetry": "leave it out: no sensors are shown",
}

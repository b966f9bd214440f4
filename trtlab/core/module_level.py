"""TensorRT's module-level functions, and the names of its that trtlab does not have."""

import re

import numpy as np

from trtlab.core.types import DataType
from trtlab.core.version import package_version


def nptype(trt_type: DataType) -> type[np.generic]:
    """The NumPy type of an element type; those beyond NumPy come from ml_dtypes."""
    return trt_type.numpy.type


def get_nv_onnx_parser_version() -> int:
    """The version as a number: 10000 · major + 100 · minor + patch."""
    numbers = [int(part) for part in re.findall(r"\d+", package_version())[:3]]
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return 10000 * major + 100 * minor + patch


def init_libnvinfer_plugins(logger: object, namespace: str) -> bool:
    """True: there is no plugin library that could fail to load."""
    del logger, namespace
    return True


ABSENT = {
    "plugins are not available": r".*Plugin.*|plugin|get_.*plugin_registry",
    "there is no INT8 mode": r".*Calibrator|IInt8.*|CalibrationAlgoType",
    "engines cannot be refitted": r".*Refitter|WeightsRole",
    "edit the timing cache to choose tactics": r"IAlgorithm.*",
    "devices allocate their memory themselves": r"I.*Allocator|AllocatorFlag",
    "errors are raised: catch TrtlabError": r"IErrorRecorder|ErrorCodeTRT",
    "engine files always hold everything": r"ISerializationConfig|SerializationFlag",
    "there is no control flow": (
        r"I(Loop|IfConditional|Recurrence|Iterator|TripLimit|Condition|Assertion).*"
        r"|LoopOutput|TripLimit"
    ),
    "the layer is not available": (
        r"I(Quantize|Dequantize|DynamicQuantize|GridSample|NMS|RaggedSoftMax)Layer"
        r"|I(RotaryEmbedding|KVCacheUpdate|MoE|DistCollective).*|BoundingBoxFormat"
        r"|KVCacheMode|MoEActType|CollectiveOperation|AttentionIOForm"
    ),
    "it has no counterpart here": (
        r"IDebugListener|IStreamReader.*|EngineStat|SeekPosition"
        r"|TempfileControlFlag"
    ),
}


def why_missing(name: str) -> str:
    """Why trtlab lacks a name of TensorRT's; empty when it is no name of TensorRT's."""
    for reason, pattern in ABSENT.items():
        if re.fullmatch(pattern, name):
            return reason
    return ""

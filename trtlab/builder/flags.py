"""What each builder flag does here: something, nothing (as a hint may), or it is refused."""

from trtlab.core.build_enums import BuilderFlag, PreviewFeature
from trtlab.core.errors import UnsupportedError
from trtlab.core.types import DataType

_F = BuilderFlag
_QUANTIZED = "quantized engines are not available; use FP16 or BF16"
_REFIT = "engines cannot be refitted; build again with other weights"
_PORTABLE = "engines run on machines like the one that built them"

# Flags that promise what trtlab cannot keep.
REFUSED: dict[BuilderFlag, str] = {
    _F.INT8: _QUANTIZED,
    _F.FP8: _QUANTIZED,
    _F.INT4: _QUANTIZED,
    _F.FP4: _QUANTIZED,
    _F.REFIT: _REFIT,
    _F.REFIT_IDENTICAL: _REFIT,
    _F.REFIT_INDIVIDUAL: _REFIT,
    _F.STRIP_PLAN: _REFIT,
    _F.WEIGHT_STREAMING: "weights always lie in device memory",
    _F.VERSION_COMPATIBLE: _PORTABLE,
    _F.SAFETY_SCOPE: "there is no safety runtime",
    _F.DIRECT_IO: "inputs and outputs may be reformatted",
    _F.REJECT_EMPTY_ALGORITHMS: "there are no algorithm selectors; edit the timing cache",
    _F.STRICT_NANS: "layers may be replaced by ones that treat NaN differently",
    _F.DISTRIBUTIVE_INDEPENDENCE: "sums may be taken in different orders at different sizes",
}

# Flags that TensorRT may ignore as well.
HINTS: dict[BuilderFlag, str] = {
    _F.GPU_FALLBACK: "every layer runs on the builder's device",
    _F.SPARSE_WEIGHTS: "no kernel here makes use of sparse weights",
    _F.EXCLUDE_LEAN_RUNTIME: "engine files hold no runtime",
    _F.DISABLE_COMPILATION_CACHE: "compiled kernels are kept between processes regardless",
    _F.DEBUG: "every pass is checked when TRTLAB_CHECKS=1; the flag adds nothing",
}

LOWER_TYPES = {_F.FP16: DataType.HALF, _F.BF16: DataType.BF16}

# TensorRT sets these before the user does.
DEFAULT_FLAGS = 1 << _F.TF32

_ALWAYS: dict[PreviewFeature, str] = {
    PreviewFeature.PROFILE_SHARING_0806: "contexts may always share a profile",
    PreviewFeature.RUNTIME_ACTIVATION_RESIZE_10_10: "contexts allocate for their shapes",
    PreviewFeature.FASTER_DYNAMIC_SHAPES_0805: "there is one way to handle dynamic shapes",
    PreviewFeature.DISABLE_EXTERNAL_TACTIC_SOURCES_FOR_CORE_0805: "there are no such sources",
}


def check_flag(flag: BuilderFlag) -> None:
    """Refuse a flag whose promise cannot be kept.

    Raises:
        UnsupportedError: It is such a flag.
    """
    reason = REFUSED.get(flag)
    if reason is not None:
        raise UnsupportedError(f"BuilderFlag.{flag.name} is not available", hint=reason)


def preview_hint(feature: PreviewFeature) -> str:
    """Why switching a preview feature changes nothing.

    Raises:
        UnsupportedError: The feature is missing.
    """
    if feature not in _ALWAYS:
        raise UnsupportedError(f"PreviewFeature.{feature.name} is not available")
    return _ALWAYS[feature]

"""Members of TensorRT's builder config for which trtlab knows one value only."""

from trtlab.core.build_enums import (
    DeviceType,
    EngineCapability,
    HardwareCompatibilityLevel,
    QuantizationFlag,
    RuntimePlatform,
)
from trtlab.core.errors import UnsupportedError
from trtlab.core.sealed import Only
from trtlab.network.api.arguments import member
from trtlab.network.api.layer import ILayer

_NO_CALIBRATION = "there is no INT8 mode; use BuilderFlag.FP16 or BF16"
_NO_DLA = "there are no deep learning accelerators"


class FixedMembers:
    """One device, one platform, no calibration."""

    engine_capability = Only(EngineCapability.STANDARD, "there is no restricted runtime")
    hardware_compatibility_level = Only(
        HardwareCompatibilityLevel.NONE, "engines run on machines like the one that built them"
    )
    runtime_platform = Only(RuntimePlatform.SAME_AS_BUILD, "build on the target platform")
    default_device_type = Only(DeviceType.GPU, _NO_DLA)
    DLA_core = Only(-1, _NO_DLA)
    plugins_to_serialize = Only[list[str]]([], "there are no plugins")
    int8_calibrator = Only[object](None, _NO_CALIBRATION)
    algorithm_selector = Only[object](None, "edit the timing cache to choose tactics")
    quantization_flags = Only(0, _NO_CALIBRATION)
    remote_auto_tuning_config = Only("", "tactics are timed on this machine")

    def set_device_type(self, layer: ILayer, device_type: DeviceType) -> None:
        """Say where a layer runs: on the builder's device, which is called GPU.

        Raises:
            UnsupportedError: It shall run elsewhere.
        """
        if member(DeviceType)(device_type, "the device type") is not DeviceType.GPU:
            raise UnsupportedError(f"layer {layer.name} cannot run on a DLA", hint=_NO_DLA)

    def get_device_type(self, layer: ILayer) -> DeviceType:
        """GPU, which stands for the builder's device."""
        del layer
        return DeviceType.GPU

    def is_device_type_set(self, layer: ILayer) -> bool:
        """False: there is nothing to choose from."""
        del layer
        return False

    def reset_device_type(self, layer: ILayer) -> None:
        """Nothing to do."""

    def can_run_on_DLA(self, layer: ILayer) -> bool:  # noqa: N802 - TensorRT's name
        """False."""
        del layer
        return False

    def set_quantization_flag(self, flag: QuantizationFlag) -> None:
        """Not available.

        Raises:
            UnsupportedError: Always.
        """
        raise UnsupportedError(f"{flag!r} is not available", hint=_NO_CALIBRATION)

    def clear_quantization_flag(self, flag: QuantizationFlag) -> None:
        """Nothing to do."""

    def get_quantization_flag(self, flag: QuantizationFlag) -> bool:
        """False."""
        del flag
        return False

    def set_calibration_profile(self, profile: object) -> bool:
        """Not available.

        Raises:
            UnsupportedError: Always.
        """
        del profile
        raise UnsupportedError("calibration is not available", hint=_NO_CALIBRATION)

    def get_calibration_profile(self) -> None:
        """None."""

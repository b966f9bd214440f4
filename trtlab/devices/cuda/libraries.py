"""CuPy and cuda-bindings, imported when first needed, with clear errors when they are missing.

Nothing else in trtlab imports them at module level: a machine without a GPU never loads them.
"""

import importlib
from functools import cache
from typing import Any

from trtlab.core.errors import DeviceError

_INSTALL = "install the extra for your CUDA: pip install 'trtlab[cuda13]' or 'trtlab[cuda12]'"


def _import(name: str, purpose: str) -> Any:  # noqa: ANN401 - an untyped module
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise DeviceError(
            f"the CUDA device needs {name.split('.')[0]} ({purpose}), which cannot be "
            f"imported: {error}",
            hint=_INSTALL,
        ) from error


@cache
def cupy() -> Any:  # noqa: ANN401 - an untyped module
    """CuPy.

    Raises:
        DeviceError: It is not installed, or was built for another CUDA.
    """
    return _import("cupy", "memory and streams")


@cache
def runtime() -> Any:  # noqa: ANN401 - an untyped module
    """The CUDA runtime of cuda-bindings.

    Raises:
        DeviceError: It is not installed.
    """
    return _import("cuda.bindings.runtime", "event nodes of graphs")


@cache
def driver() -> Any:  # noqa: ANN401 - an untyped module
    """The CUDA driver of cuda-bindings.

    Raises:
        DeviceError: It is not installed.
    """
    return _import("cuda.bindings.driver", "inspection of graphs")


@cache
def nvrtc() -> Any:  # noqa: ANN401 - an untyped module
    """The run-time compiler of cuda-bindings.

    Raises:
        DeviceError: It is not installed.
    """
    return _import("cuda.bindings.nvrtc", "the run-time compiler")


def succeeded(result: tuple[Any, ...], what: str) -> Any:  # noqa: ANN401 - whatever the call gives
    """The value of a cuda-bindings call.

    Raises:
        DeviceError: The call failed.
    """
    code, *values = result
    if int(code) != 0:
        raise DeviceError(f"{what} failed: {getattr(code, 'name', code)}")
    return values[0] if len(values) == 1 else tuple(values)


@cache
def device_count() -> int:
    """CUDA devices of this machine.

    Raises:
        DeviceError: No driver, no device, or CuPy for another CUDA.
    """
    module = cupy()
    try:
        count = int(module.cuda.runtime.getDeviceCount())
    except module.cuda.runtime.CUDARuntimeError as error:
        raise DeviceError(
            f"the CUDA runtime finds no usable GPU: {error}",
            hint="check the driver with nvidia-smi; CuPy's CUDA version must not be newer "
            "than the driver's",
        ) from error
    if count < 1:
        raise DeviceError("this machine has no CUDA device", hint="use device cpu")
    return count

"""CuPy and cuda-bindings, imported when first needed, with clear errors when they are missing.

Nothing else in trtlab imports them at module level: a machine without a GPU never loads them.
CuPy's own errors become trtlab's here.
"""

import ctypes
import importlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import Any

from trtlab.core.errors import DeviceError, DeviceLostError, TrtlabError

_INSTALL = (
    'install the extra for your CUDA, in a checkout pip install -e ".[cuda13]" (or cuda12), '
    "elsewhere pip install 'trtlab[cuda13]'"
)
_NO_DRIVER_HINT = (
    "use device cpu; with a GPU, install NVIDIA's driver first (nvidia-smi must answer), then "
    "the extra for its CUDA"
)
# cudaErrorStreamCaptureUnsupported and its like: the question was refused, nothing is lost.
_CAPTURE_ERRORS = range(900, 920)


def _import(name: str, purpose: str) -> Any:  # noqa: ANN401 - an untyped module
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.split(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and error.name in {package, name}
        if missing and package == "cupy" and not _has_driver():
            raise DeviceError(
                "no NVIDIA driver is loaded on this machine", hint=_NO_DRIVER_HINT
            ) from error
        # CuPy wraps the loader's words into a page of advice.
        said = str(error.__cause__ or error).strip().splitlines()[0]
        raise DeviceError(
            f"the CUDA device needs {package} ({purpose}), which "
            f"{'is not installed' if missing else 'cannot be imported'}: {said}",
            hint=_INSTALL if missing else f"it may be built for another CUDA; {_INSTALL}",
        ) from error


def _has_driver() -> bool:
    """Whether the driver's own library can be loaded; packages alone make no device."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


@cache
def cupy() -> Any:  # noqa: ANN401 - an untyped module
    """CuPy.

    Raises:
        DeviceError: It is not installed, was built for another CUDA, or there is no driver that
            it could use.
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
        DeviceLostError: It failed because the process cannot use the GPU any more.
        DeviceError: The call failed.
    """
    code, *values = result
    if int(code) != 0:
        name = str(getattr(code, "name", code))
        if name.lower().startswith(("cuda_error", "cudaerror")) and context_is_lost():
            raise DeviceLostError(f"{what}: the GPU reports a fault: {name}")
        raise DeviceError(f"{what} failed: {name}")
    return values[0] if len(values) == 1 else tuple(values)


@cache
def device_count() -> int:
    """CUDA devices of this machine.

    Raises:
        DeviceError: No driver, a driver older than CuPy's CUDA, or no device.
    """
    module = cupy()
    try:
        count = int(module.cuda.runtime.getDeviceCount())
    except module.cuda.runtime.CUDARuntimeError as error:
        raise _no_device(error) from error
    if count < 1:
        raise DeviceError("this machine has no CUDA device", hint="use device cpu")
    return count


def _no_device(error: BaseException) -> DeviceError:
    """What keeps the runtime from finding a device, as far as the versions tell."""
    runtime_api = cupy().cuda.runtime
    made_for = version_text(int(runtime_api.runtimeGetVersion()))
    try:
        driver_version = int(runtime_api.driverGetVersion())
    except cupy().cuda.runtime.CUDARuntimeError:
        driver_version = 0
    if driver_version == 0:
        return DeviceError(
            f"no NVIDIA driver is loaded on this machine: {error}",
            hint="install NVIDIA's driver (nvidia-smi must answer), or use device cpu",
        )
    able = version_text(driver_version)
    if driver_version // 1000 < int(runtime_api.runtimeGetVersion()) // 1000:
        return DeviceError(
            f"the NVIDIA driver is too old: it serves CUDA up to {able}, the installed CuPy "
            f"was built for CUDA {made_for}",
            hint="update the driver, or install CuPy for the driver's CUDA: "
            f"pip install 'trtlab[cuda{driver_version // 1000}]'",
        )
    return DeviceError(
        f"the CUDA runtime finds no usable GPU: {error}",
        hint=f"the driver serves CUDA {able}, CuPy was built for {made_for}; check nvidia-smi "
        "and CUDA_VISIBLE_DEVICES",
    )


def version_text(number: int) -> str:
    """``13.0`` from CUDA's 13000."""
    return f"{number // 1000}.{number % 1000 // 10}"


# ---- errors of a device in use -------------------------------------------------------------


def cuda_errors() -> tuple[type[Exception], ...]:
    """What CuPy raises when CUDA refuses."""
    module = cupy().cuda
    return module.runtime.CUDARuntimeError, module.driver.CUDADriverError


@contextmanager
def told(doing: str) -> Generator[None]:
    """CuPy's errors as trtlab's; whatever goes wrong in a lost context is told as that.

    Args:
        doing: What is under way, as the beginning of the error's sentence.

    Raises:
        DeviceLostError: The process cannot use the GPU any more.
        DeviceError: CUDA refused.
    """
    try:
        yield
    except cuda_errors() as error:
        raise told_error(doing, error) from error
    except TrtlabError as error:
        if isinstance(error, DeviceLostError) or context_is_lost():
            raise DeviceLostError(f"{doing}: {error.what}", where=error.where) from error
        raise


def told_error(doing: str, error: Exception) -> DeviceError:
    """One of `cuda_errors` as trtlab's error: is only this call refused, or all is lost?"""
    if context_is_lost():
        return DeviceLostError(f"{doing}: the GPU reports a fault: {error}")
    return DeviceError(f"{doing}: CUDA refuses: {error}")


def context_is_lost() -> bool:
    """Whether CUDA has ended this process' context; waits for what was enqueued."""
    module = cupy()
    try:
        module.cuda.runtime.deviceSynchronize()
    except module.cuda.runtime.CUDARuntimeError as error:
        return int(error.status) not in _CAPTURE_ERRORS
    return False

"""Memory that the L2 cache keeps longer: a window of addresses that launches carry.

Launches inherit the window from their stream when they are enqueued or captured. The share of
the cache that may hold such lines is one for the whole process and device; it grows to the
largest that was asked for.
Source: CUDA Programming Guide, "L2 Persisting Accesses".
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from trtlab.devices.cuda.libraries import cupy, runtime, succeeded

_MAX_PERSISTING, _MAX_WINDOW = 108, 109  # cudaDevAttrMaxPersistingL2CacheSize, …WindowSize
_LIMIT = 6  # cudaLimitPersistingL2CacheSize


def most_persisting_bytes(index: int) -> int:
    """How much of a device's L2 cache can be set aside; 0 where none can."""
    return int(cupy().cuda.runtime.deviceGetAttribute(_MAX_PERSISTING, index))


@dataclass(frozen=True, slots=True)
class Window:
    """Addresses whose lines shall stay in the cache.

    Attributes:
        address: First byte.
        nbytes: Length.
        limit_bytes: How much of the cache they may take; of a longer window a matching share
            of the accesses is kept.
    """

    address: int
    nbytes: int
    limit_bytes: int


@contextmanager
def kept_in_cache(window: Window | None, streams: Sequence[Any]) -> Generator[None]:
    """What is enqueued on the streams meanwhile carries the window.

    Args:
        window: None does nothing.
        streams: CuPy streams of the current device; none of them the default stream.

    Raises:
        DeviceError: The device refused.
    """
    if window is None or not window.nbytes:
        yield
        return
    module = cupy().cuda
    if module.runtime.deviceGetLimit(_LIMIT) < window.limit_bytes:
        module.runtime.deviceSetLimit(_LIMIT, window.limit_bytes)
    longest = int(module.runtime.deviceGetAttribute(_MAX_WINDOW, module.Device().id))
    nbytes = min(window.nbytes, longest)
    ratio = min(1.0, window.limit_bytes / max(nbytes, 1))
    before = [_get(stream) for stream in streams]
    try:
        for stream in streams:
            _set(stream, _value(window.address, nbytes, ratio))
        yield
    finally:
        for stream, value in zip(streams, before, strict=True):
            _set(stream, value)


def _value(address: int, nbytes: int, ratio: float) -> Any:  # noqa: ANN401 - a stream's attribute
    api = runtime()
    policy = api.cudaAccessPolicyWindow()
    policy.base_ptr, policy.num_bytes, policy.hitRatio = address, nbytes, ratio
    policy.hitProp = api.cudaAccessProperty.cudaAccessPropertyPersisting
    policy.missProp = api.cudaAccessProperty.cudaAccessPropertyStreaming
    value = api.cudaStreamAttrValue()
    value.accessPolicyWindow = policy
    return value


def _get(stream: Any) -> Any:  # noqa: ANN401 - a CuPy stream, a stream's attribute
    api = runtime()
    name = api.cudaStreamAttrID.cudaLaunchAttributeAccessPolicyWindow
    return succeeded(api.cudaStreamGetAttribute(stream.ptr, name), "cudaStreamGetAttribute")


def _set(stream: Any, value: Any) -> None:  # noqa: ANN401 - a CuPy stream, a stream's attribute
    api = runtime()
    name = api.cudaStreamAttrID.cudaLaunchAttributeAccessPolicyWindow
    succeeded(
        (*api.cudaStreamSetAttribute(stream.ptr, name, value), None), "cudaStreamSetAttribute"
    )

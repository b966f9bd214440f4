"""A stream that somebody else made and keeps alive, by its handle."""

from dataclasses import dataclass
from typing import Any

from trtlab.devices.cuda.libraries import cupy

LEGACY = (0, 1)
"""Handles of the legacy default stream, which cannot be captured."""


@dataclass(frozen=True, slots=True)
class CallersStream:
    """What is needed of a CuPy stream, for a handle that may come from anywhere.

    CUDA keeps no list of streams: a handle that is no stream, or no longer one, ends the
    process in most of its calls.

    Attributes:
        ptr: A ``cudaStream_t`` as an integer; 0 is the legacy default stream.
    """

    ptr: int

    def synchronize(self) -> None:
        """Wait for everything on it."""
        cupy().cuda.runtime.streamSynchronize(self.ptr)

    def wait_event(self, event: Any) -> None:  # noqa: ANN401 - a CuPy event
        """What comes on the stream waits for the event."""
        cupy().cuda.runtime.streamWaitEvent(self.ptr, event.ptr)

    def is_capturing(self) -> bool:
        """Whether its owner is capturing it."""
        return self.ptr not in LEGACY and bool(cupy().cuda.runtime.streamIsCapturing(self.ptr))

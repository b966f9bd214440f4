"""Graphs recorded from streams that nobody else uses.

Captures and direct enqueues take turns in a process: libraries hold one handle whose stream is
set for every call. Replays of finished graphs do not wait for them.
"""

from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any

from trtlab.core.errors import DeviceError
from trtlab.devices.cuda.libraries import cupy

ENQUEUEING = RLock()
"""Held while launches are put on streams, a capture's included."""

_streams: dict[int, list[Any]] = {}


def capture(device: Any, auxiliary: int, enqueue: Callable[[Any, Sequence[Any]], None]) -> Any:  # noqa: ANN401
    """A graph of what `enqueue` puts on the streams that it is given, uploaded to the device.

    Args:
        device: A CuPy device.
        auxiliary: How many streams beside the main one are needed.
        enqueue: Told the main stream and the others.

    Raises:
        DeviceError: The launches cannot be captured; says why.
    """
    faults = (DeviceError, RuntimeError)  # CuPy's and the libraries' own are RuntimeErrors
    with ENQUEUEING, device:
        main, *others = _own_streams(int(device.id), 1 + auxiliary)
        main.begin_capture()
        try:
            enqueue(main, others)
        except BaseException as error:
            _abandon(int(device.id), main)
            if isinstance(error, faults):
                raise DeviceError(f"a CUDA graph cannot be captured: {error}") from error
            raise
        try:
            graph = main.end_capture()
            graph.upload(main)
        except faults as error:
            _streams.pop(int(device.id), None)
            raise DeviceError(f"a CUDA graph cannot be captured: {error}") from error
        return graph


def _own_streams(index: int, count: int) -> list[Any]:
    """Streams of the current device that are used for nothing else."""
    held = _streams.setdefault(index, [])
    while len(held) < count:
        held.append(cupy().cuda.Stream(non_blocking=True))
    return held[:count]


def _abandon(index: int, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
    """End a capture that failed; the streams that took part are not used again."""
    _streams.pop(index, None)
    try:
        stream.end_capture()
    except RuntimeError:
        return

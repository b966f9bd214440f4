"""ONNX Runtime's CUDA provider as a peer: the zoo's model in FP16, replayed from a CUDA graph."""

import importlib.util
from typing import Any

import numpy as np
import torch

from trtlab import zoo

Feeds = dict[str, np.ndarray]
BURST = 10  # replays between two events, so that the host's work between them is hidden
AHEAD_CYCLES = 1_000_000  # the stream waits so long while the host enqueues a burst


def unavailable() -> str | None:
    """Why this peer cannot take part; None when it can."""
    if importlib.util.find_spec("onnxruntime") is None:
        return "onnxruntime is not installed"
    import onnxruntime  # noqa: PLC0415 - an optional peer

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return f"onnxruntime {onnxruntime.__version__} has no CUDA provider"
    return None


def version() -> str:
    """Of the installed package; call `unavailable` first."""
    import onnxruntime  # noqa: PLC0415 - an optional peer

    return onnxruntime.__version__


class OnnxRuntimePeer:
    """A session with bound inputs and outputs on a stream of its own.

    The model is the zoo's, converted by ONNX Runtime's own float16 converter; all graph
    optimizations are on, and convolution algorithms are searched exhaustively.

    Args:
        name: The zoo's model.
        feeds: Its inputs.
        channels_last: Whether the provider is asked for channels-last kernels.

    Raises:
        RuntimeError: The session does not run on the GPU.
    """

    def __init__(self, name: str, feeds: Feeds, *, channels_last: bool = False) -> None:
        import onnxruntime as ort  # noqa: PLC0415 - an optional peer
        from onnxruntime.transformers.float16 import (  # noqa: PLC0415
            convert_float_to_float16,
        )

        model = convert_float_to_float16(zoo.build(name), keep_io_types=False)
        self._stream = torch.cuda.Stream()
        options = {
            "device_id": "0",
            "enable_cuda_graph": "1",
            "user_compute_stream": str(self._stream.cuda_stream),
            "prefer_nhwc": str(int(channels_last)),
        }
        settings = ort.SessionOptions()
        settings.log_severity_level = 3
        self._session = ort.InferenceSession(
            model.SerializeToString(), settings, providers=[("CUDAExecutionProvider", options)]
        )
        if self._session.get_providers()[0] != "CUDAExecutionProvider":
            raise RuntimeError("the CUDA provider did not load")
        self._binding = self._session.io_binding()
        self._held: list[torch.Tensor] = []
        for entry in self._session.get_inputs():
            feed = feeds[entry.name]
            half = feed.dtype == np.float32
            self._bind(entry.name, torch.from_numpy(feed.astype(np.float16) if half else feed))
        shapes = _output_shapes(self._session, feeds)
        for entry, shape in zip(self._session.get_outputs(), shapes, strict=True):
            memory = torch.empty(shape, dtype=torch.float16, device="cuda")
            self._held.append(memory)
            self._binding.bind_output(
                entry.name, "cuda", 0, np.float16, shape, memory.data_ptr()
            )
        self.first = self._held[len(self._session.get_inputs())]
        self._run_options = ort.RunOptions()
        self._run_options.add_run_config_entry("disable_synchronize_execution_providers", "1")
        torch.cuda.synchronize()
        for _ in range(5):  # the first runs plainly, the second is captured
            self._run()
        torch.cuda.synchronize()

    def _bind(self, name: str, values: torch.Tensor) -> None:
        memory = values.contiguous().cuda()
        self._held.append(memory)
        kind = np.float16 if memory.dtype == torch.float16 else np.int64
        self._binding.bind_input(name, "cuda", 0, kind, tuple(memory.shape), memory.data_ptr())

    def _run(self) -> None:
        self._session.run_with_iobinding(self._binding, self._run_options)

    def replay_us(self, count: int) -> list[float]:
        """Microseconds of a replay, averaged over bursts between two events."""
        times = []
        for _ in range(max(1, count // BURST)):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            with torch.cuda.stream(self._stream):
                torch.cuda._sleep(AHEAD_CYCLES)  # noqa: SLF001 - there is no public one
                start.record(self._stream)
                for _ in range(BURST):
                    self._run()
                end.record(self._stream)
            end.synchronize()
            times.append(1e3 * start.elapsed_time(end) / BURST)
        return times

    def waits(self) -> bool:
        """Whether a run returns only after the GPU has finished: then gaps are measured too."""
        with torch.cuda.stream(self._stream):
            torch.cuda._sleep(50 * AHEAD_CYCLES)  # noqa: SLF001 - there is no public one
            self._run()
            waited = self._stream.query()
        torch.cuda.synchronize()
        return waited

    def output(self) -> np.ndarray:
        """The first output of the last run."""
        torch.cuda.synchronize()
        return self.first.float().cpu().numpy()


def _output_shapes(session: Any, feeds: Feeds) -> list[tuple[int, ...]]:  # noqa: ANN401
    """Shapes of the outputs: names stand for what the inputs have."""
    known: dict[str, int] = {}
    for entry in session.get_inputs():
        pairs = zip(entry.shape, feeds[entry.name].shape, strict=True)
        known |= {extent: size for extent, size in pairs if isinstance(extent, str)}
    return [
        tuple(known[e] if isinstance(e, str) else e for e in entry.shape)
        for entry in session.get_outputs()
    ]

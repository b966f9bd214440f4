"""A session that does no work: its jobs last as told and give reports made for tests."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sample_reports import built_only, half_precision, large_report, resnet_report

from trtlab.core.errors import CancelledError, ParseError, TrtlabError
from trtlab.report.records import Report, TensorRecord
from trtlab.session.requests import (
    BuildRequest,
    Capabilities,
    JobEvent,
    NetworkLayer,
    OpenedModel,
    RunRequest,
    TelemetryChunk,
)


class FakeJob:
    """Runs a few steps in a thread of its own, telling each."""

    def __init__(
        self, phases: dict[str, int], outcome: Callable[[], Any], step_s: float
    ) -> None:
        self._phases = phases
        self._outcome = outcome
        self._step_s = step_s
        self._listeners: list[Callable[[JobEvent], None]] = []
        self._latest: JobEvent | None = None
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._stop = threading.Event()
        self._result: Any = None
        threading.Thread(target=self._work, daemon=True).start()

    def listen(self, listener: Callable[[JobEvent], None]) -> None:
        with self._lock:
            self._listeners.append(listener)
            if self._latest is not None:
                listener(self._latest)

    def cancel(self) -> None:
        self._stop.set()

    def result(self, timeout_s: float | None = None) -> Any:
        if not self._over.wait(timeout_s):
            raise TimeoutError
        if isinstance(self._result, TrtlabError):
            raise self._result
        return self._result

    def _tell(self, event: JobEvent) -> None:
        with self._lock:
            self._latest = event
            for listener in tuple(self._listeners):
                listener(event)

    def _work(self) -> None:
        left = sum(self._phases.values())
        for phase, total in self._phases.items():
            for step in range(total):
                if self._stop.wait(self._step_s):
                    self._end(CancelledError("stopped at your wish"))
                    return
                left -= 1
                self._tell(
                    JobEvent(
                        "running", phase, step + 1, total, f"layer {step}", left * self._step_s
                    )
                )
        try:
            self._end(self._outcome())
        except TrtlabError as error:
            self._end(error)

    def _end(self, result: Any) -> None:
        self._result = result
        self._over.set()
        if isinstance(result, CancelledError):
            self._tell(JobEvent("cancelled", message=result.what))
        elif isinstance(result, TrtlabError):
            self._tell(JobEvent("failed", message=str(result)))
        else:
            self._tell(JobEvent("done"))


class FakeWatch:
    """Tells two metrics ten times a second."""

    def __init__(self, listener: Callable[[tuple[TelemetryChunk, ...]], None]) -> None:
        self._closed = threading.Event()
        self._listener = listener
        self._thread = threading.Thread(target=self._tell, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()

    def _tell(self) -> None:
        rng = np.random.default_rng(3)
        while not self._closed.wait(0.1):
            now = time.monotonic_ns()
            load, power = 40 + 20 * rng.random(), 300 + 30 * rng.random()
            self._listener(
                (
                    TelemetryChunk("cpu.load", "CPU load", "%", (now,), (load,)),
                    TelemetryChunk("gpu.power", "Power", "W", (now,), (power,), 350.0),
                )
            )


class FakeSession:
    """Has one device and two models; remembers what it was asked for.

    Args:
        step_s: How long a step of a job lasts.
        folder: Where its engine files go; without one it has none.
    """

    def __init__(self, step_s: float = 0.0, folder: Path | None = None) -> None:
        self.step_s = step_s
        self.engine_path = (folder or Path("/nowhere")) / "last.engine"
        self._keeps = folder is not None
        self.requests: list[BuildRequest | RunRequest] = []
        self.watches: list[FakeWatch] = []
        self._report = resnet_report()

    def zoo_models(self) -> tuple[str, ...]:
        return ("resnet50", "transformer")

    def capabilities(self) -> tuple[Capabilities, ...]:
        return (
            Capabilities(
                "cpu",
                "Sample processor · 2 threads",
                {"fp32": False, "fp16": True, "bf16": True},
                ("GENERATED", "NUMPY"),
            ),
            Capabilities(
                "cuda",
                "Sample GPU",
                {"fp16": False},
                ("GENERATED", "CUDNN"),
                ("WORKSPACE", "TACTIC_DRAM"),
            ),
        )

    def open_model(self, source: str) -> FakeJob:
        def outcome() -> OpenedModel:
            if "broken" in source:
                raise ParseError(
                    f"{source} is not an ONNX file", where=[source], hint="export it again"
                )
            if "transformer" in source:
                self._report = large_report()
            return opened_model(self._report)

        return FakeJob({"Reading model": 2}, outcome, self.step_s)

    def start_build(self, request: BuildRequest) -> FakeJob:
        self.requests.append(request)
        bare = built_only(self._measured())

        def outcome() -> Report:
            if self._keeps:
                self.engine_path.write_bytes(repr(request).encode())
            return bare

        return FakeJob({"passes": 5, "tactics": 40}, outcome, self.step_s)

    def start_run(self, request: RunRequest) -> FakeJob:
        self.requests.append(request)
        phases = {"Warming up": 3, "Measuring": 10, "Timing layers": 6}
        return FakeJob(phases, self._measured, self.step_s)

    def _measured(self) -> Report:
        """In FP16, where that was asked for last."""
        built = [r for r in self.requests if isinstance(r, BuildRequest)]
        if built and built[-1].precision == "fp16":
            return half_precision(self._report)
        return self._report

    def watch_telemetry(
        self, listener: Callable[[tuple[TelemetryChunk, ...]], None], interval_ms: float
    ) -> FakeWatch:
        del interval_ms
        self.watches.append(FakeWatch(listener))
        return self.watches[-1]


def opened_model(report: Report) -> OpenedModel:
    """The report's model with a dynamic batch, one network layer for each origin."""
    model = replace(
        report.model,
        inputs=(TensorRecord("input", "fp32", ("batch", 3, 224, 224)),),
    )
    layers = tuple(
        NetworkLayer(origin.split(" (")[0], "CONVOLUTION", (origin,))
        for layer in report.layers
        for origin in layer.origins
    )
    shape = (1, 3, 224, 224)
    return OpenedModel(model, layers, {"input": (shape, shape, (8, 3, 224, 224))})

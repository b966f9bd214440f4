"""TensorRT's IProfiler, and the profiler that prints."""

import logging


class IProfiler:
    """Base of user-written profilers: override `report_layer_time`."""

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        """Receive one layer's time in milliseconds, once a layer and run."""
        raise NotImplementedError(f"{type(self).__name__} must define report_layer_time")


class Profiler(IProfiler):
    """Writes every layer's time to the log ``trtlab.profiler`` at level INFO."""

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        """Log one layer's time."""
        logging.getLogger("trtlab.profiler").info("%s: %.4f ms", layer_name, ms)

"""What the parts of a builder config share."""

from trtlab.core.logger import ILogger, Severity
from trtlab.core.sealed import Sealed


class ConfigBase(Sealed):
    """Logger and device; unknown attributes are refused.

    Args:
        logger: Hears which hints have no effect.
        device: What the engine is built for.
    """

    _inner = ("tell", "hint", "options", "cache_of_build")

    def __init__(self, logger: ILogger, device: str) -> None:
        self._logger = logger
        self._device = device
        self.reset()

    def reset(self) -> None:
        """Every option as TensorRT has it at first; optimization profiles go too."""

    def tell(self, severity: Severity, message: str) -> None:
        """Log a message."""
        self._logger.log(severity, message)

    def hint(self, subject: str, reason: str) -> None:
        """Log that something that TensorRT treats as a hint has no effect."""
        self.tell(Severity.INFO, f"{subject} has no effect here: {reason}")

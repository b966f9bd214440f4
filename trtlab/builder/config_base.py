"""What the parts of a builder config share."""

from trtlab.core.logger import ILogger, Severity
from trtlab.network.api.arguments import declares, unknown_name


class ConfigBase:
    """Logger and device; unknown attributes are refused.

    Args:
        logger: Hears which hints have no effect.
        device: What the engine is built for.
    """

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

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_") and not declares(type(self), name):
            raise self._unknown(name)
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> object:
        raise self._unknown(name)

    def _unknown(self, name: str) -> AttributeError:
        hidden = {"tell", "hint", "options", "cache_of_build", "source_names"}
        public = [n for n in dir(type(self)) if not n.startswith("_") and n not in hidden]
        return unknown_name("IBuilderConfig", name, public)

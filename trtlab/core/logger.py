"""TensorRT's logger classes over the standard library's logging."""

import logging
from typing import Self

from trtlab.core.enums import NamedInt
from trtlab.core.sealed import Sealed


class Severity(NamedInt):
    """TensorRT's severities; a lower number is graver."""

    INTERNAL_ERROR = 0
    ERROR = 1
    WARNING = 2
    INFO = 3
    VERBOSE = 4


_LEVELS = {
    Severity.INTERNAL_ERROR: logging.CRITICAL,
    Severity.ERROR: logging.ERROR,
    Severity.WARNING: logging.WARNING,
    Severity.INFO: logging.INFO,
    Severity.VERBOSE: logging.DEBUG,
}


class ILogger:
    """Base of user-written loggers: override `log`."""

    Severity = Severity
    INTERNAL_ERROR = Severity.INTERNAL_ERROR
    ERROR = Severity.ERROR
    WARNING = Severity.WARNING
    INFO = Severity.INFO
    VERBOSE = Severity.VERBOSE

    def log(self, severity: Severity, msg: str) -> None:
        """Receive one message."""
        raise NotImplementedError(f"{type(self).__name__} must define log(severity, msg)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None


class Logger(ILogger, Sealed):
    """Passes messages of ``min_severity`` or graver to the logging module (``trtlab``)."""

    _own = ("min_severity",)

    def __init__(self, min_severity: Severity = Severity.WARNING) -> None:
        self.min_severity = Severity(min_severity)

    def log(self, severity: Severity, msg: str) -> None:
        """Write one message."""
        if severity <= self.min_severity:
            logging.getLogger("trtlab").log(_LEVELS[Severity(severity)], "%s", msg)

"""Versions of what works for a GPU beside CuPy: the driver, cuDNN and cuBLASLt.

They are for records alone: whatever is not installed, or does not answer, is left out.
"""

import importlib
from functools import cache
from typing import Any

_CUDNN_9 = 90_000  # earlier releases counted majors by the thousand
# What packages raise that are missing, lack their shared library, or are of another release.
_NO_ANSWER = (ImportError, OSError, RuntimeError, AttributeError, TypeError, ValueError)


@cache
def driver_version() -> str:
    """The driver's own version, such as ``580.95.05``; empty where NVML does not tell it."""
    try:
        nvml: Any = importlib.import_module("pynvml")
    except ImportError:
        return ""
    try:
        nvml.nvmlInit()
        try:
            said = nvml.nvmlSystemGetDriverVersion()
        finally:
            nvml.nvmlShutdown()
    except nvml.NVMLError:
        return ""
    return said.decode() if isinstance(said, bytes) else str(said)


@cache
def _library_versions() -> tuple[tuple[str, str], ...]:
    asked = (("cudnn", _cudnn), ("cudnn-frontend", _cudnn_frontend), ("cublaslt", _cublaslt))
    found: list[tuple[str, str]] = []
    for name, ask in asked:
        try:
            found.append((name, ask()))
        except _NO_ANSWER:
            continue
    return tuple(found)


def library_versions() -> dict[str, str]:
    """Versions by name of the libraries that offer tactics and can be loaded here."""
    return dict(_library_versions())


def _cudnn() -> str:
    number = int(importlib.import_module("cudnn").backend_version())
    major = 10_000 if number >= _CUDNN_9 else 1_000
    return _dotted(number, major)


def _cudnn_frontend() -> str:
    return str(importlib.import_module("cudnn").__version__)


def _cublaslt() -> str:
    library = importlib.import_module("nvmath.bindings.cublasLt")
    return _dotted(int(library.get_version()), 10_000)


def _dotted(number: int, major: int) -> str:
    """``9.10.2`` from cuDNN's 91002, whose majors count 10,000."""
    return f"{number // major}.{number % major // 100}.{number % 100}"

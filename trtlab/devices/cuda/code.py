"""Compiled kernels and library plans by what they compute, so that they are made once.

An engine file carries what its launches need; loading the engine adds it here, and launches ask
here first. What is missing, or was made by another library or for another GPU, is made anew.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Protocol, runtime_checkable

from trtlab.devices.cuda.kernel import Loader
from trtlab.devices.cuda.libraries import cupy

KERNEL = "kernel"


@dataclass(frozen=True, slots=True)
class CompiledCode:
    """What need not be compiled or searched again.

    Attributes:
        kind: ``kernel``, ``cudnn`` or ``cublaslt``.
        key: Digest of what it computes.
        origin: What made it, with its version; plans of libraries also name the GPU.
        data: Machine code, or the library's own form of a plan.
        workspace_bytes: Scratch that the plan needs.
    """

    kind: str
    key: str
    origin: str
    data: bytes
    workspace_bytes: int = 0


@runtime_checkable
class Planned(Protocol):
    """A launch that a library has made a plan for."""

    def prepare(self, loader: Loader) -> None:
        """Make the plan."""
        ...

    def compiled(self) -> CompiledCode | None:
        """The plan, once the launch is prepared; None when the library cannot write it down."""
        ...


class CodeStore:
    """Compiled code by kind and key, for all devices of a process."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CompiledCode] = {}
        self._workspaces: dict[tuple[str, str], int] = {}

    def add(self, codes: Iterable[CompiledCode]) -> None:
        """Remember; later ones replace earlier ones."""
        for code in codes:
            self._code[code.kind, code.key] = code
            self._workspaces[code.kind, code.key] = code.workspace_bytes

    def find(self, kind: str, key: str, origin: str | None = None) -> CompiledCode | None:
        """What was remembered.

        Args:
            kind: See `CompiledCode`.
            key: See `CompiledCode`.
            origin: Only if it was made there; None takes it from anywhere.
        """
        found = self._code.get((kind, key))
        if found is None or (origin is not None and found.origin != origin):
            return None
        return found

    def note_workspace(self, kind: str, key: str, nbytes: int) -> None:
        """Remember what scratch a plan turned out to need."""
        self._workspaces[kind, key] = nbytes

    def workspace_bytes(self, kind: str, key: str) -> int:
        """Scratch of a plan that was made or remembered here; 0 when it is not known."""
        return self._workspaces.get((kind, key), 0)


@cache
def code_store() -> CodeStore:
    """The process' store."""
    return CodeStore()


def digest_of(*parts: object) -> str:
    """A key from what decides the code."""
    text = "\n".join(map(str, parts))
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def current_gpu() -> int:
    """Index of the device for which libraries are called."""
    return int(cupy().cuda.runtime.getDevice())


def gpu_of_plans() -> str:
    """The current GPU as libraries tell them apart: name and multiprocessors."""
    return _told_apart(current_gpu())


@cache
def _told_apart(index: int) -> str:
    found = cupy().cuda.runtime.getDeviceProperties(index)
    return f"{bytes(found['name']).decode()}/{found['multiProcessorCount']}"

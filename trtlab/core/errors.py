"""Every exception that trtlab raises.

::

    TrtlabError
    ├── UsageError            an argument, option or call order is wrong
    │   └── UnknownNameError  an object has no attribute of that name
    ├── UnsupportedError      understood, but not available here
    │   ├── NoTacticError     no implementation accepts a layer; lists each refusal
    │   └── MissingNameError  TensorRT has this name, trtlab does not
    ├── InvalidNetworkError   a network definition contradicts itself
    ├── ParseError            a model file cannot be read or converted
    ├── KernelCompileError    generated code did not compile
    ├── EngineFormatError     an engine or cache file is damaged or foreign
    ├── DeviceError           the device refused: missing, out of memory, faulted
    │   └── DeviceLostError   this process cannot use the device any more
    ├── MeasurementError      a measurement could not be taken or trusted
    ├── CancelledError        the user stopped it; nothing was lost
    └── InternalError         a bug in trtlab

Each says *what* happened (with the values), *where* (layer, file, node), and a *hint*:
what to do next.
"""

from collections.abc import Iterable


class TrtlabError(Exception):
    """The root of all errors meant for users.

    Args:
        what: One sentence with the offending values.
        where: Places, outermost first: file, node, layer, tensor.
        hint: What the user can do about it.
    """

    def __init__(self, what: str, *, where: Iterable[str] = (), hint: str = "") -> None:
        self.what = what
        self.where = (where,) if isinstance(where, str) else tuple(where)
        self.hint = hint
        super().__init__(what, self.where, hint)

    def __str__(self) -> str:
        lines = [self.what]
        lines += [f"  at {place}" for place in self.where]
        if self.hint:
            lines.append(f"  try: {self.hint}")
        return "\n".join(lines)


class UsageError(TrtlabError):
    """An argument, option or order of calls is wrong."""


class UnknownNameError(UsageError, AttributeError):
    """An object has no attribute of that name; the hint has similar ones."""


class UnsupportedError(TrtlabError):
    """Understood, but not available on this device or in this version."""


class NoTacticError(UnsupportedError):
    """No tactic accepts a layer; ``where`` lists every candidate with its refusal."""


class MissingNameError(UnsupportedError, AttributeError):
    """TensorRT has this name and trtlab does not; ``hasattr`` is false."""


class InvalidNetworkError(TrtlabError):
    """A network definition contradicts itself."""


class ParseError(TrtlabError):
    """A model file cannot be read or converted."""


class KernelCompileError(TrtlabError):
    """Generated code did not compile."""


class EngineFormatError(TrtlabError):
    """An engine or cache file is damaged, foreign or of another version."""


class DeviceError(TrtlabError):
    """The device is missing, out of memory or faulted."""


class DeviceLostError(DeviceError):
    """A kernel faulted: CUDA ends the whole context, and only a new process gets another."""

    def __init__(self, what: str, *, where: Iterable[str] = (), hint: str = "") -> None:
        lost = (
            "the CUDA context of this process is lost, with everything in GPU memory: start a "
            "new process (in a notebook, restart the kernel)"
        )
        super().__init__(what, where=where, hint=hint or lost)


class MeasurementError(TrtlabError):
    """A measurement could not be taken or cannot be trusted."""


class CancelledError(TrtlabError):
    """The user stopped the work; nothing was lost."""


class InternalError(TrtlabError):
    """A bug in trtlab; please report it with the text of this error."""

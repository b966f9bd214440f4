"""The door to NVML (nvidia-ml-py's untyped `pynvml` module): calls, constants, one refusal.

``nvmlDeviceGetPcieThroughput`` must not be called: it blocks for 21 ms (measured on an H200,
driver 580).
"""

from importlib import import_module
from types import ModuleType
from typing import Any


class NvmlRefusalError(Exception):
    """NVML did not answer; the text is the reason. Never leaves this room."""


class NvmlLibrary:
    """Calls NVML by the names of its C functions.

    Args:
        module: A stand-in for `pynvml`; imported when None.

    Raises:
        NvmlRefusalError: nvidia-ml-py is not installed.
    """

    def __init__(self, module: ModuleType | None = None) -> None:
        if module is None:
            try:
                module = import_module("pynvml")
            except ModuleNotFoundError as error:
                raise NvmlRefusalError("nvidia-ml-py is not installed") from error
        self._module = module

    def call(self, function: str, *arguments: object) -> Any:  # noqa: ANN401  NVML's structures
        """Call a function.

        Raises:
            NvmlRefusalError: NVML refuses, or it is too old to know the function.
        """
        target = getattr(self._module, function, None)
        if target is None:
            raise NvmlRefusalError(f"this nvidia-ml-py has no {function}")
        try:
            return target(*arguments)
        except self._module.NVMLError as error:
            raise NvmlRefusalError(str(error)) from error

    def constant(self, name: str, default: int) -> int:
        """A constant by its name; field numbers differ between releases."""
        return int(getattr(self._module, name, default))

    def field_values(self, handle: object, fields: list[int]) -> list[float | str]:
        """Several field values in one call to the driver; a text is why one is missing.

        Raises:
            NvmlRefusalError: The call as a whole failed.
        """
        answers: list[float | str] = []
        for value in self.call("nvmlDeviceGetFieldValues", handle, fields):
            if value.nvmlReturn:
                answers.append(self._reason(value.nvmlReturn))
            else:
                member = _VALUE_MEMBERS[int(value.valueType)]
                answers.append(float(getattr(value.value, member)))
        return answers

    def _reason(self, code: int) -> str:
        try:
            return str(self.call("nvmlErrorString", code))
        except NvmlRefusalError:
            return f"NVML error {code}"


# nvmlValueType_t → member of nvmlValue_t
_VALUE_MEMBERS = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")

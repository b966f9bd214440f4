"""An engine on a device: weights in device memory, shared by all its contexts."""

from threading import Lock

from trtlab.core.errors import DeviceError, DeviceLostError, EngineFormatError
from trtlab.devices.cuda.code import code_store
from trtlab.devices.protocol import Device, Memory
from trtlab.engine.engine import Engine
from trtlab.layers.base import Array
from trtlab.tactics.registry import TacticRegistry


class LoadedEngine:
    """An engine with the device that runs it; its compiled code is ready for the launches.

    Raises:
        EngineFormatError: The engine was built for another kind of device.
    """

    def __init__(self, engine: Engine, device: Device, registry: TacticRegistry) -> None:
        if engine.compatibility != device.compatibility:
            raise EngineFormatError(
                f"engine {engine.name!r} was built for {engine.compatibility} "
                f"({engine.device.name}), this device is {device.compatibility}",
                hint="build it again on this machine: packed weights and tactics differ",
            )
        self.engine = engine
        self.device = device
        self.registry = registry
        self._holding = Lock()
        self._weights: dict[str, Memory] | None = None
        code_store().add(engine.code)

    @property
    def weights(self) -> dict[str, Memory]:
        """Packed weights in device memory, by key; arrays that are shared are held once.

        Raises:
            DeviceError: There is no room for them; says how much they need.
        """
        with self._holding:  # launches know addresses only: there must never be two copies
            if self._weights is None:
                self._weights = self._held()
        return self._weights

    def _held(self) -> dict[str, Memory]:
        held: dict[int, Memory] = {}
        result: dict[str, Memory] = {}
        for key, array in self.engine.weights.items():
            if id(array) not in held:
                held[id(array)] = self._hold(array)
            result[key] = held[id(array)]
        return result

    def _hold(self, array: Array) -> Memory:
        try:
            return self.device.hold(array)
        except DeviceLostError:
            raise
        except DeviceError as error:
            raise DeviceError(
                f"engine {self.engine.name!r} has {self.engine.weights_bytes:,} bytes of "
                f"weights: {error.what}",
                hint=error.hint,
            ) from error

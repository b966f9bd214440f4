"""TensorRT's EngineInspector."""

from enum import IntEnum
from typing import TYPE_CHECKING

from trtlab.core.errors import UsageError
from trtlab.core.sealed import Only, Sealed
from trtlab.core.types import StaticShape
from trtlab.engine import inspector
from trtlab.engine.engine import Engine
from trtlab.network.api.arguments import whole
from trtlab.runtime.missing import NO_RECORDER

if TYPE_CHECKING:
    from trtlab.runtime.context import IExecutionContext


class LayerInformationFormat(IntEnum):
    """Shape of the inspector's answers."""

    ONELINE = 0
    JSON = 1


class EngineInspector(Sealed):
    """What an engine is made of, as text or JSON in TensorRT's shape.

    Args:
        engine: The plain engine.

    Attributes:
        execution_context: Its shapes are told; None for those that the engine is tuned for.
        error_recorder: None: errors are raised.
    """

    _own = ("execution_context",)
    error_recorder = Only[object](None, NO_RECORDER)

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.execution_context: IExecutionContext | None = None

    def get_layer_information(
        self,
        layer_index: int,
        format: LayerInformationFormat,  # noqa: A002 - TensorRT's name
    ) -> str:
        """One layer."""
        engine = self._engine
        if not 0 <= whole(layer_index, "layer_index") < len(engine.network):
            raise UsageError(
                f"there is no layer {layer_index}", hint=f"0 to {len(engine.network) - 1}"
            )
        return inspector.layer_text(
            engine, layer_index, as_json=format is LayerInformationFormat.JSON,
            shapes=self._shapes(),
        )  # fmt: skip

    def get_engine_information(
        self,
        format: LayerInformationFormat,  # noqa: A002 - TensorRT's name
    ) -> str:
        """All layers."""
        return inspector.engine_text(
            self._engine, as_json=format is LayerInformationFormat.JSON,
            shapes=self._shapes(),
        )  # fmt: skip

    def _shapes(self) -> dict[str, StaticShape]:
        """The context's shapes if there is one with all set, else the first profile's opt."""
        context = self.execution_context
        if context is not None and context.all_binding_shapes_specified:
            return dict(context.executable().shapes)
        return self._engine.profiles[0].opt()

"""TensorRT's EngineInspector."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from trtlab.core.enums import NamedInt
from trtlab.core.errors import UsageError
from trtlab.core.sealed import Only, Sealed
from trtlab.core.types import StaticShape
from trtlab.engine import inspector
from trtlab.engine.engine import Engine
from trtlab.engine.layer_records import layer_records
from trtlab.network.api.arguments import whole
from trtlab.planner.plan import Plan
from trtlab.report.records import LayerRecord
from trtlab.runtime.missing import NO_RECORDER

if TYPE_CHECKING:
    from trtlab.runtime.context import IExecutionContext


class LayerInformationFormat(NamedInt):
    """Shape of the inspector's answers."""

    ONELINE = 0
    JSON = 1


class EngineInspector(Sealed):
    """What an engine is made of, as text or JSON in TensorRT's shape.

    Args:
        engine: The plain engine.
        plan_at: Its plan at the inputs' shapes.

    Attributes:
        execution_context: Its shapes are told; None for those that the engine is tuned for.
        error_recorder: None: errors are raised.
    """

    _own = ("execution_context",)
    error_recorder = Only[object](None, NO_RECORDER)

    def __init__(
        self, engine: Engine, plan_at: Callable[[Mapping[str, StaticShape]], Plan]
    ) -> None:
        self._engine = engine
        self._plan_at = plan_at
        self._records: tuple[LayerRecord, ...] = ()
        self._shapes: dict[str, StaticShape] | None = None  # of the records
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
            engine,
            self._layers()[layer_index],
            as_json=format is LayerInformationFormat.JSON,
        )

    def get_engine_information(
        self,
        format: LayerInformationFormat,  # noqa: A002 - TensorRT's name
    ) -> str:
        """All layers."""
        return inspector.engine_text(
            self._engine, self._layers(), as_json=format is LayerInformationFormat.JSON
        )

    def _layers(self) -> tuple[LayerRecord, ...]:
        """At the context's shapes if there is one with all set, else the first profile's opt."""
        context = self.execution_context
        if context is not None and context.all_binding_shapes_specified:
            shapes = dict(context.executable().shapes)
        else:
            shapes = self._engine.profiles[0].opt()
        if shapes != self._shapes:  # code asks layer by layer, and a plan takes its time
            self._records = layer_records(self._engine, self._plan_at(shapes))
            self._shapes = shapes
        return self._records

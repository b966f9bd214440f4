"""Shapes: the range that an engine is built for, and the one that it runs at."""

from collections.abc import Mapping, Sequence
from html import escape

import ipywidgets as w

from trtlab.report.records import TensorRecord
from trtlab.session.requests import Extents, ShapeRange
from trtlab_widgets.inputs import extents_text, read_range, read_within
from trtlab_widgets.panels.form import Changed, Message, classed, group, note, on_value

_PLACES = ("min", "opt", "max")
_NO_INPUTS = "Open a model to see its inputs."


class ShapesPanel(w.VBox):
    """Asks for min, opt, max and the shape to run at, for every dynamic input.

    Args:
        changed: Called after every edit.
    """

    def __init__(self, changed: Changed) -> None:
        self._changed = changed
        self._rows: list[_InputRow] = []
        super().__init__([group("Shapes", note(_NO_INPUTS))])
        self.add_class("trtl-shapes")

    def set_inputs(
        self, inputs: Sequence[TensorRecord], defaults: Mapping[str, ShapeRange]
    ) -> None:
        """The inputs of another model."""
        self._rows = [
            _InputRow(tensor, defaults.get(tensor.name), self._edited)
            for tensor in inputs
            if any(isinstance(extent, str) for extent in tensor.shape)
        ]
        fixed = [t for t in inputs if not any(isinstance(extent, str) for extent in t.shape)]
        lines = [
            note(f"{t.name} {extents_text(t.shape) or 'scalar'} is fixed.") for t in fixed
        ]
        lines = lines if inputs else [note(_NO_INPUTS)]
        self.children = [group("Shapes", *(row.box for row in self._rows), *lines)]

    @property
    def profiles(self) -> dict[str, ShapeRange]:
        """Input → (min, opt, max) of the inputs that have a valid range."""
        ranges = {row.name: row.range for row in self._rows}
        return {name: found for name, found in ranges.items() if found is not None}

    @property
    def shapes(self) -> dict[str, Extents]:
        """Input → shape to run at, where it is not the likely one."""
        found = {row.name: row.shape for row in self._rows}
        return {name: shape for name, shape in found.items() if shape is not None}

    @property
    def problem(self) -> str:
        """What is wrong with the first wrong input; empty when all is well."""
        return next((f"{row.name}: {row.problem}" for row in self._rows if row.problem), "")

    @property
    def changes(self) -> tuple[str, ...]:
        """What differs from the model's own ranges."""
        ranges = [f"range of {row.name}" for row in self._rows if row.differs]
        runs = [f"run {row.name} at {row.run_at}" for row in self._rows if row.run_at]
        return (*ranges, *runs)

    def reset(self) -> None:
        """Every input's range as it was first, to run at its likely shape."""
        for row in self._rows:
            row.reset()

    def _edited(self) -> None:
        self._changed()


class _InputRow:
    """The fields of one input, checked as they are typed."""

    def __init__(
        self, tensor: TensorRecord, default: ShapeRange | None, changed: Changed
    ) -> None:
        self.name = tensor.name
        self._declared = tensor.shape
        texts = [extents_text(shape) for shape in default] if default else ["", "", ""]
        self._fields = [
            self._field(place, text) for place, text in zip(_PLACES, texts, strict=True)
        ]
        self._first = texts
        self._run = self._field("run at", "")
        self._run.placeholder = texts[1] or "opt"
        self._message = Message()
        self.range: ShapeRange | None = None
        self.shape: Extents | None = None
        self.problem = ""
        self._check()
        self._default = self.range
        on_value([*self._fields, self._run], lambda: (self._check(), changed())[1])
        declared = escape(extents_text(tensor.shape))
        head = w.HTML(f'<b>{escape(tensor.name)}</b> <span class="t-dim">{declared}</span>')
        grid = classed(w.VBox([*self._fields, self._run]), "trtl-shape-fields")
        self.box = classed(w.VBox([head, grid, self._message]), "trtl-shape")

    @property
    def differs(self) -> bool:
        """Whether the range is another one than at first, or wrong."""
        return self.range != self._default

    @property
    def run_at(self) -> str:
        """The shape to run at, or what was typed in its place."""
        return self._run.value.strip() if self.shape is None else extents_text(self.shape)

    def reset(self) -> None:
        """Write the first range again."""
        for field, text in zip(self._fields, self._first, strict=True):
            field.value = text
        self._run.value = ""

    def _field(self, place: str, text: str) -> w.Text:
        return w.Text(
            text,
            description=place,
            style={"description_width": "48px"},
            layout=w.Layout(width="auto", min_width="0"),
        )

    def _check(self) -> None:
        read = read_range([each.value for each in self._fields], self._declared)
        run = read_within(self._run.value, self._declared, read.value)
        self.range, self.shape = read.value, run.value
        self.problem = read.problem or (f"run at: {run.problem}" if run.problem else "")
        self._run.placeholder = self._fields[1].value or "opt"
        self._message.tell(self.problem)

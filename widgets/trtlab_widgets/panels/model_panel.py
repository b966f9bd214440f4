"""Which model or report: one that comes along, a path, or an uploaded file; and what it is."""

import hashlib
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

import ipywidgets as w

from trtlab.core.settings import settings
from trtlab.report.conditions import created_text
from trtlab.report.records import ModelRecord, Report, TensorRecord
from trtlab.session.requests import OpenedModel
from trtlab_widgets.inputs import extents_text
from trtlab_widgets.pages.text import count, plural
from trtlab_widgets.panels.form import classed

_CHOOSE = "Choose a model …"
_MOST_OPS = 8


class ModelPanel(w.VBox):
    """Asks for a model, or for a report that was saved.

    Args:
        names: Models that come along.
        choose: Called with a path or ``zoo:NAME``.
    """

    def __init__(self, names: Sequence[str], choose: Callable[[str], None]) -> None:
        self._choose = choose
        self._quiet = False
        options = [(_CHOOSE, ""), *((name, f"zoo:{name}") for name in names)]
        self._zoo = w.Dropdown(options=options, layout=w.Layout(width="180px"))
        self._path = w.Text(
            placeholder="or the path of an ONNX file or saved report",
            continuous_update=False,
            layout=w.Layout(flex="1 1 220px", width="auto", min_width="140px"),
        )
        self._upload = w.FileUpload(
            accept=".onnx,.json,.gz",
            description="Upload",
            tooltip="For files up to 10 MB; type the path of a larger one",
            layout=w.Layout(width="auto"),
        )
        self._card = classed(w.HTML(), "trtl-model-card")
        self._zoo.tooltip = "Models that come along, with random weights"
        self._path.tooltip = "A model, or results that were saved here; press Enter to open"
        self._zoo.observe(lambda change: self._take(change["new"]), names="value")
        self._path.observe(lambda change: self._take(change["new"].strip()), names="value")
        self._upload.observe(lambda _: self._take_upload(), names="value")
        row = classed(w.HBox([self._zoo, self._path, self._upload]), "trtl-row")
        super().__init__([row, self._card])
        self.tell("Models come along to try things out; your own are read from a path.")

    def show(self, opened: OpenedModel) -> None:
        """Say what the model is."""
        self._card.value = model_card(opened.model)

    def tell(self, text: str) -> None:
        """Say something in the card's place, line by line."""
        lines = text.splitlines()
        self._card.value = "".join(f'<p class="t-dim">{escape(line)}</p>' for line in lines)

    def tell_report(self, report: Report) -> None:
        """Say whose results are shown while there is no model to build."""
        self.tell(
            f"A report of {report.model.name}, recorded {created_text(report)} on"
            f" {report.device.name}.\nNo model is open: choose one to build or run it."
        )

    def set_source(self, source: str) -> None:
        """Show what was opened from outside, without opening it again."""
        self._quiet = True
        known = {value for _, value in self._zoo.options}
        named = next((v for v in (source, f"zoo:{source}") if v and v in known), "")
        self._zoo.value = named
        self._path.value = "" if named else source
        self._quiet = False

    def _take(self, source: str) -> None:
        if source and not self._quiet:
            self._choose(source)

    def _take_upload(self) -> None:
        for file in self._upload.value:
            self._choose(str(keep_upload(file["name"], bytes(file["content"]))))


def keep_upload(name: str, content: bytes) -> Path:
    """Store an uploaded model where a build in another process finds it.

    The same content gets the same path, so that a repeated upload does not fill the disk.
    """
    digest = hashlib.sha256(content).hexdigest()[:12]
    folder = settings().cache_dir / "uploads" / digest
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / Path(name).name
    path.write_bytes(content)
    return path


def model_card(model: ModelRecord) -> str:
    """The model in three lines of HTML."""
    facts = [
        f"{count(model.parameters)} parameters",
        plural(model.nodes, "node"),
        f"opset {model.opset}",
        f"made by {model.producer}" if model.producer else "",
    ]
    ops = sorted(model.op_counts.items(), key=lambda pair: -pair[1])
    listed = ", ".join(f"{name} {number}" for name, number in ops[:_MOST_OPS])
    rest = f" and {plural(len(ops) - _MOST_OPS, 'type')} more" if len(ops) > _MOST_OPS else ""
    lines = [
        f"<b>{escape(model.name)}</b> " + escape(" · ".join(fact for fact in facts if fact)),
        escape(f"{_tensors(model.inputs)} → {_tensors(model.outputs)}"),
        escape(listed + rest),
    ]
    whole = escape(", ".join(f"{name} {number}" for name, number in ops))
    titles = ["", "", f' title="{whole}"']
    return "".join(
        f"<p{title}>{line}</p>" for line, title in zip(lines, titles, strict=True) if line
    )


def _tensors(tensors: Sequence[TensorRecord]) -> str:
    shown = [f"{t.name} {t.dtype} {extents_text(t.shape) or 'scalar'}" for t in tensors[:4]]
    return ", ".join(shown) + (f" and {len(tensors) - 4} more" if len(tensors) > 4 else "")

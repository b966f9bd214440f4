"""Labelled fields, messages beside them, and groups: what all panels are made of."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as w

Changed = Callable[[], None]

_LABEL_WIDTH = "96px"


def labelled(kind: type[Any], label: str, **options: Any) -> Any:  # noqa: ANN401 - any widget
    """A control with its label on the left, tied together for screen readers."""
    return kind(
        description=label,
        style={"description_width": _LABEL_WIDTH},
        layout=w.Layout(width="auto", min_width="0"),
        **options,
    )


class Message(w.HTML):
    """One line beside a field; it keeps its height when it has nothing to say."""

    def __init__(self) -> None:
        super().__init__()
        self.add_class("trtl-message")
        self.tell("")

    def tell(self, problem: str) -> None:
        """Say what is wrong, or nothing."""
        text = f'<span role="alert">{escape(problem)}</span>' if problem else "&nbsp;"
        if self.value != text:
            self.value = text


def note(text: str) -> w.HTML:
    """A quiet sentence."""
    return classed(w.HTML(escape(text)), "trtl-note")


def group(title: str, *children: w.Widget) -> w.VBox:
    """A titled part of the form."""
    head = classed(w.HTML(f"<h3>{escape(title)}</h3>"), "trtl-group-head")
    return classed(w.VBox([head, *children]), "trtl-group")


def classed(widget: Any, *names: str) -> Any:  # noqa: ANN401 - gives back what it was given
    """The widget with CSS classes added."""
    for name in names:
        widget.add_class(name)
    return widget


def on_value(widgets: Sequence[w.Widget], callback: Changed) -> None:
    """Call back after a change of any of the widgets' values."""
    for widget in widgets:
        widget.observe(lambda _: callback(), names="value")

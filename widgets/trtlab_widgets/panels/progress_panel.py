"""What is going on: phase, step, time left; always of the same height."""

import threading
from collections.abc import Callable
from html import escape
from time import monotonic

import ipywidgets as w

from trtlab.session.requests import JobEvent
from trtlab_widgets.panels.form import classed

_LEAST_PAUSE_S = 0.1  # a person reads no faster; more updates only load the connection
_SIGNS = {"running": "", "done": "good", "failed": "bad", "cancelled": "warn"}


class ProgressPanel(w.HBox):
    """Shows a job's events and offers to cancel it.

    Args:
        cancel: Called when the person wants the job to stop.
    """

    def __init__(self, cancel: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._told = 0.0
        self._phase = ""
        self._stopping = False
        self._bar = classed(w.HTML(layout=w.Layout(flex="1 1 auto")), "trtl-progress")
        self._cancel = w.Button(description="Cancel", disabled=True, layout={"width": "76px"})
        self._cancel.on_click(lambda _: self._stop(cancel))
        super().__init__([self._bar, self._cancel])
        self.add_class("trtl-row")
        self.say("Choose a model to begin.")

    def tell(self, event: JobEvent) -> None:
        """Show an event; may be called from any thread, as often as there are events."""
        with self._lock:
            running = event.state == "running"
            now = monotonic()
            known = event.phase == self._phase  # a new phase may last: it is always told
            if running and (self._stopping or (known and now - self._told < _LEAST_PAUSE_S)):
                return
            self._told, self._phase = now, event.phase if running else ""
            self._stopping = False
        self._cancel.disabled = not running
        self._bar.value = progress_html(event)

    def say(self, text: str, sign: str = "", more: str = "") -> None:
        """Show a sentence, and something quieter after it, while nothing is under way."""
        self._cancel.disabled = True
        self._stopping = False
        said = f'<span class="is-{sign or "plain"}">{escape(text)}</span>'
        after = f" <span>{escape(more)}</span>" if more else ""
        self._bar.value = f'<span role="status">{said}{after}</span>'

    def _stop(self, cancel: Callable[[], None]) -> None:
        self.say("Cancelling: the step under way ends first …")
        self._stopping = True
        cancel()


def time_left(eta_s: float | None) -> str:
    """An estimate for the phase, as roughly as it is known; empty when there is none."""
    if eta_s is None:
        return ""
    coarse = 10 if eta_s >= 60 else 5 if eta_s >= 20 else 1
    whole = max(1, coarse * round(eta_s / coarse))
    minutes, rest = divmod(whole, 60)
    words = f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"about {words} left in this phase"


def progress_html(event: JobEvent) -> str:
    """A bar and one line: phase, step, what is at hand, time left."""
    if event.state != "running":
        text = {"done": "Done.", "cancelled": "Cancelled.", "failed": "Failed."}[event.state]
        return f'<span class="is-{_SIGNS[event.state]}" role="status">{text}</span>'
    share = event.done / event.total if event.total else None
    words = [
        event.phase,
        event.count,
        event.message,
        time_left(event.eta_s),
    ]
    line = escape(" · ".join(word for word in words if word))
    width = f"{share:.1%}" if share is not None else "30%"
    now = f' aria-valuenow="{share * 100:.0f}"' if share is not None else ""
    moving = "" if share is not None else " is-moving"
    return (
        f'<div class="t-progress{moving}" role="progressbar" aria-label="{line}"'
        f' aria-valuemin="0" aria-valuemax="100"{now}><i style="width: {width}"></i></div>'
        f"<span>{line}</span>"
    )

from typing import Any

import pytest

pytest.importorskip("anywidget")

from trtlab_widgets.live import fallback


class Handle:
    """Stands for an output that can be replaced."""

    shown: list[tuple[str, dict[str, str]]] = []  # noqa: RUF012 - emptied by the fixture

    def display(self, data: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(("display", data))

    def update(self, data: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(("update", data))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    Handle.shown = []
    monkeypatch.setattr(fallback, "DisplayHandle", Handle)
    monkeypatch.setattr(
        fallback, "display", lambda data, raw: Handle.shown.append(("widget", data))
    )
    return Handle.shown


def test_a_view_is_shown_as_two_outputs(shown: list[tuple[str, dict[str, Any]]]) -> None:
    two = fallback.Fallback()
    two.show({"application/x": 1, "text/html": "<p>one</p>"}, "<p>one</p>")
    (first, live), (second, summary) = shown
    assert (first, second) == ("widget", "display")
    assert "text/html" not in live
    assert live["application/x"] == 1
    assert "<p>one</p>" in summary["text/html"]
    two.update("<p>two</p>")
    assert shown[-1][0] == "update"
    assert "<p>two</p>" in shown[-1][1]["text/html"]


def test_what_was_never_shown_is_not_updated(shown: list[tuple[str, dict[str, Any]]]) -> None:
    fallback.Fallback().update("<p>two</p>")
    assert shown == []

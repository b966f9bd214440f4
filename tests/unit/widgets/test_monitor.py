from array import array
from typing import Any

import pytest

pytest.importorskip("anywidget")

from trtlab_widgets.live.monitor import Monitor

from trtlab.session.requests import TelemetryChunk

SECOND = 1_000_000_000


def chunk(metric: str, *values: float, start_s: int = 5) -> TelemetryChunk:
    times = tuple((start_s + i) * SECOND for i in range(len(values)))
    return TelemetryChunk(metric, metric.title(), "W", times, values, 300.0)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], list[bytes]]]:
    messages: list[tuple[dict[str, Any], list[bytes]]] = []
    monkeypatch.setattr(
        Monitor, "send", lambda _, content, buffers: messages.append((content, buffers))
    )
    return messages


def test_nothing_is_sent_while_nobody_looks(sent: list[Any]) -> None:
    monitor = Monitor()
    monitor.append([chunk("power", 250.0)])
    assert sent == []
    assert monitor.latest() == {"power": 250.0}


def test_a_view_that_opens_gets_everything_and_then_only_news(sent: list[Any]) -> None:
    monitor = Monitor()
    monitor.append([chunk("power", 250.0, 251.0), chunk("clock", 1980.0)])
    monitor.visible = True
    (content, (times, values)) = sent.pop()
    assert content["reset"] is True
    assert [m["count"] for m in content["metrics"]] == [2, 1]
    assert array("d", times).tolist() == [0.0, SECOND, 0.0]
    assert array("f", values).tolist() == [250.0, 251.0, 1980.0]
    monitor.append([chunk("power", 252.0, start_s=9)])
    (content, (times, values)) = sent.pop()
    assert content["reset"] is False
    assert array("d", times).tolist() == [4 * SECOND]
    assert array("f", values).tolist() == [252.0]


def test_a_late_view_asks_for_the_past(sent: list[Any]) -> None:
    monitor = Monitor()
    monitor.append([chunk("power", 250.0)])
    monitor._handle_custom_msg({"kind": "ready"}, [])
    assert len(sent) == 1


def test_the_past_is_bounded(sent: list[Any]) -> None:
    monitor = Monitor()
    monitor.append([chunk("power", *([1.0] * 10_000))])
    monitor.visible = True
    assert sent[0][0]["metrics"][0]["count"] == 4096


def gone(metric: str, why: str) -> TelemetryChunk:
    return TelemetryChunk(metric, metric.title(), "W", (), (), 300.0, why)


def test_a_metric_without_values_says_why(sent: list[Any]) -> None:
    monitor = Monitor()
    monitor.visible = True
    monitor.append([gone("load", "no worker yet"), chunk("power", 250.0)])
    assert sent[-1][0]["metrics"][0] == {
        "metric": "load", "label": "Load", "unit": "W", "limit": 300.0, "count": 0,
    }  # fmt: skip
    assert monitor.missing == {"load": "no worker yet"}
    assert monitor.latest() == {"power": 250.0}
    monitor.append([chunk("load", 50.0)])
    assert monitor.missing == {}
    assert monitor.latest() == {"power": 250.0, "load": 50.0}
    monitor.append([gone("load", "the worker has ended")])
    assert monitor.latest() == {"power": 250.0}  # the last value is not that of now


def test_unknown_keywords_are_refused() -> None:
    with pytest.raises(TypeError, match="rate"):
        Monitor(rate=5)  # pyright: ignore[reportCallIssue]

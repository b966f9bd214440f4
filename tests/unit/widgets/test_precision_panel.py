"""Device and precision: what they are called, and that nothing moves when they change."""

import pytest

pytest.importorskip("anywidget")

from trtlab_widgets.panels.precision_panel import PrecisionPanel

from trtlab.session.requests import Capabilities

DEVICES = (
    Capabilities("cuda", "NVIDIA H200 (132 SMs)", {"fp32": False, "fp16": False}),
    Capabilities("cpu", "A processor with a long name", {"fp32": False, "fp16": True}),
)


def test_a_devices_whole_name_is_told_when_pointed_at() -> None:
    panel = PrecisionPanel(DEVICES, lambda: None)
    assert panel._device.tooltip == "NVIDIA H200 (132 SMs)"
    panel._device.value = "cpu"
    assert panel._device.tooltip == "A processor with a long name"


def test_the_note_on_emulation_moves_nothing() -> None:
    panel = PrecisionPanel(DEVICES, lambda: None)
    panel._device.value = "cpu"
    assert panel.children[-1].children[-1] is panel._note  # nothing follows it
    panel.set("fp16", {})
    assert "accuracy, not speed" in panel._note.value
    panel.set("fp32", {})
    assert panel._note.value == ""

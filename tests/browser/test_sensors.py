"""The live strips: a value while there is one, and why there is none."""

from collections.abc import Callable
from typing import Any

import pytest
from trtlab_widgets.live.bundle import script, style

pytestmark = pytest.mark.browser

# The model that the host gives a widget, as far as the strips use it.
MODEL = """
const held = { window_s: 30, missing: {}, message: "" };
const heard = {};
window.model = {
  get: (name) => held[name],
  set: (name, value) => { held[name] = value; (heard[`change:${name}`] ?? []).forEach((f) => f()); },
  save_changes() {}, send() {},
  on: (name, f) => { (heard[name] ??= []).push(f); },
  off() {},
};
window.samples = (name, label, values) => heard["msg:custom"].forEach((f) => f(
  { kind: "samples", reset: false,
    metrics: [{ metric: name, label, unit: "%", limit: null, count: values.length }] },
  [new DataView(new Float64Array(values.map((_, i) => 1e9 * i)).buffer),
   new DataView(new Float32Array(values).buffer)]));
render.render({ model: window.model, el: document.body });
"""  # noqa: E501
LOAD = "Load of the worker (100 % = one core)"


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    opened = new_page(width=600, height=300)
    text = script("monitor").replace("export default", "const render =") + MODEL
    opened.set_content(f"<style>{style('monitor.css')}</style><body></body>")
    opened.add_script_tag(content=text, type="module")
    opened.wait_for_function("!!window.samples")
    return opened


def shown(page: Any) -> tuple[list[str], str]:
    """The strips' texts and the note."""
    strips = page.locator(".t-strip-head").all_inner_texts()
    return [" ".join(text.split()) for text in strips], page.inner_text(".t-strip-note")


def test_a_strip_without_a_value_shows_none_and_the_note_says_why(page: Any) -> None:
    page.evaluate("model.set('missing', { 'cpu.process_load': 'no worker yet' })")
    page.evaluate("label => samples('cpu.process_load', label, [])", LOAD)
    assert shown(page) == (
        ["Load of the worker –"],
        "Not available: Load of the worker (no worker yet)",
    )
    page.evaluate("model.set('missing', {})")
    page.evaluate("label => samples('cpu.process_load', label, [40, 50])", LOAD)
    assert shown(page) == (["Load of the worker 50 %"], "")
    page.evaluate("model.set('missing', { 'cpu.process_load': 'the worker has ended' })")
    assert shown(page) == (  # the last value is not that of now
        ["Load of the worker –"],
        "Not available: Load of the worker (the worker has ended)",
    )

"""A share and a number of steps must not read alike."""

import pytest

pytest.importorskip("ipywidgets")

from trtlab_widgets.panels.progress_panel import progress_html

from trtlab.session.requests import JobEvent


def test_a_share_reads_as_percent_and_steps_as_a_count() -> None:
    share = JobEvent("running", "Timing layers", 79, 100, "36 inferences", unit="%")
    html = progress_html(share)
    assert "<span>Timing layers · 79 % · 36 inferences</span>" in html
    assert 'aria-valuenow="79"' in html
    html = progress_html(JobEvent("running", "Select tactics", 3, 12, "conv"))
    assert "<span>Select tactics · 3 of 12 · conv</span>" in html

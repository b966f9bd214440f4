"""A workbench without a worker process."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def bench() -> Iterator[Any]:
    """A workbench of the sample model, ready to build."""
    pytest.importorskip("anywidget")
    from fake_session import FakeSession
    from trtlab_widgets.workbench import Workbench

    made = Workbench("zoo:resnet50", session=FakeSession())
    made.wait(60)
    yield made
    made.close()

"""A page that holds the JavaScript's modules, so that their pure functions can be called."""

from typing import Any

import pytest
from trtlab_widgets.live.bundle import script


@pytest.fixture(scope="module")
def modules(chromium: Any) -> Any:
    """A page where ``window.m`` holds every module of the explorer by name."""
    page = chromium.new_page()
    text = script("explorer")
    names = [line.split()[1][1:] for line in text.splitlines() if " = (() => {" in line]
    held = ", ".join(f"{name}: ${name}" for name in names)
    text = text.replace("export default $explorer.default;", f"window.m = {{ {held} }};")
    page.set_content(f"<body></body><script type='module'>{text}</script>")
    page.wait_for_function("window.m")
    yield page
    page.close()

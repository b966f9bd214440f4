"""What a page with the explorer shows: its canvases, its selection."""

from typing import Any

CHOSEN = "trtlab.model.get('selection')"
TIME, MEMORY = ".t-stage", ".t-memory-stage"


def painted(page: Any, selector: str) -> int:
    """How many different colours a canvas shows: an empty one has none."""
    return page.evaluate(
        """async (selector) => {
             const frame = () => new Promise((done) => requestAnimationFrame(done));
             await frame(), await frame();
             const el = document.querySelector(`${selector} canvas`);
             const { data } = el.getContext('2d').getImageData(0, 0, el.width, el.height);
             const colours = new Set();
             for (let i = 0; i < data.length; i += 4) {
               if (data[i + 3]) colours.add(data.slice(i, i + 3).join());
             }
             return colours.size;
           }""",
        selector,
    )


def fingerprint(page: Any, selector: str) -> str:
    """The picture that a canvas shows now."""
    return page.evaluate(
        """async (selector) => {
             const frame = () => new Promise((done) => requestAnimationFrame(done));
             await frame(), await frame();
             return document.querySelector(`${selector} canvas`).toDataURL();
           }""",
        selector,
    )


def settle(page: Any) -> None:
    """Wait until what was asked for is laid out and painted."""
    page.evaluate(
        """async () => {
             const frame = () => new Promise((done) => requestAnimationFrame(done));
             await frame(), await frame(), await frame();
             await new Promise((done) => setTimeout(done));
           }"""
    )

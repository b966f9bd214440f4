"""How parts of a time look in figures: colours and stripes of their own, no layer type's."""

from collections.abc import Sequence
from itertools import pairwise

from trtlab_widgets.figures.look import Theme
from trtlab_widgets.palette import Part

# A stripe's direction on pages, in degrees, as plotly's sign for it.
_SHAPES = {135: "/", 45: "\\", 90: "|", 0: "-"}
_GROUND = 0.25  # how dense the ground between stripes is
_PATTERN_PX = 5


def part_ink(part: Part, theme: Theme) -> str:
    """A part's colour; where the ground is not known, one that shows on light and on dark."""
    if theme != "auto":
        return part.dark if theme == "dark" else part.light
    light, dark = _rgb(part.light), _rgb(part.dark)
    middle = tuple((a + b) // 2 for a, b in zip(light, dark, strict=True))
    red, green, blue = max((light, middle, dark), key=_least_contrast)
    return f"#{red:02x}{green:02x}{blue:02x}"


def bar_look(parts: Sequence[Part], theme: Theme) -> dict[str, object]:
    """The marker of bars, one a part."""
    inks = [part_ink(part, theme) for part in parts]
    grounds = [f"rgba({', '.join(map(str, _rgb(ink)))}, {_GROUND})" for ink in inks]
    shapes = [_SHAPES[part.stripes[0]] if part.stripes else "" for part in parts]
    pattern = {"shape": shapes, "fgcolor": inks, "bgcolor": grounds, "size": _PATTERN_PX}
    return {"color": inks, "pattern": pattern}


def links(levels: Sequence[float], colour: str) -> list[dict[str, object]]:
    """Thin lines from each bar to the next, at the height where one ends and one begins."""
    line = {"color": colour, "width": 1}
    places = pairwise(range(len(levels) + 1))
    return [
        {"type": "line", "x0": x0, "x1": x1, "y0": y, "y1": y, "line": line, "layer": "below"}
        for (x0, x1), y in zip(places, levels, strict=True)
    ]


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))


def _least_contrast(rgb: tuple[int, ...]) -> float:
    """The lesser of the contrasts with white and with black (WCAG 2)."""
    values = [v / 255 for v in rgb]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    light = sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return min(1.05 / (light + 0.05), (light + 0.05) / 0.05)

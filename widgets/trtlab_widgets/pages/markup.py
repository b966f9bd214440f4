"""Escaped elements, and the small pictures that several pages share."""

from collections.abc import Iterable, Sequence
from html import escape


class Markup(str):
    """HTML already: a cell shows it as it is."""

    __slots__ = ()


# Text, or text and a CSS class, or these and what pointing at it tells.
Cell = str | tuple[str, str] | tuple[str, str, str]


def element(tag: str, *children: str, **attributes: str) -> str:
    """An element around children that are HTML already; attribute values are escaped.

    ``class_`` becomes ``class``, other underscores become hyphens (``aria_label``).
    """
    names = {key: "class" if key == "class_" else key.replace("_", "-") for key in attributes}
    texts = [f' {names[key]}="{escape(value)}"' for key, value in attributes.items()]
    return f"<{tag}{''.join(texts)}>{''.join(children)}</{tag}>"


def text(tag: str, content: str, class_: str = "") -> str:
    """An element with escaped text."""
    return element(tag, escape(content), **({"class_": class_} if class_ else {}))


def swatch(colour: str) -> str:
    """The square of a layer family's colour, or of a part that is no layer."""
    return f'<span class="t-swatch" style="--c: var(--t-{colour})"></span>'


def table(head: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> str:
    """A plain table; numbers are cells of class ``t-num``."""

    def cells(tag: str, row: Sequence[Cell]) -> str:
        full = [cell if isinstance(cell, tuple) else (cell, "") for cell in row]
        return element("tr", *(_cell(tag, *cell) for cell in full))

    body = element("tbody", *(cells("td", row) for row in rows))
    return element("table", element("thead", cells("th", head)), body, class_="t-plain")


def _cell(tag: str, content: str, class_: str, whole: str = "") -> str:
    """A cell; one that may be cut off tells all when pointed at."""
    if whole or class_ == "t-clip":
        return element(tag, escape(content), class_=class_, title=whole or content)
    shown = content if isinstance(content, Markup) else escape(content)
    return element(tag, shown, **({"class_": class_} if class_ else {}))


def twin(content: str) -> str:
    """A table that says in text what the picture before it shows."""
    return element("details", text("summary", "As a table"), content, class_="t-details")


def panel(title: str, message: str, *body: str) -> str:
    """A framed part of a page with its one message beside the title."""
    head = element("header", text("h2", title), text("p", message), class_="t-panel-head")
    inner = element("div", *body, class_="t-panel-body")
    return element("section", head, inner, class_="t-panel", aria_label=title)


def stacked_bar(parts: Sequence[tuple[str, float, str]], label: str) -> str:
    """One bar of parts (name, size, colour), widths in proportion.

    A colour is a layer family's key, or that of a part that is no layer.
    """
    total = sum(size for _, size, _ in parts) or 1.0
    pieces = [
        f'<i style="flex-grow: {size / total:.5f}; background: var(--t-{colour})"'
        f' title="{escape(name)}"></i>'
        for name, size, colour in parts
        if size > 0
    ]
    return element("div", *pieces, class_="t-stack", role="img", aria_label=label)

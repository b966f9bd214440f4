"""Text around a figure in lines: titles of even length, and facts that are never broken."""

from collections.abc import Iterable
from math import ceil
from textwrap import wrap
from typing import Any

import plotly.graph_objects as go

_TITLE, _FACTS = 104, 118  # letters in a line of a title, and of the smaller facts below it
_FACTS_PX = 20  # the height of a line of facts


def title_lines(title: str) -> list[str]:
    """A title in as few lines as it needs, of about the same length: no word stands alone."""
    fewest = len(_wrapped(title, _TITLE))
    for width in range(ceil(len(title) / max(1, fewest)), _TITLE if fewest > 1 else 0):
        lines = _wrapped(title, width)
        if len(lines) <= fewest:
            return lines
    return _wrapped(title, _TITLE)


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(text, width, break_on_hyphens=False, break_long_words=False)


def fact_lines(facts: Iterable[str], letters: int = _FACTS) -> list[str]:
    """Facts with dots between them, in lines; each fact stands in one line as a whole."""
    lines: list[str] = []
    for fact in facts:
        longer = f"{lines[-1]} · {fact}" if lines else ""
        if lines and len(longer) <= letters:
            lines[-1] = longer
        else:
            lines.append(fact)
    return lines


def with_facts(figure: go.Figure, facts: Iterable[str]) -> go.Figure:
    """The figure with what its numbers depend on below its title.

    Args:
        figure: One of this room; it grows by the lines' height.
        facts: Such as `trtlab.report.conditions.conditions` tells them.
    """
    lines = fact_lines(facts)
    layout: Any = figure.layout  # made at run time: types cannot tell its parts
    more = _FACTS_PX * len(lines)
    figure.update_layout(
        title_subtitle_text="<br>".join(lines),
        margin_t=layout.margin.t + more,
        height=layout.height + more,
    )
    return figure

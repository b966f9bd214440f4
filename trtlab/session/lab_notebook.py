"""The notebook that `trtlab lab` opens."""

import json
import re
from pathlib import Path

from trtlab.report.atomic_write import write_atomically

NAME = "trtlab-workbench.ipynb"


def write_workbench_notebook(folder: Path, model: str = "") -> Path:
    """Make the notebook unless it is there already.

    Args:
        folder: Where.
        model: What the workbench opens first, a model or a saved report; a notebook for another
            one gets another name.

    Returns:
        The notebook's path.

    Raises:
        UsageError: It cannot be written.
    """
    path = folder / NAME if not model else _place(folder, model)
    if path.exists():
        return path
    argument = repr(model) if model else ""
    intro = (
        f"# trtlab\n\nRun the cell below (Shift+Enter){_next(model)}. Everything you click is"
        " also available as Python: see the *Python* tab."
    )
    cells: list[object] = [
        {"cell_type": "markdown", "id": "intro", "metadata": {}, "source": intro},
        _code(
            "workbench",
            f"import trtlab\n\nworkbench = trtlab.Workbench({argument})\nworkbench",
        ),
        _code("report", "workbench.report  # what was measured last: tables, JSON, pandas"),
    ]
    notebook: dict[str, object] = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return write_atomically(path, (json.dumps(notebook, indent=1) + "\n").encode())


def _next(model: str) -> str:
    """What the workbench opens, and what there is to do then."""
    if not model:
        return ", choose a model, then **Build** and **Run**"
    opened = f"`{model.replace(chr(96), '')}`"
    if model.endswith((".json", ".json.gz")):
        return f": it opens the report {opened}; nothing has to be built or run"
    return f": it opens {opened}; then **Build** and **Run**"


def _place(folder: Path, model: str) -> Path:
    """The model's notebook where there is one, else the first name that nothing has."""
    name = Path(model.rpartition(":")[2]).name
    stem = Path(name.removesuffix(".gz")).stem
    path = folder / f"trtlab-{stem}.ipynb"
    number = 1
    while path.exists() and not _opens(path, model):
        number += 1
        path = folder / f"trtlab-{stem}-{number}.ipynb"
    return path


def _opens(notebook: Path, model: str) -> bool:
    """Whether a notebook names the model; one that cannot be read is taken for somebody's."""
    try:
        text = notebook.read_text("utf-8")
    except (OSError, ValueError):
        return False
    written = repr(model.removeprefix("zoo:"))[1:-1]
    forms = (json.dumps(written)[1:-1], json.dumps(written, ensure_ascii=False)[1:-1])
    return any(re.search(rf"['\":]{re.escape(form)}['\"\\]", text) for form in forms)


def _code(name: str, source: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }

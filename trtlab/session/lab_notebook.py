"""The notebook that `trtlab lab` opens."""

import json
from pathlib import Path

from trtlab.report.atomic_write import write_atomically

NAME = "trtlab-workbench.ipynb"


def write_workbench_notebook(folder: Path, model: str = "") -> Path:
    """Make the notebook unless it is there already.

    Args:
        folder: Where.
        model: What the workbench opens first; a notebook for another model gets another name.

    Returns:
        The notebook's path.

    Raises:
        UsageError: It cannot be written.
    """
    path = folder / (
        NAME if not model else f"trtlab-{Path(model.rpartition(':')[2]).stem}.ipynb"
    )
    if path.exists():
        return path
    argument = repr(model) if model else ""
    intro = (
        "# trtlab\n\nRun the cell below (Shift+Enter), choose a model, then **Build** and "
        "**Run**. Everything you click is also available as Python: see the *Python* tab."
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


def _code(name: str, source: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }

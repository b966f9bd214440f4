"""Files that the workbench leaves in the notebook's folder; none replaces another."""

import os
import re
from pathlib import Path

from trtlab.core.errors import UsageError
from trtlab.report.atomic_write import write_atomically
from trtlab.report.records import Report
from trtlab_widgets.export import report_html

_MOST_CHARACTERS = 80  # of a model's name: file systems allow 255 bytes for all


def file_stem(model: str, precision: str, device: str) -> str:
    """Name of a result without its ending, such as ``resnet50-fp16-cuda``."""
    name = _plain(model)[:_MOST_CHARACTERS].strip("-.")
    return "-".join((name or "model", _plain(precision), _plain(device)))


def save_report(report: Report, folder: Path) -> Path:
    """Write the report as JSON, under a new name.

    Raises:
        UsageError: The file cannot be written.
    """
    return report.save(_unused(report, folder, ".json"))


def save_page(report: Report, folder: Path) -> Path:
    """Write the report as one HTML file that opens anywhere, under a new name.

    Raises:
        UsageError: The file cannot be written.
    """
    return write_atomically(_unused(report, folder, ".html"), report_html(report).encode())


def save_engine(report: Report, engine: Path, folder: Path) -> Path:
    """Copy the engine file that a report tells of, under a new name.

    Raises:
        UsageError: The engine cannot be read, or the copy cannot be written.
    """
    try:
        plan = engine.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read the engine: {error.strerror or error}", hint="build it again"
        ) from error
    return write_atomically(_unused(report, folder, ".engine"), plan)


def _plain(name: str) -> str:
    """A name without what shells and file systems give a meaning."""
    return re.sub(r"[^\w.]+", "-", name).strip("-.")


def _unused(report: Report, folder: Path, ending: str) -> Path:
    """The first path that nothing has: ``NAME``, or ``NAME-2``, ``NAME-3`` and so on."""
    stem = file_stem(report.model.name, report.config.precision, report.device.kind)
    path = folder / f"{stem}{ending}"
    number = 1
    while os.path.lexists(path):  # answers also where we may not look
        number += 1
        path = folder / f"{stem}-{number}{ending}"
    return path

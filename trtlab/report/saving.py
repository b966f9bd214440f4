"""What `report.save` writes: JSON or a page, as the file's name says."""

import importlib
from pathlib import Path
from typing import Any

from trtlab.core.errors import UsageError
from trtlab.report import codec
from trtlab.report.atomic_write import write_atomically
from trtlab.report.records import Report

_PACKED = ".gz"
_JSON = ("", ".json", _PACKED)  # a name without an ending, such as a pipe's, says nothing else
_PAGE = (".html", ".htm")
_PAGES_PACKAGE = "trtlab_widgets"


def save_by_name(report: Report, path: Path | str) -> Path:
    """Write the report in the form that the name's ending asks for.

    Raises:
        UsageError: The ending is none of a report's, or the file cannot be written.
    """
    file = Path(path)
    ending = file.suffix.lower()
    inner = Path(file.stem).suffix.lower() if ending == _PACKED else ""
    if ending in _JSON and inner not in _PAGE:
        return codec.save(report, file)
    if ending in _PAGE:
        return save_page(report, file)
    raise UsageError(
        f"a report is not written as {inner}{ending}",
        where=(str(file),),
        hint="end the name in .json or .json.gz, which trtlab.load_report reads again, or in "
        ".html for a page; tables are CSV by report.to_pandas().to_csv(FILE)",
    )


def save_page(report: Report, path: Path) -> Path:
    """Write one self-contained HTML file, whatever its name.

    Raises:
        UsageError: The package that makes pages is not there, or the file cannot be written.
    """
    try:
        # By name: that package lies above this one, and is needed here alone.
        pages: Any = importlib.import_module(f"{_PAGES_PACKAGE}.export")
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != _PAGES_PACKAGE:
            raise
        raise UsageError(
            f"a page is made by the package {_PAGES_PACKAGE}, which is not found",
            where=(str(path),),
            hint="in a checkout install both packages with `python -m pip install -e .`, or add "
            "its folder widgets to PYTHONPATH; a name that ends in .json needs neither",
        ) from error
    return write_atomically(path, pages.report_html(report).encode())

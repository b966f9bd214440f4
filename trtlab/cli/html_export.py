"""The report as one HTML file. The page itself comes with the widgets, which need no notebook."""

from pathlib import Path

from trtlab_widgets.export import report_html

from trtlab.report.atomic_write import write_atomically
from trtlab.report.records import Report


def write_html(report: Report, path: Path) -> Path:
    """Write the self-contained page.

    Raises:
        UsageError: The file cannot be written.
    """
    return write_atomically(path, report_html(report).encode())

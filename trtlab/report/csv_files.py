"""A report's tables as CSV."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from trtlab.report.atomic_write import write_atomically
from trtlab.report.columns import TABLES, Columns, columns
from trtlab.report.records import Report


def csv_text(report: Report, table: str) -> str:
    """One table as comma-separated text (RFC 4180) with a header; empty where not measured.

    Raises:
        UsageError: There is no such table.
    """
    return columns_text(columns(report, table))


def columns_text(data: Columns) -> str:
    """Columns by name, of one length, as comma-separated text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(data)
    writer.writerows(zip(*data.values(), strict=True))
    return out.getvalue()


def export_csv(
    report: Report, folder: Path | str, tables: Iterable[str] = tuple(TABLES)
) -> list[Path]:
    """Write ``TABLE.csv`` for each table into a folder that exists.

    Raises:
        UsageError: There is no such table, or a file cannot be written.
    """
    return [
        write_atomically(Path(folder) / f"{name}.csv", csv_text(report, name).encode())
        for name in tables
    ]

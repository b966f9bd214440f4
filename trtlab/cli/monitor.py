"""``trtlab monitor``: clocks, power, temperature and load as rows."""

import csv
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import ClassVar, TextIO

from trtlab.cli.command import Command
from trtlab.cli.options import check_folders, parse_time
from trtlab.core.errors import UsageError
from trtlab.profiling import monitor
from trtlab.profiling.telemetry.machine import machine_sources

_HEADING_EVERY = 20


class Monitor(Command):
    """Show what the sensors say, one row a device and interval, like nvidia-smi dmon.

    Ends with Ctrl-C, or after --count rounds.
    """

    name: ClassVar[str] = "monitor"

    def prepare(self, parser: ArgumentParser) -> None:
        """How often, how long, and in which form."""
        parser.add_argument("--interval", type=parse_time, default=1000.0, metavar="MS",
                            help="between rounds (default: 1000)")  # fmt: skip
        parser.add_argument("--count", type=int, metavar="N", help="rounds (default: endless)")
        parser.add_argument("--csv", action="store_true", help="comma-separated values")
        parser.add_argument("-o", "--output", type=Path, help="write CSV to a file")

    def run(self, args: Namespace) -> int:
        """Print rows until the end."""
        if args.interval <= 0 or (args.count is not None and args.count < 1):
            raise UsageError("--interval and --count must be positive")
        check_folders(args.output)
        try:
            _show(args)
        except KeyboardInterrupt:
            print(file=sys.stderr)
        return 0


def _show(args: Namespace) -> None:
    with monitor.Monitor(machine_sources(), args.interval) as sensors:
        columns = sensors.columns
        if args.csv or args.output is not None:
            _write_csv(args, sensors)
            return
        for name, reason in sensors.missing.items():
            print(f"# {name}: N/A ({reason})")
        for number, row in enumerate(sensors.rows(args.count)):
            if number % _HEADING_EVERY == 0:
                print("\n".join(monitor.heading_lines(columns)))
            print(monitor.line(row, columns), flush=True)


def _opened(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror or error}", hint="name another file"
        ) from error


def _write_csv(args: Namespace, sensors: monitor.Monitor) -> None:
    file = sys.stdout if args.output is None else _opened(args.output)
    try:
        writer = csv.writer(file)
        writer.writerow(monitor.csv_header(sensors.columns))
        for row in sensors.rows(args.count):
            writer.writerow(monitor.csv_cells(row, sensors.columns))
            file.flush()
    finally:
        if file is not sys.stdout:
            file.close()

"""``trtlab lab``: JupyterLab on the workbench."""

import os
import shutil
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from trtlab.cli.command import Command
from trtlab.core.errors import UnsupportedError, UsageError
from trtlab.parser.source import load as load_model
from trtlab.report.codec import load as load_report
from trtlab.session.lab_notebook import write_workbench_notebook
from trtlab.session.sources import settled_source

_NEEDED = ("jupyterlab", "ipywidgets", "anywidget", "plotly")
# With one of these, given after --, the notebook may lie elsewhere, or is not what is wanted.
_OTHER_ADDRESS = ("default_url", "root_dir", "notebook-dir", "notebook_dir")


class Lab(Command):
    """Open JupyterLab on a notebook with the workbench ready.

    trtlab lab                # choose a model there
    trtlab lab resnet50       # a model: an ONNX file or a zoo name
    trtlab lab run.json.gz    # a saved report: its results, nothing is built or run

    The notebook, such as trtlab-resnet50.ipynb, is made in the folder if it is not there yet;
    yours is never overwritten. What follows -- goes to `jupyter lab`.
    """

    name: ClassVar[str] = "lab"

    def prepare(self, parser: ArgumentParser) -> None:
        """Model, folder, and JupyterLab's own options."""
        parser.add_argument(
            "model",
            nargs="?",
            default="",
            metavar="MODEL",
            help="ONNX file, zoo name or saved report (.json, .json.gz) to open",
        )
        parser.add_argument("--folder", type=Path, default=Path(), help="where to work")
        parser.add_argument("--no-browser", action="store_true", help="print the address only")
        parser.add_argument("--port", type=int, help="port to listen on")

    def run(self, args: Namespace) -> int:
        """Become JupyterLab, or stay until it ends where a process cannot become another."""
        missing = [name for name in _NEEDED if find_spec(name) is None]
        if missing:
            raise UnsupportedError(
                f"the workbench needs {', '.join(missing)}",
                hint='python -m pip install "trtlab[lab]"',
            )
        if not args.folder.is_dir():
            raise UsageError(f"there is no folder {args.folder}", hint="make it first")
        model = settled_source(args.model) if args.model else ""
        if model:
            _check(Path(model))
        notebook = write_workbench_notebook(args.folder, model)
        jupyter = [sys.executable, "-m", "jupyterlab"]
        words = [*jupyter, str(notebook)]
        if not any(other in word for word in args.rest for other in _OTHER_ADDRESS):
            # The printed address: without it, that of an empty launcher.
            words.append(f"--LabApp.default_url=/lab/tree/{quote(notebook.name)}")
        if args.no_browser or not _has_browser():
            words.append("--no-browser")
        if args.port:
            words.append(f"--port={args.port}")
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            words.append("--allow-root")  # in a container there is often no other user
        return _become([*words, *args.rest])


def _check(file: Path) -> None:
    """Find out before anything is made that a file is neither a model nor a report.

    Raises:
        TrtlabError: What it is instead.
    """
    if file.name.endswith((".json", ".json.gz")):
        load_report(file)
    elif file.exists():  # else a zoo model
        load_model(file)


def _become(words: list[str]) -> int:
    """Run the program in this process's place, so that signals end it and not only us."""
    if sys.platform == "win32":  # its exec starts a second process and ends the first
        return subprocess.call(words)
    sys.stdout.flush()
    sys.stderr.flush()
    return os.execv(words[0], words)


def _has_browser() -> bool:
    """Whether a desktop is there to open a window on."""
    return sys.platform in {"darwin", "win32"} or shutil.which("xdg-open") is not None

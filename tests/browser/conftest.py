"""A live JupyterLab and a Chromium to look at it.

The browser is the one that is installed; nothing is downloaded. Screenshots of every test are
kept in the folder that ``TRTLAB_SCREENSHOTS`` names, for people to look at.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import which
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
_START_S = 300
_PATIENCE_MS = 90_000  # nothing here is a measurement; machines are slow and shared


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A running browser."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = which("chromium") or which("chromium-browser") or which("google-chrome")
    if path is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


class Trouble(list[str]):
    """What went wrong in a page: errors, and requests to other hosts."""


@pytest.fixture
def new_page(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Opens pages that must stay free of errors and of requests to other hosts."""
    contexts: list[Any] = []
    trouble = Trouble()

    def note_request(made: Any) -> None:
        if not made.url.startswith(
            ("file:", "blob:", "data:", "http://127.0.0.1", "ws://127")
        ):
            trouble.append(f"request to {made.url}")

    def make(*, width: int = 1440, height: int = 900, scheme: str = "light") -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        context.set_default_timeout(_PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", note_request)
        return page

    yield make
    folder = os.environ.get("TRTLAB_SCREENSHOTS")
    for number, context in enumerate(contexts):
        if folder and context.pages:
            name = f"{request.node.name}-{number}.png".replace("/", "-")
            Path(folder).mkdir(parents=True, exist_ok=True)
            context.pages[0].screenshot(path=str(Path(folder) / name))
        context.close()
    assert not trouble


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Lab"]:
    """JupyterLab on a free port, with settings and notebooks of its own."""
    pytest.importorskip("jupyterlab")
    folder = tmp_path_factory.mktemp("lab")
    server = Lab(folder)
    yield server
    server.stop()


class Lab:
    """A JupyterLab server over one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "notebooks"
        self.folder.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        paths = [ROOT, ROOT / "widgets", ROOT / "tests" / "support"]
        # Kernels are spoken to through sockets in a folder: a port that was free when the server
        # chose it may be another test's a moment later. Their names may have 107 letters.
        self._runtime = tempfile.TemporaryDirectory(prefix="lab", ignore_cleanup_errors=True)
        environment = {
            **os.environ,
            "HOME": str(folder),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": self._runtime.name,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
        }
        self._log = (folder / "lab.log").open("w")
        self._set(
            folder / "config/lab/user-settings/@jupyterlab/apputils-extension",
            "notification",
            {"fetchNews": "false", "checkForUpdates": False},
        )
        self._server = subprocess.Popen(
            [
                sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
                "--ip=127.0.0.1", f"--port={self.port}", "--ServerApp.port_retries=0",
                f"--ServerApp.root_dir={self.folder}", "--IdentityProvider.token=",
                "--ServerApp.disable_check_xsrf=True", "--LabApp.expose_app_in_browser=True",
                "--KernelManager.transport=ipc",
            ],
            env=environment, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._wait(folder / "lab.log")

    def _set(self, folder: Path, name: str, values: dict[str, Any]) -> None:
        """Write a setting, so that Lab asks nothing and calls nobody."""
        folder.mkdir(parents=True)
        (folder / f"{name}.jupyterlab-settings").write_text(json.dumps(values))

    def _wait(self, log: Path) -> None:
        until = time.monotonic() + _START_S
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api", timeout=60).close()
            except OSError:
                assert self._server.poll() is None, log.read_text()
                time.sleep(0.2)
            else:
                return
        raise AssertionError(log.read_text())

    def stop(self) -> None:
        self._server.terminate()
        try:
            self._server.wait(60)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._log.close()
        self._runtime.cleanup()

    def notebook(self, name: str, *cells: str) -> str:
        """Write a notebook of code cells; gives its address."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(book, self.folder / f"{name}.ipynb")
        return f"http://127.0.0.1:{self.port}/lab/workspaces/{name}/tree/{name}.ipynb?reset"

    def open(self, page: Any, name: str, *cells: str, theme: str = "Light") -> None:
        """Open a notebook with the side bar closed; its kernel is ready."""
        page.goto(self.notebook(name, *cells))
        page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.context?.isReady")
        page.wait_for_function(
            "window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status"
            " === 'idle'",
        )
        page.evaluate(
            """async (theme) => {
                 const app = window.jupyterapp;
                 await app.commands.execute('apputils:change-theme', { theme });
                 app.shell.collapseLeft();
               }""",
            f"JupyterLab {theme}",
        )

    def run_all(self, page: Any) -> None:
        """Run every cell; returns when they have been sent."""
        page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def run_code(self, page: Any, code: str) -> str:
        """Run code in the notebook's kernel, outside of its cells; gives what it printed."""
        return page.evaluate(
            """async (code) => {
                 const { session } = window.jupyterapp.shell.currentWidget.sessionContext;
                 const future = session.kernel.requestExecute({ code });
                 const parts = [];
                 future.onIOPub = (m) => {
                   if (m.header.msg_type === 'stream') parts.push(m.content.text);
                   if (m.header.msg_type === 'error') parts.push('ERROR ' + m.content.evalue);
                 };
                 await future.done;
                 return parts.join('');
               }""",
            code,
        ).strip()

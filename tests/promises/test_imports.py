"""Importing the package is quick, and needs neither notebook packages nor a GPU's."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What an import of the package must not load, though it may be installed.
LAZY = (
    "anywidget", "cupy", "ipywidgets", "jupyterlab", "onnxruntime", "pandas", "plotly", "torch",
)  # fmt: skip
# What the core must do without: the extras `lab`, `cuda12`, `cuda13` and what they bring along.
EXTRAS = (
    "IPython", "anywidget", "cuda", "cudnn", "cupy", "ipykernel", "ipywidgets", "jupyterlab",
    "nbclient", "nbformat", "nvmath", "onnxruntime", "pandas", "plotly", "torch", "traitlets",
)  # fmt: skip

ROOTS = """
import json, sys
import trtlab
roots = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps(roots))
"""

# Run in a fresh interpreter: sys.argv names the packages that cannot be imported there.
BLOCKED = """
import importlib, json, pkgutil, sys

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1:]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Wall())
import trtlab

def fail(name):
    raise

failed, names = {}, []
for found in pkgutil.walk_packages(trtlab.__path__, "trtlab.", onerror=fail):
    if found.name.endswith(".__main__"):
        continue
    names.append(found.name)
    try:
        importlib.import_module(found.name)
    except ImportError as error:
        failed[found.name] = str(error)
print(json.dumps({"failed": failed, "names": names}))
"""


def _python(code, *words):
    """What a fresh interpreter prints, as JSON; it finds the package where this one does."""
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def imports():
    return _python(ROOTS)


@pytest.mark.parametrize("package", LAZY)
def test_importing_the_package_does_not_load(package, imports):
    assert "trtlab" in imports
    assert package not in imports


def test_every_module_of_the_core_imports_without_the_extras():
    outcome = _python(BLOCKED, *EXTRAS)
    rooms = {name.split(".")[1] for name in outcome["names"]}
    assert {"parser", "builder", "kernels", "session", "cli", "zoo"} <= rooms
    assert len(outcome["names"]) > 200
    assert not outcome["failed"]


def test_a_blocked_package_is_noticed():
    """The wall that the test before relies on does hold."""
    failed = _python(BLOCKED, "numpy")["failed"]
    assert "trtlab.core.types" in failed


def test_a_model_is_built_and_run_without_the_extras():
    code = """
import sys, json
class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1:]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Wall())
import numpy as np
import trtlab as trt
builder = trt.Builder(trt.Logger())
network = builder.create_network()
x = network.add_input("x", trt.float32, (4,))
relu = network.add_activation(x, trt.ActivationType.RELU)
relu.get_output(0).name = "y"
network.mark_output(relu.get_output(0))
plan = builder.build_serialized_network(network, builder.create_builder_config())
engine = trt.Runtime(trt.Logger()).deserialize_cuda_engine(plan)
context = engine.create_execution_context()
print(json.dumps(context.infer({"x": np.array([-1, 2, -3, 4], np.float32)})["y"].tolist()))
"""
    assert _python(code, *EXTRAS) == [0, 2, 0, 4]


ROOMS = sorted(p.parent for p in (ROOT / "trtlab").glob("*/__init__.py"))


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_says_which_rooms_it_uses(room):
    """So that a newcomer knows where it stands: no number of a floor tells that."""
    page = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    assert "Floor" not in page
    imports = re.compile(r"^ *(?:from|import) trtlab\.(\w+)", re.MULTILINE)
    files = [path.read_text(encoding="utf-8") for path in room.rglob("*.py")]
    used = {name for text in files for name in imports.findall(text)} - {room.name}
    if room.name in {"core", "zoo"}:  # their pages say it otherwise
        assert used <= {"core"}
        return
    (said,) = re.findall(r"^Uses (.*?)\.$", page, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`(\w+)`", said)) == used & {other.name for other in ROOMS}

"""What the README promises is so: links, commands, and code that runs as it stands there."""

import json
import re
import runpy
import shlex
import tomllib
from argparse import ArgumentParser
from importlib import import_module
from inspect import cleandoc
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnxruntime as ort
import pytest
from onnx import numpy_helper

import trtlab
from trtlab.cli.main import COMMANDS, load_command

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LAB = 'python -m pip install -e ".[lab]" && trtlab lab'
TESTS = 'python -m pip install -e ".[dev]" && pytest -n 2 --dist loadfile'


def _blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def _text(page):
    if page.suffix != ".ipynb":
        return page.read_text(encoding="utf-8")
    cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def _mentioned():
    """Every command line that a page, a notebook or a command's own help shows."""
    found = {}
    for page in (*PAGES, *NOTEBOOKS):
        for line in re.findall(r"`(trtlab [^`\n]+)`|(?:^|&& )(trtlab [a-z][^\n]*)$",
                               _text(page), re.MULTILINE):  # fmt: skip
            found.setdefault(line[0] or line[1], page.name)
    for name in COMMANDS:
        for line in cleandoc(load_command(name).__doc__ or "").splitlines():
            if line.startswith("trtlab "):
                found.setdefault(line, f"trtlab {name} --help")
    # Sentences wrap at "trtlab is …"; only code counts.
    return {
        words: place for words, place in found.items() if not words.startswith("trtlab is")
    }


MENTIONED = _mentioned()


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", _text(page))
    relative = [link for link in links if not re.match(r"[a-z]+:|#", link)]
    assert page.name != "README.md" or len(relative) > 20
    missing = [link for link in relative if not (page.parent / link.split("#")[0]).exists()]
    assert not missing


def test_the_readme_opens_with_the_two_commands():
    assert [block.strip() for block in _blocks("")[:2]] == [LAB, TESTS]


def test_the_commands_extras_and_script_exist():
    extras = PROJECT["project"]["optional-dependencies"]
    asked = {e for group in re.findall(r"\.\[([\w,]+)\]", README) for e in group.split(",")}
    assert {"lab", "dev"} <= asked <= set(extras)
    assert any(re.match(r"jupyterlab\b", entry) for entry in extras["lab"])
    assert "trtlab[lab]" in extras["dev"]
    assert any(re.match(r"pytest\b", entry) for entry in extras["dev"])
    module, function = PROJECT["project"]["scripts"]["trtlab"].split(":")
    assert callable(getattr(import_module(module), function))


def test_ci_runs_the_readmes_test_command():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    install, tests = TESTS.split(" && ")
    assert tests in lines
    assert install.replace("install", "install --quiet") in lines
    assert lines.index(install.replace("install", "install --quiet")) < lines.index(tests)


def test_pages_mention_every_command():
    named = {words.split()[1] for words in MENTIONED}
    assert named == set(COMMANDS)


@pytest.mark.parametrize("words", MENTIONED)
def test_every_command_line_shown_is_understood(words, capsys):
    name, *rest = shlex.split(re.sub(r"[\[\]]", "", words), comments=True)[1:]
    assert name in COMMANDS, MENTIONED[words]
    command = load_command(name)
    parser = ArgumentParser(prog=f"trtlab {name}")
    command.prepare(parser)
    if "…" in rest:  # something is left out; what is there must exist
        options = [word.split("=")[0] for word in rest if word.startswith("-")]
        assert options
        assert set(options) <= set(parser._option_string_actions)
        return
    try:
        parser.parse_args(rest[: rest.index("--")] if "--" in rest else rest)
    except SystemExit:
        pytest.fail(f"{MENTIONED[words]} shows {words!r}: {capsys.readouterr().err}")


def _small(path):
    """A classifier of images with the tensor names of the README's code."""
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]>
        small (float[batch, 3, height, width] x) => (float[batch, 10] logits) {
            tiles = Conv <kernel_shape = [16, 16], strides = [16, 16]> (x, kernel)
            active = Relu (tiles)
            pooled = GlobalAveragePool (active)
            flat = Flatten <axis = 1> (pooled)
            logits = Gemm <transB = 1> (flat, weight)
        }"""
    )
    rng = np.random.default_rng(0)
    for name, shape in {"kernel": (8, 3, 16, 16), "weight": (10, 8)}.items():
        data = rng.standard_normal(shape, np.float32) / np.sqrt(np.prod(shape[1:]))
        model.graph.initializer.append(numpy_helper.from_array(data.astype(np.float32), name))
    onnx.save(model, path)


def _run(block, folder, monkeypatch):
    """Run a block of the README where ``model.onnx`` is; what it has defined afterwards."""
    _small(folder / "model.onnx")
    script = folder / "block.py"
    script.write_text(block, encoding="utf-8")
    monkeypatch.chdir(folder)
    return runpy.run_path(str(script))


def test_code_written_for_tensorrt_runs(tmp_path, monkeypatch):
    (block,) = [b for b in _blocks("python") if "import trtlab as trt" in b]
    left = _run(block, tmp_path, monkeypatch)
    session = ort.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    (expected,) = session.run(["logits"], {"x": left["x"]})
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(left["y"], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(left["same"], left["y"])


def test_an_engine_takes_arrays(tmp_path, monkeypatch):
    build, infer = re.search(
        r"`(trtlab\.build\(.*?\))` .* `(engine\..*?\))` runs", README
    ).groups()
    shape = "(1, 3, 224, 224)"
    block = (
        "import numpy as np\nimport trtlab\n"
        f"x = np.zeros({shape}, np.float32)\n"
        f"engine = {build[:-1]}, shapes={{'x': {shape}}})\n"
        f"outputs = {infer}\n"
    )
    left = _run(block, tmp_path, monkeypatch)
    assert left["outputs"]["logits"].shape == (1, 10)


def test_the_one_call_runs(tmp_path, monkeypatch):
    (block,) = [b for b in _blocks("python") if "trtlab.profile(" in b]
    measured = block.split("trtlab.Workbench")[0]
    short = measured.replace('"resnet50"', '"model.onnx"', 1)
    short = short.replace("224)})", "224)}, duration_s=0.05, warmup_ms=1)")
    assert short.count("model.onnx") == 2  # one in the comment
    assert "duration_s" in short
    left = _run(short, tmp_path, monkeypatch)
    assert left["report"].benchmark.shapes == {"x": (1, 3, 224, 224)}
    table = left["report"].to_pandas()
    assert len(table) == len(left["report"].layers) > 0
    again = trtlab.load_report(tmp_path / "run.json").to_pandas()
    assert list(again["name"]) == list(table["name"])
    assert list(again.columns) == list(table.columns)


def test_the_workbench_opens_a_file(tmp_path, monkeypatch):
    (block,) = [b for b in _blocks("python") if "trtlab.Workbench(" in b]
    (line,) = [line for line in block.splitlines() if "trtlab.Workbench(" in line]
    code = "import trtlab\nbench = " + line.split("#")[0]
    bench = _run(code, tmp_path, monkeypatch)["bench"]
    try:
        bench.wait(timeout_s=300)
        assert bench.build_request.source.endswith("model.onnx")
    finally:
        bench.close()

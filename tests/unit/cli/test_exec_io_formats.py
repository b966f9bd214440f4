"""``exec --inputIOFormats`` and ``--outputIOFormats``: the types of an engine's bindings."""

import numpy as np
import onnx
import pytest
from onnx_models import model, node

from trtlab.cli.main import main
from trtlab.core.types import DataType
from trtlab.engine import plan_file


@pytest.fixture
def exec_(tmp_path, capsys):
    """Runs ``exec``; its exit code, what it said, and the engine's file."""
    path, plan = tmp_path / "model.onnx", tmp_path / "model.engine"
    nodes = [node("Gather", "table ids", "rows"), node("Mul", "rows x", "y")]
    table = np.ones((5, 3), np.float32)
    made = model(nodes, {"ids": ([2], np.int64), "x": [2, 3]}, constants={"table": table})
    onnx.save(made, path)
    words = [f"--onnx={path}", "--builderOptimizationLevel=0", f"--saveEngine={plan}"]

    def run(*flags):
        code = main(["exec", *words, *flags])
        told = capsys.readouterr()
        return code, told.out + told.err, plan

    return run


def test_bindings_have_the_types_asked_for(exec_, tmp_path):
    np.array([1, 4], np.int32).tofile(tmp_path / "ids.bin")
    code, said, plan = exec_(
        "--inputIOFormats=int32:chw,fp16:chw+hwc8",
        "--outputIOFormats=fp16:chw",
        f"--loadInputs=ids:{tmp_path / 'ids.bin'}",
        "--duration=0",
        "--warmUp=0",
    )
    assert code == 0, said
    network = plan_file.load(plan).network
    assert [(t.name, t.dtype) for t in (*network.inputs, *network.outputs)] == [
        ("ids", DataType.INT32),
        ("x", DataType.HALF),
        ("y", DataType.HALF),
    ]


@pytest.mark.parametrize(
    ("flags", "code", "text"),
    [
        (["--inputIOFormats=fp16:chw"], 3, "'ids' is int64 and cannot be fp16"),
        (["--inputIOFormats=fp16:chw"], 3, "for each input: ids (int64), x (fp32)"),
        (["--outputIOFormats=fp16:chw,fp16:chw"], 2, "has 2 entries, the model 1 outputs"),
        (["--outputIOFormats=half:chw"], 2, "'half:chw' is no type with its format"),
        (["--outputIOFormats=fp16"], 2, "'fp16' is no type with its format"),
        (["--outputIOFormats=fp16:hwc8"], 2, "format 'hwc8' is not available"),
        (["--outputIOFormats=fp16:chw", "--stronglyTyped"], 2, "--outputIOFormats from the"),
    ],
)
def test_types_that_cannot_be_are_told(exec_, flags, code, text):
    found, said, plan = exec_(*flags, "--skipInference")
    assert (found, text in said) == (code, True), said
    assert not plan.exists()

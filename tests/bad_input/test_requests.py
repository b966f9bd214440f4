"""Wishes that cannot be met: shapes, profiles, memory pools, options."""

import numpy as np
import onnx
import pytest
from tiny_models import branches, mlp

import trtlab
from trtlab.builder.build import build as build_network
from trtlab.builder.options import BuildOptions
from trtlab.cli.main import main
from trtlab.core.errors import NoTacticError, UsageError
from trtlab.engine.engine import ShapeProfile
from trtlab.layers.convolution import Convolution
from trtlab.parser.parse import parse
from trtlab.runtime.devices import open_runtime
from trtlab.tactics.registry import TacticRegistry

WIDE = ((1, 3, 16, 16), (2, 3, 16, 16), (4, 3, 16, 16))


@pytest.fixture(scope="module")
def engine():
    return trtlab.build(branches(), profiles={"x": WIDE}, optimization_level=0)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "branches.onnx"
    onnx.save(branches(), path)
    return str(path)


@pytest.fixture
def said(capsys):
    """Run a command that must fail: exit code and what it says."""

    def run(*words):
        try:
            code = main(words)
        except SystemExit as stopped:  # argparse has found the mistake
            code = stopped.code
        shown = capsys.readouterr().err
        assert "Traceback" not in shown
        return code, shown

    return run


@pytest.mark.parametrize("batch", [5, 8])
def test_a_shape_outside_of_the_profile(engine, batch):
    context = engine.create_execution_context()
    with pytest.raises(UsageError, match="'x'") as caught:
        context.set_input_shape("x", (batch, 3, 16, 16))
    message = str(caught.value)
    assert f"{batch}" in message
    assert (
        "1×3×16×16 … 4×3×16×16" in message
        or "4, 3, 16, 16" in message
        or "4x3x16x16" in message
    )
    assert "wider profile" in message
    with pytest.raises(UsageError, match="wider profile"):
        context.infer({"x": np.zeros((batch, 3, 16, 16), np.float32)})


def test_a_shape_outside_of_an_engine_files_profile(said, model, tmp_path):
    plan = str(tmp_path / "a.engine")
    assert (
        main(
            [
                "exec",
                f"--onnx={model}",
                "--shapes=x:1x3x16x16",
                f"--saveEngine={plan}",
                "--skipInference",
            ]
        )
        == 0
    )
    code, message = said("exec", f"--loadEngine={plan}", "--shapes=x:2x3x16x16")
    assert code == 2
    assert "'x'" in message
    assert "wider profile" in message


def test_a_shape_of_another_rank_or_with_other_fixed_sizes(said, model):
    for shape in ("1x3x16", "1x4x16x16"):
        code, message = said("profile", model, f"--shapes=x:{shape}")
        assert code == 2
        assert "does not fit input 'x'" in message
        assert "only named dimensions may vary" in message


def test_min_above_opt(said, model):
    words = ("--minShapes=x:4x3x16x16", "--optShapes=x:2x3x16x16", "--maxShapes=x:8x3x16x16")
    code, message = said("exec", f"--onnx={model}", *words)
    assert code == 2
    assert "needs min ≤ opt ≤ max" in message
    assert "'x'" in message
    assert "raise max or lower min" in message
    profile = trtlab.Builder(trtlab.Logger()).create_optimization_profile()
    with pytest.raises(UsageError, match="min ≤ opt ≤ max"):
        profile.set_shape("x", (4, 3, 16, 16), (2, 3, 16, 16), (8, 3, 16, 16))


def test_a_dynamic_input_without_a_profile():
    logger = trtlab.Logger(trtlab.Logger.INTERNAL_ERROR)
    builder = trtlab.Builder(logger)
    network = builder.create_network()
    assert trtlab.OnnxParser(network, logger).parse(mlp().SerializeToString())
    with pytest.raises(UsageError, match="dynamic shape") as caught:
        builder.build_serialized_network(network, builder.create_builder_config())
    assert "'x'" in str(caught.value)
    assert "min, opt, max" in caught.value.hint


def test_with_an_empty_pool_tactics_without_workspace_win():
    small = trtlab.build(branches(), memory_pools_bytes={"WORKSPACE": 0})
    out = {c.rejection for s in small.engine.build.selections for c in s.contenders}
    assert any("bytes of workspace, the pool allows 0" in reason for reason in out)
    used = {
        s.chosen: c.workspace_bytes
        for s in small.engine.build.selections
        for c in s.contenders
        if c.tactic == s.chosen
    }
    assert set(used.values()) == {0}


def test_a_pool_that_no_tactic_fits_in_names_every_tactic():
    device, full = open_runtime("cpu")
    hungry = TacticRegistry()
    for name in ("winograd/fused,m2", "winograd/phases,m4"):
        found = [t for t in full.candidates(Convolution()) if name in t.name]
        assert found
        hungry.add(Convolution, found)
    parsed = parse(branches())
    options = BuildOptions(
        profiles=(ShapeProfile({"x": (WIDE[0],) * 3}),),
        memory_pools={"WORKSPACE": 16},
        timing_cache=None,
    )
    with pytest.raises(NoTacticError, match="no tactic accepts layer") as caught:
        build_network(parsed.network, options, device, hungry, parsed.model_record)
    message = str(caught.value)
    assert "bytes of workspace, the pool allows 16" in message
    assert "winograd/phases,m4" in message
    assert "raise the WORKSPACE pool limit" in message


@pytest.mark.parametrize(
    ("words", "code", "parts"),
    [
        (("profile", "{model}", "--shapes=y:1x2"), 2, ("'y'", "inputs: x")),
        (("profile", "{model}", "--shapes=x"), 2, ("NAME:AxBxC",)),
        (("profile", "{model}", "--shapes=x:0x3x16x16"), 2, ("positive",)),
        (("profile", "{model}", "--pool-limit=workspace:lots"), 2, ("POOL:SIZE",)),
        (("profile", "{model}", "--precision=fp12"), 2, ("fp16", "bf16")),
        (("profile", "{model}", "--layer-precisions=nobody:fp16"), 2, ("'nobody'",)),
        (("profile", "{model}", "--duration=-1"), 2, ("duration", "no negative times")),
        (("profile", "{model}", "--max-aux-streams=-2"), 2, ("aux",)),
        (
            ("profile", "{model}", "--json={missing}/r.json"),
            2,
            ("cannot write", "choose a folder"),
        ),
        (("exec", "--onnx={model}", "--loadInputs=x:{model}"), 2, ("elements",)),
        (("exec", "--onnx={model}", "--percentile=200"), 2, ("0 to 100",)),
        (("inspect", "engine", "{model}"), 2, ("not a trtlab engine",)),
        (("zoo", "export", "alexnet"), 2, ("alexnet",)),
    ],
)
def test_options_that_make_no_sense(words, code, parts, said, model, tmp_path):
    filled = [word.format(model=model, missing=tmp_path / "nowhere") for word in words]
    got, message = said(
        *filled,
        *(["--duration=0"] if words[0] == "profile" and "duration" not in words[2] else []),
    )
    assert got == code
    for part in parts:
        assert part in message


def test_a_missing_or_misshapen_input(engine):
    context = engine.create_execution_context()
    with pytest.raises(UsageError, match="x"):
        context.infer({})
    with pytest.raises(UsageError, match="'z'"):
        context.infer(
            {"x": np.zeros((1, 3, 16, 16), np.float32), "z": np.zeros(1, np.float32)}
        )
    with pytest.raises(UsageError):
        context.infer({"x": np.zeros((1, 3, 16), np.float32)})


def test_an_execution_without_memory_is_refused(engine):
    context = engine.create_execution_context()
    context.set_input_shape("x", (1, 3, 16, 16))
    with pytest.raises(UsageError, match="address"):
        context.execute_async_v3(0)

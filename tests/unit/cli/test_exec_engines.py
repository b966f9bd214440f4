"""`exec` on engines that were built before, and its spellings of what builds are asked for."""

from types import SimpleNamespace

import onnx
import pytest

from tests.support.tiny_models import branches
from trtlab.cli import exec as exec_module
from trtlab.cli.exec import Exec
from trtlab.cli.layer_patterns import by_layer
from trtlab.cli.main import main
from trtlab.cli.parser import CommandParser
from trtlab.core.enums import ActivationType
from trtlab.core.types import DataType
from trtlab.engine import plan_file
from trtlab.layers.activation import Activation
from trtlab.layers.creation import Shape
from trtlab.layers.scale import Cast
from trtlab.network.graph import Network
from trtlab.session.work import describe


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "branches.onnx"
    onnx.save(branches(), path)
    return path


@pytest.fixture
def build(model, tmp_path, capsys):
    """Build with some flags; the engine."""

    def run(*flags):
        path = tmp_path / "a.engine"
        words = [f"--onnx={model}", "--builderOptimizationLevel=0", "--skipInference"]
        assert main(["exec", *words, f"--saveEngine={path}", *flags]) == 0
        capsys.readouterr()
        return path

    return run


def test_a_loaded_engine_is_saved_as_it_is(build, tmp_path, capsys):
    plan, copy = build(), tmp_path / "b.engine"
    assert (
        main(["exec", f"--loadEngine={plan}", "--skipInference", f"--saveEngine={copy}"]) == 0
    )
    shown = capsys.readouterr().out
    assert copy.read_bytes() == plan.read_bytes()
    assert f"Engine saved to {copy}" in shown
    assert "No effect" not in shown


def test_flags_for_builds_do_nothing_to_a_loaded_engine_and_it_is_said(build, capsys):
    flags = ["--fp16", "--workspace=3", "--noTF32", "--timingCacheFile=/nowhere/c",
             "--device=cuda"]  # fmt: skip
    assert main(["exec", f"--loadEngine={build()}", "--skipInference", *flags]) == 0
    told = [w for w in capsys.readouterr().out.splitlines() if w.startswith("No effect")]
    flags = "--fp16, --noTF32, --workspace, --timingCacheFile, --device=cuda"
    assert told == [f"No effect on a loaded engine: {flags}"]


@pytest.mark.parametrize(
    ("device", "said"),
    [("cuda", ""), ("0", ""), ("cuda:0", ""),
     ("tpu", "No effect on a loaded engine: --device=tpu\n")],
)  # fmt: skip
def test_an_engines_own_device_has_its_effect(device, said, monkeypatch, capsys):
    of_a_gpu = SimpleNamespace(device=SimpleNamespace(kind="cuda"))
    monkeypatch.setattr(plan_file, "load", lambda path: of_a_gpu)
    parser = CommandParser("trtlab exec")
    Exec().prepare(parser)
    words = ["--loadEngine=e.engine", "--skipInference", f"--device={device}"]
    assert exec_module._loaded(parser.parse(words, {}))[0] is of_a_gpu
    assert capsys.readouterr().out == said


def test_strongly_typed_networks_and_explicit_batches(build):
    assert not plan_file.load(build("--explicitBatch")).network.strongly_typed
    assert plan_file.load(build("--stronglyTyped")).network.strongly_typed


def test_workspace_counts_mebibytes(build):
    config = plan_file.load(build("--workspace=3")).config
    assert config.memory_pools_bytes == {"WORKSPACE": 3 << 20}


def test_no_file_takes_the_place_of_another(model, build, tmp_path, capsys):
    plan, out = build(), tmp_path / "out"
    before = model.read_bytes(), plan.read_bytes()
    for words in (
        ["profile", f"{model}", f"--json={model}"],
        ["profile", f"{model}", f"--json={out}", f"--html={out}"],
        ["exec", f"--onnx={model}", f"--saveEngine={model}"],
        ["exec", f"--onnx={model}", f"--saveEngine={out}", f"--timingCacheFile={out}"],
        ["exec", f"--onnx={model}", f"--exportTimes={out}", f"--exportOutput={out}"],
        ["exec", f"--loadEngine={plan}", f"--exportTimes={plan}"],
    ):
        assert main(words) == 2
        assert "would overwrite" in capsys.readouterr().err
    assert (model.read_bytes(), plan.read_bytes()) == before
    assert not out.exists()
    same = ["exec", f"--loadEngine={plan}", f"--saveEngine={plan}", "--skipInference"]
    assert main([*same, "--exportLayerInfo=/dev/null"]) == 0
    assert plan.read_bytes() == before[1]


def test_a_loaded_engine_tells_its_loading_and_the_shapes_that_ran(build, capsys):
    plan = build(
        "--minShapes=x:1x3x16x16", "--optShapes=x:2x3x16x16", "--maxShapes=x:4x3x16x16"
    )
    quick = ("--duration=0", "--warmUp=0", "--iterations=1")
    assert main(["exec", f"--loadEngine={plan}", "--shapes=x:3x3x16x16", *quick]) == 0
    shown = capsys.readouterr().out
    assert "Engine built in" not in shown
    assert "Engine loaded in" in shown
    engine = plan_file.load(plan)
    assert (
        f"It was built at {engine.created}, which took {engine.build.seconds:.3f} s" in shown
    )
    summary = shown.partition("=== Performance summary ===")[2]
    assert "Input binding for x with dimensions 3x3x16x16\n" in summary
    for tensor in engine.network.outputs:
        assert f"Output binding for {tensor.name} with dimensions 3x" in summary


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--loadInputs=x:nofile.bin"], "the file of input 'x' does not exist"),
        (["--loadInputs=x:."], "the file of input 'x' is a folder"),
        (["--loadInputs=x:{model}"], "its elements, 1x3x16x16, take 3,072"),
        (["--loadInputs=y:{model}"], "--loadInputs names 'y'"),
        (["--shapes=x:9x3x16x16"], "outside the optimization profile"),
    ],
)
def test_what_cannot_be_run_is_told_before_the_build(flags, said, model, monkeypatch, capsys):
    built = []
    monkeypatch.setattr(exec_module, "build_engine", lambda *args: built.append(args))
    ranges = ["--minShapes=x:1x3x16x16", "--optShapes=x:1x3x16x16", "--maxShapes=x:4x3x16x16"]
    words = [flag.replace("{model}", str(model)) for flag in flags]
    assert main(["exec", f"--onnx={model}", *ranges, *words]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "try: " in told
    assert built == []


def test_patterns_name_layers(build):
    def types(*flags):
        layers = describe(plan_file.load(build("--precisionConstraints=obey", *flags))).layers
        return {
            origin.split(" (")[0]: layer.precision
            for layer in layers
            for origin in layer.origins
            if layer.type in {"CONVOLUTION", "MATRIX_MULTIPLY"}
        }

    plain = types("--fp16")
    assert set(plain.values()) == {"fp16"}
    assert set(types("--fp16", "--layerPrecisions=*:fp32").values()) == {"fp32"}
    some = types("--fp16", "--layerPrecisions=Gemm*:fp32")
    gemm = {name for name in some if name.startswith("Gemm")}
    assert {name for name, kind in some.items() if kind == "fp32"} == gemm != set()
    (name,) = gemm
    assert types("--fp16", f"--layerPrecisions={name}:fp16,*:fp32")[name] == "fp16"


def test_a_pattern_that_fits_nothing_is_refused(model, capsys):
    words = [f"--onnx={model}", "--skipInference", "--fp16", "--layerPrecisions=foo*:fp32"]
    assert main(["exec", *words]) == 2
    assert "no layer 'foo*' to run in fp32" in capsys.readouterr().err


def test_the_pattern_with_more_letters_counts_and_only_layers_that_compute_take_part():
    network = Network("n")
    x = network.add_input("x", DataType.FLOAT, (2, 3))
    for name in ("block.1/relu", "block.2/relu", "blockX2/relu"):
        network.add_layer(Activation(ActivationType.RELU), [x], name=name)
    network.add_layer(Shape(), [x], name="block.2/shape")
    network.add_layer(Cast(DataType.HALF), [x], name="block.2/cast_relu")
    asked = {"block.*": "fp16", "*": "fp32", "block.2*relu": "bf16", "unknown": "fp16"}
    assert by_layer(network, asked) == {
        "block.1/relu": "fp16",
        "block.2/relu": "bf16",
        "blockX2/relu": "fp32",
        "unknown": "fp16",
    }

"""Command lines with mistakes: one sentence, and a way out."""

import subprocess
import sys

import pytest

from trtlab.cli.exec_missing import INSTEAD, MISSING
from trtlab.cli.exec_options import declare
from trtlab.cli.main import main
from trtlab.cli.parser import CommandParser
from trtlab.cli.profile import Profile
from trtlab.core.errors import UnsupportedError, UsageError


@pytest.fixture
def parser():
    parser = CommandParser("trtlab exec")
    declare(parser)
    return parser


def test_what_is_known_is_parsed(parser):
    args = parser.parse(["--onnx=a.onnx", "--fp16", "--duration=1.5"], MISSING)
    assert (args.onnx, args.fp16, args.duration) == ("a.onnx", True, 1.5)


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("--fp61", "--fp16"),
        ("--saveengine=x", "--saveEngine"),
        ("--duratoin", "--duration"),
        ("--stream=2", "--streams"),
        ("--dumpProfil", "--dumpProfile"),
        ("--precisio", "--precisionConstraints"),
        ("--opt", "--optShapes"),
        ("--layer", "--layerPrecisions"),
        ("--dump", "--dumpProfile, --dumpLayerInfo or --dumpOutput"),
        ("--exportinfo", "--exportLayerInfo"),
        ("-fp16", "--fp16"),
    ],
)
def test_the_nearest_options_are_named_and_none_is_guessed(parser, word, near):
    with pytest.raises(UsageError, match=f"unknown option {word.split('=')[0]}") as caught:
        parser.parse(["--onnx=a.onnx", word], MISSING)
    assert caught.value.hint == f"did you mean {near}?"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("--precision fp16", "use --fp16"),
        ("--precision=BF16", "use --bf16"),
        (
            "--precision tf32",
            "leave it out: FP32 layers of a GPU multiply in TF32 unless --noTF32",
        ),
        ("--precision int8", "use --fp16, --bf16 or --best; FP32 needs no flag"),
        ("--precision", "use --fp16, --bf16 or --best; FP32 needs no flag"),
        ("--optimization-level=5", "use --builderOptimizationLevel"),
    ],
)
def test_what_another_command_calls_so_is_named(parser, words, hint):
    with pytest.raises(UsageError, match="unknown option --") as caught:
        parser.parse(["--onnx=a.onnx", *words.split()], MISSING, INSTEAD)
    assert caught.value.hint == hint


def test_options_of_other_commands_are_theirs_alone(parser):
    own = set(vars(parser.parse(["--onnx=a.onnx"], {})))
    profile = CommandParser("trtlab profile")
    Profile().prepare(profile)
    theirs = {name.replace("_", "-") for name in vars(profile.parse(["a.onnx"], {}))}
    assert {words.split()[0] for words in INSTEAD} <= theirs - own
    named = {w.rstrip(";,:") for text in INSTEAD.values() for w in text.split() if "--" in w}
    assert {w[2:] for w in named} - {"html"} <= own


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("lab --fold=/nowhere", "--folder"),
        ("profile lstm --durat 1", "--duration"),
        ("exec --onnx=lstm --dumpProfil", "--dumpProfile"),
        ("inspect model lstm --lay", "--layers"),
        ("zoo export lstm --outp=x", "--output"),
        ("monitor --interv=1", "--interval"),
    ],
)
def test_no_command_guesses(words, option, capsys):
    assert main(words.split()) == 2
    shown = capsys.readouterr().err
    assert "unknown option --" in shown
    assert f"did you mean {option}?" in shown


@pytest.mark.parametrize(
    ("text", "device"),
    [("0", "cuda:0"), ("3", "cuda:3"), ("cpu", "cpu"), ("cuda", "cuda"), ("cuda:1", "cuda:1")],
)
def test_a_number_is_a_gpus_as_in_trtexec(parser, text, device):
    assert parser.parse(["--onnx=a.onnx", f"--device={text}"], {}).device == device
    assert "0 is cuda:0" in " ".join(parser.format_help().split())


@pytest.mark.parametrize(
    "words", ["exec --onnx=lstm --device=1", "profile lstm --device cuda:1"]
)
def test_no_other_gpu_is_measured_than_the_one_that_was_named(words, capsys):
    assert main(words.split()) == 3
    shown = capsys.readouterr().err
    assert "device cuda:1: inferences are measured on the first GPU" in shown
    assert "CUDA_VISIBLE_DEVICES=1" in shown


def test_where_no_option_is_near_the_help_is_named(parser):
    with pytest.raises(UsageError, match="unknown option --zzz") as caught:
        parser.parse(["--onnx=a.onnx", "--zzz", "7"], MISSING)
    assert caught.value.hint == "`trtlab exec --help`"
    with pytest.raises(UsageError, match=r"unexpected argument 'b\.onnx'"):
        parser.parse(["--onnx=a.onnx", "b.onnx"], MISSING)


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing_is_said_in_a_line(parser, name):
    with pytest.raises(UnsupportedError) as caught:
        parser.parse(["--onnx=a.onnx", f"--{name}", "value"], MISSING)
    assert str(caught.value) == f"--{name} is not available: {MISSING[name]}"
    assert len(str(caught.value)) < 120


def test_the_reasons_name_options_that_exist(parser):
    known = set(parser.parse(["--onnx=a.onnx"], {}).__dict__)
    words = [w for reason in MISSING.values() for w in reason.split() if w.startswith("--")]
    assert len(words) > 5
    assert {w[2:].partition("=")[0].rstrip(":;,") for w in words} <= known


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("exec", "one of the arguments --onnx --loadEngine is required"),
        ("exec --onnx=lstm --noSpinWait --useSpinWait", "not allowed with"),
        ("exec --onnx=lstm --workspace=inf", "'inf' is no number of MiB"),
        ("exec --onnx=lstm --workspace=1 --memPoolSize=workspace:2", "the same limit"),
        ("exec --onnx=lstm --memPoolSize=workspace:nan", "not POOL:SIZE"),
        ("exec --onnx=lstm --avgRuns=0", "'0' is no number of runs"),
        ("exec --onnx=lstm --stronglyTyped --fp16 --layerPrecisions=a:fp16",
         "--fp16, --layerPrecisions from the flags"),
        ("exec --onnx=lstm --stronglyTyped --precisionConstraints=obey",
         "--precisionConstraints=obey from the flags"),
        ("exec --onnx=lstm --duration=nan", "--duration: 'nan' is no time"),
        ("exec --onnx=lstm --duration=inf", "--duration: 'inf' is no time"),
        ("exec --onnx=lstm --warmUp=nan --duration=0", "--warmUp: 'nan' is no time"),
        ("exec --onnx=lstm --idleTime=1e300", "--idleTime: '1e300' is no time"),
        ("exec --onnx=lstm --iterations=0", "0 iterations"),
        ("profile lstm --duration nan", "--duration: 'nan' is no time"),
        ("profile lstm --warmup soon", "--warmup: 'soon' is no time"),
        ("profile lstm --seed=-1", "'-1' is no seed"),
        ("zoo export lstm --seed=-1", "'-1' is no seed"),
        ("monitor --interval nan --count 1", "--interval: 'nan' is no time"),
    ],
)  # fmt: skip
def test_values_that_make_no_sense_are_found_before_the_work(words, message, capsys):
    assert main(words.split()) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert "usage:" not in shown


def test_the_package_is_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "trtlab", "dance"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no command 'dance'" in done.stderr

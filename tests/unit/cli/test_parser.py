"""Command lines with mistakes: one sentence, and a way out."""

import subprocess
import sys

import pytest

from trtlab.cli.exec_missing import MISSING
from trtlab.cli.exec_options import declare
from trtlab.cli.main import main
from trtlab.cli.parser import CommandParser
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
    ],
)
def test_the_nearest_option_is_named(parser, word, near):
    parser.allow_abbrev = False
    with pytest.raises(UsageError, match=f"unknown option {word.split('=')[0]}") as caught:
        parser.parse(["--onnx=a.onnx", word], MISSING)
    assert caught.value.hint == f"did you mean {near}?"


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

"""The commands as a person types them: exit codes, what is printed, what is written."""

import json

import onnx
import pytest
from small_report import REPORT

from tests.support.tiny_models import branches, mlp
from trtlab.cli.main import COMMANDS, main
from trtlab.core.errors import UsageError
from trtlab.report.codec import load
from trtlab.session.one_call import profile


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "branches.onnx"
    onnx.save(branches(), path)
    return str(path)


def test_without_a_command_the_commands_are_listed(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name}" in shown for name in COMMANDS)
    assert all(word in shown for word in ("--version", "TRTLAB_THREADS", "TRTLAB_CACHE_DIR"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert f"trtlab {name}" in capsys.readouterr().out


def test_profile_writes_json_and_html(model, tmp_path, capsys):
    report, page = tmp_path / "r.json", tmp_path / "r.html"
    words = [
        "profile",
        model,
        "--shapes",
        "x:2x3x16x16",
        "--duration",
        "0.05",
        "--warmup",
        "1",
    ]
    assert main([*words, "--json", str(report), "--html", str(page)]) == 0
    shown = capsys.readouterr().out
    assert "latency" in shown
    assert "x 2x3x16x16" in shown
    data = json.loads(report.read_text())
    assert data["schema_version"] == 1
    assert data["benchmark"]["latency_ms"].keys() >= {"min", "median", "p90", "p95", "p99"}
    assert data["benchmark"]["throughput_qps"] > 0
    assert {"name", "type", "origins", "tactic", "precision", "flops", "bytes"} <= set(
        data["layers"][0]
    )
    timed = [layer for layer in data["layers"] if layer["time_us"]["samples"]]
    assert all(layer["time_us"]["median"] > 0 for layer in timed)
    assert load(report).model.name == "branches"
    html = page.read_text()
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "<script" in html


def test_exec_saves_an_engine_that_it_can_load(model, tmp_path, capsys):
    engine = tmp_path / "e.engine"
    fast = ["--duration=0.05", "--warmUp=1", "--iterations=3"]
    words = [
        "exec",
        f"--onnx={model}",
        "--shapes=x:1x3x16x16",
        f"--saveEngine={engine}",
        *fast,
    ]
    assert main(words) == 0
    exports = {name: tmp_path / f"{name}.json" for name in ("Times", "Profile", "LayerInfo")}
    flags = [f"--export{name}={path}" for name, path in exports.items()]
    assert main(["exec", f"--loadEngine={engine}", "--dumpProfile", *fast, *flags]) == 0
    shown = capsys.readouterr().out
    for words in (
        "=== Performance summary ===",
        "Throughput:",
        "percentile(99%)",
        "Total Host",
    ):
        assert words in shown
    assert all(json.loads(path.read_text()) for path in exports.values())


def test_exec_says_which_flags_are_a_gpus(model, capsys):
    flags = ["--noCudaGraph", "--useSpinWait"]
    fast = ["--shapes=x:1x3x16x16", "--duration=0.01", "--warmUp=1", "--iterations=1"]
    assert main(["exec", f"--onnx={model}", *fast, *flags]) == 0
    shown = capsys.readouterr().out
    for flag in flags:
        assert f"{flag} is accepted and has no effect on this device" in shown


def test_exec_takes_trtexec_profiles(tmp_path, capsys):
    path = tmp_path / "mlp.onnx"
    onnx.save(mlp(), path)
    shapes = ["--minShapes=x:1x16", "--optShapes=x:4x16", "--maxShapes=x:8x16"]
    assert main(["exec", f"--onnx={path}", *shapes, "--skipInference"]) == 0
    assert main(["exec", f"--onnx={path}", "--minShapes=x:9x16", "--maxShapes=x:8x16"]) == 2
    assert "min ≤ opt ≤ max" in capsys.readouterr().err


def test_inspect_shows_models_and_engines(model, tmp_path, capsys):
    assert main(["inspect", "model", model]) == 0
    assert "Conv " in capsys.readouterr().out
    engine = tmp_path / "e.engine"
    main(["exec", f"--onnx={model}", "--skipInference", f"--saveEngine={engine}"])
    capsys.readouterr()
    assert main(["inspect", "engine", str(engine), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["Layers"]


def test_zoo_lists_and_exports(tmp_path, capsys):
    assert main(["zoo", "list"]) == 0
    assert "mobilenet_v2" in capsys.readouterr().out
    path = tmp_path / "lstm.onnx"
    assert main(["zoo", "export", "lstm", "-o", str(path)]) == 0
    onnx.checker.check_model(str(path))


def test_monitor_writes_rows(tmp_path, capsys):
    assert main(["monitor", "--count", "2", "--interval", "20", "--csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("device,time_s,")
    assert len(lines) >= 3


@pytest.mark.parametrize(
    "words",
    [
        ["monitor", "--count=1", "-o"],
        ["zoo", "export", "lstm", "-o"],
        ["profile", "lstm", "--json"],
        ["profile", "lstm", "--html"],
        *(
            ["exec", "--onnx=lstm", f"--{name}"]
            for name in ("saveEngine", "exportTimes", "exportProfile", "exportLayerInfo",
                         "exportOutput")
        ),
    ],
    ids=lambda words: f"{words[0]} {words[-1]}",
)  # fmt: skip
def test_no_file_is_written_where_a_folder_is(words, tmp_path, capsys):
    assert main([*words, str(tmp_path)]) == 2
    assert f"{tmp_path}" in capsys.readouterr().err
    in_the_way = tmp_path / "file"
    in_the_way.write_text("precious")
    assert main([*words, str(in_the_way / "deeper")]) == 2
    assert f"cannot write {in_the_way / 'deeper'}" in capsys.readouterr().err
    assert in_the_way.read_text() == "precious"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_monitor_tells_of_a_file_that_cannot_be_opened(tmp_path, capsys):
    name = "x" * 300  # longer than file systems allow
    assert main(["monitor", "--count=1", "-o", str(tmp_path / name)]) == 2
    assert "name another file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["run.json", "run.json.gz"])
@pytest.mark.parametrize(
    "words",
    [["profile"], ["inspect", "model"], ["inspect", "engine"], ["exec", "--onnx"],
     ["exec", "--loadEngine"]],
    ids=" ".join,
)  # fmt: skip
def test_a_saved_report_is_recognized_by_every_command(words, name, tmp_path, capsys):
    path = REPORT.save(tmp_path / name)
    assert main([*words, str(path)]) == 2
    shown = capsys.readouterr().err
    assert "this is a report of trtlab, not an" in shown
    assert "`trtlab lab FILE`" in shown
    assert 'trtlab.load_report("FILE")' in shown


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["profile", "missing.onnx"], 2, "neither a file nor a zoo model"),
        (["profile", "lstm", "--shapes", "y:1x2"], 2, "names input 'y'"),
        (["profile", "lstm", "--tactic-sources", "magic"], 2, "no tactic source MAGIC"),
        (["profile", "lstm", "--device", "tpu"], 2, "unknown device 'tpu'"),
        (["exec", "--onnx=lstm", "--infStreams=4"], 3, "one stream"),
        (["zoo", "export", "resnet5"], 2, "did you mean resnet50"),
        (["zoo", "export", "nope"], 2, "one of bert"),
        (["inspect", "engine", "missing.engine"], 2, "cannot be read"),
        (["monitor", "--interval", "0"], 2, "must be positive"),
        (["dance"], 2, "no command 'dance'"),
    ],
)
def test_mistakes_are_answered_with_a_way_out(words, code, message, capsys):
    assert main(words) == code
    assert message in capsys.readouterr().err


def test_an_engine_tells_its_outputs_and_its_size(model, tmp_path, capsys):
    plan = tmp_path / "a.engine"
    ranges = ["--minShapes=x:1x3x16x16", "--optShapes=x:2x3x16x16", "--maxShapes=x:4x3x16x16"]
    words = ["--builderOptimizationLevel=0", "--skipInference", f"--saveEngine={plan}"]
    assert main(["exec", f"--onnx={model}", *ranges, *words]) == 0
    capsys.readouterr()
    assert main(["inspect", "engine", str(plan)]) == 0
    shown = capsys.readouterr().out
    assert "input x: fp32, min 1x3x16x16, opt 2x3x16x16, max 4x3x16x16" in shown
    assert "output y: fp32, min 1x10, opt 2x10, max 4x10" in shown
    assert " KiB weights" in shown


@pytest.mark.parametrize("shape", ["abc", 3, (1, 2.5)])
def test_a_shape_that_is_none_is_told(shape, model):
    with pytest.raises(
        UsageError, match=r"(?s)input 'x' is not made of whole.*at shapes.*try:"
    ):
        profile(model, shapes={"x": shape})


def test_a_shape_that_no_memory_holds_is_told_in_a_sentence(model, capsys, monkeypatch):
    def profile(*_, **__):
        raise MemoryError("Unable to allocate 1.09 TiB")

    monkeypatch.setattr("trtlab.cli.profile.profile", profile)
    assert main(["profile", model]) == 2
    told = capsys.readouterr().err
    assert "trtlab: the host ran out of memory" in told
    assert "  try: give smaller shapes" in told

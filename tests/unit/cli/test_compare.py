"""``trtlab compare``: what it prints and when it fails."""

from dataclasses import replace

import pytest
from sample_reports import resnet_report

from trtlab.cli.main import main
from trtlab.report.records import Samples


@pytest.fixture
def files(tmp_path):
    """A report, and one whose second layer and whose latency take half as long again."""
    before = resnet_report()
    head, second, *rest = before.layers
    slower = Samples(tuple(1.5 * x for x in second.time_us.samples))
    after = replace(
        before,
        layers=(head, replace(second, time_us=slower, tactic="cpu.other/1"), *rest),
        benchmark=replace(
            before.benchmark,
            samples_ms=tuple(1.5 * x for x in before.benchmark.samples_ms),
        ),
    )
    return before.save(tmp_path / "before.json"), after.save(tmp_path / "after.json")


def test_the_largest_difference_comes_first(files, capsys):
    assert main(["compare", *map(str, files), "--top", "2"]) == 0
    out = capsys.readouterr().out
    table = out[out.index("part of the model") :].splitlines()
    assert resnet_report().layers[1].name[:10] in table[2]
    assert "+50 %" in table[2]
    assert "→ " in table[2]
    assert "cpu.other/1" in table[2] or "…other/1" in table[2]
    assert "more parts, together" in table[4]
    assert "50 % slower" in out


def test_a_limit_makes_it_a_check(files, capsys):
    before, after = map(str, files)
    assert main(["compare", before, after, "--max-slowdown", "3"]) == 1
    assert "more than 3 % slower" in capsys.readouterr().out
    assert main(["compare", before, after, "--max-slowdown", "80"]) == 0
    assert main(["compare", after, before, "--max-slowdown", "0"]) == 0


def test_without_latencies_a_check_fails(files, tmp_path, capsys):
    silent = replace(resnet_report(), benchmark=None).save(tmp_path / "silent.json")
    assert main(["compare", str(files[0]), str(silent), "--max-slowdown", "3"]) == 1
    assert "not measured on both sides" in capsys.readouterr().out


def test_all_parts_as_a_table(files, tmp_path):
    path = tmp_path / "parts.csv"
    assert main(["compare", *map(str, files), "--csv", str(path)]) == 0
    lines = path.read_text("utf-8").splitlines()
    assert lines[0].startswith("part,before_us,after_us")
    assert len(lines) > 10


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--max-slowdown", "nan"], "is no per cent"),
        (["--max-slowdown", "-1"], "is no per cent"),
        (["--top", "many"], "is no number"),
    ],
)
def test_numbers_are_checked(files, capsys, words, said):
    assert main(["compare", *map(str, files), *words]) == 2
    assert said in capsys.readouterr().err


def test_a_file_that_is_no_report_is_told(files, tmp_path, capsys):
    other = tmp_path / "other.json"
    other.write_text("{}", "utf-8")
    assert main(["compare", str(files[0]), str(other)]) != 0
    assert "other.json" in capsys.readouterr().err


def test_the_table_does_not_take_a_reports_place(files, capsys):
    before, after = map(str, files)
    assert main(["compare", before, after, "--csv", after]) == 2
    assert "--csv" in capsys.readouterr().err
    assert files[1].read_text("utf-8").startswith("{")


def test_a_slower_machine_is_no_failure(tmp_path, capsys):
    """Nothing but the times is different."""
    before = resnet_report()
    samples = tuple(1.5 * x for x in before.benchmark.samples_ms)
    after = replace(before, benchmark=replace(before.benchmark, samples_ms=samples))
    files = [str(r.save(tmp_path / f"{n}.json")) for n, r in enumerate((before, after))]
    assert main(["compare", *files, "--max-slowdown", "3"]) == 0
    out = capsys.readouterr().out
    assert "Doubtful: 50 % slower" in out
    assert "doubt:  Conditions, options and tactics are the same" in out
    assert "more than 3 % slower, but not by what was built: not a failure" in out


def test_unstable_runs_and_opposed_directions_are_told(tmp_path, capsys):
    """As the workbench does, though the samples of the latencies call nothing different."""
    before = resnet_report()
    assert before.benchmark is not None
    run = replace(before.benchmark, verdicts=())
    before = replace(before, benchmark=run)
    shorter = replace(run.latency_ms, median=0.8 * run.latency_ms.median)
    line = "Unstable: compute times vary by 94 %; look at clocks."
    slower = tuple(
        replace(layer, time_us=Samples(tuple(1.6 * x for x in layer.time_us.samples)))
        for layer in before.layers
    )
    after = replace(
        before,
        layers=slower,
        benchmark=replace(run, latency_ms=shorter, verdicts=(line,)),
    )
    files = [str(r.save(tmp_path / f"{n}.json")) for n, r in enumerate((before, after))]
    assert main(["compare", *files]) == 0
    doubts = [line for line in capsys.readouterr().out.splitlines() if "doubt:  " in line]
    assert len(doubts) == 2
    assert "fell (−20 %) while the sum of the layers rose (+60 %)" in doubts[0]
    assert doubts[1].endswith(
        "second run is unstable: compute times vary by 94 %; look at clocks."
    )

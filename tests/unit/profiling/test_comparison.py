"""Layers of two engines meet in the nodes that they stand for."""

from dataclasses import replace

import numpy as np
import pytest
from sample_reports import resnet_report

import trtlab
from trtlab.core.errors import UsageError
from trtlab.profiling.comparison import MADE_BY_THE_BUILD, compare_reports
from trtlab.profiling.statistics import Verdict
from trtlab.report.records import Samples


def _layer(name, *origins, us=100.0, tactic="t/1", precision="fp32", seed=0, spread=0.01):
    noise = np.random.default_rng(seed).normal(1, spread, 60)
    return replace(
        resnet_report().layers[0],
        name=name,
        origins=origins,
        tactic=tactic,
        precision=precision,
        time_us=Samples(tuple(float(us * x) for x in noise)),
    )


def _report(*layers, **changes):
    return replace(resnet_report(), layers=layers, **changes)


def test_layers_that_share_a_node_are_one_part():
    """a+b and c against a and b+c: no smaller set of nodes is whole on both sides."""
    before = _report(_layer("ab", "a", "b"), _layer("c", "c"), _layer("d", "d"))
    after = _report(_layer("a", "a"), _layer("bc", "b", "c"), _layer("d", "d", seed=1))
    parts = {part.name: part for part in compare_reports(before, after).parts}
    assert set(parts) == {"ab", "d"}
    assert [layer.name for layer in parts["ab"].before] == ["ab", "c"]
    assert [layer.name for layer in parts["ab"].after] == ["a", "bc"]
    assert parts["ab"].before_us == pytest.approx(200, rel=0.01)


def test_times_of_a_part_are_sums_whose_difference_is_judged():
    before = _report(
        _layer("x", "x", us=80), _layer("y", "y", us=20), _layer("z", "z", us=50, seed=3)
    )
    after = _report(_layer("xy", "x", "y", us=60, seed=1), _layer("z", "z", us=50, seed=2))
    first, second = compare_reports(before, after).parts  # the larger difference first
    assert first.verdict.verdict is Verdict.REAL
    assert first.verdict.ratio == pytest.approx(0.6, rel=0.02)
    assert first.saved_us == pytest.approx(40, rel=0.05)
    assert second.name == "z"
    assert second.verdict.verdict is not Verdict.REAL


def test_what_was_done_otherwise_is_told():
    before = _report(
        _layer("x", "x", tactic="cuda.a.one/1"), _layer("y", "y", tactic="cuda.b/2")
    )
    after = _report(_layer("xy", "x", "y", tactic="cuda.a.two/1", precision="fp16"))
    (part,) = compare_reports(before, after).parts
    assert part.changes == (
        "2 → 1 layer",
        "fp32 → fp16",
        "cuda.a.one/1, cuda.b/2 → …two/1",
    )


def test_what_the_build_added_is_one_part():
    before = _report(_layer("x", "x"), _layer("reformat"))
    after = _report(_layer("x", "x", seed=1))
    parts = {part.name: part for part in compare_reports(before, after).parts}
    added = parts[MADE_BY_THE_BUILD]
    assert (len(added.before), len(added.after)) == (1, 0)
    assert added.verdict is None
    assert added.saved_us == pytest.approx(100, rel=0.02)


def test_a_report_against_itself_differs_nowhere():
    report = resnet_report()
    found = compare_reports(report, report)
    assert sum(len(part.before) for part in found.parts) == len(report.layers)
    assert all(part.saved_us == 0 and not part.changes for part in found.parts)
    assert found.conditions == ()
    assert found.latency.verdict is not Verdict.REAL


def test_conditions_that_differ_are_named():
    report = resnet_report()
    other = replace(
        report,
        device=replace(report.device, cores=8),
        config=replace(report.config, precision="fp16"),
    )
    found = compare_reports(report, other).conditions
    assert "threads: 2 → 8" in found
    assert "precision: fp32 → fp16" in found
    elsewhere = replace(other, device=replace(other.device, name="Another", driver="1"))
    found = compare_reports(report, elsewhere).conditions
    assert any(words.startswith("device: ") for words in found)
    assert not any(words.startswith("threads: ") for words in found)


def test_options_that_differ_are_named():
    report = resnet_report()
    config = replace(
        report.config,
        optimization_level=5,
        max_aux_streams=0,
        tactic_sources=(),
        memory_pools_bytes={"TACTIC_DRAM": 2**29},
        layer_precisions={"fc": "fp16"},
    )
    assert compare_reports(report, replace(report, config=config)).conditions == (
        "single layers: default → fc fp16",
        "level: 3 → 5",
        "auxiliary streams: 1 → 0",
        "tactic sources: CPU, ORT → default",
        "memory pools: workspace 1.00 GiB → tactic dram 512 MiB",
    )
    many = replace(config, layer_precisions=dict.fromkeys("abcd", "fp16"))
    found = compare_reports(replace(report, config=config), replace(report, config=many))
    assert found.conditions == ("single layers: fc fp16 → 4 set",)


def test_what_became_of_a_part_is_told_in_a_word():
    before = _report(
        _layer("a", "a", us=90), _layer("b", "b", us=50), _layer("c", "c", spread=0.2),
        _layer("d", "d"), _layer("gone"),
    )  # fmt: skip
    after = _report(
        _layer("a", "a", us=60, precision="fp16"), _layer("b", "b", us=70),
        _layer("c", "c", spread=0.2, seed=5), _layer("d", "d"),
        config=replace(before.config, precision="fp16"),
    )  # fmt: skip
    found = compare_reports(before, after)
    assert {part.name: part.outcome for part in found.parts} == {
        "a": "faster", "b": "slower", "c": "undecided", "d": "same", MADE_BY_THE_BUILD: "faster",
    }  # fmt: skip
    (part,) = (part for part in found.parts if part.name == "a")
    assert part.changes == ("fp32 → fp16",)
    assert found.changes_of(part) == ()  # the conditions tell it of all parts


def test_other_models_are_refused():
    with pytest.raises(UsageError, match="no node in common"):
        compare_reports(_report(_layer("x", "x")), _report(_layer("y", "y")))


def test_files_and_frames(tmp_path):
    pytest.importorskip("pandas")
    path = resnet_report().save(tmp_path / "run.json.gz")
    found = trtlab.compare(path, resnet_report())
    frame = found.to_pandas()
    assert len(frame) == len(found.parts)
    assert list(frame.columns[:4]) == ["part", "before_us", "after_us", "saved_us"]
    assert repr(found).startswith("ReportComparison(")
    assert f"{len(found.parts)} parts" in repr(found)

"""What records compute, and a report's own shortcuts."""

from dataclasses import replace

import pytest
from small_report import LAYERS, REPORT

from trtlab.core.errors import UsageError
from trtlab.report.percentile import percentile
from trtlab.report.records import ContenderRecord, Samples


@pytest.mark.parametrize(
    ("count", "percent", "expected"),
    [
        (10, 90, 9),
        (10, 99, 10),
        (10, 50, 5),
        (100, 99, 99),
        (200, 95, 190),
        (1, 99, 1),
        (4, 0, 1),
    ],
)
def test_percentile_is_trtexecs(count, percent, expected):
    assert percentile(range(1, count + 1), percent) == expected


@pytest.mark.parametrize(
    ("rejection", "refused"),
    [
        ("", False),
        ("kernel is 3×3, not 1×1", False),
        ("tactic source NUMPY is switched off", False),
        ("needs 4,096 bytes of workspace, the pool allows 0", False),
        ("failed while being timed: no room", True),
        ("failed while being tried: no room", True),
        ("faulted while being tried: 700", True),
        ("wrong: 7 of 8 values differ, by up to 3", True),
        ("wrote outside its output", True),
        ("left 1 of 16,384 values unwritten", True),
    ],
)
def test_refused_are_contenders_that_ran_and_failed(rejection, refused):
    assert ContenderRecord("a", None, rejection=rejection).refused == refused


def test_samples():
    samples = Samples((4.0, 1.0, 3.0, 2.0))
    assert (samples.median, samples.mean, samples.percentile(90)) == (2.5, 2.5, 4.0)
    assert samples.stdev == pytest.approx(1.118, abs=1e-3)


def test_no_samples_have_no_statistics():
    none = Samples(())
    assert (none.median, none.mean, none.stdev, none.percentile(90)) == (None,) * 4


def test_layer_by_its_name_or_its_origin():
    assert REPORT.layer("gemm") is LAYERS[1]
    assert REPORT.layer("Relu_1") is LAYERS[0]


def test_several_layers_of_one_origin():
    twins = replace(REPORT, layers=(LAYERS[0], replace(LAYERS[0], name="conv_b")))
    with pytest.raises(UsageError, match="2 layers of the report stand for 'Conv_0'"):
        twins.layer("Conv_0")


def test_no_such_layer():
    with pytest.raises(UsageError, match="no layer of the report is called 'gem'") as caught:
        REPORT.layer("gem")
    assert "gemm" in caught.value.hint


def test_a_report_prints_as_one_line():
    shown = repr(REPORT)
    assert REPORT.model.name in shown
    assert f"{len(LAYERS)} layers" in shown
    assert len(shown) < 200
    assert repr(replace(REPORT, benchmark=None)).endswith("not run)")

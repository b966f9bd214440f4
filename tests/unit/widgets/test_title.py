"""The head of the pages names everything that a number depends on."""

from dataclasses import replace

import pytest
from sample_reports import built_only, resnet_report
from trtlab_widgets.pages.build import build_page
from trtlab_widgets.pages.title import layer_counts, title

from trtlab.report.records import Report


@pytest.fixture(scope="module")
def report() -> Report:
    return resnet_report(iterations=20)


def counted(
    report: Report, nodes: int, constants: int, before: int, after: int, reformats: int
) -> Report:
    """A report with these counts; `after` layers come out of the passes."""
    first = report.layers[0]
    kinds = ["CONVOLUTION"] * after + ["REFORMAT"] * reformats
    layers = tuple(replace(first, index=i, type=kind) for i, kind in enumerate(kinds))
    one = report.build.passes[0]
    passes = (replace(one, layers_before=before), replace(one, layers_after=after))
    counts = {"Conv": nodes - constants, **({"Constant": constants} if constants else {})}
    return replace(
        report,
        model=replace(report.model, nodes=nodes, op_counts=counts),
        layers=layers,
        build=replace(report.build, passes=passes),
    )


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        (
            (154, 2, 152, 54, 1),
            "154 nodes (2 constants) → 152 layers → 54 + 1 reformat = 55",
        ),
        ((175, 0, 175, 57, 0), "175 nodes → 175 layers → 57"),
        (
            (1281, 23, 1288, 318, 0),
            "1,281 nodes (23 constants) → 1,288 layers → 318",
        ),
    ],
)
def test_nodes_and_layers_meet(
    report: Report, numbers: tuple[int, int, int, int, int], told: str
) -> None:
    made = counted(report, *numbers)
    assert layer_counts(made) == told
    assert told in title(made)
    assert told in build_page(made)


def test_layers_that_no_pass_made_are_counted_as_well(report: Report) -> None:
    made = counted(report, 20, 0, 20, 10, 2)
    more = replace(made, layers=(*made.layers, replace(made.layers[0], index=12)))
    assert layer_counts(more) == "20 nodes → 20 layers → 10 + 3 = 13"
    unchanged = replace(made, build=replace(made.build, passes=()))
    assert layer_counts(unchanged) == "20 nodes → 12 layers"


def test_a_build_alone_names_the_shapes_it_was_tuned_for(report: Report) -> None:
    profile = {"x": ((1, 3, 32, 32), (2, 3, 32, 32), (8, 3, 32, 32))}
    built = built_only(replace(report, config=replace(report.config, profiles=(profile,))))
    assert "x 2×3×32×32" in title(built)


def test_options_beside_the_defaults_are_named(report: Report) -> None:
    plain = replace(
        report.config, optimization_level=3, max_aux_streams=0, memory_pools_bytes={},
        tactic_sources=(), layer_precisions={}, flags=(),
    )  # fmt: skip
    before = title(replace(report, config=plain))
    assert "level" not in before
    config = replace(
        plain, optimization_level=5, max_aux_streams=2, memory_pools_bytes={"WORKSPACE": 1024},
        layer_precisions={"conv": "fp32"}, flags=("SPARSE_WEIGHTS",),
        tactic_sources=("cublaslt",),
    )  # fmt: skip
    html = title(replace(report, config=config))
    for fact in (
        "level 5", "2 auxiliary streams", "workspace 1.00 KiB", "1 layer set to fp32",
        "tactics of cublaslt", "sparse weights",
    ):  # fmt: skip
        assert f"<span>{fact}</span>" in html

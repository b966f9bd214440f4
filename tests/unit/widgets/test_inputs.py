import pytest
from hypothesis import given
from hypothesis import strategies as st
from trtlab_widgets.inputs import (
    extents_text,
    read_extents,
    read_range,
    read_size,
    read_within,
)

IMAGE = ("batch", 3, 224, 224)


@pytest.mark.parametrize(
    "text",
    ["1,3,224,224", "1×3×224×224", "(1, 3, 224, 224)", " 1 x 3x224 x224 ", "[1*3*224*224]"],
)
def test_shapes_can_be_written_in_many_ways(text: str) -> None:
    assert read_extents(text, IMAGE).value == (1, 3, 224, 224)


def test_nothing_typed_is_no_shape_and_no_problem() -> None:
    read = read_extents("  ", IMAGE)
    assert (read.value, read.problem) == (None, "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1,3,224", "4 dimensions are needed, 3 are given"),
        ("0,3,224,224", "'0' is not a positive whole number"),
        ("a,3,224,224", "'a' is not a positive whole number"),
        ("-1,3,224,224", "'-1' is not a positive whole number"),
        ("1,4,224,224", "dimension 1 is 3 in the model, not 4"),
    ],
)
def test_wrong_shapes_are_explained(text: str, problem: str) -> None:
    read = read_extents(text, IMAGE)
    assert read.value is None
    assert read.problem == problem


def test_a_range_needs_all_three_or_none() -> None:
    assert read_range(["", "", ""], ("n",)).value is None
    assert read_range(["", "", ""], ("n",)).problem == ""
    assert (
        read_range(["1", "", "4"], ("n",)).problem == "give min, opt and max, or none of them"
    )


def test_min_opt_and_max_must_not_fall() -> None:
    assert read_range(["2", "1", "4"], ("n",)).problem == "dimension 0: min 2 is above opt 1"
    assert read_range(["1", "5", "4"], ("n",)).problem == "dimension 0: opt 5 is above max 4"
    assert read_range(["1", "x1y", "4"], ("n",)).problem.startswith("opt: ")


@given(st.lists(st.tuples(*[st.integers(1, 64)] * 3), min_size=1, max_size=4))
def test_ordered_ranges_are_taken_and_others_are_not(
    dimensions: list[tuple[int, int, int]],
) -> None:
    low, likely, high = zip(*dimensions, strict=True)
    read = read_range([extents_text(s) for s in (low, likely, high)], ["n"] * len(low))
    if all(a <= b <= c for a, b, c in dimensions):
        assert read.value == (low, likely, high)
    else:
        assert read.value is None
        assert read.problem


def test_a_shape_to_run_at_lies_in_the_range() -> None:
    limits = ((1, 3), (2, 3), (8, 3))
    assert read_within("8,3", ("n", 3), limits).value == (8, 3)
    assert (
        read_within("9,3", ("n", 3), limits).problem == "dimension 0: 9 is not between 1 and 8"
    )
    assert read_within("9,3", ("n", 3), None).value == (9, 3)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512 MiB", 512 << 20),
        ("1.5G", 3 << 29),
        ("4096", 4096),
        ("2kb", 2048),
        ("1 TiB", 1 << 40),
    ],
)
def test_sizes_with_units(text: str, size: int) -> None:
    assert read_size(text).value == size


@pytest.mark.parametrize("text", ["lots", "12 parsecs", "-1 MiB", "0"])
def test_wrong_sizes_are_explained(text: str) -> None:
    assert read_size(text).value is None
    assert read_size(text).problem


def test_no_size_is_no_limit() -> None:
    assert read_size("").value is None
    assert read_size("").problem == ""

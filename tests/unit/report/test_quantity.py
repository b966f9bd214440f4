import pytest

from trtlab.report.quantity import nbytes, scaled


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1.00 KiB"),
        (12_900_000, "12.3 MiB"),
        (140 * 2**30, "140 GiB"),
    ],
)
def test_bytes_have_binary_prefixes(value: float | None, written: str) -> None:
    assert nbytes(value) == written


def test_less_than_the_smallest_unit_is_a_part_of_it() -> None:
    assert scaled(0.25, ((1.0, "ns"), (1e3, "µs"))) == "0.250 ns"

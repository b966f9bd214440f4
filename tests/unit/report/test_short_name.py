import pytest
from shown_names import SHOWN

from trtlab.report.short_name import bare_name, short_name


@pytest.mark.parametrize(("name", "letters", "wanted"), SHOWN)
def test_what_tells_layers_apart_stays(name: str, letters: int, wanted: str) -> None:
    assert short_name(name, letters) == wanted


def test_a_name_that_fits_is_whole_but_for_the_slash() -> None:
    for name, _, _ in SHOWN:
        assert short_name(name, len(name)) == bare_name(name)


def test_the_layers_of_a_model_keep_names_of_their_own() -> None:
    names = [
        f"/block.{i}/mlp/{part}/MatMul + /x" for i in range(24) for part in ("up", "down")
    ]
    assert len({short_name(name, 14) for name in names}) == len(names)
